// The speed that kernels are measured against.
#pragma once

#include "runtime/kernels/native/kernel_table.h"

namespace altocast {

// GFLOP/s (a fused multiply-add is two) of the calling thread in a loop of the table's multiply-adds that
// touches registers only; the best of several runs of a few milliseconds.
double measure_fma_peak(const native::KernelTable& table);

}  // namespace altocast
