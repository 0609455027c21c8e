#include "trainer/onednn/activation_loops.h"

#include <bit>
#include <cstdint>

// A destination may be a source, but element by element, so no iteration depends on another; without being
// told, the compiler tests for overlap and takes the scalar loop.
#if defined(__clang__)
#  define ALTOCAST_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#  define ALTOCAST_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace altocast::onednn {
namespace {

// Everything below is compiled into each of the functions at the end, with their instruction set.
#define ALTOCAST_INLINE [[gnu::always_inline]] inline

// a · b + c, in one rounding where the instruction set has it.
template <bool kFused>
ALTOCAST_INLINE float multiply_add(float a, float b, float c) {
  return kFused ? __builtin_fmaf(a, b, c) : a * b + c;
}

// e^x, relative error below 2e-7; x is clamped to where the result is a normal number, NaN gives NaN.
// x = n ln 2 + r, |r| ≤ h = ln 2 / 2; e^r by its Taylor polynomial of degree 7, whose last term is
// economised: r^7 ≈ (112 h² r^5 − 56 h^4 r³ + 7 h^6 r) / 64, an error below 2e-9 (Chebyshev's polynomial of
// degree 7).
template <bool kFused>
ALTOCAST_INLINE float exponential(float x) {
  x = -87.0f > x ? -87.0f : x;
  x = 88.0f < x ? 88.0f : x;
  constexpr float kRound = 12582912.0f;  // 1.5 · 2^23: adding it leaves the integer part in the low mantissa bits
  const float shifted = multiply_add<kFused>(x, 1.44269504f, kRound);
  const float n = shifted - kRound;
  float r = multiply_add<kFused>(n, -0.693359375f, x);  // ln 2 in two parts, n times the first being exact
  r = multiply_add<kFused>(n, 2.12194440e-4f, r);
  constexpr double h2 = 0.34657359 * 0.34657359;
  float p = static_cast<float>(1.0 / 720.0);
  p = multiply_add<kFused>(p, r, static_cast<float>(1.0 / 120.0 + 112.0 / 64.0 * h2 / 5040.0));
  p = multiply_add<kFused>(p, r, static_cast<float>(1.0 / 24.0));
  p = multiply_add<kFused>(p, r, static_cast<float>(1.0 / 6.0 - 56.0 / 64.0 * h2 * h2 / 5040.0));
  p = multiply_add<kFused>(p, r, 0.5f);
  p = multiply_add<kFused>(p, r, static_cast<float>(1.0 + 7.0 / 64.0 * h2 * h2 * h2 / 5040.0));
  p = multiply_add<kFused>(p, r, 1.0f);
  const std::uint32_t power = (std::bit_cast<std::uint32_t>(shifted) + 127u) << 23;  // 2^n
  return p * std::bit_cast<float>(power);
}

template <bool kFused>
ALTOCAST_INLINE float sigmoid(float z) {
  return 1.0f / (1.0f + exponential<kFused>(-z));
}

template <bool kFused>
ALTOCAST_INLINE void value_loop(ActivationKind kind, const float* z, float* a, std::size_t count) {
  if (kind == ActivationKind::relu) {
    ALTOCAST_INDEPENDENT
    for (std::size_t i = 0; i < count; ++i) a[i] = 0.0f > z[i] ? 0.0f : z[i];
  } else {
    ALTOCAST_INDEPENDENT
    for (std::size_t i = 0; i < count; ++i) a[i] = z[i] * sigmoid<kFused>(z[i]);
  }
}

// silu' = s (1 + z (1 − s)), s = sigmoid(z).
template <bool kFused>
ALTOCAST_INLINE void slope_loop(ActivationKind kind, const float* z, const float* grad_a, float* grad_z,
                                std::size_t count) {
  if (kind == ActivationKind::relu) {
    ALTOCAST_INDEPENDENT
    for (std::size_t i = 0; i < count; ++i) grad_z[i] = z[i] > 0.0f ? grad_a[i] : 0.0f;
  } else {
    ALTOCAST_INDEPENDENT
    for (std::size_t i = 0; i < count; ++i) {
      const float s = sigmoid<kFused>(z[i]);
      grad_z[i] = s * multiply_add<kFused>(z[i], 1.0f - s, 1.0f) * grad_a[i];
    }
  }
}

// silu'' = s (1 − s) (2 + z (1 − 2 s)).
template <bool kFused>
ALTOCAST_INLINE void tangent_of_slope_loop(ActivationKind kind, const float* z, const float* tan_z, const float* grad_a,
                                           const float* tan_grad_a, float* tan_grad_z, std::size_t count) {
  if (kind == ActivationKind::relu) {
    slope_loop<kFused>(kind, z, tan_grad_a, tan_grad_z, count);
  } else {
    ALTOCAST_INDEPENDENT
    for (std::size_t i = 0; i < count; ++i) {
      const float s = sigmoid<kFused>(z[i]);
      const float first = s * multiply_add<kFused>(z[i], 1.0f - s, 1.0f);
      const float second = s * (1.0f - s) * multiply_add<kFused>(z[i], multiply_add<kFused>(s, -2.0f, 1.0f), 2.0f);
      tan_grad_z[i] = multiply_add<kFused>(second * tan_z[i], grad_a[i], first * tan_grad_a[i]);
    }
  }
}

// The three loops for one instruction set, and the table of them.
#define ALTOCAST_LOOPS_FOR(isa, fused, attribute)                                                                    \
  namespace isa {                                                                                                    \
  attribute void value(ActivationKind kind, const float* z, float* a, std::size_t count) {                           \
    value_loop<fused>(kind, z, a, count);                                                                            \
  }                                                                                                                  \
  attribute void slope(ActivationKind kind, const float* z, const float* grad_a, float* grad_z, std::size_t count) { \
    slope_loop<fused>(kind, z, grad_a, grad_z, count);                                                               \
  }                                                                                                                  \
  attribute void tangent_of_slope(ActivationKind kind, const float* z, const float* tan_z, const float* grad_a,      \
                                  const float* tan_grad_a, float* tan_grad_z, std::size_t count) {                   \
    tangent_of_slope_loop<fused>(kind, z, tan_z, grad_a, tan_grad_a, tan_grad_z, count);                             \
  }                                                                                                                  \
  constexpr ActivationLoops kLoops{value, slope, tangent_of_slope};                                                  \
  }

ALTOCAST_LOOPS_FOR(baseline, false, )
#if defined(__x86_64__)
ALTOCAST_LOOPS_FOR(avx2, true, __attribute__((target("avx2,fma"))))
ALTOCAST_LOOPS_FOR(avx512, true, __attribute__((target("avx512f,fma"))))
#endif

}  // namespace

const ActivationLoops& activation_loops([[maybe_unused]] bool allow_avx512) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("fma")) return baseline::kLoops;
  if (allow_avx512 && __builtin_cpu_supports("avx512f")) return avx512::kLoops;
  if (__builtin_cpu_supports("avx2")) return avx2::kLoops;
#endif
  return baseline::kLoops;
}

}  // namespace altocast::onednn
