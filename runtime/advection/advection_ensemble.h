// An ensemble of advection forecasts by perturbed motion and growth, after STEPS (Bowler, Pierce and Seed, 2006).
// Member i is the damped frame of smoothed_advection.h with what damping took put back as noise, scale by scale:
//
//   field_k · d_k(l)  +  gain · √(1 − d_k(l)²) · a_k(x) · n_k(x, l),
//
// d_k the scale's damping and n_k Gaussian noise of unit variance and of that scale, which changes from lead to lead by
// an AR(1) process with the correlation d_k(1). a_k(x) is the amplitude that explains, around x, the error of the last
// step: the smoothed square of the field's difference from the one before, moved, is 2 (1 − ρ_k) a_k². So clear and
// steady places stay sharp and sure. The whole is moved by the motion plus a smooth random field whose standard
// deviation is a share of the motion's own size; values are kept within those of the last two frames.
//
// Noise is a function of (seed, member) alone: member i is the same in ensembles of every size, with any number of
// threads, on every platform.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/advection/smoothed_advection.h"
#include "runtime/thread_pool.h"

namespace altocast {

struct AdvectionEnsembleSettings {
  float growth = 1.5f;         // ≥ 0: gain of the noise
  float motion_spread = 0.5f;  // ≥ 0: of the perturbation, in root mean squares of the motion
};

// Not for concurrent use. Allocates in the constructor and never after.
class AdvectionEnsemble {
 public:
  // height, width ≥ 8.
  AdvectionEnsemble(int height, int width, int leads, const AdvectionEnsembleSettings& settings = {});

  // The forecasts that members vary, as SmoothedAdvection::forecast.
  void forecast(std::span<const float> past, int count, std::span<float> advected, std::span<float> smoothed,
                ThreadPool* pool);

  // Member i of the last forecast, [leads, height, width].
  void forecast_member(std::uint64_t seed, int member, std::span<float> out, ThreadPool* pool);

  const SmoothedAdvection& smoothed() const { return smoothed_; }

 private:
  static constexpr int kScales = ScaleCascade::kScales;
  void find_amplitudes(ThreadPool* pool);
  void perturb_motion(std::uint64_t seed, std::uint64_t member, ThreadPool* pool);
  void grow(std::uint64_t seed, std::uint64_t stream, int lead, ThreadPool* pool);

  int height_, width_, leads_;
  std::size_t pixels_;
  AdvectionEnsembleSettings settings_;
  SmoothedAdvection smoothed_;
  float least_ = 0, greatest_ = 0;  // of the last two frames
  double speed_ = 0;                // root mean square of the motion's components
  ScaleCascade work_;
  std::vector<float> amplitudes_;  // [kScales, height, width]
  std::vector<float> noise_;       // [kScales, height, width]: n_k of the lead at hand
  std::vector<float> white_;       // [height, width]
  std::vector<float> coarse_;      // the motion's perturbation at its grid's points
  std::vector<float> motion_;      // [height, width, 2], perturbed
  std::vector<float> sources_;     // [leads, height, width]
};

}  // namespace altocast
