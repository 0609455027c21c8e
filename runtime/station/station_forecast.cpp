#include "runtime/station/station_forecast.h"

#include <algorithm>
#include <cmath>

#include "formats/file_system.h"
#include "runtime/frames/time_of_day.h"
#include "runtime/json_text.h"
#include "runtime/sample_set.h"
#include "runtime/station/forecast_memory.h"

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

// The day up to `now`, and the files of whatever time that were left out.
FeedHealth feed_health(const FrameCache& cache, std::int64_t now, int cadence) {
  constexpr std::int64_t kDay = 86400;
  constexpr std::size_t kNamed = 30;  // files
  FeedHealth feed;
  feed.since = std::max(now - kDay, cache.frames().front().slot - cadence);
  for (const FrameEntry& frame : cache.frames()) {
    if (frame.slot > feed.since && frame.slot <= now) ++(frame.bridged ? feed.bridged : feed.used);
  }
  feed.missing = std::max(0, static_cast<int>((now - feed.since) / cadence) - feed.used);
  const std::vector<RejectedFrame>& rejected = cache.rejected();
  feed.left_out_count = static_cast<int>(rejected.size());
  for (std::size_t i = rejected.size() - std::min(rejected.size(), kNamed); i < rejected.size(); ++i) {
    std::string reason = rejected[i].reason;
    if (reason.starts_with(rejected[i].path + ": ")) reason.erase(0, rejected[i].path.size() + 2);
    feed.left_out.emplace_back(file_name(rejected[i].path), std::move(reason));
  }
  return feed;
}

// What cache.toml says of the pictures.
Status set_pictures(const FrameCache& cache, ForecastProduct& product) {
  const ProductSettings& settings = cache.settings().products;
  product.station = settings.station;
  product.palette = settings.palette.value_or(default_palette(cache.settings().channel));
  product.thresholds = settings.thresholds;
  product.georeference = cache.georeference();
  if (settings.coastlines.empty()) return {};
  Result<Coastlines> lines = load_coastlines(settings.coastlines);
  if (!lines.ok()) return lines.status();
  product.coastlines = *std::move(lines);
  return {};
}

// The weights without a correction that is not for this hour; none where there is none to leave out.
std::optional<AdaptedWeights> of_another_hour(const AdaptedWeights& weights, std::int64_t now) {
  const std::optional<DiurnalCorrection>& diurnal = weights.combination.diurnal;
  if (!diurnal || same_hour(diurnal->time, now)) return std::nullopt;
  AdaptedWeights without = weights;
  without.combination.diurnal.reset();
  return without;
}

}  // namespace

Result<EnsembleCentre> forecast_members(const Prior& prior, const AdaptedWeights& weights, const FrameBlock& frames,
                                        const EnsembleUnits& units, std::uint64_t seed, Kernels<float>& kernels,
                                        std::span<float> values, const EnsembleThrift& thrift) {
  const int inputs = prior.network.input_frames;
  if (frames.count < inputs) {
    return Status::error(std::to_string(frames.count) + " frames are too few to forecast from: the prior takes " +
                         std::to_string(inputs));
  }
  SampleSet inputs_only(prior.network, frames.height, frames.width, 1);
  const Sample<float>& input = inputs_only.add(
      frames.from(frames.first + static_cast<std::size_t>(frames.count - inputs)), nullptr, kernels.threads());
  inputs_only.finish();
  EnsembleForecaster forecaster(
      prior, kernels, frames.height, frames.width, thrift,
      CombinedForecast::of(input.frames, inputs, frames.height, frames.width, prior.network.leads, kernels.threads()));
  const std::optional<AdaptedWeights> uncorrected = of_another_hour(weights, frames.slots.back());
  forecaster.forecast(uncorrected ? *uncorrected : weights, input, units, seed, values);
  EnsembleCentre centre = forecaster.take_centre();
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    return Status::error(
        "the forecast is not finite: the weights are not fit; adapt with a lower --rate-scale or take "
        "another prior");
  }
  return centre;
}

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

  const Result<EnsembleThrift> thrift =
      thrift_for(prior, kernels, {block->height, block->width, settings.members}, settings.memory_limit);
  if (!thrift.ok()) return thrift.status();

  const EnsembleUnits units = ensemble_units(cache.settings(), prior.normalisation, cache.largest_number());
  StationForecast result;
  ALTOCAST_RETURN_IF_ERROR(set_pictures(cache, result.product_));  // before the work
  result.values_.resize(static_cast<std::size_t>(pixels) * static_cast<std::size_t>(prior.network.leads) *
                        static_cast<std::size_t>(settings.members));
  Result<EnsembleCentre> centre =
      forecast_members(prior, weights, *block, units, settings.seed, kernels, result.values_, *thrift);
  if (!centre.ok()) return centre.status();
  result.mean_ = std::move(centre->mean);

  ForecastProduct& product = result.product_;
  product.members = settings.members;
  product.leads = prior.network.leads;
  product.height = block->height;
  product.width = block->width;
  product.values = result.values_;
  product.mean = result.mean_;
  product.weight_variance = std::move(centre->weight_variance);
  product.start_time = block->slots.back();
  product.cadence_seconds = *cadence;
  for (int i = 0; i < inputs; ++i) {
    const float* first = block->from(block->first + static_cast<std::size_t>(i));
    std::vector<float>& frame = result.past_.emplace_back(first, first + pixels);
    for (float& value : frame)
      value = static_cast<float>(units.values.offset + units.values.scale * static_cast<double>(value));
    product.past.push_back(
        {block->slots[static_cast<std::size_t>(i)], frame, block->bridged[static_cast<std::size_t>(i)]});
  }
  product.channel = cache.settings().channel;
  product.region = cache.settings().region;
  product.units = cache.settings().units;
  set_range(cache, product);
  product.feed = feed_health(cache, product.start_time, *cadence);
  product.bright_is_low = cache.settings().values.scale < 0.0;
  product.prior_sha256 = to_hex(loaded.sha256);
  product.seed = settings.seed;
  return result;
}

}  // namespace altocast
