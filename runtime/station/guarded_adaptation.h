// An adaptation that is used only as far as it has proved itself: the newest frames are held back, the prior is adapted
// on what was known before them, and three forecast the frames held back: the adapted weights with the combination
// learned beside them (combination_fit.h), the prior's weights with a combination learned for them, and the prior as it
// is. The best is used; the simpler of equals.
//
// Held back are the targets of the newest forecast that leaves a support pair before it (FrameCache::trial_window): as
// many frames as a forecast has leads, or fewer, down to half as many, where the run is too short for that (the first
// leads alone tell little about the others). None of them is a target of the trial's support pairs, which end where the
// forecast begins: the trial is the newest case of a verification (verification.h) that ends now or, after a gap,
// earlier. The score is the fair CRPS, over all pixels and leads held back, of kGuardMembers members drawn
// as a forecast draws them, observation noise included and with the same random numbers for all: what adaptation must
// not cost, rather than a loss that stands for it.
//
// A trial that is passed tells that adapting helps here and now. What is then used is learned anew with the same
// settings on the newest pairs, held-back frames included, which would else be missing where they count most; weights
// are turned down if they fit their own pairs worse than the prior's.
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
  passed,    // adapted weights, with their combination
  declined,  // neither weights nor combination scored better than the prior's: the prior is used
  untested,  // no run is long enough for a trial: the prior is used
  failed,    // the adaptation has no fit result: the prior is used
  combined   // the prior's weights, with a combination learned from the frames: the adapted weights scored worse than
             // those, or fit their own pairs worse than the prior's, or no run is long enough for a trial, but the
             // combination saves so much of its own pairs' error that it needs none
};

struct Guard {
  GuardVerdict verdict = GuardVerdict::off;
  int held_back = 0;    // frames
  int trial_pairs = 0;  // support pairs of the trial
  // On the frames held back, in the frames' units; NaN if there was no trial.
  double prior_crps = 0, combined_crps = 0, adapted_crps = 0;
  std::string reason;           // why the adapted weights are not used, for people; empty if they are
  std::int64_t trial_from = 0;  // the trial's newest input; the frames held back follow it

  // Whether anything that was learned from the frames is used.
  bool adapted() const {
    return verdict == GuardVerdict::off || verdict == GuardVerdict::passed || verdict == GuardVerdict::combined;
  }
};

// "off", "passed", "declined", "untested", "failed", "combined".
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

// What the report says about it: why, and what the trial found.
std::string decision_of(const Guard& guard);
AdaptationFacts adaptation_facts(const GuardedAdaptation& guarded);

}  // namespace altocast
