// The native kernels for any processor of the platform: SSE2 on x86-64, plain C++ elsewhere; see
// kernels_body.inl.
#define ALTOCAST_ISA scalar
#if defined(__x86_64__)
#  include "runtime/kernels/native/simd_sse2.h"
#else
#  include "runtime/kernels/native/simd_scalar.h"
#endif
// The wrapper first.
#include "runtime/kernels/native/kernels_body.inl"
