// Learns how a station's forecasts are best combined (formats/combination.h) from pairs of frames that are known: the
// network's and advection's weights a lead by least absolute errors, which fog and single storms don't dominate, drawn
// towards the default by a ridge; and how the noise is to be changed (noise_fit.h).
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
  // For up to `pairs` pairs of frames that can hold what `limits` say; looks at a grid of up to kGrid × kGrid pixels of
  // each. The noise model, null where the prior has none, is borrowed.
  CombinationFit(int height, int width, int leads, int pairs, const NoiseModel* noise = nullptr,
                 const FrameRangeLimits& limits = {});

  // A pair's forecast by the network, within what frames can hold, and its target, [leads, height, width] each,
  // normalised; advection and noise (null as the model is) prepared for the pair's frames.
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
    float smoothed;
    ObservationNoise::State noise;  // of the default combination

    float forecast(float of_network, float of_advection) const {
      return smoothed + of_network * network + of_advection * advection;
    }
    float truth() const { return smoothed + target; }
    // Of the combination with these weights.
    float error(float of_network, float of_advection) const {
      return target - of_network * network - of_advection * advection;
    }
  };
  void fit_weights(std::span<const Point> points, float& network, float& advection) const;

  int height_, width_, step_;
  FrameRangeLimits limits_;
  Combination default_;
  std::vector<NoiseQuantiles> quantiles_;   // [leads], or none
  std::vector<std::vector<Point>> points_;  // [leads]
};

}  // namespace altocast
