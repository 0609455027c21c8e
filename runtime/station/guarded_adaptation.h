// An adaptation that is used only where it has proved itself: the newest frames are held back, the prior is adapted on
// what was known before them, and both forecast the frames held back. The adapted weights are used if they score no
// worse there than the prior's; else the prior's are.
//
// Held back are as many frames as a forecast has leads, or fewer, down to half as many, where the run is too short for
// that and a support pair (the first leads alone tell little about the others). None of them is a target of the trial's
// support pairs, which end where the forecast begins: the trial is the case of a verification (verification.h) whose
// last lead ends now. The score is the fair CRPS, over all pixels and leads held back, of kGuardMembers members drawn
// as a forecast draws them, observation noise included and with the same random numbers for both: what adaptation must
// not cost, rather than a loss that stands for it.
//
// A trial that is passed tells that adapting helps here and now. What is then used are weights adapted anew with the
// same settings on the newest pairs, held-back frames included, which would else be missing where they count most; they
// are turned down if they fit their own pairs worse than the prior does.
//
// The result is a pure function of the prior file, the frames' pixels and the settings, as adapt()'s.
#pragma once

#include <string>

#include "runtime/products/report_facts.h"
#include "runtime/station/adaptation.h"

namespace altocast {

inline constexpr int kGuardMembers = 8;

enum class GuardVerdict {
  off,       // not asked for: adapted, untested
  passed,    // adapted
  declined,  // the adapted weights scored worse than the prior's, or fit their own pairs worse: the prior is used
  untested,  // the run is too short for a trial: the prior is used
  failed     // the adaptation has no fit result: the prior is used
};

struct Guard {
  GuardVerdict verdict = GuardVerdict::off;
  int held_back = 0;                        // frames
  int trial_pairs = 0;                      // support pairs of the trial
  double prior_crps = 0, adapted_crps = 0;  // on the frames held back, in the frames' units; NaN if there was no trial
  std::string reason;                       // why the prior is used, for people; empty if it is not

  bool adapted() const { return verdict == GuardVerdict::off || verdict == GuardVerdict::passed; }
};

// "off", "passed", "declined", "untested", "failed".
const char* name_of(GuardVerdict verdict);

// What summary.json, scores.json and a posterior's facts say about it.
std::string guard_json(const Guard& guard);

struct GuardedAdaptation {
  Guard guard;
  // Of what is used. If that is the prior: its weights, a posterior without change and without frames, no steps, both
  // losses NaN.
  Adaptation adaptation;
};

// adapt() under guard, or alone if settings.guard is false. Fails as adapt() does if there are too few frames for one
// pair or their pixels are not fit for the prior; an adaptation under guard that diverges is no failure.
Result<GuardedAdaptation> guarded_adaptation(const LoadedPrior& prior, FrameCache& cache,
                                             const AdaptationSettings& settings, Kernels<float>& kernels);

// What the report says about it.
AdaptationFacts adaptation_facts(const GuardedAdaptation& guarded);

}  // namespace altocast
