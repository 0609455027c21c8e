// A widened network forecasts what the narrow one does, its new channels are ready to be trained, and a run can start
// from it; what cannot be widened is refused.
#include "trainer/widening.h"

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/reference.h"
#include "runtime/random.h"
#include "runtime/unet.h"
#include "tests/runtime/bit_hash.h"
#include "tests/trainer/fit_runs.h"

namespace altocast {
namespace {

NetworkSpec network(int base_channels, int depth, ResidualBase residual = ResidualBase::advected) {
  NetworkSpec spec;
  spec.input_frames = 2;
  spec.leads = 3;
  spec.base_channels = base_channels;
  spec.depth = depth;
  spec.residual = residual;
  return spec;
}

std::vector<float> normal_values(std::uint64_t seed, std::size_t count, float scale = 1) {
  std::vector<float> values(count);
  fill_normal(seed, 0, 0, std::span<float>(values));
  for (float& value : values) value *= scale;
  return values;
}

// No weight is zero, and all ρ differ.
Gaussian<float> random_theta(const NetworkSpec& spec) {
  Gaussian<float> theta(parameter_count(spec));
  theta.mu = normal_values(1, theta.size(), 0.2f);
  theta.rho = normal_values(2, theta.size(), 0.5f);
  return theta;
}

std::vector<float> forecast(const NetworkSpec& spec, const std::vector<float>& phi, Kernels<float>& kernels) {
  constexpr int kHeight = 13, kWidth = 10;
  constexpr std::size_t kPixels = std::size_t{kHeight} * kWidth;
  UNet<float> unet(spec, kernels, kHeight, kWidth, Purpose::forecast);
  const std::vector<float> frames = normal_values(3, static_cast<std::size_t>(spec.input_frames) * kPixels);
  const std::vector<float> advected = normal_values(4, static_cast<std::size_t>(spec.leads) * kPixels);
  std::vector<float> out(unet.terms());
  unet.set_weights(phi.data());
  unet.forward(make_sample(spec, frames.data(), advected.data(), nullptr, kHeight, kWidth), out.data());
  return out;
}

Result<Gaussian<float>> widened(const NetworkSpec& narrow, const NetworkSpec& wide) {
  return widen(random_theta(narrow), narrow, wide, 7);
}

// Of a network, and of it widened.
struct Forecasts {
  std::vector<float> narrow, wide;
};
Forecasts forecasts(const NetworkSpec& narrow, const NetworkSpec& wide, Kernels<float>& kernels) {
  const Result<Gaussian<float>> theta = widened(narrow, wide);
  EXPECT_TRUE(theta.ok()) << theta.message();
  return {forecast(narrow, random_theta(narrow).mu, kernels),
          theta.ok() ? forecast(wide, theta->mu, kernels) : std::vector<float>()};
}

// What each weight of `wide` is: the index of an old one, or one of these.
constexpr int kIncoming = -1, kOutgoing = -2, kBias = -3;
std::vector<int> origins(const NetworkSpec& narrow, const NetworkSpec& wide) {
  std::vector<int> origin;
  const std::vector<ParameterTensor> from = parameter_layout(narrow), to = parameter_layout(wide);
  for (std::size_t t = 0; t < to.size(); ++t) {
    // A decoder's first convolution reads [upsampled, skip] of the levels below and its own.
    const std::string& name = to[t].name;
    const bool decoder = name.starts_with("dec") && name.ends_with(".a.weight");
    const int below = decoder ? std::atoi(name.c_str() + 3) + 1 : 0;
    const int old_split = decoder ? narrow.channels(below) : from[t].shape[1];
    const int new_split = decoder ? wide.channels(below) : to[t].shape[1];
    const int taps = to[t].shape[2] * to[t].shape[3];
    for (int out = 0; out < to[t].shape[0]; ++out) {
      for (int in = 0; in < to[t].shape[1]; ++in) {
        const int old_in = in < new_split ? in : in - new_split + old_split;
        const bool old = in < new_split ? in < old_split : old_in < from[t].shape[1];
        for (int tap = 0; tap < taps; ++tap) {
          const bool new_out = out >= from[t].shape[0];
          const int index =
              static_cast<int>(from[t].offset) + (out * from[t].shape[1] + (to[t].rank == 4 ? old_in : 0)) * taps + tap;
          origin.push_back(new_out ? (to[t].rank == 4 ? kIncoming : kBias) : old ? index : kOutgoing);
        }
      }
    }
  }
  return origin;
}

class WideningTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Depths, WideningTest, testing::Values(0, 1, 2, 3));

TEST_P(WideningTest, ChangesNoBitOfAForecastOfTheReferenceKernels) {
  ReferenceKernels<float> kernels;
  for (const ResidualBase residual : {ResidualBase::last_frame, ResidualBase::advected}) {
    const auto [narrow, wide] = forecasts(network(2, GetParam(), residual), network(5, GetParam(), residual), kernels);
    EXPECT_EQ(wide, narrow);
  }
}

// Terms that are added change no sum, since they are zero and come in the order of the channels.
TEST_P(WideningTest, ChangesNoBitWhereTheNativeKernelsComputeALayerAlike) {
  NativeKernels kernels(best_table());
  const auto [narrow, wide] = forecasts(network(16, GetParam()), network(20, GetParam()), kernels);
  EXPECT_EQ(wide, narrow);
}

TEST_P(WideningTest, ChangesForecastsWithinRoundingWhereLayersPassToWinograd) {
  NativeKernels kernels(best_table());
  const auto [narrow, wide] = forecasts(network(6, GetParam()), network(16, GetParam()), kernels);
  ASSERT_EQ(wide.size(), narrow.size());
  float largest = 0, error = 0;
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    largest = std::max(largest, std::abs(narrow[i]));
    error = std::max(error, std::abs(wide[i] - narrow[i]));
  }
  EXPECT_LT(error, 1e-5f * largest);
}

TEST_P(WideningTest, KeepsOldWeightsAndGivesNewChannelsInputsAndNoOutputs) {
  const NetworkSpec narrow = network(3, GetParam()), wide = network(8, GetParam());
  const Gaussian<float> before = random_theta(narrow);
  const Result<Gaussian<float>> theta = widened(narrow, wide);
  ASSERT_TRUE(theta.ok()) << theta.message();
  const std::vector<int> origin = origins(narrow, wide);
  ASSERT_EQ(origin.size(), theta->size());
  const std::vector<ParameterTensor> from = parameter_layout(narrow), to = parameter_layout(wide);
  for (std::size_t t = 0; t < to.size(); ++t) {
    double mean_rho = 0;
    for (std::size_t d = 0; d < from[t].size; ++d) mean_rho += double{before.rho[from[t].offset + d]};
    mean_rho /= static_cast<double>(from[t].size);
    double squares = 0;
    int drawn = 0;
    for (std::size_t d = to[t].offset; d < to[t].offset + to[t].size; ++d) {
      const float mu = theta->mu[d];
      if (origin[d] >= 0) {
        EXPECT_EQ(mu, before.mu[static_cast<std::size_t>(origin[d])]) << to[t].name;
        EXPECT_EQ(theta->rho[d], before.rho[static_cast<std::size_t>(origin[d])]) << to[t].name;
        continue;
      }
      EXPECT_NEAR(theta->rho[d], mean_rho, 1e-6) << to[t].name;
      if (origin[d] != kIncoming) {
        EXPECT_EQ(mu, 0.0f) << to[t].name;
        continue;
      }
      squares += double{mu} * double{mu};
      ++drawn;
    }
    if (drawn == 0) continue;
    const double fan_in = to[t].shape[1] * to[t].shape[2] * to[t].shape[3];
    // The mean square of n numbers deviates by √(2 / n) of itself.
    EXPECT_NEAR(squares / drawn * fan_in / 2, 1.0, 5 * std::sqrt(2.0 / drawn)) << to[t].name;
  }
}

TEST(Widening, GivesEveryMachineTheSameBits) {
  const NetworkSpec narrow = network(3, 2), wide = network(7, 2);
  const Result<Gaussian<float>> theta = widened(narrow, wide);
  ASSERT_TRUE(theta.ok()) << theta.message();
  BitHash hash;
  hash.add(std::span<const float>(theta->mu));
  hash.add(std::span<const float>(theta->rho));
  EXPECT_EQ(hash.value(), 0x9df95a60254d5654u);
  EXPECT_NE(widen(random_theta(narrow), narrow, wide, 8)->mu, theta->mu) << "another seed";
}

TEST(Widening, OfANetworkToItselfIsNothing) {
  NetworkSpec spec = network(4, 1);
  spec.norm_groups = 2;
  const Result<Gaussian<float>> theta = widened(spec, spec);
  ASSERT_TRUE(theta.ok()) << theta.message();
  EXPECT_EQ(theta->mu, random_theta(spec).mu);
  EXPECT_EQ(theta->rho, random_theta(spec).rho);
}

TEST(Widening, OfWhatDiffersInMoreThanChannelsIsRefusedAndSaysWhat) {
  const NetworkSpec narrow = network(4, 1);
  const auto expect_error = [&](auto change, std::vector<std::string> parts) {
    NetworkSpec wide = network(8, 1);
    change(wide);
    const Result<Gaussian<float>> theta = widened(narrow, wide);
    ASSERT_FALSE(theta.ok());
    parts.emplace_back("Set ");
    for (const std::string& part : parts) {
      EXPECT_NE(theta.message().find(part), std::string::npos) << theta.message() << "\nlacks: " << part;
    }
    EXPECT_EQ(theta.message().find("network.base_channels = 4 (the run 8)"), std::string::npos) << theta.message();
  };
  expect_error([](NetworkSpec& s) { s.input_frames = 3; }, {"network.input_frames = 2 (the run 3)"});
  expect_error([](NetworkSpec& s) { s.leads = 2; }, {"network.leads = 3 (the run 2)"});
  expect_error([](NetworkSpec& s) { s.base_channels = 2; }, {"network.base_channels = 4 (the run 2)"});
  expect_error([](NetworkSpec& s) { s.depth = 2; }, {"network.depth = 1 (the run 2)"});
  expect_error([](NetworkSpec& s) { s.norm_groups = 4; }, {"network.norm_groups = 0 (the run 4)"});
  expect_error(
      [](NetworkSpec& s) {
        s.activation = ActivationKind::relu;
        s.residual = ResidualBase::none;
      },
      {"network.activation = \"silu\" (the run \"relu\"), network.residual = \"advected\" (the run \"none\")"});
}

// Whose mean and variance would be those of new channels too.
TEST(Widening, WithGroupNormIsRefused) {
  NetworkSpec narrow = network(4, 1), wide = network(8, 1);
  narrow.norm_groups = wide.norm_groups = 2;
  const Result<Gaussian<float>> theta = widened(narrow, wide);
  ASSERT_FALSE(theta.ok());
  for (const char* part : {"network.base_channels = 4 (the run 8)", "group norm", "Set base_channels"}) {
    EXPECT_NE(theta.message().find(part), std::string::npos) << theta.message() << "\nlacks: " << part;
  }
}

std::vector<float> mu_of(const std::string& run) {
  const Result<Checkpoint> checkpoint = load_checkpoint(run + "/checkpoint");
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.message();
  return *checkpoint->find_f32("mu");
}

TEST_F(Fit, ARunStartsFromANarrowerPriorAndTakesNewChannelsIntoUseAtOnce) {
  settings_.rate_learning_rate = 0.01;
  expect_finished(run_fit(settings_, *this / "narrow"));
  const NetworkSpec narrow = settings_.network;
  const Prior prior = load_prior(*this / "narrow/model.prior")->prior;
  settings_.initial = *this / "narrow/model.prior";
  settings_.network.base_channels = 6;
  std::vector<std::vector<float>> mu;
  for (const int step : {0, 1, 2}) {
    const Result<FitOutcome> stopped = run_fit(settings_, *this / "wide", {"native", 1, step > 0}, step);
    ASSERT_TRUE(stopped.ok()) << stopped.message();
    mu.push_back(mu_of(*this / "wide"));
    if (step > 0) continue;
    const Prior started = load_prior(*this / "wide/model.prior")->prior;
    EXPECT_EQ(started.log_noise, prior.log_noise);
    EXPECT_EQ(started.rate_mu, prior.rate_mu);
    EXPECT_EQ(started.rate_rho, prior.rate_rho);
  }
  Gaussian<float> theta(prior.mu.size());
  theta.mu = prior.mu;
  theta.rho = prior.rho;
  EXPECT_EQ(mu[0], widen(theta, narrow, settings_.network, settings_.seed)->mu);
  const std::vector<int> origin = origins(narrow, settings_.network);
  int outgoing = 0, incoming = 0;
  for (std::size_t d = 0; d < origin.size(); ++d) {
    outgoing += origin[d] == kOutgoing;
    incoming += origin[d] == kIncoming;
    if (origin[d] == kOutgoing) {
      EXPECT_NE(mu[1][d], 0.0f) << d;
    } else if (origin[d] == kIncoming) {
      EXPECT_NE(mu[2][d], mu[0][d]) << d;
    }
  }
  EXPECT_GT(outgoing, 0);
  EXPECT_GT(incoming, 0);
  expect_finished(run_fit(settings_, *this / "wide", resuming()));
}

}  // namespace
}  // namespace altocast
