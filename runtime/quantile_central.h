// The middle piece of the normal quantile (AS 241, PPND16), inline because random.cpp runs it over whole
// blocks of numbers, where a compiler can put two or more into a vector; 85 % of uniform numbers fall into
// it.
#pragma once

namespace altocast {

// Quantile of the standard normal distribution at 0.5 + q, |q| ≤ 0.425.
inline double normal_quantile_central(double q) {
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

}  // namespace altocast
