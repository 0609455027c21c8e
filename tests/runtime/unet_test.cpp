// The whole network in double: its gradient against central differences for every option and odd sizes,
// padding and cropping, and what a skip connection adds.
#include "runtime/unet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/kernels/reference.h"
#include "tests/derivatives.h"

namespace altocast {
namespace {

using namespace test;

NetworkSpec tiny_spec(int depth, ActivationKind activation, int norm_groups, ResidualBase residual) {
  NetworkSpec spec;
  spec.input_frames = 2;
  spec.leads = 2;
  spec.base_channels = 2;
  spec.depth = depth;
  spec.activation = activation;
  spec.norm_groups = norm_groups;
  spec.residual = residual;
  return spec;
}

// A network with random weights, and random pairs for it.
struct NetworkFixture {
  NetworkSpec spec;
  int height, width;
  ReferenceKernels<double> kernels;
  UNet<double> network;
  Vector phi, log_noise{-0.3, 0.2};
  std::vector<Vector> frames, advected, targets;

  NetworkFixture(const NetworkSpec& spec_in, int height_in, int width_in, Purpose purpose = Purpose::gradient)
      : spec(spec_in),
        height(height_in),
        width(width_in),
        network(spec, kernels, height, width, purpose),
        phi(normal_values(1, parameter_count(spec), 0.3, 0.05)) {
    const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
    for (std::uint64_t pair = 0; pair < 2; ++pair) {
      frames.push_back(normal_values(10 + pair, static_cast<std::size_t>(spec.input_frames) * pixels));
      advected.push_back(normal_values(30 + pair, static_cast<std::size_t>(spec.leads) * pixels));
      targets.push_back(normal_values(20 + pair, static_cast<std::size_t>(spec.leads) * pixels));
    }
  }

  Sample<double> sample(std::size_t pair = 0) const {
    return make_sample(spec, frames[pair].data(), advected[pair].data(), targets[pair].data(), height, width);
  }
  Vector forward(const Vector& at) {
    Vector out(network.terms());
    network.set_weights(at.data());
    network.forward(sample(), out.data());
    return out;
  }
  // NLL by its formula from the forward pass alone.
  double nll(const Vector& at) {
    const Vector out = forward(at);
    const std::size_t pixels = out.size() / log_noise.size();
    double sum = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double s = log_noise[i / pixels];
      sum += std::pow((targets[0][i] - out[i]) / std::exp(s), 2) / 2 + s + 0.5 * std::log(2 * std::acos(-1.0));
    }
    return sum;
  }
};

using Options = std::tuple<int, ActivationKind, int, ResidualBase>;
class UNetGradientTest : public testing::TestWithParam<Options> {};

TEST_P(UNetGradientTest, IsThatOfTheLossForOddSizes) {
  const auto [depth, activation, norm_groups, residual] = GetParam();
  NetworkFixture f(tiny_spec(depth, activation, norm_groups, residual), 5, 3);
  Vector grad_phi(f.phi.size()), grad_log_noise(2);
  f.network.set_weights(f.phi.data());
  const double nll = f.network.backward(f.sample(), f.log_noise.data(), grad_phi.data(), grad_log_noise.data());
  EXPECT_NEAR(nll, f.nll(f.phi), 1e-12 * std::abs(nll));
  Vector out(f.network.terms());
  EXPECT_EQ(f.network.nll(f.sample(), f.log_noise.data()), nll);
  EXPECT_EQ(f.network.nll(f.sample(), f.log_noise.data(), out.data()), nll);
  EXPECT_EQ(out, f.forward(f.phi));
  // Some hundred weights spread over all tensors.
  Vector expected, actual;
  for (std::size_t d = 0; d < f.phi.size(); d += 1 + f.phi.size() / 200) {
    const Vector one{f.phi[d]};
    expected.push_back(numeric_gradient(one, [&](const Vector& at) {
      Vector phi = f.phi;
      phi[d] = at[0];
      return f.nll(phi);
    })[0]);
    actual.push_back(grad_phi[d]);
  }
  EXPECT_LT(relative_error(actual, expected), kTolerance);
  const Vector s = f.log_noise;
  const Vector numeric = numeric_gradient(s, [&](const Vector& at) { return f.log_noise = at, f.nll(f.phi); });
  EXPECT_LT(relative_error(grad_log_noise, numeric), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Options, UNetGradientTest,
    testing::Combine(testing::Values(0, 1, 2), testing::Values(ActivationKind::relu, ActivationKind::silu),
                     testing::Values(0, 2),
                     testing::Values(ResidualBase::none, ResidualBase::last_frame, ResidualBase::advected)));

TEST(UNet, GradientsOfSeveralSamplesAdd) {
  NetworkFixture f(tiny_spec(1, ActivationKind::silu, 0, ResidualBase::last_frame), 4, 6);
  f.network.set_weights(f.phi.data());
  Vector both(f.phi.size()), both_noise(2), sum(f.phi.size()), sum_noise(2);
  for (const std::size_t pair : {0u, 1u}) {
    f.network.backward(f.sample(pair), f.log_noise.data(), both.data(), both_noise.data());
    Vector one(f.phi.size()), one_noise(2);
    f.network.backward(f.sample(pair), f.log_noise.data(), one.data(), one_noise.data());
    sum = plus(sum, 1.0, one);
    sum_noise = plus(sum_noise, 1.0, one_noise);
  }
  EXPECT_LT(relative_error(both, sum), 1e-13);
  EXPECT_LT(relative_error(both_noise, sum_noise), 1e-13);
}

// A frame that has been continued by hand gives, cropped, what the network makes of the frame: padding
// repeats the last row and column, and a size that needs none is left as it is.
TEST(UNet, PadsWithEdgeValuesToAMultipleOfTwoToTheDepthAndCrops) {
  const NetworkSpec spec = tiny_spec(2, ActivationKind::silu, 0, ResidualBase::last_frame);
  NetworkFixture odd(spec, 5, 7), even(spec, 8, 8);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t y = 0; y < 8; ++y) {
      for (std::size_t x = 0; x < 8; ++x) {
        even.frames[0][(c * 8 + y) * 8 + x] =
            odd.frames[0][(c * 5 + std::min<std::size_t>(y, 4)) * 7 + std::min<std::size_t>(x, 6)];
      }
    }
  }
  const Vector small = odd.forward(odd.phi), large = even.forward(even.phi);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t y = 0; y < 5; ++y) {
      for (std::size_t x = 0; x < 7; ++x) EXPECT_EQ(small[(c * 5 + y) * 7 + x], large[(c * 8 + y) * 8 + x]);
    }
  }
}

TEST(UNet, WithoutWeightsForecastsItsBase) {
  for (const ResidualBase residual : {ResidualBase::none, ResidualBase::last_frame, ResidualBase::advected}) {
    NetworkFixture f(tiny_spec(1, ActivationKind::silu, 0, residual), 4, 5);
    const Vector out = f.forward(Vector(f.phi.size(), 0.0));
    for (std::size_t i = 0; i < out.size(); ++i) {
      EXPECT_EQ(out[i], residual == ResidualBase::none         ? 0.0
                        : residual == ResidualBase::last_frame ? f.frames[0][20 + i % 20]
                                                               : f.advected[0][i]);
    }
  }
}

TEST(UNet, EveryPurposeForecastsTheSame) {
  for (const int norm_groups : {0, 2}) {
    const NetworkSpec spec = tiny_spec(2, ActivationKind::silu, norm_groups, ResidualBase::last_frame);
    NetworkFixture forecast(spec, 6, 5, Purpose::forecast), second(spec, 6, 5, Purpose::second_order);
    EXPECT_EQ(forecast.forward(forecast.phi), second.forward(second.phi));
  }
}

TEST(UNet, ThreadsChangeNoBit) {
  const NetworkSpec spec = tiny_spec(2, ActivationKind::silu, 2, ResidualBase::last_frame);
  NetworkFixture f(spec, 9, 6);
  Vector expected(f.phi.size()), expected_noise(2);
  f.network.set_weights(f.phi.data());
  f.network.backward(f.sample(), f.log_noise.data(), expected.data(), expected_noise.data());
  for (const int threads : {2, 3}) {
    ReferenceKernels<double> kernels(threads);
    UNet<double> network(spec, kernels, 9, 6, Purpose::gradient);
    Vector grad(f.phi.size()), grad_noise(2);
    network.set_weights(f.phi.data());
    network.backward(f.sample(), f.log_noise.data(), grad.data(), grad_noise.data());
    EXPECT_EQ(grad, expected) << threads << " threads";
    EXPECT_EQ(grad_noise, expected_noise) << threads << " threads";
  }
}

// The encoder's gradient has two parts, through the pool and through the skip. With the decoder's weights on
// the upsampled channels zero only the skip's is left, with those on the skip zero only the pool's.
TEST(UNet, SkipAndPoolBothCarryTheEncodersGradient) {
  const NetworkSpec spec = tiny_spec(1, ActivationKind::silu, 0, ResidualBase::none);
  const std::vector<ParameterTensor> layout = parameter_layout(spec);
  const auto tensor = [&](const char* name) {
    return *std::ranges::find_if(layout, [&](const ParameterTensor& t) { return t.name == name; });
  };
  const ParameterTensor decoder = tensor("dec0.a.weight"), encoder = tensor("enc0.b.weight"),
                        coarse = tensor("enc1.a.weight");
  for (const bool keep_skip : {true, false}) {
    NetworkFixture f(spec, 4, 4);
    for (int out = 0; out < decoder.shape[0]; ++out) {
      for (int in = 0; in < decoder.shape[1]; ++in) {
        if ((in >= spec.channels(1)) == keep_skip) continue;  // [upsampled, skip]
        std::fill_n(f.phi.begin() + static_cast<std::ptrdiff_t>(decoder.offset) + (out * decoder.shape[1] + in) * 9, 9,
                    0.0);
      }
    }
    Vector grad(f.phi.size()), grad_noise(2);
    f.network.set_weights(f.phi.data());
    f.network.backward(f.sample(), f.log_noise.data(), grad.data(), grad_noise.data());
    const auto part = [&](const ParameterTensor& t) {
      const auto first = grad.begin() + static_cast<std::ptrdiff_t>(t.offset);
      return norm(Vector(first, first + static_cast<std::ptrdiff_t>(t.size)));
    };
    EXPECT_GT(part(encoder), 1e-3);
    if (keep_skip) {
      EXPECT_EQ(part(coarse), 0.0);
    } else {
      EXPECT_GT(part(coarse), 1e-3);
    }
  }
}

}  // namespace
}  // namespace altocast
