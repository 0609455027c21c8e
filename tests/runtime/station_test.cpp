// The station's calls: ensemble, adaptation, the frames they read, the search for a posterior's prior.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "runtime/flop_count.h"
#include "runtime/frames/frame_block.h"
#include "runtime/frames/time_of_day.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/kernels/reference.h"
#include "runtime/station/adaptation.h"
#include "runtime/station/ensemble.h"
#include "runtime/station/prior_search.h"
#include "runtime/station/station_forecast.h"
#include "tests/formats/sample_noise.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/frame_files.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

std::unique_ptr<Kernels<float>> native() { return *make_kernels("", 1); }

const EnsembleUnits kUnits{{255.0, 0.0}, {}};

// Of the network without advection.
AdaptedWeights weights_of(const Prior& prior) {
  AdaptedWeights weights = prior_weights(prior);
  const auto leads = static_cast<std::size_t>(prior.network.leads);
  weights.combination.network.assign(leads, 1.0f);
  weights.combination.advection.assign(leads, 0.0f);
  return weights;
}

class Station : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_synthetic_frames(small_frames(), folder_ / "frames").ok());
    ASSERT_TRUE(save_prior(small_prior(3), folder_ / "station.prior", {PlaneType::f32, PlaneType::f32}).ok());
    prior_ = *load_prior(folder_ / "station.prior");
  }
  FrameCache frames() { return *FrameCache::open(folder_ / "frames"); }

  TemporaryFolder folder_;
  LoadedPrior prior_;
};

TEST(Ensemble, AMemberIsTheSameInEnsemblesOfEverySize) {
  const Prior prior = small_prior(3);
  const auto kernels = native();
  EnsembleForecaster forecaster(prior, *kernels, 9, 10);
  const std::vector<float> past(2 * 90, 0.4f);
  const Sample<float> input = make_sample(prior.network, past.data(), nullptr, nullptr, 9, 10);
  const std::size_t size = forecaster.member_size();
  ASSERT_EQ(size, 180u);
  std::vector<float> two(2 * size), five(5 * size);
  forecaster.forecast(weights_of(prior), input, kUnits, 7, five);
  forecaster.forecast(weights_of(prior), input, kUnits, 7, two);
  EXPECT_TRUE(std::equal(two.begin(), two.end(), five.begin()));
  EXPECT_FALSE(std::equal(five.begin(), five.begin() + static_cast<std::ptrdiff_t>(size),
                          five.begin() + static_cast<std::ptrdiff_t>(size)))
      << "members differ";
}

TEST(Ensemble, ItsCentreHasTheMeanAndTheVarianceOfTheWeightsAlone) {
  Prior prior = small_prior(3);
  const auto kernels = native();
  std::vector<float> past(2 * 90);
  for (std::size_t i = 0; i < past.size(); ++i) past[i] = static_cast<float>(i % 17) / 17.0f;
  const Sample<float> input = make_sample(prior.network, past.data(), nullptr, nullptr, 9, 10);
  std::vector<float> plain(4 * 180), noisy(plain.size());
  const EnsembleCentre centre =
      EnsembleForecaster(prior, *kernels, 9, 10).forecast(weights_of(prior), input, kUnits, 7, plain);
  std::vector<double> variance(2);
  for (std::size_t i = 0; i < 180; ++i) {
    double mean = 0, squares = 0;
    for (std::size_t member = 0; member < 4; ++member) mean += static_cast<double>(plain[member * 180 + i]) / 4;
    for (std::size_t member = 0; member < 4; ++member)
      squares += std::pow(static_cast<double>(plain[member * 180 + i]) - mean, 2);
    EXPECT_NEAR(centre.mean[i], mean, 1e-3);
    variance[i / 90] += squares / 3 / 90;
  }
  for (std::size_t lead = 0; lead < 2; ++lead)
    EXPECT_NEAR(centre.weight_variance[lead], variance[lead], 1e-3 * variance[lead]);

  prior.noise = sample_noise_model(2);  // its medians are 0
  EnsembleForecaster forecaster(prior, *kernels, 9, 10);
  EnsembleUnits wide = kUnits;
  wide.limits = {-1e6f, 1e6f};
  const EnsembleCentre& beside = forecaster.forecast(weights_of(prior), input, wide, 7, noisy);
  EXPECT_EQ(beside.mean, centre.mean);
  EXPECT_EQ(beside.weight_variance, centre.weight_variance);
  EXPECT_NE(noisy, plain);

  for (float& quantile : prior.noise->quantiles) quantile += 1000.0f;
  EnsembleUnits narrow = kUnits;
  narrow.limits = {0.0f, 1.0f};
  const EnsembleCentre& shifted = forecaster.forecast(weights_of(prior), input, narrow, 7, noisy);
  for (const float value : shifted.mean) EXPECT_NEAR(value, 255.0f, 1e-3f) << "the largest number of a frame";
  for (const float value : noisy) EXPECT_NEAR(value, 255.0f, 1e-3f);
}

TEST(Ensemble, WithoutVarianceIsTheNetworksForecastInTheFramesUnits) {
  Prior prior = small_prior(3);
  std::fill(prior.rho.begin(), prior.rho.end(), kMinRho);
  const auto kernels = native();
  std::vector<float> past(2 * 90), out(180), member(180);
  for (std::size_t i = 0; i < past.size(); ++i) past[i] = static_cast<float>(i % 17) / 17.0f;
  const Sample<float> input = make_sample(prior.network, past.data(), nullptr, nullptr, 9, 10);
  EnsembleForecaster(prior, *kernels, 9, 10).forecast(weights_of(prior), input, {{-2.0, 330.0}, {}}, 7, member);
  ReferenceKernels<float> reference;
  UNet<float> network(prior.network, reference, 9, 10, Purpose::forecast);
  network.set_weights(prior.mu.data());
  network.forward(input, out.data());
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(member[i], 330.0f - 2.0f * out[i], 1e-3f);
}

TEST_F(Station, AdaptationLowersTheLossOfItsPairsAndSaysWhatItUsed) {
  FrameCache cache = frames();
  const auto kernels = native();
  AdaptationSettings settings;
  settings.steps = 5;
  const Result<Adaptation> adaptation = adapt(prior_, cache, settings, *kernels);
  ASSERT_TRUE(adaptation.ok()) << adaptation.message();
  EXPECT_LT(adaptation->nll_after, adaptation->nll_before);
  EXPECT_GT(adaptation->kl, 0.0);
  EXPECT_EQ(adaptation->steps.size(), 5u);
  EXPECT_EQ(adaptation->steps.front().kl, 0.0);
  EXPECT_EQ(adaptation->posterior.inner.steps, 5);
  EXPECT_EQ(adaptation->posterior.support_pairs, 3);
  EXPECT_EQ(adaptation->posterior.frames.size(), 6u) << "three windows of four frames, each one later";
  EXPECT_EQ(adaptation->posterior.frames.back(), "20180606T0300Z.png");
  EXPECT_EQ(adaptation->last_time, 1528243200 + 6 * 1800);
}

TEST_F(Station, AdaptationTakesAsManyPairsAsThereAre) {
  FrameCache cache = frames();
  const auto kernels = native();
  AdaptationSettings settings;
  settings.pairs = 100;
  const Result<Adaptation> adaptation = adapt(prior_, cache, settings, *kernels);
  ASSERT_TRUE(adaptation.ok()) << adaptation.message();
  EXPECT_EQ(adaptation->posterior.support_pairs, 4);
}

// Images of the daylight, half an hour apart from noon on, that darken by a twelfth of their range with each.
class Dusk : public Station {
 protected:
  static constexpr int kFrames = 10;  // a day
  void SetUp() override {
    Station::SetUp();
    SyntheticSettings settings = small_frames();
    settings.frames = 2 * kDaySeconds / 1800 + kFrames;
    settings.start_time = kNoon;
    ASSERT_TRUE(write_synthetic_frames(settings, folder_ / "clouds").ok());
    std::filesystem::create_directory(folder_ / "darkened");
    const FrameCache cache = *FrameCache::open(folder_ / "clouds");
    for (std::size_t i = 0; i < cache.frames().size(); ++i) {
      const std::size_t hour = i % (kDaySeconds / 1800);
      if (hour >= kFrames) continue;
      const Frame frame = *cache.load(i);
      std::vector<std::uint8_t> pixels;
      for (const float pixel : frame.pixels)
        pixels.push_back(static_cast<std::uint8_t>(pixel * static_cast<float>(12 - hour) / 12.0f));
      write_bytes(folder_ / ("darkened/" + format_compact_time(frame.time) + ".png"),
                  *encode_png(frame.width, frame.height, 1, pixels));
    }
  }
  FrameCache frames() { return *FrameCache::open(folder_ / "darkened"); }
  // Of the third day.
  std::int64_t slot(int frame) const { return kNoon + 2 * kDaySeconds + frame * 1800; }
};

TEST_F(Dusk, WhatTheDaysBeforeDarkenedByIsTakenOffAtTheSameHourAlone) {
  const auto kernels = native();
  FrameCache cache = frames();
  AdaptationSettings settings;
  settings.steps = 0;
  settings.at = slot(3);
  const Result<Adaptation> adaptation = adapt(prior_, cache, settings, *kernels);
  ASSERT_TRUE(adaptation.ok()) << adaptation.message();
  EXPECT_EQ(adaptation->posterior.frames.size(), 9u) << "of support pairs alone: five of yesterday and all of today";
  EXPECT_EQ(adaptation->first_time, slot(2) - kDaySeconds);
  EXPECT_EQ(adaptation->hour_pairs, 5) << "three of yesterday, two of the day before";
  AdaptedWeights weights = adaptation->weights;
  ASSERT_TRUE(weights.combination.diurnal.has_value());
  EXPECT_EQ(weights.combination.diurnal->time, slot(3));

  const auto error = [&](const AdaptedWeights& with, int frame) {
    ForecastSettings wanted;
    wanted.at = slot(frame);
    const Result<StationForecast> made = forecast(prior_, with, cache, wanted, *kernels);
    EXPECT_TRUE(made.ok()) << made.message();
    const std::span<const float> mean = made->product().mean;
    const std::size_t pixels = mean.size() / 2;
    double sum = 0;
    for (std::size_t lead = 0; lead < 2; ++lead) {
      const Frame truth = *cache.load(*cache.newest_frame(slot(frame + 1 + static_cast<int>(lead))));
      for (std::size_t i = 0; i < pixels; ++i)
        sum += std::fabs(static_cast<double>(truth.pixels[i] - mean[lead * pixels + i]));
    }
    return sum;
  };
  const double corrected = error(weights, 3), at_another_hour = error(weights, 6);
  weights.combination.diurnal.reset();
  EXPECT_LT(corrected, 0.97 * error(weights, 3));
  EXPECT_EQ(at_another_hour, error(weights, 6));
}

// Frames 0 … 4 and 7 … 11 of a cache in two runs: two pairs in each.
TEST_F(Station, AdaptationLearnsFromPairsOnBothSidesOfAGap) {
  SyntheticSettings settings = small_frames();
  settings.frames = 12;
  ASSERT_TRUE(write_synthetic_frames(settings, folder_ / "gap").ok());
  for (const char* lost : {"gap/20180606T0230Z.png", "gap/20180606T0300Z.png"}) std::filesystem::remove(folder_ / lost);
  const auto kernels = native();
  const auto nll = [&](int pairs, std::optional<std::int64_t> at) {
    FrameCache cache = *FrameCache::open(folder_ / "gap");
    AdaptationSettings wanted;
    wanted.at = at;
    wanted.pairs = pairs;
    wanted.steps = 0;
    return *adapt(prior_, cache, wanted, *kernels);
  };
  const Adaptation both = nll(3, std::nullopt), newest = nll(2, std::nullopt),
                   oldest = nll(1, settings.start_time + 4 * 1800);
  EXPECT_EQ(both.posterior.support_pairs, 3);
  EXPECT_EQ(both.earlier_pairs, 1);
  EXPECT_EQ(newest.earlier_pairs, 0);
  EXPECT_EQ(oldest.earlier_pairs, 0) << "there was no gap then";
  EXPECT_NEAR(both.nll_before, (2 * newest.nll_before + oldest.nll_before) / 3, 1e-6);
  EXPECT_EQ(both.first_time, settings.start_time + 1800);
  EXPECT_EQ(both.last_time, settings.start_time + 11 * 1800);
  std::vector<std::string> names = oldest.posterior.frames;
  names.insert(names.end(), newest.posterior.frames.begin(), newest.posterior.frames.end());
  EXPECT_EQ(both.posterior.frames, names) << "of the four and the five frames, each once";
  EXPECT_EQ(names.size(), 9u);
}

TEST_F(Station, NoStepsLeaveThePriorAsItIs) {
  FrameCache cache = frames();
  const auto kernels = native();
  AdaptationSettings settings;
  settings.steps = 0;
  const Result<Adaptation> adaptation = adapt(prior_, cache, settings, *kernels);
  ASSERT_TRUE(adaptation.ok()) << adaptation.message();
  EXPECT_EQ(adaptation->weights.mu, prior_.prior.mu);
  EXPECT_EQ(adaptation->weights.rho, prior_.prior.rho);
  EXPECT_EQ(adaptation->nll_after, adaptation->nll_before);
  EXPECT_EQ(adaptation->kl, 0.0);
}

TEST_F(Station, AForecastBeginsACadenceAfterTheNewestFrameAndShowsTheFramesAsTheyAre) {
  FrameCache cache = frames();
  const auto kernels = native();
  const AdaptedWeights weights = prior_weights(prior_.prior);
  const Result<StationForecast> result = forecast(prior_, weights, cache, {std::nullopt, 2, 1}, *kernels);
  ASSERT_TRUE(result.ok()) << result.message();
  const ForecastProduct& product = result->product();
  EXPECT_EQ(valid_time(product, 0), 1528243200 + 7 * 1800);
  EXPECT_EQ(product.values.size(), 2u * 2u * 21u * 26u);
  EXPECT_EQ(product.units, "K");
  EXPECT_TRUE(product.bright_is_low);
  ASSERT_EQ(product.past.size(), 2u);
  const std::vector<std::uint8_t> newest = synthetic_frame(small_frames(), 6);
  for (std::size_t i = 0; i < newest.size(); ++i) {
    EXPECT_NEAR(product.past[1].values[i], 330.0f - static_cast<float>(newest[i]) / 1.5f, 1e-3f);
  }
}

TEST_F(Station, AForecastOfMoreMembersThanMemoryHoldsIsRefused) {
  FrameCache cache = frames();
  const auto kernels = native();
  const AdaptedWeights weights = prior_weights(prior_.prior);
  const Result<StationForecast> result = forecast(prior_, weights, cache, {std::nullopt, 2000000000, 1}, *kernels);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.message().find("fewer --members"), std::string::npos) << result.message();
}

TEST_F(Station, FramesOfAnotherBitDepthThanThePriorsAreRefused) {
  FrameCache cache = frames();
  const auto select = [](const FrameCache&) -> Result<FrameRange> { return FrameRange{0, 2}; };
  EXPECT_TRUE(load_frames(cache, select, {0.0f, 255.0f}).ok());
  const Result<FrameBlock> block = load_frames(cache, select, {0.0f, 1.0f});
  ASSERT_FALSE(block.ok());
  EXPECT_NE(block.message().find("the prior was trained on"), std::string::npos) << block.message();
}

TEST_F(Station, APosteriorFindsItsPriorByAnyPath) {
  const std::string path = folder_ / "a \"quoted\\path\" of µ.prior";
  std::filesystem::copy(folder_ / "station.prior", path);
  Posterior posterior = make_posterior(prior_, prior_.prior.mu, prior_.prior.rho);
  posterior.facts = posterior_facts(path);
  const Result<LoadedPrior> found = find_prior(posterior, folder_ / "station.posterior", "");
  ASSERT_TRUE(found.ok()) << found.message();
  EXPECT_EQ(found->sha256, prior_.sha256);
  posterior.facts = "{}";
  EXPECT_NE(find_prior(posterior, folder_ / "station.posterior", "").message().find("--prior"), std::string::npos);
}

TEST(Flops, OfTheSmallestNetworkAreThoseCountedByHand) {
  NetworkSpec spec;
  spec.input_frames = 1;
  spec.leads = 1;
  spec.base_channels = 2;
  spec.depth = 0;
  // 3×3 from 1 to 2 channels, from 2 to 2, 1×1 from 2 to 1, on 4 × 5 pixels; the input needs no gradient.
  const double first = 2.0 * 20 * 2 * 1 * 9, second = 2.0 * 20 * 2 * 2 * 9, head = 2.0 * 20 * 1 * 2;
  const FlopCount count = count_flops(spec, 4, 5);
  EXPECT_EQ(count.forward, first + second + head);
  EXPECT_EQ(count.gradient, 2 * first + 3 * second + 3 * head);
}

}  // namespace
}  // namespace altocast
