#include "runtime/station/adaptation.h"

#include <algorithm>
#include <cmath>

#include "runtime/gaussian.h"
#include "runtime/json_text.h"
#include "runtime/random.h"
#include "runtime/reflection.h"
#include "runtime/sample_set.h"
#include "runtime/station/combination_fit.h"
#include "runtime/thread_pool.h"
#include "runtime/unet.h"

namespace altocast {
namespace {

constexpr std::uint64_t kAdaptationPurpose = 0x61646170;  // "adap": of the seed's streams
constexpr const char* kMend = "lower --rate-scale, or take fewer --steps";

// NLL a term of the samples at weights φ, forward passes only.
double mean_nll(UNet<float>& network, const std::vector<float>& phi, const std::vector<float>& log_noise,
                std::span<const Sample<float>> samples) {
  network.set_weights(phi.data());
  double nll = 0;
  for (const Sample<float>& sample : samples) nll += network.nll(sample, log_noise.data());
  return nll / (static_cast<double>(samples.size()) * static_cast<double>(network.terms()));
}

// Which step a diverged inner loop went wrong in; an empty Status if λ is fit to forecast with.
Status check_converged(const std::vector<InnerStepReport>& steps, const Gaussian<float>& lambda) {
  const auto finite = [](float value) { return std::isfinite(value); };
  for (std::size_t m = 0; m < steps.size(); ++m) {
    if (!std::isfinite(steps[m].objective) || !std::isfinite(steps[m].clipping.norm_mu)) {
      return Status::error("the adaptation diverged: the loss at step " + std::to_string(m + 1) + " of " +
                           std::to_string(steps.size()) + " is not a finite number; " + kMend);
    }
  }
  if (!std::all_of(lambda.mu.begin(), lambda.mu.end(), finite) ||
      !std::all_of(lambda.rho.begin(), lambda.rho.end(), [](float rho) { return rho >= kMinRho && rho <= kMaxRho; })) {
    return Status::error(std::string("the adaptation diverged: its last step left the range of weights; ") + kMend);
  }
  return {};
}

// Of the support pairs, with the weights that the network has.
CombinationFit fit_combination(const Prior& prior, UNet<float>& network, std::span<const Sample<float>> support,
                               const FrameRangeLimits& limits) {
  const int height = network.height(), width = network.width(), leads = prior.network.leads;
  ThreadPool& threads = network.threads();
  CombinationFit fit(height, width, leads, static_cast<int>(support.size()));
  CombinedForecast advection(height, width, leads);
  std::optional<ObservationNoise> noise;
  if (prior.noise) noise.emplace(*prior.noise, height, width);
  const std::vector<float> unscaled(static_cast<std::size_t>(leads), 1.0f);
  std::vector<float> forecast(network.terms()), scratch(mean_forecast_scratch(prior.network, height, width));
  for (const Sample<float>& sample : support) {
    advection.prepare(sample.frames, prior.network.input_frames, threads);
    if (noise) noise->prepare(sample.frames, prior.network.input_frames, unscaled, threads);
    mean_forecast(network, sample, scratch, forecast.data());
    for (float& value : forecast) value = limited(value, limits);
    fit.add(forecast, sample.target, advection, noise ? &*noise : nullptr);
  }
  return fit;
}

int wanted_pairs(const Prior& prior, const AdaptationSettings& settings) {
  return std::max(1, settings.pairs.value_or(prior.support_pairs));
}

InnerRates<float> scaled_rates(const Prior& prior, float scale) {
  InnerRates<float> rates = inner_rates(prior);
  for (float& rate : rates.mu) rate *= scale;
  for (float& rate : rates.rho) rate *= scale;
  return rates;
}

// The adaptation on windows of the frames.
Result<Adaptation> adapt_on(std::span<const FrameWindow> windows, const LoadedPrior& loaded, const FrameBlock& frames,
                            double largest, const AdaptationSettings& settings, Kernels<float>& kernels) {
  const FlushSubnormals flush;
  const Prior& prior = loaded.prior;
  InnerLoopSettings inner = prior.inner;
  inner.steps = settings.steps.value_or(inner.steps);
  SampleSet pairs(prior.network, frames.height, frames.width, windows.size());
  for (const FrameWindow& window : windows) {
    pairs.add(frames.from(window.first), frames.from(window.first + static_cast<std::size_t>(window.inputs)),
              kernels.threads());
  }
  const std::span<const Sample<float>> support = pairs.samples();

  UNet<float> network(prior.network, kernels, frames.height, frames.width, Purpose::gradient);
  InnerLoop<float> loop(network, inner, scaled_rates(prior, settings.rate_scale));
  Gaussian<float> theta;
  theta.mu = prior.mu;
  theta.rho = prior.rho;
  const double stiffness = loop.largest_kl_stiffness(theta, support.size() * network.terms());
  if (!(stiffness < 2.0)) {
    return Status::error(
        "the inner rates are too large for these frames: the pull to the prior is stable below 2 and is " +
        plain_number(stiffness, 3) + "; set --rate-scale below " +
        plain_number(static_cast<double>(settings.rate_scale) * 2.0 / stiffness, 2) + " or give more --pairs");
  }

  Adaptation result;
  result.nll_before = mean_nll(network, theta.mu, prior.log_noise, support);
  Gaussian<float> lambda = theta;
  CounterNoise<float> noise(derive_seed(settings.seed, kAdaptationPurpose), inner.antithetic);
  loop.adapt(theta, prior.log_noise, support, noise, lambda, &result.steps);
  ALTOCAST_RETURN_IF_ERROR(check_converged(result.steps, lambda));

  result.posterior = make_posterior(loaded, lambda.mu, lambda.rho);
  const std::size_t first = windows.front().first - frames.first;
  result.posterior.frames.assign(frames.names.begin() + static_cast<std::ptrdiff_t>(first), frames.names.end());
  result.posterior.inner = inner;
  result.posterior.support_pairs = static_cast<int>(support.size());
  result.posterior.seed = settings.seed;
  Result<AdaptedWeights> weights = adapted_weights(result.posterior, loaded);
  if (!weights.ok()) return weights.status();
  result.weights = *std::move(weights);
  network.set_weights(result.weights.mu.data());
  const CombinationFit fit = fit_combination(prior, network, support, frame_range_limits(prior.normalisation, largest));
  result.weights.combination = fit.fit(kernels.threads());
  result.posterior.combination = result.weights.combination;
  result.combination_gain = fit.gain(result.weights.combination);
  lambda.mu = result.weights.mu;
  lambda.rho = result.weights.rho;
  result.kl = kl_divergence(lambda, theta, kernels.threads());
  result.nll_after = inner.steps == 0 ? result.nll_before : mean_nll(network, lambda.mu, prior.log_noise, support);
  if (!std::isfinite(result.nll_after)) {
    return Status::error(std::string("the adaptation diverged: the loss after its last step is not a finite number; ") +
                         kMend);
  }
  result.first_time = frames.slots[first];
  result.last_time = frames.slots.back();
  return result;
}

}  // namespace

Result<Adaptation> adapt(const LoadedPrior& loaded, FrameCache& cache, const AdaptationSettings& settings,
                         Kernels<float>& kernels) {
  const Prior& prior = loaded.prior;
  const int inputs = prior.network.input_frames;
  const int leads = prior.network.leads;
  std::vector<FrameWindow> windows;
  const Result<FrameBlock> block = load_frames(
      cache,
      [&](const FrameCache& frames) -> Result<FrameRange> {
        Result<std::vector<FrameWindow>> pairs =
            frames.support_pairs(inputs, leads, wanted_pairs(prior, settings), settings.at);
        if (!pairs.ok()) return pairs.status();
        windows = *std::move(pairs);
        const std::size_t first = windows.front().first;
        return FrameRange{first, static_cast<int>(windows.back().first - first) + inputs + leads};
      },
      prior.normalisation);
  if (!block.ok()) return block.status();
  ALTOCAST_RETURN_IF_ERROR(check_size(prior.network, *block, cache.folder()));
  return adapt_on(windows, loaded, *block, cache.largest_number(), settings, kernels);
}

Result<Adaptation> adapt(const LoadedPrior& loaded, const FrameBlock& frames, double largest,
                         const AdaptationSettings& settings, Kernels<float>& kernels) {
  const int inputs = loaded.prior.network.input_frames;
  const int leads = loaded.prior.network.leads;
  std::vector<FrameWindow> windows =
      FrameCache::windows({frames.first, static_cast<std::size_t>(frames.count)}, inputs, leads);
  if (windows.empty()) {
    return Status::error(std::to_string(frames.count) + " frames are too few to adapt to: a pair takes " +
                         std::to_string(inputs) + " past and " + std::to_string(leads) + " future ones");
  }
  const std::size_t count = std::min(windows.size(), static_cast<std::size_t>(wanted_pairs(loaded.prior, settings)));
  return adapt_on(std::span(windows).last(count), loaded, frames, largest, settings, kernels);
}

}  // namespace altocast
