// Least absolute errors by iterated least squares, in which an error weighs by one over its size: Σ |t − a·u − b·v| of
// two unknowns a and b, whose normal equations these are.
#pragma once

#include <algorithm>
#include <optional>

namespace altocast {

struct NormalEquations {
  static constexpr double kLeastError = 0.1;  // smaller ones weigh no more than this share of the mean size

  double uu = 0, uv = 0, vv = 0, ut = 0, vt = 0;

  // A term whose error has this size by the last solution, as a share of the mean size.
  void add(double u, double v, double t, double error) {
    const double weight = 1.0 / std::max(error, kLeastError);
    uu += weight * u * u;
    uv += weight * u * v;
    vv += weight * v * v;
    ut += weight * u * t;
    vt += weight * v * t;
  }

  struct Solution {
    double a, b;
  };
  // None if they are singular.
  std::optional<Solution> solve() const {
    const double determinant = uu * vv - uv * uv;
    if (!(determinant > 0)) return std::nullopt;
    return Solution{(vv * ut - uv * vt) / determinant, (uu * vt - uv * ut) / determinant};
  }
};

}  // namespace altocast
