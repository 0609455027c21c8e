// Loops over many numbers that more than memory bounds: normal noise, and the exponentials and divergences of Gaussians
// over the weights. Written once in plain C++ (weight_loops.inl) and compiled beside the native kernels, for each
// instruction set; picked with them at run time. The same operations in the same order everywhere, hence the same bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace altocast {
namespace native {

template <class T>
struct WeightLoops {
  // dst[i] = standard normal number first + i of the stream (random.h).
  void (*fill_normal)(uint64_t seed, uint64_t stream, uint64_t first, T* dst, size_t count);

  // values[i] *= e^{x[i]}
  void (*scale_by_exp)(const T* x, T* values, size_t count);

  // For KL(q ‖ p): precisions[i] = e^{−2 ρ_p}, ratios[i] = e^{2 (ρ_q − ρ_p)};
  void (*divergence_factors)(const T* q_rho, const T* p_rho, size_t count, T* precisions, T* ratios);
  // and the weights' terms of the divergence itself.
  void (*divergence_terms)(const T* q_mu, const T* q_rho, const T* p_mu, const T* p_rho, size_t count, double* terms);
};

}  // namespace native

// For float those of the fastest instruction set that this processor has.
template <class T>
const native::WeightLoops<T>& weight_loops();

}  // namespace altocast
