// What a forecast may take memory for changes no bit of it; a limit is kept in the way that costs the least time, and
// one that cannot be kept is answered with what is needed.
#include "runtime/station/forecast_memory.h"

#include <gtest/gtest.h>

#include "runtime/kernels/make_kernels.h"
#include "runtime/sample_set.h"
#include "tests/formats/sample_noise.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

constexpr ForecastShape kDisk{2200, 2200, 2};

Prior prior_of(const char* preset_name, int norm_groups = 0) {
  NetworkSpec spec = *preset(preset_name);
  spec.norm_groups = norm_groups;
  Prior prior = random_prior(spec, 1);
  prior.noise = sample_noise_model(spec.leads);
  return prior;
}

TEST(ForecastMemory, NoThriftChangesABit) {
  Prior prior = small_prior(3, ResidualBase::advected);
  prior.noise = sample_noise_model(prior.network.leads);
  constexpr int kHeight = 21, kWidth = 26;
  std::vector<float> past(2 * kHeight * kWidth);
  for (std::size_t i = 0; i < past.size(); ++i) past[i] = static_cast<float>(i * i % 101) / 100.0f;
  const std::unique_ptr<Kernels<float>> kernels = *make_kernels("", 2);
  SampleSet inputs(prior.network, kHeight, kWidth, 1);
  const Sample<float>& input = inputs.add(past.data(), nullptr, kernels->threads());
  inputs.finish();
  const AdaptedWeights weights = prior_weights(prior);
  const EnsembleUnits units{{-2.0, 330.0}, {-10.0f, 10.0f}};
  std::vector<float> wanted, wanted_mean;
  for (const EnsembleThrift& thrift :
       {EnsembleThrift{}, {false, true, 0}, {false, false, 0}, {false, false, 8}, {true, true, 4}}) {
    EnsembleForecaster forecaster(prior, *kernels, kHeight, kWidth, thrift);
    std::vector<float> members(3 * forecaster.member_size());
    forecaster.forecast(weights, input, units, 7, members);
    const EnsembleCentre centre = forecaster.take_centre();
    if (wanted.empty()) wanted = members, wanted_mean = centre.mean;
    EXPECT_EQ(members, wanted) << thrift.side_by_side << thrift.noise_tables << thrift.band;
    EXPECT_EQ(centre.mean, wanted_mean) << thrift.side_by_side << thrift.noise_tables << thrift.band;
  }
}

TEST(ForecastMemory, ALimitIsKeptInTheWayThatCostsTheLeastTime) {
  const Prior prior = prior_of("small");
  const std::unique_ptr<Kernels<float>> kernels = *make_kernels("", 2);
  const std::uint64_t whole = count_memory(prior, *kernels, kDisk, {}).bytes();
  const std::uint64_t least = least_memory(prior, *kernels, kDisk).bytes();
  EXPECT_LT(least, whole / 2);
  const auto fit = [&](std::uint64_t limit) { return *fit_memory(prior, *kernels, kDisk, limit); };
  EXPECT_EQ(fit(whole).thrift.band, 0);
  EXPECT_EQ(fit(0).thrift.band, 0) << "no limit";
  EXPECT_EQ(fit(whole - 1).thrift.band, 128);
  EXPECT_TRUE(fit(whole - 1).thrift.noise_tables);
  EXPECT_FALSE(fit(least).thrift.noise_tables);
  for (std::uint64_t limit = whole; limit >= least; limit -= (whole - least) / 7) EXPECT_LE(fit(limit).bytes(), limit);
}

TEST(ForecastMemory, ALimitThatCannotBeKeptIsAnsweredWithWhatIsNeeded) {
  const Prior prior = prior_of("small");
  const std::unique_ptr<Kernels<float>> kernels = *make_kernels("", 2);
  const std::uint64_t least = least_memory(prior, *kernels, kDisk).bytes();
  const Result<ForecastMemory> fit = fit_memory(prior, *kernels, kDisk, least - 1);
  ASSERT_FALSE(fit.ok());
  EXPECT_NE(fit.message().find("2 members at 2200 x 2200 pixels takes at least " +
                               std::to_string((least + (1 << 20) - 1) >> 20) + " MiB"),
            std::string::npos)
      << fit.message();
  const Status adaptation =
      check_adaptation_memory(prior, *kernels, {prior.network, 2200, 2200, 4}, std::uint64_t{2000} << 20);
  EXPECT_NE(adaptation.message().find("and the memory limit is 2000 MiB"), std::string::npos) << adaptation.message();
  EXPECT_TRUE(check_adaptation_memory(prior, *kernels, {prior.network, 128, 128, 4}, std::uint64_t{2000} << 20).ok());
}

TEST(ForecastMemory, ANetworkWithGroupNormIsComputedWhole) {
  const Prior prior = prior_of("tiny", 2);
  const std::unique_ptr<Kernels<float>> kernels = *make_kernels("", 1);
  EXPECT_EQ(least_memory(prior, *kernels, kDisk).thrift.band, 0);
  const Result<ForecastMemory> fit = fit_memory(prior, *kernels, kDisk, std::uint64_t{100} << 20);
  ASSERT_FALSE(fit.ok());
  EXPECT_NE(fit.message().find("group norm depends on the whole image"), std::string::npos) << fit.message();
}

}  // namespace
}  // namespace altocast
