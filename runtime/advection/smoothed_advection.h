// Advection that gives up detail as it loses its hold: the fair rival of an ensemble's mean. The last frame is split
// into scales (scale_cascade.h). How well a scale persists under the motion is measured in the last two frames, by the
// correlation ρ of the last one's field with that of the one before, moved; at lead l (1 …) the field is damped to
// ρ^(0.8 l^1.5). So fine detail goes first, and the more so where it is short-lived: a radar keeps more of it than
// hourly infrared. Seed, A dynamic and spatial scaling approach to advection forecasting (S-PROG, 2003), has the idea;
// the exponent, 1 · l there, is larger here since the motion's own error grows with the lead (docs/skill.md).
//
// The same bits on every platform and with any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/advection/advection.h"
#include "runtime/advection/scale_cascade.h"
#include "runtime/thread_pool.h"

namespace altocast {

// Not for concurrent use. Allocates in the constructor and never after.
class SmoothedAdvection {
 public:
  // height, width ≥ 8.
  SmoothedAdvection(int height, int width, int leads, const AdvectionSettings& settings = {});

  // Of all its memory, or a little more.
  static std::uint64_t bytes(int height, int width, int leads);

  // As Advection::forecast with the constructor's leads; `advected` and `smoothed` are [leads, height, width].
  void forecast(std::span<const float> past, int count, std::span<float> advected, std::span<float> smoothed,
                ThreadPool* pool);

  // Of the last forecast:
  std::span<const float> motion() const { return advection_.motion(); }
  // The last frame's fields, and those of the frame before it, moved by one step.
  const ScaleCascade& last() const { return last_; }
  const ScaleCascade& previous() const { return previous_; }
  // What is left of a scale below ScaleCascade::kScales at lead 0 … leads − 1; the rest is not damped.
  float damping(int scale, int lead) const {
    return damping_[static_cast<std::size_t>(lead)][static_cast<std::size_t>(scale)];
  }
  double correlation(int scale) const { return correlation_[static_cast<std::size_t>(scale)]; }

 private:
  void correlate(ThreadPool* pool);

  int height_, width_, leads_;
  Advection advection_;
  ScaleCascade last_, previous_;
  std::array<double, ScaleCascade::kScales> correlation_{};
  std::vector<std::array<float, ScaleCascade::kScales>> damping_;        // [leads]
  std::vector<std::array<double, 3 * ScaleCascade::kScales>> row_sums_;  // [height]: of both fields' products
  std::vector<float> moved_;                                             // [height, width]
  std::vector<float> sources_;  // [leads, height, width]: the damped frame before it is moved
};

}  // namespace altocast
