// exp, log, sine, cosine, arctangent and the normal quantile, computed with IEEE additions, multiplications, divisions
// and square roots in one fixed order, so that every platform gives the same bits; libm does not. The double overload
// of portable_exp serves the double reference path only and calls libm. portable_exp and portable_log are always
// inlined, so that loops over them become vector code, and objects of one instruction set (weight_loops.h) define no
// copy of them.
//
// The vector kernels in runtime/kernels evaluate exp with the same operations in the same order.
#pragma once

#include <cstdint>

#include "runtime/exp_constants.h"

namespace altocast {

// e^x, relative error below 2e-7 for −87 ≤ x ≤ 88; arguments beyond are clamped to that range. NaN gives NaN.
[[gnu::always_inline]] inline float portable_exp(float x) {
  // Written so that a NaN passes through.
  x = kExpMin > x ? kExpMin : x;
  x = kExpMax < x ? kExpMax : x;
  const float t = x * kLog2E + kRoundMagic;
  const float n = t - kRoundMagic;
  float r = x - n * kExpLn2High;
  r = r - n * kExpLn2Low;
  float p = kExp6;
  p = p * r + kExp5;
  p = p * r + kExp4;
  p = p * r + kExp3;
  p = p * r + kExp2;
  p = p * (r * r) + r;
  p = p + 1.0f;
  return p * __builtin_bit_cast(float, (__builtin_bit_cast(std::uint32_t, t) << 23) + kOneBits);
}
double portable_exp(double x);  // std::exp: reference path only

// Natural logarithm of a positive normal double, relative error below 1e-14:
// x = 2^e m with m in [√½, √2); log m = 2 artanh(s), s = (m − 1) / (m + 1), |s| ≤ 0.172.
[[gnu::always_inline]] inline double portable_log(double x) {
  constexpr double kLn2High = 6.93147180369123816490e-01;  // 33 bits, so that e · high is exact
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  constexpr std::uint64_t kSqrtHalfBits = 0x3FE6A09E667F3BCDu;
  constexpr std::uint64_t kMantissa = 0x000FFFFFFFFFFFFFu;

  const auto bits = __builtin_bit_cast(std::uint64_t, x);
  // Adding the distance from √½ to 1 carries into the exponent just when the mantissa is at least √2.
  const std::uint64_t shifted = bits + (0x3FF0000000000000u - kSqrtHalfBits);
  const int e = static_cast<int>(shifted >> 52) - 1023;
  const double m = __builtin_bit_cast(double, (shifted & kMantissa) + kSqrtHalfBits);

  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double p = 1.0 / 21.0;
  p = p * z + 1.0 / 19.0;
  p = p * z + 1.0 / 17.0;
  p = p * z + 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  const double log_m = 2.0 * s + 2.0 * s * (z * p);
  return static_cast<double>(e) * kLn2High + (log_m + static_cast<double>(e) * kLn2Low);
}

// Sine and cosine for |x| ≤ 1000, and the angle of (x, y) in [−π, π], 0 for (0, 0); absolute errors below 1e-14.
double portable_sin(double x);
double portable_cos(double x);
double portable_atan2(double y, double x);

// Quantile of the standard normal distribution at 0 < p < 1 (Wichura, AS 241, 1988), absolute error below 1e-12.
double normal_quantile(double p);

}  // namespace altocast
