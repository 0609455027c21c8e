// SIMD wrapper for AVX2 with FMA: 8 lanes, 16 registers. The operations are explained in simd_scalar.h.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace altocast::native::avx2 {
namespace {

struct Vec {
  __m256 v;
};
constexpr int kLanes = 8;
constexpr int kRegisters = 16;

constexpr bool kFusesFast = true;
constexpr int kBlocksPerGroup = 1;
constexpr int kVectors = 2, kElements = 1;
constexpr int kPixels = 6;
constexpr int kPixelsSingle = 6;
constexpr int kGradVectors = 2, kGradRows = 1, kGradChannels = 2;
constexpr int kGradPointChannels = 4;
constexpr int kOuterVectors = 2, kOuterChannels = 4;
constexpr int kPeakVectors = 12;

inline Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
inline Vec broadcast(const float* p) { return {_mm256_broadcast_ss(p)}; }
inline Vec constant(float a) { return {_mm256_set1_ps(a)}; }
inline Vec zero() { return {_mm256_setzero_ps()}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec sub(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec div(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Vec at_least(float bound, Vec a) { return {_mm256_max_ps(_mm256_set1_ps(bound), a.v)}; }
inline Vec at_most(float bound, Vec a) { return {_mm256_min_ps(_mm256_set1_ps(bound), a.v)}; }
inline Vec if_positive(Vec z, Vec a) {
  return {_mm256_and_ps(_mm256_cmp_ps(z.v, _mm256_setzero_ps(), _CMP_GT_OQ), a.v)};
}
inline Vec scaled(Vec a, Vec t) {
  const __m256i shift = _mm256_slli_epi32(_mm256_castps_si256(t.v), 23);
  return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a.v), shift))};
}

inline void transpose_4x4(const float* const src[4], float* const dst[4]) {
  __m128 a = _mm_loadu_ps(src[0]), b = _mm_loadu_ps(src[1]), c = _mm_loadu_ps(src[2]), d = _mm_loadu_ps(src[3]);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(dst[0], a);
  _mm_storeu_ps(dst[1], b);
  _mm_storeu_ps(dst[2], c);
  _mm_storeu_ps(dst[3], d);
}

}  // namespace
}  // namespace altocast::native::avx2
