// Ensemble forecasts: member i is the network's forecast with weights φ_i = μ + e^ρ ⊙ ε_i, drawn from the (adapted)
// Gaussian over weights, seen in symmetry i mod 8 (symmetry.h), combined with advection
// (combined_forecast.h), plus a draw of the observation noise, where the prior has learned it. Draws are functions of
// (seed, i) alone: member i is the same in ensembles of every size.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "formats/posterior.h"
#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/forecast_network.h"
#include "runtime/frames/frame_cache_settings.h"
#include "runtime/kernels/kernels.h"
#include "runtime/layers/observation_nll.h"
#include "runtime/station/combined_forecast.h"
#include "runtime/station/frame_range_limits.h"
#include "runtime/station/observation_noise.h"
#include "runtime/symmetry.h"
#include "runtime/unet.h"

namespace altocast {

// Fails if an ensemble of `members` times `member_values` numbers takes more than half of the machine's
// memory: a kernel that overcommits would kill the program instead of refusing the allocation.
Status check_ensemble_memory(std::uint64_t member_values, int members);

// What members and their mean are given in.
struct EnsembleUnits {
  ValueScale values;        // of normalised numbers
  FrameRangeLimits limits;  // of the network's forecasts and of members, normalised
};

// The numbers from 0 to `largest`, the largest raw one that a frame can hold.
EnsembleUnits ensemble_units(const FrameCacheSettings& settings, const Normalisation& normalisation, double largest);

// An ensemble without its draws of noise: each member with the median of its noise instead, which takes off what the
// network's forecasts are known to be wrong by in such states of the sky.
struct EnsembleCentre {
  std::vector<float> mean;              // [leads, height, width] of the members, within what frames can hold
  std::vector<double> weight_variance;  // [leads]: mean over the pixels of the variance among them; 0 for one member
};

// What an ensemble may take memory for; forecast_memory.h chooses. None changes a bit.
struct EnsembleThrift {
  bool side_by_side = true;  // members, where the network's buffers are small
  bool noise_tables = true;  // observation_noise.h
  int band = 0;              // rows that the network computes at once (forecast_network.h)
};

// Not for concurrent use; prior and kernels are borrowed. Memory is allocated by the constructor only. Where the
// network's buffers are small, as many members as there are threads are computed at once, each by one thread: they wait
// for each other once a member instead of forty times. The rest, and large members, are computed one after another with
// all threads. Neither changes a bit.
class EnsembleForecaster {
 public:
  EnsembleForecaster(const Prior& prior, Kernels<float>& kernels, int height, int width,
                     const EnsembleThrift& thrift = {});

  // For one input alone, whose frames `combined` is of: then the memory that took is free again when the rest is
  // allocated.
  EnsembleForecaster(const Prior& prior, Kernels<float>& kernels, int height, int width, const EnsembleThrift& thrift,
                     CombinedForecast combined);

  // Networks that compute members side by side; 0: one after another.
  static int workers(const NetworkSpec& spec, const Kernels<float>& kernels, int height, int width,
                     const EnsembleThrift& thrift);

  // Numbers of one member: leads · height · width.
  std::size_t member_size() const { return network_.terms(); }
  std::size_t activation_bytes() const { return (workers_.size() + 1) * network_.activation_bytes(); }

  // Members 0 … members.size() / member_size() − 1, [member, leads, height, width], in `units`. The result holds until
  // the next call.
  const EnsembleCentre& forecast(const AdaptedWeights& weights, const Sample<float>& input, const EnsembleUnits& units,
                                 std::uint64_t seed, std::span<float> members);

  // The last one's result; none is to follow.
  EnsembleCentre take_centre() { return std::move(centre_); }

 private:
  // Computes members by itself.
  struct Worker {
    std::unique_ptr<Kernels<float>> kernels;
    UNet<float> network;
    std::vector<float> phi;  // [D]
  };
  template <class Network>
  void compute(Network& network, std::vector<float>& phi, const AdaptedWeights& weights, const Sample<float>& input,
               const FrameRangeLimits& limits, std::uint64_t seed, std::size_t member, std::span<float> out);
  void add_to_centre(std::span<const float> member);
  void finish_centre(std::size_t members, const EnsembleUnits& units);

  ForecastNetwork network_;
  std::size_t leads_;
  std::vector<float> phi_;  // [D]
  KernelSymmetry symmetry_;
  std::vector<Worker> workers_;  // one a thread, or none
  CombinedForecast combined_;
  std::optional<ObservationNoise> noise_;
  EnsembleCentre centre_;
  std::vector<double> sums_;     // [leads, height, width] over the members' medians, normalised
  std::vector<double> squares_;  // [leads], of their squares over members and pixels
};

}  // namespace altocast
