// How a station's forecast is put together, a lead:
//   y = smoothed + network · (f − smoothed) + advection · (advected − smoothed),
// f the network's forecast, `advected` and `smoothed` the newest frame carried on by its motion, without and with
// damping (runtime/advection/smoothed_advection.h); and how the errors of the prior's noise model are changed.
// Combining forecasts whose errors differ is better than any of them (Bates and Granger, The Combination of Forecasts,
// 1969); on images of a kind that the network was not trained on, advection takes over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "formats/noise_model.h"
#include "formats/status.h"

namespace altocast {

// What forecasts of an hour of the day are off by, as they were on the days before: y becomes slope · y + intercept.
// The sun sets on visible images, and clouds grow in the afternoon (regression of what was observed on what was
// forecast: Glahn and Lowry, Journal of Applied Meteorology 11, 1972).
struct DiurnalCorrection {
  std::int64_t time = 0;                // seconds since 1970; it is for forecasts from around this hour of a day
  std::vector<float> slope, intercept;  // [leads], normalised

  struct Line {
    float slope = 1.0f, intercept = 0.0f;
    float at(float forecast) const { return slope * forecast + intercept; }
  };
  Line line(std::size_t lead) const { return {slope[lead], intercept[lead]}; }

  bool operator==(const DiurnalCorrection&) const = default;
};

struct Combination {
  std::vector<float> network, advection;  // [leads], not negative, together at most 1 at a lead
  // How the noise is changed at the model's nodes of log σ, linear between them [leads, kAmplitudeNodes]: what its
  // errors are multiplied by, kLeastNoiseScale … kLargestNoiseScale; and what is taken off the normal number z that an
  // error is drawn by, 0 … kLargestNoiseShift, so that a dry sky's pixels are dry in most members.
  std::vector<float> noise_scale, noise_shift;
  std::optional<DiurnalCorrection> diurnal;  // of y

  bool operator==(const Combination&) const = default;
};

inline constexpr float kLeastNoiseScale = 0.05f, kLargestNoiseScale = 20.0f, kLargestNoiseShift = 3.0f;
inline constexpr float kLeastSlope = 0.25f, kLargestSlope = 4.0f, kLargestIntercept = 1e3f;

// What is used where nothing has been learned from a station's frames: network 0.9 − 0.22 / l and advection 0.3 / l² at
// lead l, 1 the first; noise 1, shift 0; no correction.
Combination default_combination(int leads);

// [leads]: over the nodes, for people and for readers that know one scale a lead.
std::vector<float> mean_noise_scale(const Combination& combination);

// [leads] each, in their ranges.
Status validate(const Combination& combination, std::size_t leads);

}  // namespace altocast
