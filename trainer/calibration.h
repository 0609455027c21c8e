// Learns the observation noise of a prior (formats/noise_model.h) from the errors that its mean weights make on tasks
// drawn from an archive, once the weights are trained:
//   1. σ a lead, log-linear in the local variability, by maximum likelihood of a Laplace distribution, −log p = |r| / σ
//   +
//      log 2σ, which is convex in the coefficients and does not mind heavy tails;
//   2. the quantiles of r / σ in bins of log σ and of the forecast's position, with as many samples in each bin of one;
//   3. less the share of the variance that samples of the weights have already;
//   4. from the normal scores of errors on whole tiles: their correlation from lead to lead and, by least squares, the
//      length of their correlation in space.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/noise_model.h"
#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/kernels/kernels.h"
#include "trainer/archive.h"

namespace altocast {

struct CalibrationSettings {
  std::uint64_t seed = 1;
  int tasks = 256;  // tiles of up to kCalibrationTile pixels a side, each at a time of its own
};
inline constexpr int kCalibrationTile = 192;

// From the archive's training stretches; a pure function of its arguments, whatever the threads of `kernels`. Fails if
// no stretch holds a pair, or if the prior's forecasts are not finite.
Result<NoiseModel> calibrate_noise(const Prior& prior, const Archive& archive, const CalibrationSettings& settings,
                                   Kernels<float>& kernels);

// The parts, for tests.

// Coefficients that minimise Σ |r_i| e^{−θ·x_i} + θ·x_i, x = (1, logs): `logs` is [samples, kNoiseTerms − 1].
std::vector<float> fit_amplitude(const std::vector<float>& logs, const std::vector<float>& residuals);

// The length whose field_correlation, mixed as weight · before + (1 − weight) · correlation, comes nearest to `wanted`
// at the distances kCorrelationDistances.
inline constexpr int kCorrelationDistances[] = {1, 2, 4, 8, 16};
float fit_length(const std::vector<double>& wanted, const std::vector<double>& before, double weight);

}  // namespace altocast
