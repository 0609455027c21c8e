// The SIMD wrapper in plain C++, which also says what each operation of a wrapper means. Every operation is
// IEEE single precision, rounded to nearest even, with subnormal operands and results taken as zero of the
// same sign: by the processor in the mode that ThreadPool sets, or, where it has no such mode (riscv64), by
// flush() here.
//
// A wrapper also states the tiles that fit its registers:
//   kBlocksPerGroup, kVectors, kPixels   convolution: blocks × vectors of a block × pixels held at a time;
//   kPixelsSingle                        pixels if a single block is left of a group
//   kRegisters                           how many there are
//   kFusesFast                           whether fma costs no more than a multiplication
//   kElements                            source channels that one load takes: kLanes where the wrapper offers
//                                        load_vectors(p, a), all kVectors of a block at once, and
//                                        fma_element(Index<i>, a, b, c) = a's element i · b + c; else 1, broadcast
//   kGradVectors, kGradRows, kGradChannels   weight gradient, 3×3: vectors of a block × ky × source channels,
//   for kGradPointChannels                   each of the three kx; and source channels for 1×1
//   kOuterVectors, kOuterChannels        Winograd's weight gradient: vectors of a block × source channels
//   kPeakVectors                         independent chains of the peak loop
#pragma once

#include <stdint.h>

namespace altocast::native::scalar {
namespace {

struct Vec {
  float v[4];
};
constexpr int kLanes = 4;
constexpr int kRegisters = 16;

#if defined(__FP_FAST_FMAF) || defined(__riscv_f)
constexpr bool kFusesFast = true;
#else
constexpr bool kFusesFast = false;
#endif
constexpr int kBlocksPerGroup = 1;
constexpr int kVectors = 2, kElements = 1;
constexpr int kPixels = 2;
constexpr int kPixelsSingle = 2;
constexpr int kGradVectors = 1, kGradRows = 1, kGradChannels = 1;
constexpr int kGradPointChannels = 4;
constexpr int kOuterVectors = 1, kOuterChannels = 2;
constexpr int kPeakVectors = 4;

#if defined(__riscv)
inline float flush(float a) {
  constexpr float kMinNormal = 0x1p-126f;
  return __builtin_fabsf(a) < kMinNormal ? __builtin_copysignf(0.0f, a) : a;
}
#else
inline float flush(float a) { return a; }
#endif

template <class Operation>
inline Vec lanes(Operation operation) {
  return {operation(0), operation(1), operation(2), operation(3)};
}

inline Vec load(const float* p) {
  return lanes([=](int i) { return flush(p[i]); });
}
inline void store(float* p, Vec a) {
  for (int i = 0; i < 4; ++i) p[i] = a.v[i];
}
inline Vec constant(float a) { return {a, a, a, a}; }
inline Vec broadcast(const float* p) { return constant(flush(*p)); }  // one number in all lanes
inline Vec zero() { return constant(0.0f); }

// a · b + c, rounded once.
#if defined(__FP_FAST_FMAF) || defined(__riscv_f)
inline float fma_one(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
// The product is exact in double. Rounding the sum first to double, then to float errs only if the double
// lies midway between two floats; then it is moved to the neighbour with an odd last bit towards the exact
// sum (round to odd).
inline float fma_one(float a, float b, float c) {
  union {
    double value;
    uint64_t bits;
  } sum;
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  sum.value = product + addend;
  if (__builtin_expect((sum.bits & 0x1FFFFFFFu) == 0x10000000u, 0)) {
    const double addend_part = sum.value - product;  // the error of the sum by Knuth's two-sum
    const double error = (product - (sum.value - addend_part)) + (addend - addend_part);
    if (error > 0 || error < 0) sum.bits += (error < 0) == (sum.value < 0) ? 1 : ~uint64_t{0};
  }
  return static_cast<float>(sum.value);
}
#endif

inline Vec fma(Vec a, Vec b, Vec c) {
  return lanes([&](int i) { return flush(fma_one(a.v[i], b.v[i], c.v[i])); });
}
inline Vec add(Vec a, Vec b) {
  return lanes([&](int i) { return flush(a.v[i] + b.v[i]); });
}
inline Vec sub(Vec a, Vec b) {
  return lanes([&](int i) { return flush(a.v[i] - b.v[i]); });
}
inline Vec mul(Vec a, Vec b) {
  return lanes([&](int i) { return flush(a.v[i] * b.v[i]); });
}
inline Vec div(Vec a, Vec b) {
  return lanes([&](int i) { return flush(a.v[i] / b.v[i]); });
}

// max(bound, a) and min(bound, a); NaN stays NaN.
inline Vec at_least(float bound, Vec a) {
  return lanes([&](int i) { return bound > a.v[i] ? bound : a.v[i]; });
}
inline Vec at_most(float bound, Vec a) {
  return lanes([&](int i) { return bound < a.v[i] ? bound : a.v[i]; });
}

// z > 0 ? a : 0
inline Vec if_positive(Vec z, Vec a) {
  return lanes([&](int i) { return z.v[i] > 0.0f ? a.v[i] : 0.0f; });
}

// a · 2^n from t = n + 1.5 · 2^23, see runtime/exp_constants.h, for a normal a and result: n is added to the exponent.
inline Vec scaled(Vec a, Vec t) {
  return lanes([&](int i) {
    uint32_t bits, shift;
    float value;
    __builtin_memcpy(&bits, &a.v[i], sizeof bits);
    __builtin_memcpy(&shift, &t.v[i], sizeof shift);
    bits += shift << 23;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
  });
}

// dst[i][j] = src[j][i]
inline void transpose_4x4(const float* const src[4], float* const dst[4]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) dst[i][j] = src[j][i];
  }
}

}  // namespace
}  // namespace altocast::native::scalar
