// How a station's forecast is put together, a lead:
//   y = smoothed + network · (f − smoothed) + advection · (advected − smoothed),
// f the network's forecast, `advected` and `smoothed` the newest frame carried on by its motion, without and with
// damping (runtime/advection/smoothed_advection.h); and by what errors of the prior's noise model are multiplied.
// Combining forecasts whose errors differ is better than any of them (Bates and Granger, The Combination of Forecasts,
// 1969); on images of a kind that the network was not trained on, advection takes over.
#pragma once

#include <vector>

#include "formats/status.h"

namespace altocast {

struct Combination {
  std::vector<float> network, advection;  // [leads], not negative, together at most 1 at a lead
  std::vector<float> noise;               // [leads], kLeastNoiseScale … kLargestNoiseScale

  bool operator==(const Combination&) const = default;
};

inline constexpr float kLeastNoiseScale = 0.05f, kLargestNoiseScale = 20.0f;

// What is used where nothing has been learned from a station's frames: network 0.9 − 0.22 / l and advection 0.3 / l² at
// lead l, 1 the first; noise 1.
Combination default_combination(int leads);

// [leads] each, in their ranges.
Status validate(const Combination& combination, std::size_t leads);

}  // namespace altocast
