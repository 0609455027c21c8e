#include "trainer/hyper_prior.h"

#include <cmath>
#include <numbers>
#include <span>

#include "runtime/random.h"

namespace altocast {
namespace {

constexpr double kShape = 1.0;
constexpr double kRate = 0.01;
const double kHalfLog2Pi = 0.5 * std::log(2 * std::numbers::pi);
// −log of the Gamma density in ρ is rate τ + 2 shape ρ + this.
const double kGammaConstant = std::lgamma(kShape) - kShape * std::log(kRate) - std::numbers::ln2;

}  // namespace

template <class T>
double hyper_prior_loss(const Gaussian<T>& theta) {
  double loss = 0;
  for (std::size_t d = 0; d < theta.size(); ++d) {
    const auto mu = static_cast<double>(theta.mu[d]), rho = static_cast<double>(theta.rho[d]);
    loss += 0.5 * mu * mu + kHalfLog2Pi + kRate * std::exp(-2 * rho) + 2 * kShape * rho + kGammaConstant;
  }
  return loss;
}

template <class T>
void add_hyper_prior_gradient(const Gaussian<T>& theta, double weight, Gaussian<T>& gradient) {
  for (std::size_t d = 0; d < theta.size(); ++d) {
    const double precision = std::exp(-2 * static_cast<double>(theta.rho[d]));
    gradient.mu[d] += static_cast<T>(weight * static_cast<double>(theta.mu[d]));
    gradient.rho[d] += static_cast<T>(weight * (2 * kShape - 2 * kRate * precision));
  }
}

template <class T>
double theta_divergence(const Gaussian<T>& mean, const Gaussian<T>& spread) {
  double divergence = 0;
  for (std::size_t d = 0; d < mean.size(); ++d) {
    const auto mu = static_cast<double>(mean.mu[d]), rho = static_cast<double>(mean.rho[d]);
    const auto spread_mu = static_cast<double>(spread.mu[d]), spread_rho = static_cast<double>(spread.rho[d]);
    const double precision = std::exp(-2 * rho + 2 * std::exp(2 * spread_rho));
    divergence += 0.5 * (mu * mu + std::exp(2 * spread_mu) - 1) - spread_mu;
    divergence += kRate * precision + 2 * kShape * rho + kGammaConstant - spread_rho - 0.5 - kHalfLog2Pi;
  }
  return divergence;
}

template <class T>
void add_theta_divergence_gradient(const Gaussian<T>& mean, const Gaussian<T>& spread, double weight,
                                   Gaussian<T>& grad_mean, Gaussian<T>& grad_spread) {
  for (std::size_t d = 0; d < mean.size(); ++d) {
    const double variance_mu = std::exp(2 * static_cast<double>(spread.mu[d]));
    const double variance_rho = std::exp(2 * static_cast<double>(spread.rho[d]));
    const double precision = std::exp(-2 * static_cast<double>(mean.rho[d]) + 2 * variance_rho);
    grad_mean.mu[d] += static_cast<T>(weight * static_cast<double>(mean.mu[d]));
    grad_mean.rho[d] += static_cast<T>(weight * (2 * kShape - 2 * kRate * precision));
    grad_spread.mu[d] += static_cast<T>(weight * (variance_mu - 1));
    grad_spread.rho[d] += static_cast<T>(weight * (4 * kRate * precision * variance_rho - 1));
  }
}

template <class T>
void draw_theta(const Gaussian<T>& mean, const Gaussian<T>& spread, std::uint64_t seed, Gaussian<T>& theta) {
  const auto draw = [&](std::uint64_t stream, const std::vector<T>& m, const std::vector<T>& s, std::vector<T>& to) {
    to.resize(m.size());
    fill_normal(seed, stream, 0, std::span<T>(to));
    for (std::size_t d = 0; d < m.size(); ++d) to[d] = m[d] + std::exp(s[d]) * to[d];
  };
  draw(0, mean.mu, spread.mu, theta.mu);
  draw(1, mean.rho, spread.rho, theta.rho);
}

template <class T>
void spread_gradient(const Gaussian<T>& spread, std::uint64_t seed, const Gaussian<T>& grad_theta,
                     Gaussian<T>& grad_spread) {
  const auto pull_back = [&](std::uint64_t stream, const std::vector<T>& s, const std::vector<T>& grad,
                             std::vector<T>& to) {
    to.resize(s.size());
    fill_normal(seed, stream, 0, std::span<T>(to));
    for (std::size_t d = 0; d < s.size(); ++d) to[d] *= std::exp(s[d]) * grad[d];
  };
  pull_back(0, spread.mu, grad_theta.mu, grad_spread.mu);
  pull_back(1, spread.rho, grad_theta.rho, grad_spread.rho);
}

#define ALTOCAST_INSTANTIATE(T)                                                                             \
  template double hyper_prior_loss(const Gaussian<T>&);                                                     \
  template void add_hyper_prior_gradient(const Gaussian<T>&, double, Gaussian<T>&);                         \
  template double theta_divergence(const Gaussian<T>&, const Gaussian<T>&);                                 \
  template void add_theta_divergence_gradient(const Gaussian<T>&, const Gaussian<T>&, double, Gaussian<T>&, \
                                              Gaussian<T>&);                                                \
  template void draw_theta(const Gaussian<T>&, const Gaussian<T>&, std::uint64_t, Gaussian<T>&);            \
  template void spread_gradient(const Gaussian<T>&, std::uint64_t, const Gaussian<T>&, Gaussian<T>&);
ALTOCAST_INSTANTIATE(float)
ALTOCAST_INSTANTIATE(double)

}  // namespace altocast
