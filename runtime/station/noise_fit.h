// Learns how a lead's noise is to be changed at a station (formats/combination.h) from forecasts whose truth is known:
// of a number of scales and shifts the one with the least CRPS, at each node of log σ. A shift is for images that pile
// up on the least number that a frame can hold, as a radar's dry sky does: which share of a forecast's members lies
// there no scale can say (for precipitation, Scheuerer and Hamill, Monthly Weather Review 143, 2015, shift a censored
// distribution likewise).
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "runtime/station/frame_range_limits.h"
#include "runtime/station/observation_noise.h"

namespace altocast {

// Of one lead; the quantiles are borrowed.
class NoiseFit {
 public:
  // Without `shifts` none is tried: if no truth lies on the floor, none would be taken.
  NoiseFit(const NoiseQuantiles& quantiles, const FrameRangeLimits& limits, bool shifts)
      : quantiles_(quantiles), limits_(limits), shifts_(shifts ? kShifts : 1) {}

  static bool on_floor(float target, const FrameRangeLimits& limits);

  // A pixel's forecast without noise, and its truth, normalised.
  void add(const ObservationNoise::State& state, float forecast, float target);

  // Fills [kAmplitudeNodes] each; 1 and 0 if nothing was added. The scale is drawn towards 1 a little, since errors on
  // pairs that overlap are smaller than those to come.
  void fit(std::span<float> scale, std::span<float> shift) const;

 private:
  static constexpr std::array<float, 8> kScales = {1.0f, 0.25f, 0.35f, 0.5f, 0.71f, 1.41f, 2.0f, 2.83f};
  static constexpr std::size_t kShifts = 7;                          // 0, 1, 2 … of the table's steps
  static constexpr std::size_t kChanges = kShifts * kScales.size();  // the scales unshifted, then shifted by a step, …

  struct Losses {
    std::array<double, kChanges> of{};  // CRPS of each change, summed
    double count = 0, on_floor = 0;     // of truths
    void add(const Losses& other, double share);
  };
  Losses losses(const ObservationNoise::State& state, float forecast, float target) const;

  const NoiseQuantiles& quantiles_;
  FrameRangeLimits limits_;
  std::size_t shifts_;  // that are tried
  std::array<Losses, kAmplitudeNodes> nodes_;
};

}  // namespace altocast
