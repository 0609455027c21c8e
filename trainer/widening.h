// A trained network made wider without changing what it computes, so that most of a wide network's training can be done
// on a narrow one, which costs a fraction a step: a function-preserving transformation, as in Net2Net (Chen,
// Goodfellow, Shlens, 2016), but by fresh channels rather than copies. The old channels keep their weights. A new
// channel reads all others with random weights; no old channel and no lead reads it yet: those weights are zero. Their
// gradients are not, since the channel's values are not; so the first step of training takes it into use.
#pragma once

#include <cstdint>

#include "formats/network_spec.h"
#include "formats/status.h"
#include "runtime/gaussian.h"

namespace altocast {

// θ [D of `narrow`] as a θ [D of `wide`] whose mean weights forecast the same: bit for bit where the same kernels
// compute a layer in both widths, since zero weights add exact zeros; within rounding where not (the native ones by
// Winograd from 16 channels on). Samples of the weights differ by their noise, as the new weights are uncertain too.
//
// μ of new channels' inputs: He's, N(0, 2 / fan-in), number d of a stream of `seed` for weight d, the same on every
// machine; of their biases and outgoing weights: 0. ρ of new weights: the mean over the tensor's old ones.
//
// Both networks must be valid. Fails, and says what differs, unless `wide` is `narrow` with at least as many
// base_channels; or if it has more and group norm, whose mean and variance would be taken over new channels too.
Result<Gaussian<float>> widen(Gaussian<float> theta, const NetworkSpec& narrow, const NetworkSpec& wide,
                              std::uint64_t seed);

}  // namespace altocast
