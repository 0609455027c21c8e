// Learns how a station's forecasts are best combined (formats/combination.h) from pairs of frames that are known: the
// network's and advection's weights a lead by least absolute errors, which fog and single storms don't dominate, drawn
// towards the default by a ridge; and by what the noise model's errors differ in size from those that were made.
#pragma once

#include <cstddef>
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
  // For up to `pairs` pairs; looks at a grid of up to kGrid × kGrid pixels of each.
  CombinationFit(int height, int width, int leads, int pairs);

  // A pair's forecast by the network, within what frames can hold, and its target, [leads, height, width] each,
  // normalised; advection and noise (null: the prior has none) prepared for the pair's frames, the noise unscaled.
  void add(std::span<const float> network, const float* target, const CombinedForecast& advection,
           const ObservationNoise* noise);

  // The default where nothing can be learned: no pairs, numbers that are not finite, frames without any change. The
  // same bits for every number of threads.
  Combination fit(ThreadPool& threads) const;

  // The share of the default's absolute error on the pairs that a combination saves; 0 without pairs.
  double gain(const Combination& combination) const;

 private:
  static constexpr int kGrid = 64;
  // A pixel of a pair, the first three as differences from the smoothed advection.
  struct Point {
    float network, advection, target;
    float noise_median, noise_deviation;  // of the default combination's noise

    // Of the combination with these weights.
    float error(float of_network, float of_advection) const {
      return target - of_network * network - of_advection * advection;
    }
  };
  void fit_weights(std::span<const Point> points, float& network, float& advection) const;

  int height_, width_, step_;
  Combination default_;
  std::vector<std::vector<Point>> points_;  // [leads]
};

}  // namespace altocast
