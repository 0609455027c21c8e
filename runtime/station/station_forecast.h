// The station's forecast in one call: from weights and a folder of frames to an ensemble in the frames' own
// units with all that its products say about it (runtime/products.h); or from frames in memory to its numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/posterior.h"
#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_block.h"
#include "runtime/kernels/kernels.h"
#include "runtime/products/products.h"
#include "runtime/station/ensemble.h"

namespace altocast {

struct ForecastSettings {
  std::optional<std::int64_t> at;  // "now"; else the newest frame's time
  int members = 16;
  std::uint64_t seed = 1;
  std::uint64_t memory_limit = 0;  // bytes (forecast_memory.h); 0: none
};

// Owns what the product's spans point to.
class StationForecast {
 public:
  StationForecast() = default;
  StationForecast(StationForecast&&) = default;
  StationForecast& operator=(StationForecast&&) = default;
  StationForecast(const StationForecast&) = delete;
  StationForecast& operator=(const StationForecast&) = delete;

  const ForecastProduct& product() const { return product_; }
  ForecastProduct& product() {
    return product_;
  }  // for `adapted`, `settings`, `scores` and
     // `adaptation`, which are the caller's to fill in

 private:
  friend Result<StationForecast> forecast(const LoadedPrior&, const AdaptedWeights&, FrameCache&,
                                          const ForecastSettings&, Kernels<float>&);
  ForecastProduct product_;
  std::vector<float> values_, mean_;
  std::vector<std::vector<float>> past_;
};

// From the newest frames up to `at`, with `weights` (adapted, or the prior's own). `cache` loses frames that
// do not decode (frame_block.h). Fails if there are too few frames, if the ensemble does not fit into memory or into
// the limit, or if a member is not finite. The result is a pure function of weights, pixels and settings, whatever the
// kernels' threads and instruction set.
Result<StationForecast> forecast(const LoadedPrior& prior, const AdaptedWeights& weights, FrameCache& cache,
                                 const ForecastSettings& settings, Kernels<float>& kernels);

// What it computes, from the newest of consecutive frames: fills values [members, leads, height, width], in `units`.
// Fails if there are too few frames or if a member is not finite.
Result<EnsembleCentre> forecast_members(const Prior& prior, const AdaptedWeights& weights, const FrameBlock& frames,
                                        const EnsembleUnits& units, std::uint64_t seed, Kernels<float>& kernels,
                                        std::span<float> values, const EnsembleThrift& thrift = {});

}  // namespace altocast
