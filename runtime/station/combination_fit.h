// Learns how a station's forecasts are best combined (formats/combination.h) from pairs of frames that are known: the
// network's and advection's weights a lead by least absolute errors, which fog and single storms don't dominate, drawn
// towards the default by a ridge; what forecasts of this hour of the day are off by (diurnal_fit.h); and how the noise
// is to be changed (noise_fit.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/combination.h"
#include "runtime/station/combined_forecast.h"
#include "runtime/station/observation_noise.h"
#include "runtime/thread_pool.h"

namespace altocast {

// Not for concurrent use. Memory is allocated by the constructor only.
class CombinationFit {
 public:
  // For up to `pairs` pairs of frames that can hold what `limits` say; looks at a grid of up to kGrid × kGrid pixels of
  // each. The noise model, null where the prior has none, is borrowed.
  CombinationFit(int height, int width, int leads, int pairs, const NoiseModel* noise = nullptr,
                 const FrameRangeLimits& limits = {});

  // A pair's forecast by the network, within what frames can hold, and its target, [leads, height, width] each,
  // normalised; advection and noise (null as the model is) prepared for the pair's frames. `day` is how many days
  // before now the pair is, if it is of the same hour, else 0. After all others may come pairs that only a correction
  // is learned from: those that are not to be `combined`.
  void add(std::span<const float> network, const float* target, const CombinedForecast& advection,
           const ObservationNoise* noise, int day = 0, bool combined = true);

  // The default where nothing can be learned: no pairs, numbers that are not finite, frames without any change. The
  // same bits for every number of threads. A correction for the hour of `now` if there are pairs of days before.
  Combination fit(ThreadPool& threads, std::int64_t now = 0) const;

  // The share of the default's absolute error on the pairs that a combination saves; 0 without pairs.
  double gain(const Combination& combination) const;

 private:
  static constexpr int kGrid = 64;
  // A pixel of a pair, the first three as differences from the smoothed advection.
  struct Point {
    float network, advection, target;
    float smoothed;
    ObservationNoise::State noise;  // of the default combination
    int day;                        // of its pair

    float forecast(float of_network, float of_advection) const {
      return smoothed + of_network * network + of_advection * advection;
    }
    float truth() const { return smoothed + target; }
  };
  // Of a pixel by a combination, corrected if its pair is one that the correction is for.
  static float forecast_of(const Point& point, const Combination& combination, std::size_t lead);
  void fit_weights(std::span<const Point> points, float& network, float& advection) const;
  void fit_diurnal(std::size_t lead, Combination& combination) const;
  void fit_noise(std::size_t lead, Combination& combination) const;
  // Of the pairs that are combined.
  std::span<const Point> combined(std::size_t lead) const {
    return std::span(points_[lead]).first(combined_pairs_ * pair_points_);
  }

  int height_, width_, step_;
  FrameRangeLimits limits_;
  Combination default_;
  std::vector<NoiseQuantiles> quantiles_;   // [leads], or none
  std::vector<std::vector<Point>> points_;  // [leads], pair after pair
  std::size_t pair_points_ = 0;             // of a pair, in each
  std::size_t combined_pairs_ = 0;
};

}  // namespace altocast
