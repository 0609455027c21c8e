// Ensemble forecasts: member i is the network's forecast with weights φ_i = μ + e^ρ ⊙ ε_i, drawn from the
// (adapted) Gaussian over weights. ε_i is a function of (seed, i) alone: member i is the same in ensembles of
// every size.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/network_spec.h"
#include "formats/status.h"
#include "runtime/frames/frame_cache_settings.h"
#include "runtime/gaussian.h"
#include "runtime/kernels/kernels.h"
#include "runtime/layers/gaussian_nll.h"
#include "runtime/unet.h"

namespace altocast {

// Fails if an ensemble of `members` times `member_values` numbers takes more than half of the machine's
// memory: a kernel that overcommits would kill the program instead of refusing the allocation.
Status check_ensemble_memory(std::uint64_t member_values, int members);

// Not for concurrent use; kernels are borrowed. Memory is allocated by the constructor only, and members are
// computed one after another with all of the kernel set's threads.
class EnsembleForecaster {
 public:
  EnsembleForecaster(const NetworkSpec& spec, Kernels<float>& kernels, int height, int width);

  // Numbers of one member: leads · height · width.
  std::size_t member_size() const { return network_.terms(); }

  // One member, [leads, height, width], in the units that `units` gives to normalised numbers.
  void forecast_member(const Gaussian<float>& weights, const Sample<float>& input, const ValueScale& units,
                       std::uint64_t seed, int member, std::span<float> out);

  // Members 0 … out.size() / member_size() − 1: [member, leads, height, width].
  void forecast(const Gaussian<float>& weights, const Sample<float>& input, const ValueScale& units, std::uint64_t seed,
                std::span<float> out);

 private:
  UNet<float> network_;
  std::vector<float> phi_;  // [D]
};

}  // namespace altocast
