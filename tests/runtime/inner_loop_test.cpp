// The inner loop in double: the KL's closed form, the gradient of the inner objective against central
// differences with the noise held fixed, clipping, and the report of stiffness.
#include "runtime/inner_loop.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <utility>

#include "runtime/kernels/reference.h"
#include "tests/derivatives.h"
#include "tests/runtime/flipped_noise.h"

namespace altocast {
namespace {

using namespace test;

ThreadPool alone(1);

constexpr int kHeight = 3;
constexpr int kWidth = 4;

NetworkSpec tiny_spec() {
  NetworkSpec spec;
  spec.input_frames = 2;
  spec.leads = 2;
  spec.base_channels = 2;
  spec.depth = 0;
  return spec;
}

struct InnerLoopFixture {
  NetworkSpec spec = tiny_spec();
  std::size_t size = parameter_count(spec);
  ReferenceKernels<double> kernels;
  UNet<double> network{spec, kernels, kHeight, kWidth, Purpose::gradient};
  InnerLoopSettings settings;
  InnerRates<double> rates;
  Gaussian<double> theta;
  Vector log_noise{-0.4, 0.1};
  std::vector<Vector> frames, targets;
  std::vector<Sample<double>> support;
  CounterNoise<double> noise{7, false};

  InnerLoopFixture() {
    settings.samples = 2;
    settings.kl_weight = 0.5f;
    const std::size_t tensors = parameter_layout(spec).size();
    rates.mu = normal_values(1, tensors, 0.002, 0.02);  // a rate a tensor, all different
    rates.rho = normal_values(2, tensors, 0.003, 0.03);
    theta.mu = normal_values(3, size, 0.4);
    theta.rho = normal_values(4, size, 0.2, -1.5);
    for (std::uint64_t pair = 0; pair < 3; ++pair) {
      frames.push_back(normal_values(10 + pair, 2 * kHeight * kWidth));
      targets.push_back(normal_values(20 + pair, 2 * kHeight * kWidth));
    }
    for (std::size_t pair = 0; pair < 3; ++pair) {
      support.push_back(make_sample(spec, frames[pair].data(), nullptr, targets[pair].data(), kHeight, kWidth));
    }
  }

  InnerStepReport gradient(const Gaussian<double>& lambda, int step, Gaussian<double>& into) {
    InnerLoop<double> loop(network, settings, rates);
    InnerStep<double> made;
    Gaussian<double> moved = lambda;
    const InnerStepReport report = loop.descend(theta, moved, log_noise, support, noise, step, made);
    loop.for_each_chunk([&](int, const WeightChunk& chunk) {
      loop.chunk_gradient(chunk, theta, made, &lambda.mu[chunk.first], &lambda.rho[chunk.first],
                          &loop.draw().deviation[chunk.first], &into.mu[chunk.first], &into.rho[chunk.first]);
    });
    return report;
  }
  double objective(const Gaussian<double>& lambda, int step) {
    Gaussian<double> unused(size);
    return gradient(lambda, step, unused).objective;
  }
  // A λ away from θ.
  Gaussian<double> shifted() const {
    Gaussian<double> lambda;
    lambda.mu = plus(theta.mu, 0.1, normal_values(5, size));
    lambda.rho = plus(theta.rho, 0.1, normal_values(6, size));
    return lambda;
  }
};

Gaussian<double> one_weight(double mu, double sigma) {
  Gaussian<double> g(1);
  g.mu[0] = mu;
  g.rho[0] = std::log(sigma);
  return g;
}

TEST(Gaussian, SamplesAreTheMeanPlusSigmaTimesNoise) {
  const Gaussian<double> q = one_weight(0.5, 0.25);
  const Vector epsilon{-2.0};
  Vector phi(1);
  sample_weights(std::span<const double>(q.mu), std::span<const double>(q.rho), std::span<const double>(epsilon),
                 std::span(phi), alone);
  EXPECT_DOUBLE_EQ(phi[0], 0.0);
}

TEST(Gaussian, DivergenceMatchesKnownValues) {
  EXPECT_EQ(kl_divergence(one_weight(0.3, 0.2), one_weight(0.3, 0.2), alone), 0.0);
  EXPECT_NEAR(kl_divergence(one_weight(1.0, 1.0), one_weight(0.0, 1.0), alone), 0.5, 1e-15);
  EXPECT_NEAR(kl_divergence(one_weight(0.0, 2.0), one_weight(0.0, 1.0), alone), 1.5 - std::log(2.0), 1e-15);
  EXPECT_NEAR(kl_divergence(one_weight(1.0, 1.0), one_weight(0.0, 2.0), alone), std::log(2.0) - 0.25, 1e-15);
}

TEST(Gaussian, DivergenceIsTheIntegralOfTheLogRatio) {
  const Gaussian<double> q = one_weight(0.7, 0.6), p = one_weight(-0.2, 1.1);
  const auto log_density = [](double x, double mu, double sigma) {
    return -0.5 * std::pow((x - mu) / sigma, 2) - std::log(sigma * std::sqrt(2 * std::acos(-1.0)));
  };
  double integral = 0;
  const double width = 1e-3;
  for (double x = -6.0; x < 8.0; x += width) {
    const double log_q = log_density(x, 0.7, 0.6);
    integral += width * std::exp(log_q) * (log_q - log_density(x, -0.2, 1.1));
  }
  EXPECT_NEAR(kl_divergence(q, p, alone), integral, 1e-9);
}

TEST(Gaussian, DivergenceIsPositiveBetweenDifferentDistributionsAndAddsOverWeights) {
  const InnerLoopFixture f;
  const Gaussian<double> q = f.shifted(), p = f.theta;
  double sum = 0;
  for (std::size_t d = 0; d < q.size(); ++d) {
    const double one =
        kl_divergence(one_weight(q.mu[d], std::exp(q.rho[d])), one_weight(p.mu[d], std::exp(p.rho[d])), alone);
    EXPECT_GT(one, 0.0);
    sum += one;
  }
  EXPECT_NEAR(kl_divergence(q, p, alone), sum, 1e-12 * sum);
}

// e^{2x} − 1 − 2x cancels for small x: in float, many weights near the prior must neither add up errors nor go below 0.
TEST(Gaussian, DivergenceInFloatIsAccurateHoweverNearThePrior) {
  for (const double shift : {1e-7, 1e-5, 1e-3, 0.1, 0.1249, 0.1251, 0.5, 3.0}) {
    for (const double sign : {-1.0, 1.0}) {
      constexpr std::size_t kSize = 1000;
      Gaussian<float> p(kSize), q(kSize);
      double expected = 0;
      for (std::size_t d = 0; d < kSize; ++d) {
        p.rho[d] = -5.0f + 0.001f * static_cast<float>(d);
        q.rho[d] = static_cast<float>(static_cast<double>(p.rho[d]) + sign * shift);
        const long double x = static_cast<long double>(q.rho[d]) - static_cast<long double>(p.rho[d]);
        expected += static_cast<double>(0.5L * (std::expm1(2.0L * x) - 2.0L * x));
      }
      EXPECT_GE(kl_divergence(q, p, alone), 0.0);
      EXPECT_NEAR(kl_divergence(q, p, alone), expected, 1e-5 * expected) << sign * shift;
    }
  }
}

TEST(Gaussian, GradientOfDivergenceIsThatOfItsValueAndZeroAtThePrior) {
  const InnerLoopFixture f;
  const Gaussian<double> q = f.shifted();
  Gaussian<double> gradient(f.size);
  kl_gradient(q.mu.data(), q.rho.data(), f.theta, 0, f.size, 2.0, gradient.mu.data(), gradient.rho.data());
  Gaussian<double> at = q;
  const auto value = [&] { return 2.0 * kl_divergence(at, f.theta, alone); };
  const Vector by_mu = numeric_gradient(q.mu, [&](const Vector& mu) { return at.mu = mu, value(); });
  at = q;
  const Vector by_rho = numeric_gradient(q.rho, [&](const Vector& rho) { return at.rho = rho, value(); });
  EXPECT_LT(relative_error(gradient.mu, by_mu), kTolerance);
  EXPECT_LT(relative_error(gradient.rho, by_rho), kTolerance);
  Gaussian<double> at_prior(f.size);
  kl_gradient(f.theta.mu.data(), f.theta.rho.data(), f.theta, 0, f.size, 2.0, at_prior.mu.data(), at_prior.rho.data());
  EXPECT_EQ(at_prior.mu, Vector(f.size, 0.0));
  EXPECT_EQ(at_prior.rho, Vector(f.size, 0.0));
}

TEST(CounterNoise, SameCallGivesTheSameAndOthersDiffer) {
  CounterNoise<double> noise(3, false), again(3, false), other_seed(4, false);
  std::map<std::pair<int, int>, Vector> drawn;
  for (const int step : {0, 1}) {
    for (const int sample : {0, 1, 2}) noise.draw(step, sample, 0, drawn[{step, sample}] = Vector(50));
  }
  for (const auto& [call, values] : drawn) {
    Vector repeated(50), different(50);
    again.draw(call.first, call.second, 0, repeated);
    other_seed.draw(call.first, call.second, 0, different);
    EXPECT_EQ(values, repeated);
    EXPECT_NE(values, different);
    for (const auto& [other_call, other] : drawn) {
      if (other_call != call) {
        EXPECT_NE(values, other);
      }
    }
  }
}

TEST(CounterNoise, AntitheticPairsAreNegativesAndPairsDiffer) {
  CounterNoise<double> noise(3, true);
  std::vector<Vector> drawn(4, Vector(50));
  for (int sample = 0; sample < 4; ++sample) noise.draw(1, sample, 0, drawn[static_cast<std::size_t>(sample)]);
  EXPECT_EQ(norm(plus(drawn[0], 1.0, drawn[1])), 0.0);
  EXPECT_EQ(norm(plus(drawn[2], 1.0, drawn[3])), 0.0);
  EXPECT_NE(drawn[0], drawn[2]);
}

TEST(CounterNoise, SignsAreBalancedDifferByPairStepAndSampleAndAreSharedByAntitheticSamples) {
  constexpr std::size_t kCount = 10000;
  CounterNoise<double> noise(3, true), again(3, true);
  std::vector<Vector> drawn;
  for (const auto& [step, sample, pair] : {std::array{0, 0, 0}, {0, 0, 1}, {1, 0, 0}, {0, 2, 0}}) {
    Vector signs(kCount), repeated(kCount), antithetic(kCount);
    noise.draw_signs(step, sample, static_cast<std::size_t>(pair), signs);
    again.draw_signs(step, sample, static_cast<std::size_t>(pair), repeated);
    again.draw_signs(step, sample + 1, static_cast<std::size_t>(pair), antithetic);
    EXPECT_EQ(signs, repeated);
    EXPECT_EQ(signs, antithetic);
    double sum = 0;
    for (const double sign : signs) {
      EXPECT_EQ(std::abs(sign), 1.0);
      sum += sign;
    }
    EXPECT_LT(std::abs(sum), 5 * std::sqrt(kCount));
    for (const Vector& other : drawn) EXPECT_LT(std::abs(dot(signs, other)), 5 * std::sqrt(kCount));
    drawn.push_back(signs);
  }
}

TEST(Flipout, MultipliesNoiseBySignsOfChannelsAndTwiceIsNothing) {
  for (const int norm_groups : {0, 2}) {
    NetworkSpec spec = tiny_spec();
    spec.depth = 1;
    spec.norm_groups = norm_groups;
    const Vector epsilon = normal_values(1, parameter_count(spec));
    CounterNoise<double> noise(5, false);
    const Flipout flipout(spec);
    Vector signs(flipout.sign_count()), flips = epsilon;
    noise.draw_signs(2, 1, 3, signs);
    flipout.apply(std::span<const double>(signs), std::span(flips), alone);
    EXPECT_EQ(flips, flipped(spec, noise, 2, 1, 3, epsilon));
    EXPECT_NE(flips, epsilon);
    flipout.apply(std::span<const double>(signs), std::span(flips), alone);
    EXPECT_EQ(flips, epsilon);
  }
}

// What it is for: the same number of samples estimates the gradient of the expectation with less spread.
TEST(Flipout, GradientsOfPairsScatterLessAroundTheSameMean) {
  InnerLoopFixture f;
  f.settings.samples = 1;
  constexpr int kDraws = 400;
  std::array<Vector, 2> means;
  std::array<double, 2> spread{};
  for (const bool flipout : {false, true}) {
    f.settings.flipout = flipout;
    Vector sum(f.size, 0.0);
    double squares = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      Gaussian<double> gradient(f.size);
      f.gradient(f.theta, draw, gradient);
      sum = plus(sum, 1.0 / kDraws, gradient.mu);
      squares += dot(gradient.mu, gradient.mu) / kDraws;
    }
    means[flipout] = sum;
    spread[flipout] = squares - dot(sum, sum);
  }
  EXPECT_LT(spread[1], 0.8 * spread[0]);
  EXPECT_LT(norm(plus(means[0], -1.0, means[1])), 4 * std::sqrt((spread[0] + spread[1]) / kDraws));
}

class InnerLoopNoise : public testing::TestWithParam<bool> {
 protected:
  InnerLoopNoise() { f.settings.flipout = GetParam(); }
  InnerLoopFixture f;
};
INSTANTIATE_TEST_SUITE_P(, InnerLoopNoise, testing::Bool(),
                         [](const auto& flipout) { return flipout.param ? "flipout" : "shared"; });

TEST_P(InnerLoopNoise, GradientIsThatOfTheObjectiveWithTheNoiseHeldFixed) {
  for (const int step : {0, 2}) {
    const Gaussian<double> lambda = f.shifted();
    Gaussian<double> gradient(f.size), at = lambda;
    f.gradient(lambda, step, gradient);
    const Vector by_mu =
        numeric_gradient(lambda.mu, [&](const Vector& mu) { return at.mu = mu, f.objective(at, step); });
    at = lambda;
    const Vector by_rho =
        numeric_gradient(lambda.rho, [&](const Vector& rho) { return at.rho = rho, f.objective(at, step); });
    EXPECT_LT(relative_error(gradient.mu, by_mu), kTolerance);
    EXPECT_LT(relative_error(gradient.rho, by_rho), kTolerance);
  }
}

TEST_P(InnerLoopNoise, ObjectiveIsTheWeightedDivergencePlusTheMeanLossATerm) {
  const Gaussian<double> lambda = f.shifted();
  Gaussian<double> unused(f.size);
  const InnerStepReport report = f.gradient(lambda, 1, unused);
  const double terms = 3.0 * 2 * kHeight * kWidth;
  double nll = 0;
  for (int s = 0; s < 2; ++s) {
    Vector shared(f.size), phi(f.size), out(f.network.terms());
    f.noise.draw(1, s, 0, shared);
    for (std::size_t pair = 0; pair < 3; ++pair) {
      const Vector epsilon = GetParam() ? flipped(f.spec, f.noise, 1, s, pair, shared) : shared;
      for (std::size_t d = 0; d < f.size; ++d) phi[d] = lambda.mu[d] + std::exp(lambda.rho[d]) * epsilon[d];
      f.network.set_weights(phi.data());
      f.network.forward(f.support[pair], out.data());
      for (std::size_t i = 0; i < out.size(); ++i) {
        const double noise = f.log_noise[i / (kHeight * kWidth)];
        nll += std::pow((f.targets[pair][i] - out[i]) / std::exp(noise), 2) / 2 + noise +
               0.5 * std::log(2 * std::acos(-1.0));
      }
    }
  }
  EXPECT_NEAR(report.nll, nll / (2 * terms), 1e-12);
  EXPECT_DOUBLE_EQ(report.kl, kl_divergence(lambda, f.theta, alone));
  EXPECT_NEAR(report.objective, 0.5 * report.kl / terms + report.nll, 1e-14);
}

TEST(InnerLoop, AdaptationLowersTheObjectiveAndStartsAtThePrior) {
  InnerLoopFixture f;
  f.settings.steps = 5;
  InnerLoop<double> loop(f.network, f.settings, f.rates);
  Gaussian<double> lambda = f.theta;
  std::vector<InnerStepReport> reports;
  loop.adapt(f.theta, f.log_noise, f.support, f.noise, lambda, &reports);
  ASSERT_EQ(reports.size(), 5u);
  EXPECT_EQ(reports[0].kl, 0.0);
  EXPECT_GT(reports[4].kl, 0.0);
  EXPECT_LT(f.objective(lambda, 0), reports[0].objective);  // the first step's noise
}

TEST(InnerLoop, EachTensorMovesByItsOwnRate) {
  InnerLoopFixture f;
  f.settings.steps = 1;
  InnerLoop<double> loop(f.network, f.settings, f.rates);
  Gaussian<double> lambda = f.theta, gradient(f.size);
  loop.adapt(f.theta, f.log_noise, f.support, f.noise, lambda, nullptr);
  f.gradient(f.theta, 0, gradient);
  const std::vector<ParameterTensor> layout = parameter_layout(f.spec);
  for (std::size_t t = 0; t < layout.size(); ++t) {
    for (std::size_t d = layout[t].offset; d < layout[t].offset + layout[t].size; ++d) {
      EXPECT_DOUBLE_EQ(lambda.mu[d], f.theta.mu[d] - f.rates.mu[t] * gradient.mu[d]);
      EXPECT_DOUBLE_EQ(lambda.rho[d], f.theta.rho[d] - f.rates.rho[t] * gradient.rho[d]);
    }
  }
}

TEST(InnerLoop, EachTensorTakesItsRates) {
  InnerLoopFixture f;
  f.settings.steps = 2;
  for (std::size_t t = 0; t < f.rates.mu.size(); ++t) {
    f.rates.mu[t] *= 1 + 0.1 * static_cast<double>(t);
    f.rates.rho[t] *= 1 - 0.05 * static_cast<double>(t);
  }
  InnerLoop<double> loop(f.network, f.settings, f.rates);
  Gaussian<double> lambda = f.theta, gradient(f.size), expected = f.theta;
  loop.adapt(f.theta, f.log_noise, f.support, f.noise, lambda, nullptr);
  for (int step = 0; step < 2; ++step) {
    f.gradient(expected, step, gradient);
    for (std::size_t t = 0; t < loop.tensors().size(); ++t) {
      const ParameterTensor& tensor = loop.tensors()[t];
      for (std::size_t d = tensor.offset; d < tensor.offset + tensor.size; ++d) {
        expected.mu[d] -= f.rates.mu[t] * gradient.mu[d];
        expected.rho[d] -= f.rates.rho[t] * gradient.rho[d];
      }
    }
  }
  EXPECT_LT(relative_error(lambda.mu, expected.mu), 1e-14);
  EXPECT_LT(relative_error(lambda.rho, expected.rho), 1e-14);
}

TEST(InnerLoop, StiffnessIsThatOfTheStiffestStep) {
  InnerLoopFixture f;
  const InnerLoop<double> loop(f.network, f.settings, f.rates);
  const InnerRates<double> stiffness = loop.kl_stiffness(f.theta, 72);
  double largest = 0;
  for (std::size_t t = 0; t < loop.tensors().size(); ++t) {
    const ParameterTensor& tensor = loop.tensors()[t];
    double of_tensor = 0;
    for (std::size_t d = tensor.offset; d < tensor.offset + tensor.size; ++d) {
      const double precision = std::exp(-2 * f.theta.rho[d]);
      of_tensor = std::max(of_tensor, f.rates.mu[t] * precision * static_cast<double>(f.settings.kl_weight) / 72);
    }
    EXPECT_NEAR(stiffness.mu[t], of_tensor, 1e-9 * of_tensor);
    largest = std::max({largest, stiffness.mu[t], stiffness.rho[t]});
  }
  EXPECT_EQ(loop.largest_kl_stiffness(f.theta, 72), largest);
}

TEST(InnerLoop, ClippingLimitsTheNormsOfMuAndRhoApartAndKeepsTheDirections) {
  InnerLoopFixture f;
  Gaussian<double> gradient(f.size);
  const Clipping free = f.gradient(f.theta, 0, gradient).clipping;
  EXPECT_DOUBLE_EQ(free.norm_mu, norm(gradient.mu));
  EXPECT_DOUBLE_EQ(free.norm_rho, norm(gradient.rho));
  EXPECT_EQ(free.factor_mu, 1.0);
  EXPECT_EQ(free.factor_rho, 1.0);

  f.settings.steps = 1;
  f.settings.clip_mu = static_cast<float>(0.5 * free.norm_mu);
  f.settings.clip_rho = static_cast<float>(2.0 * free.norm_rho);  // does not act
  f.rates.mu.assign(f.rates.mu.size(), 1.0);
  f.rates.rho.assign(f.rates.rho.size(), 1.0);
  InnerLoop<double> loop(f.network, f.settings, f.rates);
  Gaussian<double> lambda = f.theta;
  std::vector<InnerStepReport> reports;
  loop.adapt(f.theta, f.log_noise, f.support, f.noise, lambda, &reports);
  EXPECT_NEAR(norm(plus(lambda.mu, -1.0, f.theta.mu)), static_cast<double>(f.settings.clip_mu), 1e-12);
  EXPECT_LT(relative_error(plus(f.theta.mu, -1.0, lambda.mu),
                           plus(Vector(f.size, 0.0), reports[0].clipping.factor_mu, gradient.mu)),
            1e-12);
  EXPECT_LT(relative_error(plus(f.theta.rho, -1.0, lambda.rho), gradient.rho), 1e-12);
}

// α w_in / (n_S σ²) = 2 is where a step on the KL alone stops contracting: below it the shift shrinks, above
// it grows.
TEST(InnerLoop, StiffnessTellsWhereAStepOnTheDivergenceStopsContracting) {
  for (const bool rho : {false, true}) {
    for (const double stiffness : {1.9, 2.1}) {
      InnerLoopFixture f;
      InnerLoop<double> probe(
          f.network, f.settings,
          {Vector(f.rates.mu.size(), rho ? 0.0 : 1.0), Vector(f.rates.rho.size(), rho ? 1.0 : 0.0)});
      const std::size_t terms = 72;
      const double rate = stiffness / probe.largest_kl_stiffness(f.theta, terms);
      Gaussian<double> lambda = f.theta, gradient(f.size);
      std::size_t stiffest = 0;
      for (std::size_t d = 0; d < f.size; ++d) {
        if (f.theta.rho[d] < f.theta.rho[stiffest]) stiffest = d;
      }
      (rho ? lambda.rho : lambda.mu)[stiffest] += 1e-4;
      kl_gradient(lambda.mu.data(), lambda.rho.data(), f.theta, 0, f.size, 0.5 / static_cast<double>(terms),
                  gradient.mu.data(), gradient.rho.data());
      const double before = 1e-4;
      const double after = rho ? lambda.rho[stiffest] - f.theta.rho[stiffest] - rate * gradient.rho[stiffest]
                               : lambda.mu[stiffest] - f.theta.mu[stiffest] - rate * gradient.mu[stiffest];
      EXPECT_NEAR(std::abs(after) / before, stiffness - 1, 1e-3) << (rho ? "rho" : "mu");
    }
  }
}

}  // namespace
}  // namespace altocast
