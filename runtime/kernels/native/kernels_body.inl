// The native kernels' one source. Each instruction set's .cpp includes its SIMD wrapper, names itself in
// ALTOCAST_ISA and includes this. Everything is local to the object but the table: a function with weak
// linkage in an AVX-512 object could be the copy that the linker keeps for everyone. Neither the standard
// library nor Eigen may be used.
//
// Tile sizes differ between instruction sets, the order in which any one number is summed does not.
#include "runtime/exp_constants.h"
#include "runtime/kernels/native/kernel_table.h"

// Loops over a tile must unroll fully, or the accumulators live in memory: g++ -O2 fell to 36 % without.
#if defined(__clang__)
#  define ALTOCAST_UNROLL _Pragma("clang loop unroll(full)")
#else
#  define ALTOCAST_UNROLL _Pragma("GCC unroll 64")
#endif

// What is handed accumulators must be inlined, or they live in memory as well.
#define ALTOCAST_INLINE __attribute__((always_inline)) inline

namespace altocast::native::ALTOCAST_ISA {
namespace {

// The same value, of which the compiler no longer knows what it was made of. On aarch64, where g++ would add up an
// address for every access from there; x86 has addresses of more parts, and too few registers.
template <class T>
inline T opaque(T value) {
#if defined(__aarch64__)
  asm("" : "+r"(value));
#endif
  return value;
}

}  // namespace
}  // namespace altocast::native::ALTOCAST_ISA

#include "runtime/kernels/native/activation.inl"
#include "runtime/kernels/native/convolution.inl"
#include "runtime/kernels/native/weight_gradient.inl"
#include "runtime/kernels/native/winograd.inl"

namespace altocast::native::ALTOCAST_ISA {
namespace {

float fma_loop(long rounds) {
  // The sum is what is added to, as in the kernels: NEON writes the result there, and would else copy a register for
  // each.
  Vec sum[kPeakVectors];
  ALTOCAST_UNROLL
  for (int i = 0; i < kPeakVectors; ++i) sum[i] = constant(static_cast<float>(i + 2));
  const Vec factor = constant(0.999f);
  const Vec addend = constant(0.001f);
  for (long round = 0; round < rounds; ++round) {
    ALTOCAST_UNROLL
    for (int i = 0; i < kPeakVectors; ++i) sum[i] = fma(factor, addend, sum[i]);
  }
  ALTOCAST_UNROLL
  for (int i = 1; i < kPeakVectors; ++i) sum[0] = add(sum[0], sum[i]);
  float lanes_of_sum[kLanes];
  store(lanes_of_sum, sum[0]);
  return lanes_of_sum[0];
}

#define ALTOCAST_STRING(name) #name
#define ALTOCAST_NAME(name) ALTOCAST_STRING(name)

}  // namespace

extern const WeightLoops<float> kWeightLoops;  // of another object, with flags of its own

extern const KernelTable kTable;
const KernelTable kTable = {
    ALTOCAST_NAME(ALTOCAST_ISA),
    kBlocksPerGroup,
    convolve_row,
    winograd_weights,
    winograd_products,
    winograd_output,
    winograd_source,
    winograd_gradient,
    winograd_weight_gradient,
    weight_gradient_rows,
    add_weight_gradient,
    {{activate<Relu, kForward>, activate<Relu, kBackward>, activate<Relu, kTangent>, activate<Relu, kTangentBackward>},
     {activate<Silu, kForward>, activate<Silu, kBackward>, activate<Silu, kTangent>, activate<Silu, kTangentBackward>}},
    &kWeightLoops,
    fma_loop,
    kPeakVectors* kLanes};

}  // namespace altocast::native::ALTOCAST_ISA
