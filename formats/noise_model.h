// How far a truth lies from the network's forecast: the distribution of the error a lead and pixel, given the state of
// the sky there, and how errors hang together in space and from lead to lead. It is learned after the weights, stands
// in a prior's file as optional sections, and is drawn from by runtime/station/observation_noise.h. All numbers are in
// the prior's normalised units.
//
// With x = (1, log(v₉ + c), log(v₃₃ + c), log(d₉ + c), log(d₃₃ + c)), where v_w is the standard deviation of the newest
// frame and d_w the root mean square of the change from frame to frame, in a window of w × w pixels, and c =
// kNoiseFloor:
//   log σ_ℓ = amplitude_ℓ · x,   position p_ℓ = (forecast_ℓ − m₃₃) / (v₃₃ + c),   error = σ_ℓ · Q_ℓ(log σ_ℓ, p_ℓ; z_ℓ),
// Q a table of quantiles: linear in z between its knots and on beyond them, linear in log σ and p between their nodes
// and constant beyond. z_ℓ is a field of standard normal numbers: z_0 = w_0, z_ℓ = a_ℓ z_{ℓ−1} + √(1 − a_ℓ²) w_ℓ, a the
// persistence, w_ℓ independent fields correlated in space (runtime/random_field.h) over length_ℓ.
#pragma once

#include <optional>
#include <vector>

#include "formats/container.h"
#include "formats/status.h"

namespace altocast {

inline constexpr int kNoiseTerms = 5;       // of x
inline constexpr int kAmplitudeNodes = 7;   // of log σ
inline constexpr int kPositionNodes = 7;    // of p
inline constexpr int kNoiseQuantiles = 13;  // knots of z: −3, −2.5 … 3
inline constexpr float kFirstNoiseKnot = -3.0f, kNoiseKnotStep = 0.5f;
inline constexpr float kNoiseFloor = 1.0f / 64;  // c
inline constexpr int kNoiseWindows[2] = {9, 33};

struct NoiseModel {
  std::vector<float> amplitude;        // [L, kNoiseTerms]
  std::vector<float> amplitude_nodes;  // [L, kAmplitudeNodes], increasing
  std::vector<float> position_nodes;   // [L, kPositionNodes], increasing
  std::vector<float> quantiles;        // [L, kAmplitudeNodes, kPositionNodes, kNoiseQuantiles], not decreasing in z
  std::vector<float> length;           // [L], pixels
  std::vector<float> persistence;      // [L], the first of no effect
  bool operator==(const NoiseModel&) const = default;
};

// Sizes for `leads`, finite numbers within caps, nodes that increase and quantiles that do not decrease.
Status validate(const NoiseModel& noise, int leads);

// Sections "noise.NAME", f32, one a member of the struct. Reading gives nothing where no section is present.
void add_noise_model(ContainerWriter& writer, const NoiseModel& noise);
Result<std::optional<NoiseModel>> read_noise_model(const Container& container, int leads);

}  // namespace altocast
