// Weights from their canonical order, [out, in_total, kernel, kernel], into what the native kernels read.
#pragma once

#include "runtime/kernels/kernels.h"

namespace altocast {

// 3×3 weights of one block of source channels for one block of destination channels: [source channel][ky][kx][16]. In
// `weight` a channel's taps are contiguous, and so are those of the input channels of one output.
void gather_block(const float* weight, const WeightSlice& slice, bool forward, int src_first, int dst_first, float* to);

// Weights of any kernel of one block of source channels for one block of destination channels: [ky][kx][source
// channel][16].
void pack_block(const float* weight, const WeightSlice& slice, bool forward, int src_first, int dst_first, float* to);

}  // namespace altocast
