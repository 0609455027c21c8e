// How a run begins: with random weights, with those of a prior (widened if need be), or where its checkpoint stands.
#pragma once

#include "formats/status.h"
#include "trainer/fit.h"
#include "trainer/fit_state.h"
#include "trainer/run_directory.h"

namespace altocast {

// Fails if `settings` do not fit together, or if config.toml could not hold them.
Status check_settings(const FitSettings& settings, const RunDirectory& run);

// Fills `state` as options.resume and settings.initial say, and leaves the run's folder as it was at the state's step.
// Fails if a checkpoint is of other settings, other kernels or a later step, or a prior of a network that cannot be
// widened to the run's, or of another normalisation.
Status start(const FitSettings& settings, const FitOptions& options, const RunDirectory& run,
             const FitCallbacks& callbacks, FitState& state);

}  // namespace altocast
