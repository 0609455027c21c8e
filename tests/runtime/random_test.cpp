#include "runtime/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "runtime/elementary.h"
#include "runtime/philox.h"
#include "tests/runtime/bit_hash.h"

namespace altocast {
namespace {

using Quad = std::array<std::uint32_t, 4>;

// The known answers that Random123 publishes.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Quad{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Quad{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Quad{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, CounterIsIndexAndStreamAndKeyIsSeed) {
  EXPECT_EQ(random_bits(0, 0, 0), 0x6627e8d5u);
  EXPECT_EQ(random_bits(0, 0, 3), 0x9b00dbd8u);
  const std::uint64_t seed = 0x299f31d0a4093822u;
  const std::uint64_t stream = 0x0370734413198a2eu;
  const std::uint64_t index = 0x1234567890123u;
  const Quad quad = philox4x32(
      {static_cast<std::uint32_t>(index / 4), static_cast<std::uint32_t>(index / 4 >> 32), 0x13198a2e, 0x03707344},
      {0xa4093822, 0x299f31d0});
  EXPECT_EQ(random_bits(seed, stream, index), quad[index % 4]);
}

TEST(Random, BelowStaysBelowAndReachesAll) {
  std::vector<int> count(7);
  for (std::uint64_t i = 0; i < 7000; ++i) ++count.at(random_below(1, 2, i, 7));
  for (const int n : count) EXPECT_NEAR(n, 1000, 150);
}

TEST(Random, UniformIsOpenAndEven) {
  double sum = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double u = random_uniform(3, 4, i);
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.01);
}

TEST(FillNormal, IsTheQuantileOfEachUniformNumberFromAnyStart) {
  constexpr std::uint64_t kCarries = (std::uint64_t{4} << 32) - 700;  // the counter's lower word runs over
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3},
                                    std::uint64_t{509}, std::uint64_t{1021}, kCarries}) {
    std::vector<double> numbers(1500);
    std::vector<float> rounded(1500);
    fill_normal(5, 6, first, std::span<double>(numbers));
    fill_normal(5, 6, first, std::span<float>(rounded));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(numbers[i], normal_quantile(random_uniform(5, 6, first + i))) << first << ' ' << i;
      ASSERT_EQ(rounded[i], static_cast<float>(numbers[i]));
    }
  }
}

TEST(FillNormal, HasTheMomentsOfTheStandardNormal) {
  std::vector<double> z(100000);
  fill_normal(7, 8, 0, std::span<double>(z));
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (const double v : z) {
    m1 += v;
    m2 += v * v;
    m3 += v * v * v;
    m4 += v * v * v * v;
  }
  const auto n = static_cast<double>(z.size());
  EXPECT_NEAR(m1 / n, 0, 0.015);
  EXPECT_NEAR(m2 / n, 1, 0.02);
  EXPECT_NEAR(m3 / n, 0, 0.05);
  EXPECT_NEAR(m4 / n, 3, 0.15);
}

TEST(FillNormal, HasTheSameBitsEverywhere) {
  std::vector<float> z(100000);
  fill_normal(9, 10, 3, std::span<float>(z));
  BitHash hash;
  hash.add(std::span<const float>(z));
  EXPECT_EQ(hash.value(), 0xF212C7683B4EAE30u);
}

TEST(DeriveSeed, DiffersInEveryArgument) {
  const std::uint64_t seed = derive_seed(1, 2, 3, 4);
  EXPECT_EQ(seed, derive_seed(1, 2, 3, 4));
  EXPECT_NE(seed, derive_seed(2, 2, 3, 4));
  EXPECT_NE(seed, derive_seed(1, 3, 3, 4));
  EXPECT_NE(seed, derive_seed(1, 2, 4, 4));
  EXPECT_NE(seed, derive_seed(1, 2, 3, 5));
  EXPECT_NE(derive_seed(1, 2, 3, 4), derive_seed(1, 2, 4, 3));
}

}  // namespace
}  // namespace altocast
