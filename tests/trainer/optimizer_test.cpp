// Adam against its definition in double, and the limit on a gradient's norm.
#include "trainer/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/random.h"

namespace altocast {
namespace {

std::vector<float> normal_floats(std::uint64_t stream, std::size_t size) {
  std::vector<float> values(size);
  fill_normal(99, stream, 0, std::span<float>(values));
  return values;
}

TEST(Adam, FollowsItsDefinition) {
  constexpr std::size_t kSize = 37;  // not a whole number of vectors
  std::vector<float> values = normal_floats(1, kSize);
  std::vector<double> x(values.begin(), values.end()), m(kSize), v(kSize);
  Adam adam(kSize);
  for (int t = 1; t <= 50; ++t) {
    std::vector<float> gradient = normal_floats(static_cast<std::uint64_t>(1 + t), kSize);
    for (std::size_t d = 0; d < kSize; ++d) gradient[d] *= std::pow(10.0f, static_cast<float>(d % 7) - 4.0f);
    const double rate = 0.01 / t;
    adam.step(values, gradient, rate);
    for (std::size_t d = 0; d < kSize; ++d) {
      const auto g = static_cast<double>(gradient[d]);
      m[d] = 0.9 * m[d] + 0.1 * g;
      v[d] = 0.999 * v[d] + 0.001 * g * g;
      const double mean = m[d] / (1 - std::pow(0.9, t));
      const double square = v[d] / (1 - std::pow(0.999, t));
      x[d] -= rate * mean / (std::sqrt(square) + 1e-8);
    }
  }
  EXPECT_EQ(adam.steps(), 50u);
  for (std::size_t d = 0; d < kSize; ++d) EXPECT_NEAR(values[d], x[d], 2e-6) << d;
}

TEST(Adam, FirstStepIsTheRateWhateverTheGradientsScale) {
  Adam adam(3);
  std::vector<float> values(3);
  const std::vector<float> gradient{1e4f, -1e-3f, 0.0f};
  adam.step(values, gradient, 0.5);
  EXPECT_NEAR(values[0], -0.5, 1e-4);
  EXPECT_NEAR(values[1], 0.5, 1e-4);
  EXPECT_EQ(values[2], 0.0f);
}

TEST(Adam, GoesOnFromItsRestoredState) {
  Adam whole(5), first(5), second(5);
  std::vector<float> a = normal_floats(1, 5), b = a;
  for (std::uint64_t t = 0; t < 3; ++t) whole.step(a, normal_floats(10 + t, 5), 0.1);
  first.step(b, normal_floats(10, 5), 0.1);
  second.first_moment() = first.first_moment();
  second.second_moment() = first.second_moment();
  second.steps() = first.steps();
  for (std::uint64_t t = 1; t < 3; ++t) second.step(b, normal_floats(10 + t, 5), 0.1);
  EXPECT_EQ(a, b);
}

TEST(ClipNorm, ScalesLongGradientsToTheLimitAndLeavesOthers) {
  std::vector<float> gradient{3.0f, -4.0f, 0.0f};
  EXPECT_DOUBLE_EQ(clip_norm(gradient, 0.0), 5.0);  // no limit
  EXPECT_DOUBLE_EQ(clip_norm(gradient, 5.0), 5.0);
  EXPECT_EQ(gradient, (std::vector<float>{3.0f, -4.0f, 0.0f}));
  EXPECT_DOUBLE_EQ(clip_norm(gradient, 0.5), 5.0);
  EXPECT_FLOAT_EQ(gradient[0], 0.3f);
  EXPECT_FLOAT_EQ(gradient[1], -0.4f);
}

TEST(ClipNorm, NormOfHugeFloatsDoesNotOverflow) {
  std::vector<float> gradient(4, 1e30f);
  EXPECT_NEAR(clip_norm(gradient, 1.0) / 2e30, 1.0, 1e-6);
  EXPECT_FLOAT_EQ(gradient[0], 0.5f);
}

}  // namespace
}  // namespace altocast
