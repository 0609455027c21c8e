// Halving and doubling of the resolution. Each is linear, so its tangent is itself, and each is the other's adjoint up
// to a factor:
//   average pool  = sum_2x2(¼),        its adjoint replicate_2x2(¼)
//   nearest × 2   = replicate_2x2(1),  its adjoint sum_2x2(1)
#pragma once

#include "runtime/tensor.h"
#include "runtime/thread_pool.h"

namespace altocast {

enum class Write { overwrite, accumulate };

// dst(y, x) = scale · (src(2y, 2x) + src(2y, 2x+1) + src(2y+1, 2x) + src(2y+1, 2x+1)). src is twice as high and wide.
template <class T>
void sum_2x2(const Tensor<T>& src, T scale, const Tensor<T>& dst, Write write, ThreadPool& threads);

// dst(y, x) = scale · src(y/2, x/2). dst is twice as high and wide.
template <class T>
void replicate_2x2(const Tensor<T>& src, T scale, const Tensor<T>& dst, Write write, ThreadPool& threads);

}  // namespace altocast
