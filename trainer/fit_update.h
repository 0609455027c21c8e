// What a step makes of its meta-batch's gradient.
#pragma once

#include <cstdint>

#include "trainer/batch_result.h"
#include "trainer/fit_state.h"

namespace altocast {

Phase phase_of(const FitSettings& settings, int step);

// Of the draw of θ for a step's meta-batch.
std::uint64_t theta_seed(const FitSettings& settings, int step);

// Norms of a step's gradient before clipping.
struct StepNorms {
  double mu = 0, rho = 0;
};

// Adds the gradients of the hyper-prior, clips, and moves what is learned by Adam at the step's rates.
StepNorms update(const FitSettings& settings, Phase phase, BatchResult& batch, FitState& state);

// average ← decay · average + (1 − decay) · learned. The decay rises to its setting from 1/10 at the start and after
// the warm-up, so that the average covers about the last ninth of what was learned there, until that is longer than its
// span.
void update_average(const FitSettings& settings, FitState& state);

}  // namespace altocast
