// Element-wise activations for the oneDNN kernel set, vectorised by the compiler for AVX-512, AVX2 and
// baseline x86-64 and chosen at start. Own loops rather than oneDNN's eltwise, which has no second derivative
// and wants a primitive for every length.
#pragma once

#include <cstddef>

#include "formats/network_spec.h"

namespace altocast::onednn {

// As in Kernels<float>: a = act(z); grad_z = act'(z) grad_a (which is the tangent, too);
// tan_grad_z = act''(z) tan_z grad_a + act'(z) tan_grad_a. Destinations may be the sources themselves.
struct ActivationLoops {
  void (*value)(ActivationKind kind, const float* z, float* a, std::size_t count);
  void (*slope)(ActivationKind kind, const float* z, const float* grad_a, float* grad_z, std::size_t count);
  void (*tangent_of_slope)(ActivationKind kind, const float* z, const float* tan_z, const float* grad_a,
                           const float* tan_grad_a, float* tan_grad_z, std::size_t count);
};

// For this machine's CPU; without AVX-512 if oneDNN doesn't use it either.
const ActivationLoops& activation_loops(bool allow_avx512);

}  // namespace altocast::onednn
