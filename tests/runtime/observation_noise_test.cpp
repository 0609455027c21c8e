// The observation noise: fields of the right variance and correlation, everywhere and from lead to lead; quantiles that
// depend on the state; the same bits everywhere; members within what a frame can hold.
#include "runtime/station/observation_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/random_field.h"
#include "tests/formats/sample_noise.h"
#include "tests/runtime/bit_hash.h"

namespace altocast {
namespace {

constexpr FrameRangeLimits kNoLimits{-1e9f, 1e9f};
const Combination kUnchanged = default_combination(3);

std::size_t index(int number) { return static_cast<std::size_t>(number); }

std::uint64_t hash_of(const std::vector<float>& values) {
  BitHash hash;
  hash.add(std::span<const float>(values));
  return hash.value();
}

TEST(RandomField, HasUnitVarianceEverywhereAndTheStatedCorrelation) {
  constexpr int kHeight = 12, kWidth = 14, kFields = 20000;
  const float length = 2.5f;
  std::vector<float> field(kHeight * kWidth);
  double corner = 0, inside = 0, right = 0, down = 0, diagonal = 0, mean = 0;
  for (std::uint64_t i = 0; i < kFields; ++i) {
    fill_random_field(1, i, length, kHeight, kWidth, field);
    const auto at = [&](int y, int x) { return static_cast<double>(field[index(y * kWidth + x)]); };
    mean += at(6, 6) / kFields;
    corner += at(0, 0) * at(0, 0) / kFields;
    inside += at(11, 9) * at(11, 9) / kFields;
    right += at(5, 0) * at(5, 3) / kFields;
    down += at(2, 7) * at(6, 7) / kFields;
    diagonal += at(1, 1) * at(3, 2) / kFields;
  }
  constexpr double kTolerance = 0.04;  // four standard errors of a variance
  EXPECT_NEAR(mean, 0, kTolerance);
  EXPECT_NEAR(corner, 1, kTolerance);
  EXPECT_NEAR(inside, 1, kTolerance);
  EXPECT_NEAR(right, field_correlation(2.5, 3), kTolerance);
  EXPECT_NEAR(down, field_correlation(2.5, 4), kTolerance);
  EXPECT_NEAR(diagonal, field_correlation(2.5, 2) * field_correlation(2.5, 1), kTolerance);
  EXPECT_GT(field_correlation(2.5, 3), 0.4) << "not by chance";
}

TEST(RandomField, OfLengthZeroIsWhiteAndOfOnePixelIsANumber) {
  EXPECT_EQ(field_correlation(0.0, 0), 1.0);
  EXPECT_EQ(field_correlation(0.0, 1), 0.0);
  std::vector<float> white(6), one(1);
  fill_random_field(1, 2, 0.0f, 2, 3, white);
  fill_random_field(1, 2, 5.0f, 1, 1, one);
  EXPECT_EQ(one[0], white[0]);
}

TEST(RandomField, HasTheSameBitsOnEveryPlatform) {
  std::vector<float> field(9 * 11);
  fill_random_field(3, 4, 3.25f, 9, 11, field);
  EXPECT_EQ(hash_of(field), 9130569312030525497u);
}

TEST(LocalVariability, EqualsADirectComputation) {
  constexpr int kHeight = 20, kWidth = 40, kFrames = 3;
  std::vector<float> frames(kFrames * kHeight * kWidth);
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = std::sin(0.37f * static_cast<float>(i * i % 101)) * 0.8f;
  ThreadPool threads(2);
  LocalVariability variability(kHeight, kWidth);
  variability.compute(frames.data(), kFrames, threads);
  const auto at = [&](int f, int y, int x) {
    return static_cast<double>(frames[index((f * kHeight + y) * kWidth + x)]);
  };
  for (const auto& [y, x] : {std::pair{0, 0}, {3, 39}, {10, 20}, {19, 5}}) {
    for (int w = 0; w < 2; ++w) {
      const int half = kNoiseWindows[w] / 2;
      double count = 0, sum = 0, squares = 0, changes = 0;
      for (int v = std::max(0, y - half); v <= std::min(kHeight - 1, y + half); ++v) {
        for (int u = std::max(0, x - half); u <= std::min(kWidth - 1, x + half); ++u) {
          ++count;
          sum += at(2, v, u);
          squares += at(2, v, u) * at(2, v, u);
          for (int f = 1; f < kFrames; ++f) changes += std::pow(at(f, v, u) - at(f - 1, v, u), 2) / (kFrames - 1);
        }
      }
      const double deviation = std::sqrt(squares / count - std::pow(sum / count, 2));
      const auto floor = static_cast<double>(kNoiseFloor);
      const float* logs = variability.logs(index(y * kWidth + x));
      EXPECT_NEAR(logs[w], std::log(deviation + floor), 1e-5);
      EXPECT_NEAR(logs[2 + w], std::log(std::sqrt(changes / count) + floor), 1e-5);
      if (w == 0) continue;
      EXPECT_NEAR(variability.position(index(y * kWidth + x), 0.3f), (0.3 - sum / count) / (deviation + floor), 1e-4);
    }
  }
}

TEST(NoiseQuantiles, AreTheTableAtItsNodesAndScoresGoBack) {
  const NoiseModel noise = sample_noise_model(2);
  const NoiseQuantiles quantiles(noise, 1);
  const NodePlace a = quantiles.amplitude_place(noise.amplitude_nodes[kAmplitudeNodes + 2]);
  const NodePlace p = quantiles.position_place(noise.position_nodes[kPositionNodes + 4]);
  const std::size_t cell = (kAmplitudeNodes + 2) * kPositionNodes + 4;
  for (std::size_t knot = 0; knot < kNoiseQuantiles; ++knot) {
    const float z = kFirstNoiseKnot + kNoiseKnotStep * static_cast<float>(knot);
    EXPECT_NEAR(quantiles.error(a, p, z), noise.quantiles[cell * kNoiseQuantiles + knot], 1e-6);
  }
  EXPECT_EQ(quantiles.amplitude_place(-100.0f).fraction, 0.0f);
  EXPECT_EQ(quantiles.amplitude_place(100.0f).fraction, 1.0f) << "the last node";
  const NodePlace between = quantiles.position_place(0.2f);
  for (const float z : {-2.9f, -1.1f, 0.0f, 0.3f, 2.6f})
    EXPECT_NEAR(quantiles.score(a, between, quantiles.error(a, between, z)), z, 1e-4);
  EXPECT_EQ(quantiles.score(a, between, -1e6f), -3.0f);
  EXPECT_EQ(quantiles.score(a, between, 1e6f), 3.0f);
  EXPECT_GT(quantiles.error(a, p, 3.5f), quantiles.error(a, p, 3.0f)) << "goes on beyond the knots";
}

// Frames that are lively in their right half.
struct NoiseCase {
  static constexpr int kHeight = 30, kWidth = 64, kLeads = 3;
  NoiseCase() : frames(2 * kHeight * kWidth), forecast(kLeads * kHeight * kWidth, 0.1f) {
    for (std::size_t i = 0; i < frames.size(); ++i)
      if (i % kWidth >= kWidth / 2) frames[i] = std::sin(1.7f * static_cast<float>(i)) * 0.5f;
  }
  std::vector<float> noise_of(std::uint64_t seed, int member, int threads_count = 1,
                              const FrameRangeLimits& limits = kNoLimits) const {
    ThreadPool threads(threads_count);
    const NoiseModel model = sample_noise_model(kLeads);
    ObservationNoise noise(model, kHeight, kWidth);
    noise.prepare(frames.data(), 2, kUnchanged, threads);
    std::vector<float> values = forecast;
    noise.add(seed, member, limits, values, threads);
    return values;
  }
  std::vector<float> frames, forecast;
};

TEST(ObservationNoise, IsLargerWhereTheSkyIsLively) {
  const NoiseCase c;
  double calm = 0, lively = 0;
  for (int member = 0; member < 20; ++member) {
    const std::vector<float> values = c.noise_of(1, member);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto size = static_cast<double>(std::fabs(values[i] - 0.1f));
      if (i % 64 < 8) calm += size;
      if (i % 64 >= 56) lively += size;
    }
  }
  EXPECT_GT(lively, 2 * calm);
  EXPECT_GT(calm, 0);
}

TEST(ObservationNoise, HangsTogetherFromLeadToLead) {
  const NoiseCase c;
  double same = 0, next = 0, beyond = 0;
  for (int member = 0; member < 200; ++member) {
    const std::vector<float> values = c.noise_of(1, member);
    const auto noise = [&](int lead) { return static_cast<double>(values[index((lead * 30 + 15) * 64 + 60)]) - 0.1; };
    same += noise(0) * noise(0);
    next += noise(0) * noise(1);
    beyond += noise(0) * noise(2);
  }
  EXPECT_NEAR(next / same, 0.6, 0.2);
  EXPECT_NEAR(beyond / same, 0.36, 0.2);
}

TEST(ObservationNoise, HasTheSameBitsForEveryNumberOfThreadsAndEveryPlatform) {
  const NoiseCase c;
  const std::vector<float> values = c.noise_of(7, 3);
  EXPECT_EQ(values, c.noise_of(7, 3, 3));
  EXPECT_NE(values, c.noise_of(7, 4));
  EXPECT_NE(values, c.noise_of(8, 3));
  EXPECT_EQ(hash_of(values), 13052554759704981222u);
}

TEST(ObservationNoise, StaysWithinWhatAFrameCanHold) {
  const NoiseCase c;
  const std::vector<float> plain = c.noise_of(7, 3), limited = c.noise_of(7, 3, 1, {0.0f, 0.2f});
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(limited[i], std::min(std::max(plain[i], 0.0f), 0.2f));
  EXPECT_NE(plain, limited);
}

TEST(ObservationNoise, HasAsManyDrawsAboveItsMedianAsBelow) {
  const NoiseCase c;
  NoiseModel model = sample_noise_model(NoiseCase::kLeads);
  for (float& quantile : model.quantiles) quantile += 0.8f;
  Combination changed = kUnchanged;
  std::fill(changed.noise_scale.begin(), changed.noise_scale.end(), 0.7f);
  std::fill(changed.noise_shift.begin(), changed.noise_shift.end(), 0.3f);
  ThreadPool threads(1);
  ObservationNoise noise(model, NoiseCase::kHeight, NoiseCase::kWidth);
  noise.prepare(c.frames.data(), 2, changed, threads);
  const std::size_t pixel = 15 * NoiseCase::kWidth + 60, i = 2 * NoiseCase::kHeight * NoiseCase::kWidth + pixel;
  const float median = noise.median(2, pixel, c.forecast[i]);
  EXPECT_GT(median, c.forecast[i] + 0.01f);
  int above = 0;
  for (int member = 0; member < 400; ++member) {
    std::vector<float> values = c.forecast;
    noise.add(5, member, kNoLimits, values, threads);
    above += values[i] > median;
  }
  EXPECT_NEAR(above, 200, 40);
}

TEST(ObservationNoise, ThatIsShiftedLeavesMostPixelsOnTheFloor) {
  const NoiseCase c;
  const NoiseModel model = sample_noise_model(NoiseCase::kLeads);
  Combination changed = kUnchanged;
  std::fill(changed.noise_shift.begin(), changed.noise_shift.end(), 1.5f);
  ThreadPool threads(1);
  ObservationNoise noise(model, NoiseCase::kHeight, NoiseCase::kWidth);
  noise.prepare(c.frames.data(), 2, changed, threads);
  const FrameRangeLimits limits{c.forecast.front(), 10.0f};
  double dry = 0;
  for (int member = 0; member < 100; ++member) {
    std::vector<float> values = c.forecast;
    noise.add(5, member, limits, values, threads);
    dry += static_cast<double>(std::count(values.begin(), values.end(), limits.low)) / 100.0;
  }
  EXPECT_NEAR(dry / static_cast<double>(c.forecast.size()), 0.933, 0.02) << "Phi(1.5)";
}

}  // namespace
}  // namespace altocast
