#include "runtime/elementary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/runtime/bit_hash.h"

namespace altocast {
namespace {

TEST(PortableExp, IsWithinTwoTenMillionthsOfExp) {
  double worst = 0;
  for (int i = 0; i <= 200000; ++i) {
    const float x = -87.0f + 175.0f * static_cast<float>(i) / 200000.0f;
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(portable_exp(x)) / exact - 1.0));
  }
  EXPECT_LT(worst, 2e-7);
}

TEST(PortableExp, ClampsItsArgumentAndPassesNaN) {
  EXPECT_EQ(portable_exp(0.0f), 1.0f);
  EXPECT_EQ(portable_exp(1000.0f), portable_exp(88.0f));
  EXPECT_EQ(portable_exp(-1000.0f), portable_exp(-87.0f));
  EXPECT_EQ(portable_exp(std::numeric_limits<float>::infinity()), portable_exp(88.0f));
  EXPECT_TRUE(std::isnan(portable_exp(std::numeric_limits<float>::quiet_NaN())));
}

TEST(PortableExp, HasTheSameBitsEverywhere) {
  BitHash hash;
  for (int i = 0; i <= 20000; ++i) hash.add(portable_exp(-90.0f + static_cast<float>(i) * 0.009f));
  EXPECT_EQ(hash.value(), 0xCEFA0E86FA3AE294u);
}

TEST(PortableLog, IsWithinOnePartInTenToTheFourteen) {
  for (int i = -40000; i <= 40000; ++i) {
    const double x = std::exp2(static_cast<double>(i) / 40.0 * 1.02) * (1.0 + 1e-3 * (i % 7));
    if (x == 1.0) continue;
    const double exact = std::log(x);
    EXPECT_NEAR(portable_log(x) / exact, 1.0, 1e-14) << x;
  }
  for (int i = 1; i < 10000; ++i) {
    const double x = 0.5 + i * 1e-4;
    if (x == 1.0) continue;
    EXPECT_NEAR(portable_log(x) / std::log(x), 1.0, 1e-14) << x;
  }
  EXPECT_EQ(portable_log(1.0), 0.0);
}

TEST(PortableTrigonometry, AgreesWithLibmToTenToTheMinusFourteen) {
  double worst = 0;
  for (int i = -100000; i <= 100000; ++i) {
    const double x = i * 0.00998;
    worst = std::max({worst, std::abs(portable_sin(x) - std::sin(x)), std::abs(portable_cos(x) - std::cos(x))});
  }
  EXPECT_LT(worst, 1e-14);
  worst = 0;
  for (int i = -2000; i <= 2000; ++i) {
    for (const double x : {-70.0, -1.0, -0.41, -1e-9, 0.0, 1e-12, 0.3, 2.0, 5e8}) {
      worst = std::max(worst, std::abs(portable_atan2(i * 0.003, x) - std::atan2(i * 0.003, x)));
    }
  }
  EXPECT_LT(worst, 1e-14);
  EXPECT_EQ(portable_atan2(0.0, 0.0), 0.0);
}

TEST(PortableTrigonometry, HasTheSameBitsEverywhere) {
  BitHash hash;
  for (int i = -1000; i <= 1000; ++i) {
    for (const double value : {portable_sin(0.01 * i), portable_cos(0.01 * i), portable_atan2(0.01 * i, 1.7)}) {
      hash.add(static_cast<float>(value));
      hash.add(static_cast<float>(value - static_cast<double>(static_cast<float>(value))));
    }
  }
  EXPECT_EQ(hash.value(), 13866740026631283948u);
}

// Φ(quantile(p)) = p, by the complementary error function.
TEST(NormalQuantile, InvertsTheNormalDistribution) {
  for (double p : {1e-300, 1e-100, 1e-20, 1e-11, 1e-9, 1e-6, 1e-3, 0.02, 0.0749999, 0.0750001, 0.2, 0.4, 0.4999}) {
    const double x = normal_quantile(p);
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * 3.14159265358979323846);
    EXPECT_NEAR((0.5 * std::erfc(-x / std::sqrt(2.0)) - p) / density, 0.0, 1e-12) << p;
  }
  EXPECT_EQ(normal_quantile(0.5), 0.0);
}

TEST(NormalQuantile, IsAntisymmetric) {
  for (int i = 1; i < 512; ++i) {
    const double p = i / 1024.0;
    EXPECT_EQ(normal_quantile(p), -normal_quantile(1.0 - p));
  }
}

TEST(NormalQuantile, HasTheSameBitsEverywhere) {
  BitHash hash;
  for (int i = 1; i < 20000; ++i) hash.add(normal_quantile(i / 20000.0));
  for (int i = 2; i < 1000; ++i) hash.add(normal_quantile(std::ldexp(1.0, -i)));
  EXPECT_EQ(hash.value(), 0xBC269194F813496Cu);
}

}  // namespace
}  // namespace altocast
