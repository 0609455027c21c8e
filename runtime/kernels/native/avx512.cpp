// The native kernels for AVX-512; see kernels_body.inl.
#define ALTOCAST_ISA avx512
#include "runtime/kernels/native/simd_avx512.h"
// The wrapper first.
#include "runtime/kernels/native/kernels_body.inl"
