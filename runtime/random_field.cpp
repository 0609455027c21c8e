#include "runtime/random_field.h"

#include <cassert>
#include <cmath>

#include "runtime/random.h"

namespace altocast {
namespace {

// x_0 = ε_0, x_1 = ρ_1 x_0 + √(1 − ρ_1²) ε_1, x_i = 2r x_{i−1} − r² x_{i−2} + s ε_i.
struct Filter {
  float rho1, start, first, second, innovation;
};

double root(double length) { return length / (1.0 + length); }

Filter make_filter(float length) {
  const double r = root(static_cast<double>(length));
  const double square = r * r, rest = 1.0 - square, sum = 1.0 + square;
  return {static_cast<float>(2.0 * r / sum), static_cast<float>(rest / sum), static_cast<float>(2.0 * r),
          static_cast<float>(-square), static_cast<float>(rest * std::sqrt(rest / sum))};
}

}  // namespace

double field_correlation(double length, int distance) {
  const double r = root(length), square = r * r;
  double power = 1.0;
  for (int k = 0; k < distance; ++k) power *= r;
  return (1.0 + distance * (1.0 - square) / (1.0 + square)) * power;
}

void fill_random_field(std::uint64_t seed, std::uint64_t stream, float length, int height, int width,
                       std::span<float> dst) {
  const auto rows = static_cast<std::size_t>(height), columns = static_cast<std::size_t>(width);
  assert(dst.size() == rows * columns);
  fill_normal(seed, stream, 0, dst);
  if (!(length > 0.0f)) return;
  const Filter f = make_filter(length);
  for (std::size_t y = 0; y < rows; ++y) {
    float* row = dst.data() + y * columns;
    if (columns > 1) row[1] = f.rho1 * row[0] + f.start * row[1];
    for (std::size_t x = 2; x < columns; ++x)
      row[x] = f.first * row[x - 1] + (f.second * row[x - 2] + f.innovation * row[x]);
  }
  for (std::size_t y = 1; y < rows; ++y) {
    float* row = dst.data() + y * columns;
    const float* before = row - columns;
    if (y == 1) {
      for (std::size_t x = 0; x < columns; ++x) row[x] = f.rho1 * before[x] + f.start * row[x];
      continue;
    }
    const float* before2 = before - columns;
    for (std::size_t x = 0; x < columns; ++x)
      row[x] = f.first * before[x] + (f.second * before2[x] + f.innovation * row[x]);
  }
}

}  // namespace altocast
