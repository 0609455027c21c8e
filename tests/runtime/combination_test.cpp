// What a station's forecast is put together of: the network in the symmetries of a square, advection, and the weights
// learned for both.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <utility>

#include "runtime/kernels/make_kernels.h"
#include "runtime/random.h"
#include "runtime/station/combination_fit.h"
#include "runtime/station/combined_forecast.h"
#include "runtime/symmetry.h"
#include "tests/formats/sample_noise.h"
#include "tests/runtime/bit_hash.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

constexpr int kHeight = 24, kWidth = 20, kLeads = 2, kPixels = kHeight * kWidth;

std::vector<float> numbers(std::uint64_t seed, std::size_t count) {
  std::vector<float> values(count);
  fill_normal(seed, 0, 0, std::span(values));
  return values;
}

// Two frames of smooth clouds that drift.
std::vector<float> drifting_frames() {
  std::vector<float> frames;
  for (int t = 0; t < 2; ++t) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const auto at = static_cast<float>(x - t);
        frames.push_back(0.5f * std::sin(0.5f * at + 0.2f * static_cast<float>(y)));
      }
    }
  }
  return frames;
}

// `fields` [count, side, side], seen in the symmetry that turn_kernels() gives kernels.
std::vector<float> turned(const std::vector<float>& fields, int side, int symmetry) {
  std::vector<float> result(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const int at = static_cast<int>(i) % (side * side);
    int y = at / side, x = at % side;
    for (int turn = 0; turn < symmetry % 4; ++turn) y = std::exchange(x, side - 1 - y);
    if (symmetry >= 4) x = side - 1 - x;
    result[i] = fields[i - static_cast<std::size_t>(at) + static_cast<std::size_t>(y * side + x)];
  }
  return result;
}

TEST(Symmetry, OfKernelsForecastsOfTurnedFramesWhatTheForecastIsTurned) {
  constexpr int kSide = 24;  // which the network need not pad
  for (const ResidualBase base : {ResidualBase::last_frame, ResidualBase::advected}) {
    const Prior prior = small_prior(3, base);
    const auto kernels = *make_kernels("", 1);
    UNet<float> network(prior.network, *kernels, kSide, kSide, Purpose::forecast);
    const std::vector<float> frames = numbers(4, 2 * kSide * kSide), advected = numbers(5, kLeads * kSide * kSide);
    const auto forecast = [&](const std::vector<float>& phi, int symmetry) {
      const std::vector<float> past = turned(frames, kSide, symmetry), bases = turned(advected, kSide, symmetry);
      std::vector<float> out(kLeads * kSide * kSide);
      network.set_weights(phi.data());
      network.forward(make_sample(prior.network, past.data(), bases.data(), nullptr, kSide, kSide), out.data());
      return out;
    };
    const std::vector<float> plain = forecast(prior.mu, 0);
    std::vector<double> sum(plain.size());
    std::set<std::vector<float>> different;
    for (int symmetry = 0; symmetry < kSymmetries; ++symmetry) {
      std::vector<float> phi = prior.mu;
      KernelSymmetry(prior.network).turn(symmetry, phi);
      const std::vector<float> of_turned = forecast(phi, symmetry), expected = turned(plain, kSide, symmetry);
      // Sums over a kernel go in another order.
      for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(of_turned[i], expected[i], 2e-5f) << symmetry;
      const std::vector<float> seen = forecast(phi, 0);
      different.insert(seen);
      for (std::size_t i = 0; symmetry < 4 && i < sum.size(); ++i) sum[i] += static_cast<double>(seen[i]);
    }
    EXPECT_EQ(different.size(), std::size_t{kSymmetries}) << "the network has no symmetry of its own";

    std::vector<float> phi = prior.mu, mean(plain.size());
    MeanForecast(network).forward(
        phi, make_sample(prior.network, frames.data(), advected.data(), nullptr, kSide, kSide), mean);
    EXPECT_EQ(phi, prior.mu);
    for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], sum[i] / 4, 1e-5);
  }
}

class CombinationTest : public testing::Test {
 protected:
  void SetUp() override { combined_.prepare(frames_.data(), 2, threads_); }
  // What the truth is if the best combination is this, with errors `error` · N(0, 1).
  std::vector<float> truth(const std::vector<float>& network, float of_network, float of_advection, float error) const {
    std::vector<float> values = network;
    const std::vector<float> errors = numbers(9, values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float smoothed = combined_.smoothed()[i];
      values[i] = smoothed + of_network * (network[i] - smoothed) +
                  of_advection * (combined_.advected()[i] - smoothed) + error * errors[i];
    }
    return values;
  }

  ThreadPool threads_{1};
  const std::vector<float> frames_ = drifting_frames();
  CombinedForecast combined_{kHeight, kWidth, kLeads};
};

TEST_F(CombinationTest, IsTheWeightedSumOfNetworkAndAdvection) {
  const std::vector<float> network = numbers(1, kLeads * kPixels);
  std::vector<float> forecast = network;
  const Combination combination{{0.5f, 0.25f}, {0.125f, 0.5f}, {}, {}, {}};
  combined_.combine(combination, {-1.0f, 1.0f}, forecast, threads_);
  for (std::size_t i = 0; i < forecast.size(); ++i) {
    const std::size_t lead = i / kPixels;
    const float s = combined_.smoothed()[i], a = combined_.advected()[i];
    const float limited = std::min(std::max(network[i], -1.0f), 1.0f);
    EXPECT_NEAR(forecast[i], s + combination.network[lead] * (limited - s) + combination.advection[lead] * (a - s),
                1e-6f);
  }
  forecast = network;
  combined_.combine({{1, 1}, {0, 0}, {}, {}, {}}, {}, forecast, threads_);
  for (std::size_t i = 0; i < forecast.size(); ++i) EXPECT_NEAR(forecast[i], network[i], 1e-6f);
}

TEST_F(CombinationTest, OfFramesTooSmallForAFlowIsTheNetworkAlone) {
  CombinedForecast small(7, 9, 1);
  EXPECT_FALSE(small.has_advection());
  const std::vector<float> network = numbers(1, 63);
  std::vector<float> forecast = network;
  small.prepare(frames_.data(), 2, threads_);
  small.combine(default_combination(1), {}, forecast, threads_);
  EXPECT_EQ(forecast, network);
  CombinationFit fit(7, 9, 1, 1);
  fit.add(network, frames_.data(), small, nullptr);
  EXPECT_EQ(fit.fit(threads_), default_combination(1));
}

TEST_F(CombinationTest, IsLearnedFromPairsThatFollowIt) {
  const std::vector<float> network = numbers(1, kLeads * kPixels);
  for (const auto& [of_network, of_advection] :
       {std::pair(0.6f, 0.3f), std::pair(0.05f, 0.8f), std::pair(0.3f, 0.0f)}) {
    const std::vector<float> target = truth(network, of_network, of_advection, 0.02f);
    CombinationFit fit(kHeight, kWidth, kLeads, 2);
    fit.add(network, target.data(), combined_, nullptr);
    fit.add(network, target.data(), combined_, nullptr);
    const Combination learned = fit.fit(threads_);
    for (std::size_t lead = 0; lead < kLeads; ++lead) EXPECT_NEAR(learned.network[lead], of_network, 0.05f);
    EXPECT_EQ(learned.noise_scale, default_combination(kLeads).noise_scale) << "without a noise model";
    EXPECT_TRUE(validate(learned, kLeads).ok());
    ThreadPool three(3);
    EXPECT_EQ(fit.fit(three), learned);
  }
}

TEST_F(CombinationTest, IsTheDefaultWhereNothingCanBeLearned) {
  const CombinationFit none(kHeight, kWidth, kLeads, 1);
  EXPECT_EQ(none.fit(threads_), default_combination(kLeads));
  CombinationFit broken(kHeight, kWidth, kLeads, 1);
  std::vector<float> network = numbers(1, kLeads * kPixels);
  std::fill(network.begin(), network.end(), std::nanf(""));
  broken.add(network, frames_.data(), combined_, nullptr);
  EXPECT_EQ(broken.fit(threads_), default_combination(kLeads));
}

TEST_F(CombinationTest, AFewWildErrorsChangeLittle) {
  const std::vector<float> network = numbers(1, kLeads * kPixels);
  std::vector<float> target = truth(network, 0.6f, 0.2f, 0.02f);
  for (std::size_t i = 0; i < target.size(); i += 50) target[i] = 30.0f;
  CombinationFit fit(kHeight, kWidth, kLeads, 1);
  fit.add(network, target.data(), combined_, nullptr);
  EXPECT_NEAR(fit.fit(threads_).network[0], 0.6f, 0.1f);
}

TEST_F(CombinationTest, IsCorrectedByPairsOfDaysBefore) {
  const std::vector<float> network = numbers(1, kLeads * kPixels);
  const std::vector<float> target = truth(network, 0.6f, 0.3f, 0.02f);
  std::vector<float> darker = target;
  for (float& value : darker) value -= 0.5f;
  const auto learned = [&](std::initializer_list<int> days_that_correct) {
    CombinationFit fit(kHeight, kWidth, kLeads, 5);
    fit.add(network, target.data(), combined_, nullptr);
    for (const int day : days_that_correct) fit.add(network, darker.data(), combined_, nullptr, day, false);
    ThreadPool three(3);
    EXPECT_EQ(fit.fit(three, 1000), fit.fit(threads_, 1000));
    return fit.fit(threads_, 1000);
  };
  const Combination plain = learned({}), corrected = learned({1, 1, 2, 2});
  EXPECT_FALSE(plain.diurnal.has_value());
  EXPECT_EQ(corrected.network, plain.network) << "which those pairs are not for";
  ASSERT_TRUE(corrected.diurnal.has_value());
  EXPECT_EQ(corrected.diurnal->time, 1000);
  EXPECT_TRUE(validate(corrected, kLeads).ok());
  std::vector<float> forecast = network, uncorrected = network;
  combined_.combine(corrected, {}, forecast, threads_);
  combined_.combine(plain, {}, uncorrected, threads_);
  for (std::size_t i = 0; i < forecast.size(); ++i) EXPECT_NEAR(forecast[i], uncorrected[i] - 0.5f, 0.1f);
  combined_.combine(corrected, {0.0f, 0.1f}, forecast, threads_);
  for (const float value : forecast) EXPECT_TRUE(value >= 0.0f && value <= 0.1f) << "what a frame can hold";
}

class NoiseFitTest : public CombinationTest {
 protected:
  void SetUp() override {
    CombinationTest::SetUp();
    noise_.prepare(frames_.data(), 2, default_combination(kLeads), threads_);
  }
  Combination learned(const std::vector<float>& target, const FrameRangeLimits& limits = {}) {
    CombinationFit fit(kHeight, kWidth, kLeads, 1, &model_, limits);
    fit.add(network_, target.data(), combined_, &noise_);
    ThreadPool three(3);
    EXPECT_EQ(fit.fit(three), fit.fit(threads_));
    return fit.fit(threads_);
  }

  const NoiseModel model_ = sample_noise_model(kLeads);
  ObservationNoise noise_{model_, kHeight, kWidth};
  std::vector<float> network_ = numbers(1, kLeads* kPixels);
};

TEST_F(NoiseFitTest, ScalesTheNoiseAsErrorsAre) {
  const Combination low = learned(truth(network_, 0.6f, 0.2f, 0.01f)),
                    high = learned(truth(network_, 0.6f, 0.2f, 9.0f));
  for (std::size_t i = 0; i < low.noise_scale.size(); ++i) {
    EXPECT_LT(low.noise_scale[i], 0.5f);
    EXPECT_GT(high.noise_scale[i], 2.0f);
  }
  EXPECT_EQ(low.noise_shift, default_combination(kLeads).noise_shift) << "nothing lies on a floor";
  EXPECT_TRUE(validate(low, kLeads).ok() && validate(high, kLeads).ok());
}

// As of a radar: what is forecast is a little above the floor, and nine of ten truths are the floor itself.
TEST_F(NoiseFitTest, ShiftsItWhereTheTruthLiesOnTheFloor) {
  const FrameRangeLimits limits{-1.0f, 5.0f};
  std::fill(network_.begin(), network_.end(), -0.95f);
  std::vector<float> target(kLeads * kPixels, limits.low);
  for (std::size_t i = 0; i < target.size(); i += 10) target[i] = 0.5f;
  const Combination dry = learned(target, limits);
  std::size_t shifted = 0;
  for (const float shift : dry.noise_shift) shifted += shift >= 1.0f;
  EXPECT_GE(shifted, dry.noise_shift.size() / 2);
  EXPECT_TRUE(validate(dry, kLeads).ok());
  EXPECT_EQ(learned(target, {-2.0f, 5.0f}).noise_shift, default_combination(kLeads).noise_shift) << "above the floor";
}

// Bits that forecasts on every platform depend on.
TEST_F(NoiseFitTest, HasTheSameBitsEverywhere) {
  const Combination learned_here = learned(truth(network_, 0.4f, 0.3f, 0.1f), {-0.3f, 2.0f});
  std::vector<float> forecast = network_;
  combined_.combine(learned_here, {-2.0f, 2.0f}, forecast, threads_);
  BitHash hash;
  hash.add(std::span<const float>(learned_here.network));
  hash.add(std::span<const float>(learned_here.advection));
  hash.add(std::span<const float>(learned_here.noise_scale));
  hash.add(std::span<const float>(learned_here.noise_shift));
  hash.add(std::span<const float>(forecast));
  EXPECT_EQ(hash.value(), 16998174603888273338u);
}

}  // namespace
}  // namespace altocast
