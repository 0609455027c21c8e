// The source of weight_loops.h, for the instruction set ALTOCAST_ISA. As in kernels_body.inl, everything but the table
// is local to the object, and what the included headers hold is inlined. Intermediate numbers lie in arrays of a block,
// so that compilers make vector code of the loops.
#include "runtime/elementary.h"
#include "runtime/kernels/native/words.h"
#include "runtime/quantile_pieces.h"
#include "runtime/weight_loops.h"

namespace altocast::native::ALTOCAST_ISA {
namespace {

constexpr size_t kNormals = 512;

size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Philox4x32-10 as in philox.h, of kWords counters at once: rounds are made in registers, several at a time, since each
// waits for the one before.
constexpr size_t kTogether = 2, kColumns = kTogether * kWords;
static_assert(kNormals % (4 * kColumns) == 0);

// bits[k · columns + i] = number k of quad `first` + i; `columns` is a multiple of kColumns.
void fill_bits(uint64_t seed, uint64_t stream, uint64_t first, size_t columns, uint32_t* bits) {
  const Words multiplier0 = Words{} + 0xD2511F53u, multiplier1 = Words{} + 0xCD9E8D57u;
  Words place{};
  for (size_t i = 0; i < kWords; ++i) place[i] = static_cast<uint32_t>(i);
  for (size_t i = 0; i < columns; i += kColumns) {
    Words counter[kTogether][4];
    for (size_t g = 0; g < kTogether; ++g) {
      const uint64_t begin = first + i + g * kWords;
      counter[g][0] = place + static_cast<uint32_t>(begin);
      // A comparison's lanes are 0 or −1.
      counter[g][1] = Words{} + static_cast<uint32_t>(begin >> 32) -
                      reinterpret_cast<Words>(counter[g][0] < static_cast<uint32_t>(begin));
      counter[g][2] = Words{} + static_cast<uint32_t>(stream);
      counter[g][3] = Words{} + static_cast<uint32_t>(stream >> 32);
    }
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
      for (size_t g = 0; g < kTogether; ++g) {
        Words(&c)[4] = counter[g];
        Words high0, high1, low0, low1;
        multiply_words(c[0], multiplier0, high0, low0);
        multiply_words(c[2], multiplier1, high1, low1);
        c[0] = high1 ^ c[1] ^ key0;
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ key1;
        c[3] = low0;
      }
    }
    for (size_t g = 0; g < kTogether; ++g) {
      for (size_t k = 0; k < 4; ++k)
        __builtin_memcpy(bits + k * columns + i + g * kWords, &counter[g][k], sizeof(Words));
    }
  }
}

// The bits of all quads of a block, then all numbers through the central approximation, then the 15 % of the tails once
// more. `first` is a multiple of 4 but for the head of the range.
template <class T>
void fill_normal(uint64_t seed, uint64_t stream, uint64_t first, T* dst, size_t size) {
  uint32_t bits[kNormals], in_tail[kNormals], tail_index[kNormals + kWords];
  double q[kNormals], value[kNormals], tail[kNormals];
  T numbers[kNormals];
  for (size_t done = 0; done < size;) {
    const uint64_t index = first + done;
    const auto skip = static_cast<size_t>(index % 4);
    const size_t count = smaller(kNormals - skip, size - done);
    const size_t columns = (skip + count + 4 * kColumns - 1) / (4 * kColumns) * kColumns;
    fill_bits(seed, stream, index / 4, columns, bits);
    for (size_t i = 0; i < 4 * columns; ++i) {
      // The middle of one of 2^32 equal pieces of (0, 1) less ½, exact; a signed number is what vector units convert.
      q[i] = (static_cast<double>(static_cast<int32_t>(bits[i] ^ 0x80000000u)) + 0.5) * 0x1p-32;
    }
    for (size_t i = 0; i < 4 * columns; ++i) value[i] = normal_quantile_central(q[i]);
    for (size_t i = 0; i < 4 * columns; ++i) in_tail[i] = __builtin_fabs(q[i]) > 0.425 ? 1 : 0;
    size_t tails = 0;
    for (size_t i = 0; i < 4 * columns; i += kWords) {
      tails += append_places(in_tail + i, static_cast<uint32_t>(i), tail_index + tails);
    }
    for (size_t i = 0; i < tails; ++i) tail[i] = 0.5 - __builtin_fabs(q[tail_index[i]]);
    for (size_t i = 0; i < tails; ++i) tail[i] = normal_quantile_tail(tail[i]);
    for (size_t i = 0; i < tails; ++i) value[tail_index[i]] = __builtin_copysign(tail[i], q[tail_index[i]]);
    for (size_t i = 0; i < columns; ++i) {
      for (size_t k = 0; k < 4; ++k) numbers[4 * i + k] = static_cast<T>(value[k * columns + i]);
    }
    for (size_t i = 0; i < count; ++i) dst[done + i] = numbers[skip + i];
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
