#include "runtime/station/station_forecast.h"

#include <algorithm>
#include <cmath>

#include "runtime/frames/frame_block.h"
#include "runtime/json_text.h"
#include "runtime/sample_set.h"
#include "runtime/station/ensemble.h"

namespace altocast {
namespace {

// Pictures show what cache.toml says, or else all numbers that an image can hold, in the frames' own units.
void set_range(const FrameCache& cache, ForecastProduct& product) {
  const FrameCacheSettings& settings = cache.settings();
  const double largest = cache.largest_number();
  const double zero = settings.values.offset;
  const double full = settings.values.offset + settings.values.scale * largest;
  product.range_low = static_cast<float>(settings.range_low.value_or(std::min(zero, full)));
  product.range_high = static_cast<float>(settings.range_high.value_or(std::max(zero, full)));
}

}  // namespace

Result<StationForecast> forecast(const LoadedPrior& loaded, const AdaptedWeights& weights, FrameCache& cache,
                                 const ForecastSettings& settings, Kernels<float>& kernels) {
  const Prior& prior = loaded.prior;
  const int inputs = prior.network.input_frames;
  const Result<FrameBlock> block = load_frames(
      cache,
      [&](const FrameCache& frames) -> Result<FrameRange> {
        const Result<FrameWindow> window = frames.newest_input(inputs, settings.at);
        if (!window.ok()) return window.status();
        return FrameRange{window->first, inputs};
      },
      prior.normalisation);
  if (!block.ok()) return block.status();
  ALTOCAST_RETURN_IF_ERROR(check_size(prior.network, *block, cache.folder()));
  const Result<int> cadence = cadence_of(prior, cache);
  if (!cadence.ok()) return cadence.status();
  const std::uint64_t pixels = static_cast<std::uint64_t>(block->height) * static_cast<std::uint64_t>(block->width);
  ALTOCAST_RETURN_IF_ERROR(
      check_ensemble_memory(pixels * static_cast<std::uint64_t>(prior.network.leads), settings.members));

  EnsembleForecaster forecaster(prior, kernels, block->height, block->width);
  Gaussian<float> q;
  q.mu = weights.mu;
  q.rho = weights.rho;
  const EnsembleUnits units = ensemble_units(cache.settings(), prior.normalisation, cache.largest_number());
  SampleSet inputs_only(prior.network, block->height, block->width, 1);
  const Sample<float>& input = inputs_only.add(block->from(block->first), nullptr, kernels.threads());
  StationForecast result;
  result.values_.resize(forecaster.member_size() * static_cast<std::size_t>(settings.members));
  const EnsembleCentre& centre = forecaster.forecast(q, input, units, settings.seed, result.values_);
  result.mean_ = centre.mean;
  if (!std::all_of(result.values_.begin(), result.values_.end(), [](float value) { return std::isfinite(value); })) {
    return Status::error(
        "the forecast is not finite: the weights are not fit; adapt with a lower --rate-scale or take "
        "another prior");
  }

  ForecastProduct& product = result.product_;
  product.members = settings.members;
  product.leads = prior.network.leads;
  product.height = block->height;
  product.width = block->width;
  product.values = result.values_;
  product.mean = result.mean_;
  product.weight_variance = centre.weight_variance;
  product.start_time = block->slots.back();
  product.cadence_seconds = *cadence;
  for (int i = 0; i < inputs; ++i) {
    const float* first = block->from(block->first + static_cast<std::size_t>(i));
    std::vector<float>& frame = result.past_.emplace_back(first, first + pixels);
    for (float& value : frame)
      value = static_cast<float>(units.values.offset + units.values.scale * static_cast<double>(value));
    product.past.push_back({block->slots[static_cast<std::size_t>(i)], frame});
  }
  product.channel = cache.settings().channel;
  product.region = cache.settings().region;
  product.units = cache.settings().units;
  set_range(cache, product);
  product.bright_is_low = cache.settings().values.scale < 0.0;
  product.prior_sha256 = to_hex(loaded.sha256);
  product.seed = settings.seed;
  return result;
}

}  // namespace altocast
