// The loops of weight_loops.h for AVX-512.
#define ALTOCAST_ISA avx512
#include "runtime/kernels/native/weight_loops.inl"
