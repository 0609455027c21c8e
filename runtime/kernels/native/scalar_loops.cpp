// The loops of weight_loops.h for any processor of the platform; and those in double, for all.
#define ALTOCAST_ISA scalar
#include "runtime/kernels/native/weight_loops.inl"

namespace altocast::native::scalar {

extern const WeightLoops<double> kDoubleLoops;
const WeightLoops<double> kDoubleLoops = kLoops<double>;

}  // namespace altocast::native::scalar
