// The station's adaptation in one call: from a prior and frames, in a folder or in memory, to a posterior. It picks
// the newest pairs of (past, future) frames up to a time, over gaps too (frame_cache.h), runs the inner loop on them in
// float with the given kernels, and learns on the same pairs how forecasts are best combined with advection; and on
// pairs of the same hour of the days before, what forecasts of this hour are off by (combination_fit.h).
//
// The result is a pure function of the prior file, the frames' pixels and the settings: no number of threads
// and no instruction set changes a bit of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/posterior.h"
#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_block.h"
#include "runtime/inner_loop.h"
#include "runtime/kernels/kernels.h"

namespace altocast {

struct AdaptationSettings {
  std::optional<std::int64_t> at;  // "now"; else the newest frame's time
  std::optional<int> pairs;        // support pairs, at least 1; else the prior's number
  std::optional<int> steps;        // inner steps; else the prior's number
  float rate_scale = 1.0f;         // multiplies the prior's inner rates
  std::uint64_t seed = 1;
  bool guard = true;               // for guarded_adaptation.h; adapt() itself tests nothing
  std::uint64_t memory_limit = 0;  // bytes, for guarded_adaptation.h (forecast_memory.h); 0: none
};

struct Adaptation {
  Posterior posterior;     // without `created` and `facts`, which are the caller's to fill in
  AdaptedWeights weights;  // adapted_weights(posterior): what a forecast takes
  std::vector<InnerStepReport> steps;
  double kl = 0;                               // KL(q_λ ‖ p_θ) at the end
  double nll_before = 0;                       // support NLL a term (a pixel of a lead) at the mean weights μ_θ …
  double nll_after = 0;                        // … and at μ_λ
  double combination_gain = 0;                 // CombinationFit::gain
  std::int64_t first_time = 0, last_time = 0;  // of the frames it was adapted to
  int earlier_pairs = 0;                       // of the support pairs, those from before the newest frame's run
  int hour_pairs = 0;                          // of the same hour of the days before, support pairs or not
};

// `cache` loses frames that do not decode (frame_block.h). Fails if there are too few frames, if the prior's
// rates make the KL term unstable, or if λ does not stay finite; the message says what to change. Fewer pairs than
// are wanted, at least one, are no failure: posterior.support_pairs says how many there were.
Result<Adaptation> adapt(const LoadedPrior& prior, FrameCache& cache, const AdaptationSettings& settings,
                         Kernels<float>& kernels);

// Fails if the adaptation to the pairs that `cache` has would take more than settings.memory_limit.
Status check_memory(const LoadedPrior& prior, const FrameCache& cache, const AdaptationSettings& settings,
                    const Kernels<float>& kernels);

// The same on the newest pairs in a block of consecutive frames of raw numbers from 0 to `largest`, whose hours are not
// known; settings.at is not looked at.
Result<Adaptation> adapt(const LoadedPrior& prior, const FrameBlock& frames, double largest,
                         const AdaptationSettings& settings, Kernels<float>& kernels);

}  // namespace altocast
