#include "runtime/elementary.h"

#include <bit>
#include <cmath>

#include "runtime/quantile_pieces.h"

namespace altocast {

double portable_exp(double x) { return std::exp(x); }

namespace {

constexpr double kHalfPi = 1.57079632679489661923;

// Sine of r + quarter · π/2 for |r| ≤ π/4, by the Taylor series of sine or cosine.
double sine_of_quarter(double r, unsigned quarter) {
  const bool cosine = quarter % 2 != 0;
  const double z = r * r;
  double sum = 0.0;
  for (int n = cosine ? 17 : 18; n >= 1; n -= 2) sum = (sum + 1.0) * -z / static_cast<double>(n * (n + 1));
  sum = cosine ? 1.0 + sum : r + r * sum;
  return quarter % 4 < 2 ? sum : -sum;
}

double sine(double x, unsigned quarters) {
  constexpr double kHigh = 1.5707963267341256141662598, kLow = 6.0771005065061922e-11;  // of π/2; n · high is exact
  const double n = std::floor(x / kHalfPi + 0.5);
  return sine_of_quarter((x - n * kHigh) - n * kLow, static_cast<unsigned>(static_cast<int>(n)) + quarters);
}

}  // namespace

double portable_sin(double x) { return sine(x, 0); }
double portable_cos(double x) { return sine(x, 1); }

// The arctangent's Taylor series for |t| ≤ tan(π/8), to which every angle is brought by symmetries.
double portable_atan2(double y, double x) {
  const double up = y < 0.0 ? -y : y, right = x < 0.0 ? -x : x;
  if (up == 0.0 && right == 0.0) return 0.0;
  const bool steep = up > right;
  double t = steep ? right / up : up / right;  // 0 … 1
  constexpr double kTanEighth = 0.41421356237309504880;
  const bool high = t > kTanEighth;  // atan t = π/4 − atan((1 − t) / (1 + t))
  if (high) t = (1.0 - t) / (1.0 + t);
  double sum = 0.0;
  for (int n = 41; n >= 3; n -= 2) sum = -t * t * (1.0 / n + sum);
  double angle = t + t * sum;
  if (high) angle = 0.5 * kHalfPi - angle;
  if (steep) angle = kHalfPi - angle;
  if (x < 0.0) angle = 2.0 * kHalfPi - angle;
  return y < 0.0 ? -angle : angle;
}

// Rational approximations of AS 241 (PPND16): one about the median, two in √−log of the tail's probability.
double normal_quantile(double p) {
  const double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) return normal_quantile_central(q);
  const double tail_p = q < 0 ? p : 1.0 - p;
  double r = std::sqrt(-portable_log(tail_p));
  double tail;
  if (r <= 5.0) {
    tail = normal_quantile_tail(tail_p);
  } else {
    r -= 5.0;
    double numerator = 2.01033439929228813265e-7;
    numerator = numerator * r + 2.71155556874348757815e-5;
    numerator = numerator * r + 1.24266094738807843860e-3;
    numerator = numerator * r + 2.65321895265761230930e-2;
    numerator = numerator * r + 2.96560571828504891230e-1;
    numerator = numerator * r + 1.78482653991729133580e0;
    numerator = numerator * r + 5.46378491116411436990e0;
    numerator = numerator * r + 6.65790464350110377720e0;
    double denominator = 2.04426310338993978564e-15;
    denominator = denominator * r + 1.42151175831644588870e-7;
    denominator = denominator * r + 1.84631831751005468180e-5;
    denominator = denominator * r + 7.86869131145613259100e-4;
    denominator = denominator * r + 1.48753612908506148525e-2;
    denominator = denominator * r + 1.36929880922735805310e-1;
    denominator = denominator * r + 5.99832206555887937690e-1;
    denominator = denominator * r + 1.0;
    tail = numerator / denominator;
  }
  return q < 0 ? -tail : tail;
}

}  // namespace altocast
