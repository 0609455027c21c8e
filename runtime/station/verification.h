// Rolls over an archive as a station would have lived through it: at each chosen time it adapts the prior on
// the frames up to then, under guard (guarded_adaptation.h), forecasts, and scores against the frames that came
// afterwards. Each case makes the same library calls as adapt and forecast, so its forecast has the bits of
// `altocast forecast --adapt --at TIME`. Beside the prior stand references that need none: persistence, advection by
// optical flow, the same smoothed, and an ensemble of it. One case is in memory at a time; a killed verification goes
// on where it was (verification_journal.h). The scores are a pure function of the prior file, the frames' pixels and
// the settings; no number of threads and no instruction set changes them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/kernels/kernels.h"
#include "runtime/scores/lead_scores.h"
#include "runtime/station/guarded_adaptation.h"
#include "runtime/station/verification_journal.h"

namespace altocast {

struct VerificationSettings {
  std::optional<std::int64_t> from, to;  // of the times forecast from, both included
  int every = 1;                         // take each `every`-th time that is fit, from the first on
  int members = 16;
  int leads = 8;                    // of references alone; a prior has its own
  AdaptationSettings adaptation;    // `at` is ignored; its seed is also the ensembles'
  std::vector<double> thresholds;   // in the frames' own units; empty: kDefaultPercentiles of what is verified
  std::vector<int> windows{5, 17};  // FSS windows in pixels, odd
};

// Of the verified frames' brightness. A default threshold lies halfway between two numbers that a pixel can
// have, so that rounding never decides; equal ones (an image that is mostly black) are taken once.
inline constexpr double kDefaultPercentiles[] = {75, 90, 95};

struct Verification : VerificationSums {
  int leads = 0, cadence_seconds = 0, height = 0, width = 0;
  EventRules rules;
  std::size_t case_count = 0;
  std::int64_t first_time = 0, last_time = 0;  // of the cases

  bool has(SystemIndex system) const { return !systems[system].empty(); }
};

// Called before the first case (or the first one that is not done yet) and after each.
using VerificationProgress = std::function<void(std::size_t done, std::size_t cases)>;

// Indices of the frames that a station could have forecast from: within from … to, with the inputs of a forecast up to
// them and all target frames after them in one run, and a support pair up to them (FrameCache::support_pairs); no
// bridged frame is a target. Every `every`-th.
std::vector<std::size_t> verification_times(const FrameCache& cache, int inputs, int leads,
                                            const VerificationSettings& settings);

// A null `prior` stands for references alone. The cases go to `journal`; those that it holds already, of the same
// prior, frames, settings and version of the program, are not computed again. `cache` loses frames that do not decode;
// they are found before the first case. Fails if no time is fit, if frames are smaller than 8 pixels a side, if the
// journal can't be written, if an unguarded adaptation fails or a forecast is not finite (the message says when), if
// the ensemble does not fit into memory, or if frames change meanwhile.
Result<Verification> verify(const LoadedPrior* prior, FrameCache& cache, const VerificationSettings& settings,
                            Kernels<float>& kernels, VerificationJournal& journal,
                            const VerificationProgress& progress);

// A case as pictures, in the frames' units.
struct ExampleCase {
  std::int64_t time = 0;                   // forecast from
  Guard guard;                             // of a prior
  std::vector<float> newest;               // [height, width]
  std::vector<float> observed;             // [leads, height, width]
  std::vector<float> forecasts[kSystems];  // the same: single forecasts and means; none of an advection ensemble
};

// The case of a verification that forecasts from `time`, computed once more.
Result<ExampleCase> example_case(const LoadedPrior* prior, FrameCache& cache, const VerificationSettings& settings,
                                 Kernels<float>& kernels, std::int64_t time);

}  // namespace altocast
