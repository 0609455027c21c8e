// A network's forecast combined with advection (formats/combination.h).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "formats/combination.h"
#include "runtime/advection/smoothed_advection.h"
#include "runtime/station/frame_range_limits.h"
#include "runtime/thread_pool.h"

namespace altocast {

// Not for concurrent use, except for its const functions. Memory is allocated by the constructor only.
class CombinedForecast {
 public:
  // Frames too small for a flow (optical_flow.h) are not advected: the network stands alone.
  CombinedForecast(int height, int width, int leads);

  bool has_advection() const { return !advected_.empty(); }

  // Prepared for these frames for good: what only prepare() needs is free again.
  static CombinedForecast of(const float* frames, int count, int height, int width, int leads, ThreadPool& threads);

  // Frames [count, height, width], normalised; nothing happens to one made by of(). The same bits for every number of
  // threads, as combine().
  void prepare(const float* frames, int count, ThreadPool& threads);

  // In place: the network's forecast [leads, height, width], kept within what frames can hold, becomes the combination.
  void combine(const Combination& combination, const FrameRangeLimits& limits, std::span<float> forecast,
               ThreadPool& threads) const;

  // Of the frames last prepared, [leads, height, width].
  std::span<const float> advected() const { return advected_; }
  std::span<const float> smoothed() const { return smoothed_; }

 private:
  std::size_t leads_, pixels_;
  std::optional<SmoothedAdvection> advection_;
  std::vector<float> advected_, smoothed_;
};

}  // namespace altocast
