// SIMD wrapper for the x86-64 baseline: 4 lanes, 16 registers, and a correctly rounded fma made of SSE2
// doubles. The operations are explained in simd_scalar.h.
#pragma once

#include <emmintrin.h>
#include <stdint.h>

namespace altocast::native::scalar {
namespace {

struct Vec {
  __m128 v;
};
constexpr int kLanes = 4;
constexpr int kRegisters = 16;

constexpr bool kFusesFast = false;
constexpr int kBlocksPerGroup = 1;
constexpr int kVectors = 1, kElements = 1;
constexpr int kPixels = 4;
constexpr int kPixelsSingle = 4;
constexpr int kGradVectors = 1, kGradRows = 1, kGradChannels = 2;
constexpr int kGradPointChannels = 4;
constexpr int kOuterVectors = 1, kOuterChannels = 2;
constexpr int kPeakVectors = 8;

inline Vec load(const float* p) { return {_mm_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm_storeu_ps(p, a.v); }
inline Vec broadcast(const float* p) { return {_mm_set1_ps(*p)}; }
inline Vec constant(float a) { return {_mm_set1_ps(a)}; }
inline Vec zero() { return {_mm_setzero_ps()}; }
inline Vec add(Vec a, Vec b) { return {_mm_add_ps(a.v, b.v)}; }
inline Vec sub(Vec a, Vec b) { return {_mm_sub_ps(a.v, b.v)}; }
inline Vec mul(Vec a, Vec b) { return {_mm_mul_ps(a.v, b.v)}; }
inline Vec div(Vec a, Vec b) { return {_mm_div_ps(a.v, b.v)}; }
inline Vec at_least(float bound, Vec a) { return {_mm_max_ps(_mm_set1_ps(bound), a.v)}; }
inline Vec at_most(float bound, Vec a) { return {_mm_min_ps(_mm_set1_ps(bound), a.v)}; }
inline Vec if_positive(Vec z, Vec a) { return {_mm_and_ps(_mm_cmpgt_ps(z.v, _mm_setzero_ps()), a.v)}; }
inline Vec scaled(Vec a, Vec t) {
  const __m128i shift = _mm_slli_epi32(_mm_castps_si128(t.v), 23);
  return {_mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(a.v), shift))};
}

inline void transpose_4x4(const float* const src[4], float* const dst[4]) {
  __m128 a = _mm_loadu_ps(src[0]), b = _mm_loadu_ps(src[1]), c = _mm_loadu_ps(src[2]), d = _mm_loadu_ps(src[3]);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(dst[0], a);
  _mm_storeu_ps(dst[1], b);
  _mm_storeu_ps(dst[2], c);
  _mm_storeu_ps(dst[3], d);
}

// sum = RN(product + c) with the product exact, moved to the neighbour with an odd last bit if it was inexact
// (round to odd), so that the rounding to float that follows sees on which side of a tie the exact value
// lies.
inline __m128d round_to_odd(__m128d sum, __m128d product, __m128d c) {
  const __m128d c_part = _mm_sub_pd(sum, product);  // the error of the sum by Knuth's two-sum
  const __m128d error = _mm_add_pd(_mm_sub_pd(product, _mm_sub_pd(sum, c_part)), _mm_sub_pd(c, c_part));
  const __m128d zeros = _mm_setzero_pd();
  // Ordered comparisons: infinities and NaN, whose error is NaN, stay as they are.
  const __m128i inexact = _mm_castpd_si128(_mm_or_pd(_mm_cmplt_pd(error, zeros), _mm_cmpgt_pd(error, zeros)));
  const __m128i bits = _mm_castpd_si128(sum);
  const __m128i one = _mm_set1_epi64x(1);
  const __m128i even = _mm_sub_epi64(_mm_and_si128(bits, one), one);  // all ones if the last bit is 0
  const __m128i signs = _mm_srai_epi32(_mm_castpd_si128(_mm_xor_pd(error, sum)), 31);
  const __m128i step =
      _mm_or_si128(_mm_shuffle_epi32(signs, _MM_SHUFFLE(3, 3, 1, 1)), one);  // +1, or −1 if they differ
  return _mm_castsi128_pd(_mm_add_epi64(bits, _mm_and_si128(_mm_and_si128(inexact, even), step)));
}

__attribute__((noinline, cold)) __m128 fma_on_a_tie(__m128d sum0, __m128d sum1, __m128d product0, __m128d product1,
                                                    __m128d c0, __m128d c1) {
  return _mm_movelh_ps(_mm_cvtpd_ps(round_to_odd(sum0, product0, c0)), _mm_cvtpd_ps(round_to_odd(sum1, product1, c1)));
}

// A product of floats is exact in double, and rounding the sum first to double, then to float errs only if
// the double lies midway between two floats: its low 29 bits are 1 followed by zeros. That is rare and is
// looked for.
inline Vec fma(Vec a, Vec b, Vec c) {
  const __m128d product0 = _mm_mul_pd(_mm_cvtps_pd(a.v), _mm_cvtps_pd(b.v));
  const __m128d product1 = _mm_mul_pd(_mm_cvtps_pd(_mm_movehl_ps(a.v, a.v)), _mm_cvtps_pd(_mm_movehl_ps(b.v, b.v)));
  const __m128d c0 = _mm_cvtps_pd(c.v);
  const __m128d c1 = _mm_cvtps_pd(_mm_movehl_ps(c.v, c.v));
  const __m128d sum0 = _mm_add_pd(product0, c0);
  const __m128d sum1 = _mm_add_pd(product1, c1);
  const __m128i low_words =
      _mm_castps_si128(_mm_shuffle_ps(_mm_castpd_ps(sum0), _mm_castpd_ps(sum1), _MM_SHUFFLE(2, 0, 2, 0)));
  const __m128i dropped = _mm_and_si128(low_words, _mm_set1_epi32(0x1FFFFFFF));
  if (__builtin_expect(_mm_movemask_epi8(_mm_cmpeq_epi32(dropped, _mm_set1_epi32(0x10000000))) != 0, 0)) {
    return {fma_on_a_tie(sum0, sum1, product0, product1, c0, c1)};
  }
  return {_mm_movelh_ps(_mm_cvtpd_ps(sum0), _mm_cvtpd_ps(sum1))};
}

}  // namespace
}  // namespace altocast::native::scalar
