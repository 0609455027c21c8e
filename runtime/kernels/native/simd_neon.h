// SIMD wrapper for NEON with fused multiply-add: aarch64 (32 registers) and armv7 with VFPv4 (16 registers,
// flushes subnormals always). The operations are explained in simd_scalar.h.
#pragma once

#include <arm_neon.h>
#include <stdint.h>

namespace altocast::native::neon {
namespace {

struct Vec {
  float32x4_t v;
};
constexpr int kLanes = 4;

constexpr bool kFusesFast = true;
constexpr int kBlocksPerGroup = 1;
constexpr int kGradRows = 1, kGradChannels = 2;
constexpr int kGradPointChannels = 4;
#if defined(__aarch64__)
constexpr int kRegisters = 32;
constexpr int kVectors = 4, kElements = 4;
constexpr int kPixels = 5, kPixelsSingle = 5;
constexpr int kGradVectors = 4;
constexpr int kOuterVectors = 4, kOuterChannels = 4;
constexpr int kPeakVectors = 16;
#else
constexpr int kRegisters = 16;
constexpr int kVectors = 2, kElements = 1;
constexpr int kPixels = 6, kPixelsSingle = 6;
constexpr int kGradVectors = 2;
constexpr int kOuterVectors = 2, kOuterChannels = 4;
constexpr int kPeakVectors = 12;
#endif

inline Vec load(const float* p) { return {vld1q_f32(p)}; }
inline void store(float* p, Vec a) { vst1q_f32(p, a.v); }
inline Vec broadcast(const float* p) { return {vld1q_dup_f32(p)}; }
inline Vec constant(float a) { return {vdupq_n_f32(a)}; }
inline Vec zero() { return {vdupq_n_f32(0.0f)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
#if defined(__aarch64__)
inline void load_vectors(const float* p, Vec (&a)[kVectors]) {
  const float32x4x4_t vectors = vld1q_f32_x4(p);
  for (int i = 0; i < 4; ++i) a[i].v = vectors.val[i];
}
template <class Index>
inline Vec fma_element(Index, Vec a, Vec b, Vec c) {
  return {vfmaq_laneq_f32(c.v, b.v, a.v, Index::value)};
}
#endif
inline Vec add(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
inline Vec sub(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
inline Vec mul(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
#if defined(__aarch64__)
inline Vec div(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
#else
// NEON of armv7 only approximates reciprocals; VFP divides, under FPSCR's flush mode.
inline Vec div(Vec a, Vec b) {
  float x[4];
  float y[4];
  store(x, a);
  store(y, b);
  for (int i = 0; i < 4; ++i) x[i] /= y[i];
  return load(x);
}
#endif
inline Vec at_least(float bound, Vec a) { return {vmaxq_f32(vdupq_n_f32(bound), a.v)}; }
inline Vec at_most(float bound, Vec a) { return {vminq_f32(vdupq_n_f32(bound), a.v)}; }
inline Vec if_positive(Vec z, Vec a) {
  const uint32x4_t mask = vcgtq_f32(z.v, vdupq_n_f32(0.0f));
  return {vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(a.v)))};
}
inline Vec scaled(Vec a, Vec t) {
  const uint32x4_t bits = vreinterpretq_u32_f32(a.v);
  return {vreinterpretq_f32_u32(vmlaq_n_u32(bits, vreinterpretq_u32_f32(t.v), 1u << 23))};
}

inline void transpose_4x4(const float* const src[4], float* const dst[4]) {
  const float32x4x2_t even = vtrnq_f32(vld1q_f32(src[0]), vld1q_f32(src[1]));
  const float32x4x2_t odd = vtrnq_f32(vld1q_f32(src[2]), vld1q_f32(src[3]));
  for (int i = 0; i < 2; ++i) {
    vst1q_f32(dst[i], vcombine_f32(vget_low_f32(even.val[i]), vget_low_f32(odd.val[i])));
    vst1q_f32(dst[i + 2], vcombine_f32(vget_high_f32(even.val[i]), vget_high_f32(odd.val[i])));
  }
}

}  // namespace
}  // namespace altocast::native::neon
