// The native kernels for AVX2; see kernels_body.inl.
#define ALTOCAST_ISA avx2
#include "runtime/kernels/native/simd_avx2.h"
// The wrapper first.
#include "runtime/kernels/native/kernels_body.inl"
