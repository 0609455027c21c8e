#include "trainer/fit_update.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/random.h"
#include "trainer/hyper_prior.h"

namespace altocast {
namespace {

// From 1 at the start of the warm-up, and of what follows it, by a cosine to a twentieth at its end.
double annealing(const FitSettings& settings, int step) {
  const bool warmup = step < settings.warmup_steps;
  const int first = warmup ? 0 : settings.warmup_steps;
  const int end = warmup ? settings.warmup_steps : std::max(settings.steps, first + 1);
  const double part = std::min(1.0, static_cast<double>(step - first) / static_cast<double>(end - first));
  return 0.05 + 0.95 * 0.5 * (1.0 + std::cos(std::numbers::pi * part));
}

}  // namespace

Phase phase_of(const FitSettings& settings, int step) {
  if (step < settings.warmup_steps) return Phase::warmup;
  return step < settings.warmup_steps + settings.first_order_steps ? Phase::first_order : Phase::second_order;
}

std::uint64_t theta_seed(const FitSettings& settings, int step) {
  constexpr std::uint64_t kTheta = 0x74686574;
  return derive_seed(settings.seed, kTheta, static_cast<std::uint64_t>(step));
}

StepNorms update(const FitSettings& settings, Phase phase, BatchResult& batch, FitState& state) {
  const bool warmup = phase == Phase::warmup;
  Gaussian<float>& theta = state.learned.theta;
  const double terms = static_cast<double>(settings.query_pairs) * static_cast<double>(settings.network.leads) *
                       static_cast<double>(settings.tile) * static_cast<double>(settings.tile);
  Gaussian<float> grad_spread;
  if (!warmup && state.spread) {
    spread_gradient(*state.spread, theta_seed(settings, state.step), batch.grad_theta, grad_spread);
    add_theta_divergence_gradient(theta, *state.spread, settings.hyper_prior_weight / terms, batch.grad_theta,
                                  grad_spread);
  } else if (!warmup && settings.hyper_prior_weight > 0) {
    add_hyper_prior_gradient(theta, settings.hyper_prior_weight / terms, batch.grad_theta);
  }
  StepNorms norms;
  norms.mu = clip_norm(batch.grad_theta.mu, settings.gradient_clip);
  norms.rho = clip_norm(batch.grad_theta.rho, settings.gradient_clip);
  if (settings.gradient_clip > 0) {
    state.clipped_mu += norms.mu > settings.gradient_clip;
    state.clipped_rho += norms.rho > settings.gradient_clip;
  }
  const double annealed = annealing(settings, state.step);
  const double rate = annealed * (warmup ? settings.warmup_learning_rate : settings.learning_rate);
  state.adam_mu.step(theta.mu, batch.grad_theta.mu, rate);
  const std::vector<float> grad_log_noise(batch.grad_log_noise.begin(), batch.grad_log_noise.end());
  state.adam_log_noise.step(state.learned.log_noise, grad_log_noise, 3.0 * rate);
  if (!warmup) {
    state.adam_rho.step(theta.rho, batch.grad_theta.rho, annealed * settings.rho_learning_rate);
    const auto low = static_cast<float>(settings.rho_low);
    const auto high = static_cast<float>(settings.rho_high);
    for (float& rho : theta.rho) rho = std::clamp(rho, low, high);
  }
  if (!grad_spread.mu.empty()) {
    const auto learn = [&](Adam& adam, std::vector<float>& spread, std::vector<float>& gradient) {
      clip_norm(gradient, settings.gradient_clip);
      adam.step(spread, gradient, annealed * settings.rho_learning_rate);
      for (float& value : spread) value = std::clamp(value, -20.0f, 0.0f);
    };
    learn(state.adam_spread_mu, state.spread->mu, grad_spread.mu);
    learn(state.adam_spread_rho, state.spread->rho, grad_spread.rho);
  }
  if (!warmup && settings.rate_learning_rate > 0) {
    const auto learn = [&](Adam& adam, std::vector<float>& rates, const std::vector<double>& gradient) {
      std::vector<float> narrow(gradient.begin(), gradient.end());
      clip_norm(narrow, settings.gradient_clip);
      std::vector<float> log_change(rates.size());
      adam.step(log_change, narrow, annealed * settings.rate_learning_rate);
      for (std::size_t t = 0; t < rates.size(); ++t) rates[t] = std::min(rates[t] * std::exp(log_change[t]), 1e6f);
    };
    learn(state.adam_log_rate_mu, state.learned.rates.mu, batch.grad_log_rates.mu);
    learn(state.adam_log_rate_rho, state.learned.rates.rho, batch.grad_log_rates.rho);
  }
  for (float& s : state.learned.log_noise) s = std::clamp(s, -8.0f, 4.0f);
  return norms;
}

void update_average(const FitSettings& settings, FitState& state) {
  if (!state.average) return;
  const int first = state.step < settings.warmup_steps ? 0 : settings.warmup_steps;
  const double since = state.step - first;
  const auto share = static_cast<float>(1.0 - std::min(settings.average_decay, (1 + since) / (10 + since)));
  const auto follow = [share](std::vector<float>& average, const std::vector<float>& learned) {
    for (std::size_t i = 0; i < average.size(); ++i) average[i] += share * (learned[i] - average[i]);
  };
  follow(state.average->theta.mu, state.learned.theta.mu);
  follow(state.average->theta.rho, state.learned.theta.rho);
  follow(state.average->log_noise, state.learned.log_noise);
  follow(state.average->rates.mu, state.learned.rates.mu);
  follow(state.average->rates.rho, state.learned.rates.rho);
}

}  // namespace altocast
