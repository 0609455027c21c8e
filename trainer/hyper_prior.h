// The outer level of the model: the hyper-prior p(θ) over the prior θ = (μ, ρ) of the weights, and the posterior q(θ;
// ψ).
//   p(θ): for each weight μ ~ N(0, 1) and 1/σ² = τ = e^{−2ρ} ~ Gamma(shape 1, rate 0.01), as a density in ρ, so with
//   the
//         Jacobian |dτ/dρ| = 2τ:  p(ρ) ∝ τ^shape e^{−rate τ}
//   q(θ; ψ): a Dirac at θ, or θ ~ N(mean, diag e^{2 spread}), each number of θ apart; ψ = (mean, spread).
// KL(q ‖ p) is closed, since E_q e^{−2ρ} = e^{−2 mean + 2 e^{2 spread}}. docs/derivation.md derives it.
#pragma once

#include <cstdint>

#include "runtime/gaussian.h"

namespace altocast {

enum class ThetaPosterior { dirac, gaussian };

// −log p(θ), and its gradient: what a Dirac's divergence is but for a constant.
template <class T>
double hyper_prior_loss(const Gaussian<T>& theta);
template <class T>
void add_hyper_prior_gradient(const Gaussian<T>& theta, double weight, Gaussian<T>& gradient);

// KL(q(θ; ψ) ‖ p(θ)) of the Gaussian, and its gradient with respect to mean and spread.
template <class T>
double theta_divergence(const Gaussian<T>& mean, const Gaussian<T>& spread);
template <class T>
void add_theta_divergence_gradient(const Gaussian<T>& mean, const Gaussian<T>& spread, double weight,
                                   Gaussian<T>& grad_mean, Gaussian<T>& grad_spread);

// θ = mean + e^spread ⊙ η, η standard normal and a function of the seed alone.
template <class T>
void draw_theta(const Gaussian<T>& mean, const Gaussian<T>& spread, std::uint64_t seed, Gaussian<T>& theta);

// grad_spread = e^spread ⊙ η ⊙ grad_theta with the same η; that for the mean is grad_theta itself.
template <class T>
void spread_gradient(const Gaussian<T>& spread, std::uint64_t seed, const Gaussian<T>& grad_theta,
                     Gaussian<T>& grad_spread);

}  // namespace altocast
