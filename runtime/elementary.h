// exp, log and the normal quantile, computed with IEEE additions, multiplications, divisions and square roots in one
// fixed order, so that every platform gives the same bits; libm does not. The double overloads of fast_exp serve the
// double reference path only and may call libm.
//
// The vector kernels in runtime/kernels evaluate exp with the same operations in the same order.
#pragma once

#include <cstdint>

namespace altocast {

// e^x, relative error below 2e-7 for −87 ≤ x ≤ 88; arguments beyond are clamped to that range. NaN gives NaN.
float portable_exp(float x);
double portable_exp(double x);  // std::exp: reference path only

// Natural logarithm of a positive normal double, relative error below 1e-14.
double portable_log(double x);

// Quantile of the standard normal distribution at 0 < p < 1 (Wichura, AS 241, 1988), absolute error below 1e-12.
double normal_quantile(double p);

}  // namespace altocast
