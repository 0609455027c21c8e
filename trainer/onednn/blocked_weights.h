// Between canonical weights [out, in_total, kernel, kernel] and oneDNN's OIhw16i16o or OIhw8i8o:
// [out block][in block][kernel][kernel][in within block][out within block], channels padded with zeros to
// whole blocks.
#pragma once

#include <cstddef>

#include "runtime/kernels/kernels.h"

namespace altocast::onednn {

// Elements of the blocked form of a slice, the same for both directions.
std::size_t blocked_size(const WeightSlice& slice, int block);

// For Direction::transposed the weights of the adjoint, seen as a forward convolution: in and out swapped,
// taps flipped.
void pack_blocked(const float* weight, const WeightSlice& slice, Direction direction, int block, float* packed);

// Adds a blocked gradient to its slice of grad_weight.
void add_blocked(const float* blocked, const WeightSlice& slice, int block, float* grad_weight);

}  // namespace altocast::onednn
