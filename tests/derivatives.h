// What the tests of derivatives share: reproducible numbers, inner products and central differences, all in
// double.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/random.h"
#include "runtime/tensor.h"

namespace altocast::test {

using Vector = std::vector<double>;

// Step of the central differences: their error, h² times a third derivative, and rounding's, 1e-16 / h, both
// stay well below kTolerance; and h is too small to cross a kink of relu, except by accident.
inline constexpr double kStep = 1e-5;
inline constexpr double kTolerance = 1e-6;

inline Vector normal_values(std::uint64_t seed, std::size_t count, double scale = 1.0, double mean = 0.0) {
  Vector values(count);
  fill_normal(seed, 0, 0, std::span<double>(values));
  for (double& value : values) value = mean + scale * value;
  return values;
}

inline double dot(const Vector& a, const Vector& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline double norm(const Vector& a) { return std::sqrt(dot(a, a)); }

// a + scale · b.
inline Vector plus(Vector a, double scale, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += scale * b[i];
  return a;
}

// ‖a − b‖ / ‖b‖; infinite where b is zero and a is not, or has no meaning.
inline double relative_error(const Vector& a, const Vector& b) {
  if (a.size() != b.size()) return INFINITY;
  const double difference = norm(plus(a, -1.0, b));
  return difference == 0 ? 0 : difference / norm(b);
}

// Gradient of f(x) at x, one coordinate at a time.
template <class Function>
Vector numeric_gradient(const Vector& x, const Function& f, double step = kStep) {
  Vector gradient(x.size());
  Vector at = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    at[i] = x[i] + step;
    const double above = f(at);
    at[i] = x[i] - step;
    gradient[i] = (above - f(at)) / (2 * step);
    at[i] = x[i];
  }
  return gradient;
}

// Derivative of a vector g(x) along u.
template <class Function>
Vector numeric_tangent(const Vector& x, const Vector& u, const Function& g, double step = kStep) {
  Vector tangent = plus(g(plus(x, step, u)), -1.0, g(plus(x, -step, u)));
  for (double& value : tangent) value /= 2 * step;
  return tangent;
}

// A tensor that owns its memory, zeroed.
struct Image {
  Vector memory;
  Tensor<double> view;

  explicit Image(Extent extent, Layout layout = {1, 0}) : memory(tensor_size<double>(extent, layout), 0.0) {
    view = {memory.data(), extent, layout};
  }
  // Plain [channels][height][width] values in any layout.
  Image(Extent extent, const Vector& values, Layout layout = {1, 0}) : Image(extent, layout) {
    std::size_t i = 0;
    for_each([&](double& element) { element = values[i++]; });
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  Vector values() const {
    Vector result;
    for_each([&](double& element) { result.push_back(element); });
    return result;
  }

  // Sum of what lies outside the image: halo and padding channels, zero by Tensor's contract.
  double outside() const {
    double all = 0, inside = 0;
    for (const double element : memory) all += std::abs(element);
    for_each([&](double& element) { inside += std::abs(element); });
    return std::abs(all - inside) < 1e-12 * (1 + all) ? 0 : all - inside;
  }

 private:
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (int c = 0; c < view.extent.channels; ++c) {
      for (int y = 0; y < view.extent.height; ++y) {
        for (int x = 0; x < view.extent.width; ++x) visit(view.at(c, y, x));
      }
    }
  }
};

inline std::size_t count(Extent extent) {
  return static_cast<std::size_t>(extent.channels) * static_cast<std::size_t>(extent.height) *
         static_cast<std::size_t>(extent.width);
}

}  // namespace altocast::test
