#include "runtime/station/adaptation.h"

#include <algorithm>
#include <cmath>

#include "runtime/frames/time_of_day.h"
#include "runtime/gaussian.h"
#include "runtime/json_text.h"
#include "runtime/random.h"
#include "runtime/sample_set.h"
#include "runtime/station/combination_fit.h"
#include "runtime/station/forecast_memory.h"
#include "runtime/symmetry.h"
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

// Windows of the frames, oldest first each.
struct LearningPairs {
  std::vector<FrameWindow> support;    // to adapt the weights on, and to learn a combination from
  std::vector<FrameWindow> same_hour;  // others, to learn a correction from
  std::int64_t now = 0;                // of the newest frame

  std::size_t size() const { return support.size() + same_hour.size(); }
  std::vector<FrameRange> ranges() const {
    std::vector<FrameWindow> windows(size());
    std::merge(support.begin(), support.end(), same_hour.begin(), same_hour.end(), windows.begin(),
               [](const FrameWindow& a, const FrameWindow& b) { return a.first < b.first; });
    return ranges_of(windows);
  }
};

// The block that holds frame `index`.
const FrameBlock& block_of(std::span<const FrameBlock> blocks, std::size_t index) {
  return *std::find_if(blocks.begin(), blocks.end(), [&](const FrameBlock& block) {
    return index >= block.first && index < block.first + static_cast<std::size_t>(block.count);
  });
}

// Of pairs that are `days` days before now (time_of_day.h), the first of them support pairs; with weights φ.
CombinationFit fit_combination(const Prior& prior, UNet<float>& network, std::span<float> phi,
                               std::span<const Sample<float>> pairs, std::span<const int> days,
                               std::size_t support_pairs, const FrameRangeLimits& limits) {
  const int height = network.height(), width = network.width(), leads = prior.network.leads;
  ThreadPool& threads = network.threads();
  CombinationFit fit(height, width, leads, static_cast<int>(pairs.size()), prior.noise ? &*prior.noise : nullptr,
                     limits);
  CombinedForecast advection(height, width, leads);
  std::optional<ObservationNoise> noise;
  if (prior.noise) noise.emplace(*prior.noise, height, width, false);
  const Combination unchanged = default_combination(leads);
  MeanForecast mean(network);
  std::vector<float> forecast(network.terms());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Sample<float>& sample = pairs[i];
    advection.prepare(sample.frames, prior.network.input_frames, threads);
    if (noise) noise->prepare(sample.frames, prior.network.input_frames, unchanged, threads);
    mean.forward(phi, sample, forecast);
    for (float& value : forecast) value = limited(value, limits);
    fit.add(forecast, sample.target, advection, noise ? &*noise : nullptr, days[i], i < support_pairs);
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

Result<LearningPairs> learning_pairs(const LoadedPrior& loaded, const FrameCache& cache,
                                     const AdaptationSettings& settings) {
  const int inputs = loaded.prior.network.input_frames, leads = loaded.prior.network.leads;
  Result<std::vector<FrameWindow>> support =
      cache.support_pairs(inputs, leads, wanted_pairs(loaded.prior, settings), settings.at);
  if (!support.ok()) return support.status();
  LearningPairs pairs;
  pairs.support = *std::move(support);
  pairs.now = cache.frames()[*cache.newest_frame(settings.at)].slot;
  for (const FrameWindow& pair : cache.same_hour_pairs(inputs, leads, settings.at)) {
    const auto same = [&](const FrameWindow& other) { return other.first == pair.first; };
    if (std::none_of(pairs.support.begin(), pairs.support.end(), same)) pairs.same_hour.push_back(pair);
  }
  return pairs;
}

// Each window lies within one of the blocks.
Result<Adaptation> adapt_on(const LearningPairs& windows, const LoadedPrior& loaded, std::span<const FrameBlock> blocks,
                            double largest, const AdaptationSettings& settings, Kernels<float>& kernels) {
  const FlushSubnormals flush;
  const Prior& prior = loaded.prior;
  InnerLoopSettings inner = prior.inner;
  inner.steps = settings.steps.value_or(inner.steps);
  const int height = blocks.front().height, width = blocks.front().width;
  SampleSet pairs(prior.network, height, width, windows.size());
  const auto slot_of = [&](std::size_t frame) {
    const FrameBlock& block = block_of(blocks, frame);
    return block.slots[frame - block.first];
  };
  std::vector<int> days;
  for (const std::vector<FrameWindow>* list : {&windows.support, &windows.same_hour}) {
    for (const FrameWindow& window : *list) {
      const FrameBlock& block = block_of(blocks, window.first);
      const std::size_t targets = window.first + static_cast<std::size_t>(window.inputs);
      pairs.add(block.from(window.first), block.from(targets), kernels.threads());
      days.push_back(days_before(slot_of(targets - 1), windows.now));
    }
  }
  const std::span<const Sample<float>> support = pairs.samples().first(windows.support.size());

  UNet<float> network(prior.network, kernels, height, width, Purpose::gradient);
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
  for (const FrameRange& range : ranges_of(windows.support)) {
    const FrameBlock& block = block_of(blocks, range.first);
    const auto name = block.names.begin() + static_cast<std::ptrdiff_t>(range.first - block.first);
    result.posterior.frames.insert(result.posterior.frames.end(), name, name + range.count);
  }
  result.posterior.inner = inner;
  result.posterior.support_pairs = static_cast<int>(support.size());
  result.posterior.seed = settings.seed;
  Result<AdaptedWeights> weights = adapted_weights(result.posterior, loaded);
  if (!weights.ok()) return weights.status();
  result.weights = *std::move(weights);
  const CombinationFit fit = fit_combination(prior, network, result.weights.mu, pairs.samples(), days, support.size(),
                                             frame_range_limits(prior.normalisation, largest));
  result.weights.combination = fit.fit(kernels.threads(), windows.now);
  result.posterior.combination = result.weights.combination;
  result.hour_pairs = static_cast<int>(std::count_if(days.begin(), days.end(), [](int day) { return day > 0; }));
  result.combination_gain = fit.gain(result.weights.combination);
  lambda.mu = result.weights.mu;
  lambda.rho = result.weights.rho;
  result.kl = kl_divergence(lambda, theta, kernels.threads());
  result.nll_after = inner.steps == 0 ? result.nll_before : mean_nll(network, lambda.mu, prior.log_noise, support);
  if (!std::isfinite(result.nll_after)) {
    return Status::error(std::string("the adaptation diverged: the loss after its last step is not a finite number; ") +
                         kMend);
  }
  const FrameWindow& last = windows.support.back();
  result.first_time = slot_of(windows.support.front().first);
  result.last_time = slot_of(last.first + static_cast<std::size_t>(last.inputs + last.targets) - 1);
  return result;
}

}  // namespace

Status check_memory(const LoadedPrior& loaded, const FrameCache& cache, const AdaptationSettings& settings,
                    const Kernels<float>& kernels) {
  const Result<LearningPairs> pairs = learning_pairs(loaded, cache, settings);
  if (!pairs.ok()) return pairs.status();
  int frames = 0;
  for (const FrameRange& range : pairs->ranges()) frames += range.count;
  return check_adaptation_memory(loaded.prior, kernels,
                                 {cache.height(), cache.width(), static_cast<int>(pairs->size()), frames},
                                 settings.memory_limit);
}

Result<Adaptation> adapt(const LoadedPrior& loaded, FrameCache& cache, const AdaptationSettings& settings,
                         Kernels<float>& kernels) {
  LearningPairs windows;
  std::size_t run_first = 0;
  const Result<std::vector<FrameBlock>> blocks = load_ranges(
      cache,
      [&](const FrameCache& frames) -> Result<std::vector<FrameRange>> {
        ALTOCAST_RETURN_IF_ERROR(check_memory(loaded, frames, settings, kernels));
        Result<LearningPairs> pairs = learning_pairs(loaded, frames, settings);
        if (!pairs.ok()) return pairs.status();
        windows = *std::move(pairs);
        run_first = frames.run_of(*frames.newest_frame(settings.at)).first;
        return windows.ranges();
      },
      loaded.prior.normalisation);
  if (!blocks.ok()) return blocks.status();
  ALTOCAST_RETURN_IF_ERROR(check_size(loaded.prior.network, blocks->front(), cache.folder()));
  Result<Adaptation> adaptation = adapt_on(windows, loaded, *blocks, cache.largest_number(), settings, kernels);
  if (adaptation.ok()) {
    adaptation->earlier_pairs =
        static_cast<int>(std::count_if(windows.support.begin(), windows.support.end(),
                                       [&](const FrameWindow& pair) { return pair.first < run_first; }));
  }
  return adaptation;
}

Result<Adaptation> adapt(const LoadedPrior& loaded, const FrameBlock& frames, double largest,
                         const AdaptationSettings& settings, Kernels<float>& kernels) {
  const int inputs = loaded.prior.network.input_frames;
  const int leads = loaded.prior.network.leads;
  LearningPairs windows;
  windows.support = FrameCache::windows({frames.first, static_cast<std::size_t>(frames.count)}, inputs, leads);
  std::vector<FrameWindow>& support = windows.support;
  if (support.empty()) {
    return Status::error(std::to_string(frames.count) + " frames are too few to adapt to: a pair takes " +
                         std::to_string(inputs) + " past and " + std::to_string(leads) + " future ones");
  }
  const std::size_t count = std::min(support.size(), static_cast<std::size_t>(wanted_pairs(loaded.prior, settings)));
  support.erase(support.begin(), support.end() - static_cast<std::ptrdiff_t>(count));
  return adapt_on(windows, loaded, {&frames, 1}, largest, settings, kernels);
}

}  // namespace altocast
