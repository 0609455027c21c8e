#include "runtime/inner_loop.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/elementary.h"
#include "runtime/random.h"
#include "runtime/weight_loops.h"

namespace altocast {
namespace {

template <class T>
double sum_of_squares(const T* values, std::size_t count) {
  return chunk_sum(count,
                   [=](std::size_t i) { return static_cast<double>(values[i]) * static_cast<double>(values[i]); });
}

// The Euclidean norm from the parts' sums of squares.
double norm_of(const std::array<double, kWeightParts>& squares) {
  double total = 0;
  for (const double sum : squares) total += sum;
  return std::sqrt(total);
}

template <class T>
void make_zero(std::vector<T>& values, std::size_t size, ThreadPool& threads) {
  values.resize(size);
  set_zero(values, threads);
}

double clip_factor(double norm, double limit) { return limit > 0 && norm > limit ? limit / norm : 1.0; }

}  // namespace

template <class T>
void CounterNoise<T>::draw(int step, int sample, std::size_t first, std::span<T> epsilon) {
  const std::uint64_t seed = derive_seed(seed_, static_cast<std::uint64_t>(step));
  fill_normal(seed, static_cast<std::uint64_t>(stream(sample)), first, epsilon);
  if (stream(sample) != sample) {
    for (T& value : epsilon) value = -value;
  }
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

InnerRates<float> inner_rates(const Prior& prior) { return {prior.rate_mu, prior.rate_rho}; }

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
  draw_.deviation.resize(parameter_count(network.spec()));
  draw_.phi = draw_.deviation;
  if (!single_draw()) draw_.grad_phi = draw_.phi;
}

template <class T>
void InnerLoop<T>::chunk_deviation(const WeightChunk& chunk, NoiseSource<T>& noise, int step, int sample, const T* rho,
                                   T* deviation) const {
  noise.draw(step, sample, chunk.first, std::span(deviation, chunk.count));
  weight_loops<T>().scale_by_exp(rho, deviation, chunk.count);
}

template <class T>
const T* InnerLoop<T>::chunk_deviation(const WeightChunk& chunk, const InnerStep<T>& made, NoiseSource<T>& noise,
                                       int step, const T* rho, T* scratch) const {
  if (!made.deviation.empty()) return &made.deviation[chunk.first];
  if (made.likelihood.rho.empty()) chunk_deviation(chunk, noise, step, 0, rho, scratch);
  return scratch;
}

template <class T>
void InnerLoop<T>::chunk_gradient(const WeightChunk& chunk, const Gaussian<T>& theta, const InnerStep<T>& made,
                                  const T* mu, const T* rho, const T* deviation, T* grad_mu, T* grad_rho) const {
  const T* likelihood_mu = &made.likelihood.mu[chunk.first];
  const T* likelihood_rho = made.likelihood.rho.empty() ? nullptr : &made.likelihood.rho[chunk.first];
  kl_gradient(mu, rho, theta, chunk.first, chunk.count, made.kl_weight, grad_mu, grad_rho);
  T* __restrict to_mu = grad_mu;
  T* __restrict to_rho = grad_rho;
  const T scale = made.scale;
  for (std::size_t i = 0; i < chunk.count; ++i) to_mu[i] += scale * likelihood_mu[i];
  if (likelihood_rho) {
    for (std::size_t i = 0; i < chunk.count; ++i) to_rho[i] += scale * likelihood_rho[i];
  } else {
    for (std::size_t i = 0; i < chunk.count; ++i) to_rho[i] += deviation[i] * (scale * likelihood_mu[i]);
  }
}

template <class T>
void InnerLoop<T>::chunk_update(const WeightChunk& chunk, const InnerStep<T>& made, const T* grad_mu, const T* grad_rho,
                                T* mu, T* rho) const {
  const T rate_mu = rates_.mu[chunk.tensor] * static_cast<T>(made.clipping.factor_mu);
  const T rate_rho = rates_.rho[chunk.tensor] * static_cast<T>(made.clipping.factor_rho);
  for (std::size_t i = 0; i < chunk.count; ++i) mu[i] -= rate_mu * grad_mu[i];
  for (std::size_t i = 0; i < chunk.count; ++i) rho[i] -= rate_rho * grad_rho[i];
}

template <class T>
void InnerLoop<T>::chunk_replay(const WeightChunk& chunk, const Gaussian<T>& theta, std::span<const InnerStep<T>> steps,
                                NoiseSource<T>& noise, T* mu, T* rho) const {
  std::copy_n(&theta.mu[chunk.first], chunk.count, mu);
  std::copy_n(&theta.rho[chunk.first], chunk.count, rho);
  T drawn[kWeightChunk], grad_mu[kWeightChunk], grad_rho[kWeightChunk];
  for (std::size_t m = 0; m < steps.size(); ++m) {
    const int step = static_cast<int>(m);
    const T* deviation = chunk_deviation(chunk, steps[m], noise, step, rho, drawn);
    chunk_gradient(chunk, theta, steps[m], mu, rho, deviation, grad_mu, grad_rho);
    chunk_update(chunk, steps[m], grad_mu, grad_rho, mu, rho);
  }
}

template <class T>
void InnerLoop<T>::start_draw(const Gaussian<T>& q, NoiseSource<T>& noise, int step, int sample) {
  for_each_chunk([&](int, const WeightChunk& chunk) {
    T* deviation = &draw_.deviation[chunk.first];
    T* phi = &draw_.phi[chunk.first];
    chunk_deviation(chunk, noise, step, sample, &q.rho[chunk.first], deviation);
    for (std::size_t i = 0; i < chunk.count; ++i) phi[i] = q.mu[chunk.first + i] + deviation[i];
  });
}

template <class T>
void InnerLoop<T>::flip() {
  flipout_.apply(std::span<const T>(signs_), std::span<T>(draw_.deviation), threads());
}

template <class T>
void InnerLoop<T>::weigh(const Gaussian<T>& q) {
  for_weight_parts(q.size(), threads(), [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) draw_.phi[d] = q.mu[d] + draw_.deviation[d];
  });
}

template <class T>
InnerStepReport InnerLoop<T>::descend(const Gaussian<T>& theta, Gaussian<T>& lambda, std::span<const T> log_noise,
                                      std::span<const Sample<T>> support, NoiseSource<T>& noise, int step,
                                      InnerStep<T>& made, std::span<Pass<T>* const> keep) {
  const double terms = static_cast<double>(support.size()) * static_cast<double>(network_.terms());
  const T weight = static_cast<T>(1.0 / terms);
  const bool single = single_draw();
  Gaussian<T>& likelihood = made.likelihood;
  make_zero(likelihood.mu, lambda.size(), threads());
  if (!single) make_zero(likelihood.rho, lambda.size(), threads());
  made.scale = single ? weight : T{1};
  made.kl_weight = static_cast<T>(settings_.kl_weight) * weight;
  InnerStepReport report;
  report.kl = kl_divergence(lambda, theta, threads());
  for (int s = 0; s < settings_.samples; ++s) {
    for_each_draw(lambda, noise, step, s, support.size(), [&](std::size_t first, std::size_t count) {
      // A single draw's gradient needs no memory of its own.
      std::vector<T>& grad_phi = single ? likelihood.mu : draw_.grad_phi;
      if (!single) make_zero(grad_phi, lambda.size(), threads());
      const std::size_t first_pass = static_cast<std::size_t>(s) * support.size() + first;
      report.nll += nll_gradient(network_, std::span<const T>(draw_.phi), log_noise, support.subspan(first, count),
                                 std::span(grad_phi), std::span(grad_log_noise_),
                                 keep.empty() ? keep : keep.subspan(first_pass, count));
      if (!single) add_sample_gradient(draw_, weight / static_cast<T>(settings_.samples), likelihood, threads());
    });
  }
  report.nll /= terms * settings_.samples;
  report.objective = static_cast<double>(settings_.kl_weight) * report.kl / terms + report.nll;

  // The norms are known after a pass over all weights; unless they are limited, λ moves in that pass.
  const bool limited = settings_.clip_mu > 0 || settings_.clip_rho > 0;
  std::array<double, kWeightParts> squares_mu{}, squares_rho{};
  const auto pass = [&](bool measure, bool move) {
    for_each_chunk([&](int part, const WeightChunk& chunk) {
      T *mu = &lambda.mu[chunk.first], *rho = &lambda.rho[chunk.first];
      const T* deviation = &draw_.deviation[chunk.first];
      T grad_mu[kWeightChunk], grad_rho[kWeightChunk];
      chunk_gradient(chunk, theta, made, mu, rho, deviation, grad_mu, grad_rho);
      if (measure) {
        squares_mu[static_cast<std::size_t>(part)] += sum_of_squares(grad_mu, chunk.count);
        squares_rho[static_cast<std::size_t>(part)] += sum_of_squares(grad_rho, chunk.count);
      }
      if (!move) return;
      if (!made.deviation.empty()) std::copy_n(deviation, chunk.count, &made.deviation[chunk.first]);
      chunk_update(chunk, made, grad_mu, grad_rho, mu, rho);
    });
  };
  made.clipping = {};
  pass(true, !limited);
  made.clipping = clipping(squares_mu, squares_rho);
  if (limited) pass(false, true);
  report.clipping = made.clipping;
  return report;
}

template <class T>
Clipping InnerLoop<T>::clipping(const std::array<double, kWeightParts>& squares_mu,
                                const std::array<double, kWeightParts>& squares_rho) const {
  Clipping made{.norm_mu = norm_of(squares_mu), .norm_rho = norm_of(squares_rho)};
  made.factor_mu = clip_factor(made.norm_mu, static_cast<double>(settings_.clip_mu));
  made.factor_rho = clip_factor(made.norm_rho, static_cast<double>(settings_.clip_rho));
  return made;
}

template <class T>
void InnerLoop<T>::adapt(const Gaussian<T>& theta, std::span<const T> log_noise, std::span<const Sample<T>> support,
                         NoiseSource<T>& noise, Gaussian<T>& lambda, std::vector<InnerStepReport>* reports) {
  for (int step = 0; step < settings_.steps; ++step) {
    const InnerStepReport report = descend(theta, lambda, log_noise, support, noise, step, made_);
    if (reports) reports->push_back(report);
  }
}

template <class T>
InnerRates<double> InnerLoop<T>::kl_stiffness(const Gaussian<T>& theta, std::size_t terms) const {
  InnerRates<double> stiffness;
  stiffness.mu.resize(rates_.mu.size());
  stiffness.rho.resize(rates_.rho.size());
  const double weight = static_cast<double>(settings_.kl_weight) / static_cast<double>(terms);
  for (std::size_t t = 0; t < layout_.size(); ++t) {
    const auto first = theta.rho.begin() + static_cast<std::ptrdiff_t>(layout_[t].offset);
    const T rho = *std::min_element(first, first + static_cast<std::ptrdiff_t>(layout_[t].size));
    const double precision = static_cast<double>(portable_exp(T{-2} * rho));
    // ∂²KL/∂μ² = σ_θ^−2; ∂²KL/∂ρ² = 2 at λ = θ.
    stiffness.mu[t] = weight * precision * static_cast<double>(rates_.mu[t]);
    stiffness.rho[t] = weight * 2.0 * static_cast<double>(rates_.rho[t]);
  }
  return stiffness;
}

template <class T>
double InnerLoop<T>::largest_kl_stiffness(const Gaussian<T>& theta, std::size_t terms) const {
  const InnerRates<double> stiffness = kl_stiffness(theta, terms);
  return std::max(*std::max_element(stiffness.mu.begin(), stiffness.mu.end()),
                  *std::max_element(stiffness.rho.begin(), stiffness.rho.end()));
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
