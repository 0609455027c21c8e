// SIMD wrapper for AVX-512F: 16 lanes, 32 registers. The operations are explained in simd_scalar.h.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace altocast::native::avx512 {
namespace {

struct Vec {
  __m512 v;
};
constexpr int kLanes = 16;
constexpr int kRegisters = 32;

constexpr bool kFusesFast = true;
constexpr int kBlocksPerGroup = 2;
constexpr int kVectors = 1, kElements = 1;
constexpr int kPixels = 12;
constexpr int kPixelsSingle = 24;
constexpr int kGradVectors = 1, kGradRows = 3, kGradChannels = 2;
constexpr int kGradPointChannels = 16;
constexpr int kOuterVectors = 1, kOuterChannels = 16;
constexpr int kPeakVectors = 16;

inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
inline Vec broadcast(const float* p) { return {_mm512_set1_ps(*p)}; }
inline Vec constant(float a) { return {_mm512_set1_ps(a)}; }
inline Vec zero() { return {_mm512_setzero_ps()}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec div(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec at_least(float bound, Vec a) { return {_mm512_max_ps(_mm512_set1_ps(bound), a.v)}; }
inline Vec at_most(float bound, Vec a) { return {_mm512_min_ps(_mm512_set1_ps(bound), a.v)}; }
inline Vec if_positive(Vec z, Vec a) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(z.v, _mm512_setzero_ps(), _CMP_GT_OQ), a.v)};
}
inline Vec scaled(Vec a, Vec t) {
  const __m512i shift = _mm512_slli_epi32(_mm512_castps_si512(t.v), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), shift))};
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
}  // namespace altocast::native::avx512
