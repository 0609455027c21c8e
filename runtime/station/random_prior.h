// A prior that nobody trained: He-scaled random means, to measure and to test with where no trained one is at
// hand.
#pragma once

#include <cstdint>

#include "formats/prior.h"

namespace altocast {

// Weights N(0, 2 / fan-in) (the head's a tenth of that, so that forecasts start near the residual base), zero
// biases, σ = 0.02 for weights, small inner rates. A pure function of its arguments, the same on every
// platform; `spec` must be valid.
Prior random_prior(const NetworkSpec& spec, std::uint64_t seed);

}  // namespace altocast
