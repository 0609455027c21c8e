// The outer level: the hyper-prior's density, KL(q(θ; ψ) ‖ p(θ)) and their gradients, in double.
#include "trainer/hyper_prior.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/derivatives.h"

namespace altocast {
namespace {

using test::kTolerance;
using test::normal_values;
using test::numeric_gradient;
using test::relative_error;
using test::Vector;

constexpr std::size_t kSize = 7;

Gaussian<double> gaussian(std::uint64_t seed, double mu_mean, double rho_mean) {
  Gaussian<double> result(kSize);
  result.mu = normal_values(seed, kSize, 0.3, mu_mean);
  result.rho = normal_values(seed + 1, kSize, 0.3, rho_mean);
  return result;
}

// Central differences of f over one half of `at`.
template <class Function>
Vector numeric(const Gaussian<double>& at, bool rho, const Function& f) {
  return numeric_gradient(rho ? at.rho : at.mu, [&](const Vector& half) {
    Gaussian<double> moved = at;
    (rho ? moved.rho : moved.mu) = half;
    return f(moved);
  });
}

TEST(HyperPrior, IsADensityInMuAndRho) {
  // ∫ dμ dρ p = 1, by the midpoint rule; the constants and the Jacobian of τ = e^{−2ρ} count.
  Gaussian<double> theta(1);
  double total = 0;
  constexpr double kStep = 0.02;
  for (double mu = -7; mu < 7; mu += 10 * kStep) {
    for (double rho = -4.5; rho < 12; rho += kStep) {
      theta.mu[0] = mu;
      theta.rho[0] = rho;
      total += std::exp(-hyper_prior_loss(theta)) * 10 * kStep * kStep;
    }
  }
  EXPECT_NEAR(total, 1, 1e-6);
}

TEST(HyperPrior, GradientIsThatOfItsDensity) {
  const Gaussian<double> theta = gaussian(1, 0, -2);
  Gaussian<double> gradient(kSize);
  add_hyper_prior_gradient(theta, 2.0, gradient);
  const auto loss = [](const Gaussian<double>& at) { return 2 * hyper_prior_loss(at); };
  EXPECT_LT(relative_error(gradient.mu, numeric(theta, false, loss)), kTolerance);
  EXPECT_LT(relative_error(gradient.rho, numeric(theta, true, loss)), kTolerance);
}

TEST(ThetaPosterior, DivergenceIsItsIntegral) {
  // KL = E_q[log q − log p] by the midpoint rule over η, μ and ρ apart.
  Gaussian<double> mean(1), spread(1), theta(1);
  mean.mu[0] = 0.7, mean.rho[0] = -1.8, spread.mu[0] = -0.4, spread.rho[0] = -0.9;
  const double log_2pi = std::log(2 * M_PI);
  double integral = 0;
  constexpr double kStep = 0.02;
  // Both halves on one grid: the loss is a sum over μ and ρ, and so is log q.
  for (double eta = -9; eta < 9; eta += kStep) {
    const double weight = std::exp(-0.5 * eta * eta - 0.5 * log_2pi) * kStep;
    theta.mu[0] = mean.mu[0] + std::exp(spread.mu[0]) * eta;
    theta.rho[0] = mean.rho[0] + std::exp(spread.rho[0]) * eta;
    integral += weight * (-spread.mu[0] - spread.rho[0] - eta * eta - log_2pi + hyper_prior_loss(theta));
  }
  EXPECT_NEAR(theta_divergence(mean, spread), integral, 1e-6);
}

TEST(ThetaPosterior, DivergenceGradientIsExact) {
  const Gaussian<double> mean = gaussian(3, 0.2, -2), spread = gaussian(5, -1, -0.8);
  Gaussian<double> grad_mean(kSize), grad_spread(kSize);
  add_theta_divergence_gradient(mean, spread, 3.0, grad_mean, grad_spread);
  const auto of_mean = [&](const Gaussian<double>& at) { return 3 * theta_divergence(at, spread); };
  const auto of_spread = [&](const Gaussian<double>& at) { return 3 * theta_divergence(mean, at); };
  EXPECT_LT(relative_error(grad_mean.mu, numeric(mean, false, of_mean)), kTolerance);
  EXPECT_LT(relative_error(grad_mean.rho, numeric(mean, true, of_mean)), kTolerance);
  EXPECT_LT(relative_error(grad_spread.mu, numeric(spread, false, of_spread)), kTolerance);
  EXPECT_LT(relative_error(grad_spread.rho, numeric(spread, true, of_spread)), kTolerance);
}

TEST(ThetaPosterior, NarrowOnePullsItsMeanAsADiracDoes) {
  const Gaussian<double> mean = gaussian(7, 0, -2), spread = gaussian(9, -12, -12);
  Gaussian<double> dirac(kSize), grad_mean(kSize), grad_spread(kSize);
  add_hyper_prior_gradient(mean, 1.0, dirac);
  add_theta_divergence_gradient(mean, spread, 1.0, grad_mean, grad_spread);
  EXPECT_LT(relative_error(grad_mean.mu, dirac.mu), 1e-8);
  EXPECT_LT(relative_error(grad_mean.rho, dirac.rho), 1e-8);
}

TEST(ThetaPosterior, GradientGoesThroughTheDraw) {
  // A loss of θ with a gradient that differs from place to place: Σ sin(μ) + cos(2ρ).
  const Gaussian<double> mean = gaussian(11, 0, -1), spread = gaussian(13, -1, -1);
  constexpr std::uint64_t kSeed = 5;
  const auto loss = [&](const Gaussian<double>& m, const Gaussian<double>& s) {
    Gaussian<double> theta;
    draw_theta(m, s, kSeed, theta);
    double sum = 0;
    for (std::size_t d = 0; d < kSize; ++d) sum += std::sin(theta.mu[d]) + std::cos(2 * theta.rho[d]);
    return sum;
  };
  Gaussian<double> theta, grad_theta(kSize), grad_spread;
  draw_theta(mean, spread, kSeed, theta);
  for (std::size_t d = 0; d < kSize; ++d) {
    grad_theta.mu[d] = std::cos(theta.mu[d]);
    grad_theta.rho[d] = -2 * std::sin(2 * theta.rho[d]);
  }
  spread_gradient(spread, kSeed, grad_theta, grad_spread);
  const auto of_mean = [&](const Gaussian<double>& at) { return loss(at, spread); };
  const auto of_spread = [&](const Gaussian<double>& at) { return loss(mean, at); };
  EXPECT_LT(relative_error(grad_theta.mu, numeric(mean, false, of_mean)), kTolerance);
  EXPECT_LT(relative_error(grad_theta.rho, numeric(mean, true, of_mean)), kTolerance);
  EXPECT_LT(relative_error(grad_spread.mu, numeric(spread, false, of_spread)), kTolerance);
  EXPECT_LT(relative_error(grad_spread.rho, numeric(spread, true, of_spread)), kTolerance);
  EXPECT_NE(theta.mu[0] - mean.mu[0], theta.rho[0] - mean.rho[0]);
}

}  // namespace
}  // namespace altocast
