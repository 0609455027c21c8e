// The source of weight_loops.h, for the instruction set ALTOCAST_ISA. As in kernels_body.inl, everything but the table
// is local to the object, and what the included headers hold is inlined. Intermediate numbers lie in arrays of a block,
// so that compilers make vector code of the loops.
#include "runtime/elementary.h"
#include "runtime/philox.h"
#include "runtime/quantile_pieces.h"
#include "runtime/weight_loops.h"

namespace altocast::native::ALTOCAST_ISA {
namespace {

constexpr size_t kNormals = 512, kQuads = kNormals / 4;

size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// q[4 i + k] = number k of quad `first` + i, minus ½, for `quads` of them.
void fill_centred(uint64_t seed, uint64_t stream, uint64_t first, size_t quads, double* q) {
  uint32_t counter[4][kQuads];
  for (size_t i = 0; i < quads; ++i) {
    counter[0][i] = static_cast<uint32_t>(first + i);
    counter[1][i] = static_cast<uint32_t>((first + i) >> 32);
    counter[2][i] = static_cast<uint32_t>(stream);
    counter[3][i] = static_cast<uint32_t>(stream >> 32);
  }
  philox4x32_columns(counter, quads, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
  for (size_t i = 0; i < quads; ++i) {
    for (size_t k = 0; k < 4; ++k) {
      // The middle of one of 2^32 equal pieces of (0, 1) less ½, exact; a signed number is what vector units convert.
      q[4 * i + k] = (static_cast<double>(static_cast<int32_t>(counter[k][i] ^ 0x80000000u)) + 0.5) * 0x1p-32;
    }
  }
}

// The bits of all quads of a block, then all numbers through the central approximation, then the 15 % of the tails once
// more. `first` is a multiple of 4 but for the head of the range.
template <class T>
void fill_normal(uint64_t seed, uint64_t stream, uint64_t first, T* dst, size_t size) {
  double q[kNormals], value[kNormals], tail[kNormals];
  uint32_t tail_index[kNormals];
  for (size_t done = 0; done < size;) {
    const uint64_t index = first + done;
    const auto skip = static_cast<size_t>(index % 4);
    const size_t count = smaller(kNormals - skip, size - done);
    const size_t quads = (skip + count + 3) / 4;
    fill_centred(seed, stream, index / 4, quads, q);
    for (size_t i = 0; i < 4 * quads; ++i) value[i] = normal_quantile_central(q[i]);
    size_t tails = 0;
    for (size_t i = 0; i < 4 * quads; ++i) {
      const double distance = __builtin_fabs(q[i]);
      tail_index[tails] = static_cast<uint32_t>(i);
      tail[tails] = 0.5 - distance;
      tails += static_cast<size_t>(distance > 0.425);
    }
    for (size_t i = 0; i < tails; ++i) tail[i] = normal_quantile_tail(tail[i]);
    for (size_t i = 0; i < tails; ++i) value[tail_index[i]] = __builtin_copysign(tail[i], q[tail_index[i]]);
    for (size_t i = 0; i < count; ++i) dst[done + i] = static_cast<T>(value[skip + i]);
    done += count;
  }
}

template <class T>
void scale_by_exp(const T* x, T* values, size_t count) {
  T* __restrict to = values;
  for (size_t i = 0; i < count; ++i) to[i] *= portable_exp(x[i]);
}

template <class T>
void divergence_factors(const T* q_rho, const T* p_rho, size_t count, T* precisions, T* ratios) {
  T* __restrict to_precisions = precisions;
  T* __restrict to_ratios = ratios;
  for (size_t i = 0; i < count; ++i) to_precisions[i] = portable_exp(T{-2} * p_rho[i]);
  for (size_t i = 0; i < count; ++i) to_ratios[i] = portable_exp(T{2} * (q_rho[i] - p_rho[i]));
}

// e^y − 1 − y. Near zero, where e^y rounded to float would leave nothing but its error, by the series y²/2! + y³/3! +
// …; elsewhere by T's own exp. Relative error below 1e-5 for float, 1e-11 for double, and the float one has the same
// bits everywhere.
template <class T>
[[gnu::always_inline]] inline double exp_minus_linear(double y) {
  double p = 1.0 / 3628800.0;
  p = p * y + 1.0 / 362880.0;
  p = p * y + 1.0 / 40320.0;
  p = p * y + 1.0 / 5040.0;
  p = p * y + 1.0 / 720.0;
  p = p * y + 1.0 / 120.0;
  p = p * y + 1.0 / 24.0;
  p = p * y + 1.0 / 6.0;
  p = p * y + 0.5;
  const double near = p * (y * y);
  const double far = static_cast<double>(portable_exp(static_cast<T>(y))) - 1.0 - y;
  return y > 0.25 || y < -0.25 ? far : near;
}

template <class T>
void divergence_terms(const T* q_mu, const T* q_rho, const T* p_mu, const T* p_rho, size_t count, double* terms) {
  double* __restrict to = terms;
  for (size_t i = 0; i < count; ++i) {
    const double log_ratio = static_cast<double>(q_rho[i]) - static_cast<double>(p_rho[i]);
    const double shift =
        (static_cast<double>(q_mu[i]) - static_cast<double>(p_mu[i])) * static_cast<double>(portable_exp(-p_rho[i]));
    to[i] = 0.5 * (exp_minus_linear<T>(2.0 * log_ratio) + shift * shift);
  }
}

template <class T>
constexpr WeightLoops<T> kLoops = {fill_normal<T>, scale_by_exp<T>, divergence_factors<T>, divergence_terms<T>};

}  // namespace

extern const WeightLoops<float> kWeightLoops;
const WeightLoops<float> kWeightLoops = kLoops<float>;

}  // namespace altocast::native::ALTOCAST_ISA
