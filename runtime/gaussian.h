// Gaussians over the network's weights with diagonal covariance, N(μ, diag e^{2ρ}), and their Kullback–Leibler
// divergence. Sums run in double over the parameters in order.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace altocast {

template <class T>
struct Gaussian {
  std::vector<T> mu;   // [D]
  std::vector<T> rho;  // [D], log of the standard deviation

  Gaussian() = default;
  explicit Gaussian(std::size_t size) : mu(size), rho(size) {}
  std::size_t size() const { return mu.size(); }
};

// φ = μ + e^ρ ⊙ ε.
template <class T>
void sample_weights(const Gaussian<T>& q, std::span<const T> epsilon, std::span<T> phi);

// KL(q ‖ p) = Σ ρ_p − ρ_q + (e^{2ρ_q} + (μ_q − μ_p)²) / (2 e^{2ρ_p}) − ½. Never negative, and accurate however near q
// is to p.
template <class T>
double kl_divergence(const Gaussian<T>& q, const Gaussian<T>& p);

// gradient += weight · ∂KL(q ‖ p)/∂q:  ∂μ_q = (μ_q − μ_p) e^{−2ρ_p},  ∂ρ_q = e^{2(ρ_q − ρ_p)} − 1.
template <class T>
void add_kl_gradient(const Gaussian<T>& q, const Gaussian<T>& p, T weight, Gaussian<T>& gradient);

extern template void sample_weights(const Gaussian<float>&, std::span<const float>, std::span<float>);
extern template void sample_weights(const Gaussian<double>&, std::span<const double>, std::span<double>);
extern template double kl_divergence(const Gaussian<float>&, const Gaussian<float>&);
extern template double kl_divergence(const Gaussian<double>&, const Gaussian<double>&);
extern template void add_kl_gradient(const Gaussian<float>&, const Gaussian<float>&, float, Gaussian<float>&);
extern template void add_kl_gradient(const Gaussian<double>&, const Gaussian<double>&, double, Gaussian<double>&);

}  // namespace altocast
