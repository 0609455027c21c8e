// How a station's forecast is put together, a lead:
//   y = smoothed + network · (f − smoothed) + advection · (advected − smoothed),
// f the network's forecast, `advected` and `smoothed` the newest frame carried on by its motion, without and with
// damping (runtime/advection/smoothed_advection.h); and how the errors of the prior's noise model are changed.
// Combining forecasts whose errors differ is better than any of them (Bates and Granger, The Combination of Forecasts,
// 1969); on images of a kind that the network was not trained on, advection takes over.
#pragma once

#include <vector>

#include "formats/noise_model.h"
#include "formats/status.h"

namespace altocast {

struct Combination {
  std::vector<float> network, advection;  // [leads], not negative, together at most 1 at a lead
  // How the noise is changed at the model's nodes of log σ, linear between them [leads, kAmplitudeNodes]: what its
  // errors are multiplied by, kLeastNoiseScale … kLargestNoiseScale; and what is taken off the normal number z that an
  // error is drawn by, 0 … kLargestNoiseShift, so that a dry sky's pixels are dry in most members.
  std::vector<float> noise_scale, noise_shift;

  bool operator==(const Combination&) const = default;
};

inline constexpr float kLeastNoiseScale = 0.05f, kLargestNoiseScale = 20.0f, kLargestNoiseShift = 3.0f;

// What is used where nothing has been learned from a station's frames: network 0.9 − 0.22 / l and advection 0.3 / l² at
// lead l, 1 the first; noise 1, shift 0.
Combination default_combination(int leads);

// [leads]: over the nodes, for people and for readers that know one scale a lead.
std::vector<float> mean_noise_scale(const Combination& combination);

// [leads] each, in their ranges.
Status validate(const Combination& combination, std::size_t leads);

}  // namespace altocast
