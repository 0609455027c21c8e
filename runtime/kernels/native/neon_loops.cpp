// The loops of weight_loops.h for NEON.
#define ALTOCAST_ISA neon
#include "runtime/kernels/native/weight_loops.inl"
