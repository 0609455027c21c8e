// The pieces of the normal quantile (AS 241, PPND16) that uniform numbers of 32 bits fall into, 85 % of them in the
// middle one. Inlined because weight_loops.inl runs them over whole blocks of numbers, which makes vector code of them.
#pragma once

#include "runtime/elementary.h"

namespace altocast {

// Quantile of the standard normal distribution at 0.5 + q, |q| ≤ 0.425.
[[gnu::always_inline]] inline double normal_quantile_central(double q) {
  const double r = 0.180625 - q * q;
  double numerator = 2.5090809287301226727e3;
  numerator = numerator * r + 3.3430575583588128105e4;
  numerator = numerator * r + 6.7265770927008700853e4;
  numerator = numerator * r + 4.5921953931549871457e4;
  numerator = numerator * r + 1.3731693765509461125e4;
  numerator = numerator * r + 1.9715909503065514427e3;
  numerator = numerator * r + 1.3314166789178437745e2;
  numerator = numerator * r + 3.3871328727963666080e0;
  double denominator = 5.2264952788528545610e3;
  denominator = denominator * r + 2.8729085735721942674e4;
  denominator = denominator * r + 3.9307895800092710610e4;
  denominator = denominator * r + 2.1213794301586595867e4;
  denominator = denominator * r + 5.3941960214247511077e3;
  denominator = denominator * r + 6.8718700749205790830e2;
  denominator = denominator * r + 4.2313330701600911252e1;
  denominator = denominator * r + 1.0;
  return q * numerator / denominator;
}

// −Φ⁻¹(p), positive, for a tail's probability e^−25 ≤ p < 0.075.
[[gnu::always_inline]] inline double normal_quantile_tail(double p) {
  const double r = __builtin_sqrt(-portable_log(p)) - 1.6;
  double numerator = 7.74545014278341407640e-4;
  numerator = numerator * r + 2.27238449892691845833e-2;
  numerator = numerator * r + 2.41780725177450611770e-1;
  numerator = numerator * r + 1.27045825245236838258e0;
  numerator = numerator * r + 3.64784832476320460504e0;
  numerator = numerator * r + 5.76949722146069140550e0;
  numerator = numerator * r + 4.63033784615654529590e0;
  numerator = numerator * r + 1.42343711074968357734e0;
  double denominator = 1.05075007164441684324e-9;
  denominator = denominator * r + 5.47593808499534494600e-4;
  denominator = denominator * r + 1.51986665636164571966e-2;
  denominator = denominator * r + 1.48103976427480074590e-1;
  denominator = denominator * r + 6.89767334985100004550e-1;
  denominator = denominator * r + 1.67638483018380384940e0;
  denominator = denominator * r + 2.05319162663775882187e0;
  denominator = denominator * r + 1.0;
  return numerator / denominator;
}

}  // namespace altocast
