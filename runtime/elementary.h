// exp, log, sine, cosine, arctangent and the normal quantile, computed with IEEE additions, multiplications, divisions
// and square roots in one fixed order, so that every platform gives the same bits; libm does not. The double overload
// of portable_exp serves the double reference path only and calls libm. portable_exp is inline so that loops over it
// become vector code.
//
// The vector kernels in runtime/kernels evaluate exp with the same operations in the same order.
#pragma once

#include <bit>
#include <cstdint>

#include "runtime/exp_constants.h"

namespace altocast {

// e^x, relative error below 2e-7 for −87 ≤ x ≤ 88; arguments beyond are clamped to that range. NaN gives NaN.
inline float portable_exp(float x) {
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
  return p * std::bit_cast<float>((std::bit_cast<std::uint32_t>(t) << 23) + kOneBits);
}
double portable_exp(double x);  // std::exp: reference path only

// Natural logarithm of a positive normal double, relative error below 1e-14.
double portable_log(double x);

// Sine and cosine for |x| ≤ 1000, and the angle of (x, y) in [−π, π], 0 for (0, 0); absolute errors below 1e-14.
double portable_sin(double x);
double portable_cos(double x);
double portable_atan2(double y, double x);

// Quantile of the standard normal distribution at 0 < p < 1 (Wichura, AS 241, 1988), absolute error below 1e-12.
double normal_quantile(double p);

}  // namespace altocast
