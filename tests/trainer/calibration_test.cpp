// Calibration: each part gives back what made-up errors were made with, and the whole gives noise like the errors of a
// forecast whose errors are known.
#include "trainer/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "formats/combination.h"
#include "runtime/random.h"
#include "runtime/random_field.h"
#include "runtime/station/observation_noise.h"
#include "tests/trainer/training_samples.h"
#include "trainer/kernel_choice.h"

namespace altocast {
namespace {

TEST(Calibration, FindsTheAmplitudeOfMadeUpErrors) {
  constexpr std::size_t kSamples = 40000;
  const std::vector<float> truth{-1.5f, 0.5f, -0.2f, 0.3f, 0.1f};
  std::vector<float> logs(kSamples * (kNoiseTerms - 1)), residuals(kSamples);
  fill_normal(1, 0, 0, std::span(logs));
  for (std::size_t i = 0; i < kSamples; ++i) {
    float log_sigma = truth[0];
    for (std::size_t term = 1; term < truth.size(); ++term)
      log_sigma += truth[term] * logs[i * (kNoiseTerms - 1) + term - 1];
    const double u = random_uniform(2, 0, i) - 0.5;  // Laplace: mean |r| is σ
    residuals[i] = std::exp(log_sigma) * static_cast<float>((u < 0 ? 1 : -1) * std::log(1 - 2 * std::fabs(u)));
  }
  const std::vector<float> found = fit_amplitude(logs, residuals);
  ASSERT_EQ(found.size(), truth.size());
  for (std::size_t term = 0; term < truth.size(); ++term) EXPECT_NEAR(found[term], truth[term], 0.02f) << term;
}

TEST(Calibration, AmplitudesOfErrorsThatAreAllZeroAreFinite) {
  const std::vector<float> found = fit_amplitude(std::vector<float>(400, -4.0f), std::vector<float>(100));
  for (const float coefficient : found) EXPECT_TRUE(std::isfinite(coefficient));
  EXPECT_LT(found[0] - 4.0f * (found[1] + found[2] + found[3] + found[4]), -9.0f);
}

TEST(Calibration, FindsTheLengthOfACorrelationAlsoInAMixture) {
  std::vector<double> pure, before, mixed;
  for (const int distance : kCorrelationDistances) {
    pure.push_back(field_correlation(3.0, distance));
    before.push_back(field_correlation(1.0, distance));
    mixed.push_back(0.36 * before.back() + 0.64 * field_correlation(6.0, distance));
  }
  EXPECT_NEAR(fit_length(pure, std::vector<double>(pure.size()), 0.0), 3.0f, 0.05f);
  EXPECT_NEAR(fit_length(mixed, before, 0.36), 6.0f, 0.1f);
  EXPECT_EQ(fit_length(std::vector<double>(pure.size()), before, 0.0), 0.0f);
}

// Every pixel walks at random, in small steps on the left and in large ones on the right; forecast by persistence,
// whose error at a lead is the sum of the steps up to it.
class CalibratedPersistence : public testing::Test {
 protected:
  static constexpr int kSide = 48, kFrames = 40;
  static constexpr std::size_t kPixels = kSide * kSide;
  static constexpr double kCalm = 1, kLively = 6;  // standard deviations of a step

  void SetUp() override {
    std::vector<float> walk(kFrames * kPixels);
    fill_normal(3, 0, 0, std::span(walk));
    for (std::size_t i = 0; i < walk.size(); ++i) {
      walk[i] *= static_cast<float>(i % kSide < kSide / 2 ? kCalm : kLively);
      walk[i] += i < kPixels ? 128.5f : walk[i - kPixels];
    }
    write_frames_of(folder_.path(), kFrames, kSide, [&](int t, int y, int x) {
      const float value = walk[static_cast<std::size_t>(t) * kPixels + static_cast<std::size_t>(y * kSide + x)];
      return static_cast<int>(std::clamp(value, 0.0f, 255.0f));
    });
    past_.assign(walk.begin() + 20 * kPixels, walk.begin() + 22 * kPixels);
    for (float& value : past_) value = (value - 128.0f) / 64.0f;
    settings_ = tiny_settings(folder_.path());
    settings_.validation_share = 0;
    prior_.network = settings_.network;
    prior_.normalisation = settings_.normalisation;
    prior_.mu.assign(parameter_count(prior_.network), 0.0f);
    prior_.rho.assign(prior_.mu.size(), kMinRho);
    prior_.log_noise.assign(2, -1.0f);
  }
  NoiseModel calibrate(int threads = 1) const {
    const Result<Archive> archive = Archive::open(settings_, [](const std::string&) {});
    const Result<std::unique_ptr<Kernels<float>>> kernels = make_training_kernels("native", threads);
    const Result<NoiseModel> noise = calibrate_noise(prior_, *archive, {1, 48}, **kernels);
    EXPECT_TRUE(noise.ok()) << noise.message();
    return *noise;
  }

  TemporaryFolder folder_;
  FitSettings settings_;
  Prior prior_;
  std::vector<float> past_;  // frames 20 and 21, normalised
};

TEST_F(CalibratedPersistence, GivesNoiseLikeItsErrors) {
  const NoiseModel model = calibrate();
  EXPECT_LT(model.length[0], 0.3f) << "white";
  EXPECT_NEAR(model.persistence[1], std::sqrt(0.5f), 0.08f) << "one step of two";

  const std::vector<float> newest(past_.begin() + kPixels, past_.end());
  ThreadPool threads(1);
  ObservationNoise noise(model, kSide, kSide);
  noise.prepare(past_.data(), 2, default_combination(2), threads);
  double calm[2] = {}, lively[2] = {}, count = 0;
  for (int member = 0; member < 30; ++member) {
    std::vector<float> values(newest);
    values.insert(values.end(), newest.begin(), newest.end());
    noise.add(1, member, {-2.0f, 2.0f}, values, threads);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double error = 64 * static_cast<double>(values[i] - newest[i % newest.size()]);
      const std::size_t lead = i / newest.size();
      if (i % kSide < 10) calm[lead] += error * error;
      if (i % kSide >= 38) lively[lead] += error * error;
      count += lead == 0 && i % kSide < 10;
    }
  }
  for (std::size_t lead = 0; lead < 2; ++lead) {
    const double steps = std::sqrt(static_cast<double>(lead + 1));
    EXPECT_NEAR(std::sqrt(calm[lead] / count), kCalm * steps, 0.25 * kCalm * steps);
    EXPECT_NEAR(std::sqrt(lively[lead] / count), kLively * steps, 0.15 * kLively * steps);
  }
}

TEST_F(CalibratedPersistence, LeavesToTheWeightsWhatTheyVaryBy) {
  const NoiseModel alone = calibrate();
  const ParameterTensor bias = parameter_layout(prior_.network).back();
  ASSERT_EQ(bias.size, 2u) << "the head's";
  // Half of the first lead's, (1² + 6²) / 2 · 64^−2, once the combination has taken its share of the network.
  const float share = default_combination(2).network[0];
  const float rho = 0.5f * std::log(0.5f * 18.5f / 4096.0f / (share * share));
  for (std::size_t d = bias.offset; d < bias.offset + bias.size; ++d) prior_.rho[d] = rho;
  const NoiseModel beside = calibrate();
  EXPECT_EQ(beside.amplitude, alone.amplitude);
  const double ratio = static_cast<double>(beside.quantiles.front()) / static_cast<double>(alone.quantiles.front());
  EXPECT_NEAR(ratio, std::sqrt(0.5), 0.15);
  EXPECT_NEAR(beside.quantiles[1], static_cast<double>(alone.quantiles[1]) * ratio, 1e-5);
}

TEST_F(CalibratedPersistence, IsTheSameForEveryNumberOfThreads) { EXPECT_EQ(calibrate(1), calibrate(3)); }

TEST_F(CalibratedPersistence, RefusesForecastsThatAreNotFinite) {
  prior_.mu.assign(prior_.mu.size(), 3e38f);
  const Result<Archive> archive = Archive::open(settings_, [](const std::string&) {});
  const Result<std::unique_ptr<Kernels<float>>> kernels = make_training_kernels("native", 1);
  const Result<NoiseModel> noise = calibrate_noise(prior_, *archive, {1, 4}, **kernels);
  ASSERT_FALSE(noise.ok());
  EXPECT_NE(noise.message().find("not finite"), std::string::npos);
}

}  // namespace
}  // namespace altocast
