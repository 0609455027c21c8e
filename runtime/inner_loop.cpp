#include "runtime/inner_loop.h"

#include <algorithm>
#include <cmath>

#include "runtime/elementary.h"
#include "runtime/random.h"

namespace altocast {
namespace {

template <class T>
double euclidean_norm(std::span<const T> values, ThreadPool& threads) {
  return std::sqrt(sum_weight_parts(values.size(), threads, [&](std::size_t first, std::size_t end) {
    double sum = 0;
    for (std::size_t d = first; d < end; ++d) sum += static_cast<double>(values[d]) * static_cast<double>(values[d]);
    return sum;
  }));
}

double clip_factor(double norm, double limit) { return limit > 0 && norm > limit ? limit / norm : 1.0; }

}  // namespace

template <class T>
void CounterNoise<T>::draw(int step, int sample, std::span<T> epsilon, ThreadPool& threads) {
  const std::uint64_t seed = derive_seed(seed_, static_cast<std::uint64_t>(step));
  for_weight_parts(epsilon.size(), threads, [&](int, std::size_t first, std::size_t end) {
    const std::span<T> part = epsilon.subspan(first, end - first);
    fill_normal(seed, static_cast<std::uint64_t>(stream(sample)), first, part);
    if (stream(sample) != sample) {
      for (T& value : part) value = -value;
    }
  });
}

// 32 signs a random number.
template <class T>
void CounterNoise<T>::draw_signs(int step, int sample, std::size_t pair, std::span<T> signs) {
  constexpr std::uint64_t kSigns = 1;  // the normal numbers are 0
  const std::uint64_t seed = derive_seed(seed_, static_cast<std::uint64_t>(step), kSigns, pair);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < signs.size(); ++i, bits >>= 1) {
    if (i % 32 == 0) bits = random_bits(seed, static_cast<std::uint64_t>(stream(sample)), i / 32);
    signs[i] = bits & 1u ? T{-1} : T{1};
  }
}

template <class T>
double nll_gradient(UNet<T>& network, std::span<const T> phi, std::span<const T> log_noise,
                    std::span<const Sample<T>> samples, std::span<T> grad_phi, std::span<double> grad_log_noise,
                    std::span<Pass<T>* const> keep) {
  network.set_weights(phi.data());
  double nll = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    nll += network.backward(samples[i], log_noise.data(), grad_phi.data(), grad_log_noise.data(),
                            keep.empty() ? nullptr : keep[i]);
  }
  return nll;
}

template <class T>
void add_sample_gradient(const WeightDraw<T>& draw, T weight, Gaussian<T>& gradient, ThreadPool& threads) {
  for_weight_parts(gradient.size(), threads, [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) {
      const T g = weight * draw.grad_phi[d];
      gradient.mu[d] += g;
      gradient.rho[d] += draw.deviation[d] * g;
    }
  });
}

InnerRates<float> inner_rates(const Prior& prior) {
  if (!prior.step_rate_mu.empty()) return {prior.step_rate_mu, prior.step_rate_rho};
  return {prior.rate_mu, prior.rate_rho};
}

template <class T>
InnerLoop<T>::InnerLoop(UNet<T>& network, const InnerLoopSettings& settings, InnerRates<T> rates)
    : network_(network),
      settings_(settings),
      rates_(std::move(rates)),
      layout_(parameter_layout(network.spec())),
      flipout_(network.spec()),
      signs_(flipout_.sign_count()),
      grad_log_noise_(static_cast<std::size_t>(network.spec().leads)) {
  network_.set_likelihood(settings_.likelihood);
  const std::vector<T> zeros(parameter_count(network.spec()));
  draw_ = {zeros, zeros, zeros};
}

template <class T>
void InnerLoop<T>::start_draw(const Gaussian<T>& q, NoiseSource<T>& noise, int step, int sample) {
  noise.draw(step, sample, draw_.deviation, threads());
  for_weight_parts(q.size(), threads(), [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) draw_.deviation[d] *= portable_exp(q.rho[d]);
  });
}

template <class T>
void InnerLoop<T>::flip() {
  if (settings_.flipout) flipout_.apply(std::span<const T>(signs_), std::span<T>(draw_.deviation), threads());
}

template <class T>
void InnerLoop<T>::weigh(const Gaussian<T>& q) {
  for_weight_parts(q.size(), threads(), [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) draw_.phi[d] = q.mu[d] + draw_.deviation[d];
  });
}

template <class T>
InnerStepReport InnerLoop<T>::gradient(const Gaussian<T>& theta, const Gaussian<T>& lambda,
                                       std::span<const T> log_noise, std::span<const Sample<T>> support,
                                       NoiseSource<T>& noise, int step, Gaussian<T>& gradient,
                                       std::span<Pass<T>* const> keep) {
  const double terms = static_cast<double>(support.size()) * static_cast<double>(network_.terms());
  const T weight = static_cast<T>(1.0 / terms);
  InnerStepReport report;
  report.kl = kl_divergence(lambda, theta, threads());
  std::fill(gradient.mu.begin(), gradient.mu.end(), T{0});
  std::fill(gradient.rho.begin(), gradient.rho.end(), T{0});
  add_kl_gradient(lambda, theta, static_cast<T>(settings_.kl_weight) * weight, gradient, threads());
  for (int s = 0; s < settings_.samples; ++s) {
    for_each_draw(lambda, noise, step, s, support.size(), [&](std::size_t first, std::size_t count) {
      std::fill(draw_.grad_phi.begin(), draw_.grad_phi.end(), T{0});
      const std::size_t first_pass = static_cast<std::size_t>(s) * support.size() + first;
      report.nll += nll_gradient(network_, std::span<const T>(draw_.phi), log_noise, support.subspan(first, count),
                                 std::span(draw_.grad_phi), std::span(grad_log_noise_),
                                 keep.empty() ? keep : keep.subspan(first_pass, count));
      add_sample_gradient(draw_, weight / static_cast<T>(settings_.samples), gradient, threads());
    });
  }
  report.nll /= terms * settings_.samples;
  report.objective = static_cast<double>(settings_.kl_weight) * report.kl / terms + report.nll;
  Clipping& clipping = report.clipping;
  clipping.norm_mu = euclidean_norm(std::span<const T>(gradient.mu), threads());
  clipping.norm_rho = euclidean_norm(std::span<const T>(gradient.rho), threads());
  clipping.factor_mu = clip_factor(clipping.norm_mu, static_cast<double>(settings_.clip_mu));
  clipping.factor_rho = clip_factor(clipping.norm_rho, static_cast<double>(settings_.clip_rho));
  return report;
}

template <class T>
void InnerLoop<T>::update(Gaussian<T>& lambda, const Gaussian<T>& gradient, const Clipping& clipping, int step) const {
  const std::size_t row = rate_row(step);
  for_each_piece([&](std::size_t t, std::size_t first, std::size_t end) {
    const T rate_mu = rates_.mu[row + t] * static_cast<T>(clipping.factor_mu);
    const T rate_rho = rates_.rho[row + t] * static_cast<T>(clipping.factor_rho);
    for (std::size_t d = first; d < end; ++d) {
      lambda.mu[d] -= rate_mu * gradient.mu[d];
      lambda.rho[d] -= rate_rho * gradient.rho[d];
    }
  });
}

template <class T>
void InnerLoop<T>::adapt(const Gaussian<T>& theta, std::span<const T> log_noise, std::span<const Sample<T>> support,
                         NoiseSource<T>& noise, Gaussian<T>& lambda, std::vector<InnerStepReport>* reports) {
  if (gradient_.size() != lambda.size()) gradient_ = Gaussian<T>(lambda.size());
  for (int step = 0; step < settings_.steps; ++step) {
    const InnerStepReport report = gradient(theta, lambda, log_noise, support, noise, step, gradient_);
    update(lambda, gradient_, report.clipping, step);
    if (reports) reports->push_back(report);
  }
}

template <class T>
double InnerLoop<T>::kl_stiffness(const Gaussian<T>& theta, std::size_t terms) const {
  double largest = 0;
  for (std::size_t t = 0; t < layout_.size(); ++t) {
    const auto first = theta.rho.begin() + static_cast<std::ptrdiff_t>(layout_[t].offset);
    const T rho = *std::min_element(first, first + static_cast<std::ptrdiff_t>(layout_[t].size));
    const double precision = static_cast<double>(portable_exp(T{-2} * rho));
    for (std::size_t rate = t; rate < rates_.mu.size(); rate += layout_.size()) {
      // ∂²KL/∂μ² = σ_θ^−2; ∂²KL/∂ρ² = 2 at λ = θ.
      largest = std::max(
          {largest, static_cast<double>(rates_.mu[rate]) * precision, 2.0 * static_cast<double>(rates_.rho[rate])});
    }
  }
  return largest * static_cast<double>(settings_.kl_weight) / static_cast<double>(terms);
}

template class CounterNoise<float>;
template class CounterNoise<double>;
template class InnerLoop<float>;
template class InnerLoop<double>;
template double nll_gradient(UNet<float>&, std::span<const float>, std::span<const float>,
                             std::span<const Sample<float>>, std::span<float>, std::span<double>,
                             std::span<Pass<float>* const>);
template double nll_gradient(UNet<double>&, std::span<const double>, std::span<const double>,
                             std::span<const Sample<double>>, std::span<double>, std::span<double>,
                             std::span<Pass<double>* const>);
template void add_sample_gradient(const WeightDraw<float>&, float, Gaussian<float>&, ThreadPool&);
template void add_sample_gradient(const WeightDraw<double>&, double, Gaussian<double>&, ThreadPool&);

}  // namespace altocast
