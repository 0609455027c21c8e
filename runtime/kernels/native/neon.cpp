// The native kernels for NEON (aarch64, and armv7 with VFPv4); see kernels_body.inl.
#define ALTOCAST_ISA neon
#include "runtime/kernels/native/simd_neon.h"
// The wrapper first.
#include "runtime/kernels/native/kernels_body.inl"
