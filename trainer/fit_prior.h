// What a run's prior file holds.
#pragma once

#include "formats/prior.h"
#include "trainer/archive.h"
#include "trainer/fit_state.h"

namespace altocast {

// `validation`, the last one, may be null.
Prior make_prior(const FitSettings& settings, const Archive& archive, const FitState& state,
                 const ValidationResult* validation);

}  // namespace altocast
