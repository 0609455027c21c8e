// The loops of weight_loops.h for AVX2.
#define ALTOCAST_ISA avx2
#include "runtime/kernels/native/weight_loops.inl"
