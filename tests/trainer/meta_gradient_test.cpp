// The exact meta-gradient, in double, against central differences of the whole adapted outer loss, which the
// test computes by itself from the inner loop and forward passes, with the same noise.
#include "trainer/meta_gradient.h"

#include <gtest/gtest.h>

#include "runtime/kernels/reference.h"
#include "tests/derivatives.h"
#include "tests/runtime/flipped_noise.h"

namespace altocast {
namespace {

using namespace test;

constexpr int kHeight = 3;
constexpr int kWidth = 4;

struct MetaCase {
  const char* name;
  int steps = 2;
  int samples = 1;
  int outer_samples = 1;
  float clip_mu = 0;
  float clip_rho = 0;
  OuterData data = OuterData::query;
  int depth = 0;
  int norm_groups = 0;
  ActivationKind activation = ActivationKind::silu;
  bool antithetic = false;
  bool flipout = false;
  Likelihood likelihood = Likelihood::gaussian;
};

void PrintTo(const MetaCase& meta_case, std::ostream* out) { *out << meta_case.name; }

struct MetaFixture {
  MetaCase settings;
  NetworkSpec spec;
  ReferenceKernels<double> kernels;
  UNet<double> network;
  InnerLoop<double> inner_loop;
  OuterSettings outer;
  MetaGradient<double> meta;
  std::size_t size;
  Gaussian<double> theta;
  Vector log_noise{-0.4, 0.1};
  std::vector<Vector> frames, targets;
  Task<double> task;
  CounterNoise<double> inner_noise, outer_noise;

  explicit MetaFixture(const MetaCase& meta_case)
      : settings(meta_case),
        spec(make_spec(meta_case)),
        network(spec, kernels, kHeight, kWidth, Purpose::second_order),
        inner_loop(network, make_settings(meta_case), make_rates(spec)),
        outer{meta_case.outer_samples, 0.7, meta_case.data},
        meta(inner_loop, outer, 0),
        size(parameter_count(spec)),
        inner_noise(7, meta_case.antithetic),
        outer_noise(8, meta_case.antithetic) {
    theta.mu = normal_values(3, size, 0.4);
    theta.rho = normal_values(4, size, 0.2, -1.2);
    for (std::uint64_t pair = 0; pair < 4; ++pair) {
      frames.push_back(normal_values(10 + pair, 2 * kHeight * kWidth));
      targets.push_back(normal_values(20 + pair, 2 * kHeight * kWidth));
    }
    for (std::size_t pair = 0; pair < 4; ++pair) {
      (pair < 3 ? task.support : task.query)
          .push_back(make_sample(spec, frames[pair].data(), nullptr, targets[pair].data(), kHeight, kWidth));
    }
  }
  static NetworkSpec make_spec(const MetaCase& c) {
    NetworkSpec spec;
    spec.input_frames = 2;
    spec.leads = 2;
    spec.base_channels = 2;
    spec.depth = c.depth;
    spec.norm_groups = c.norm_groups;
    spec.activation = c.activation;
    return spec;
  }
  static InnerLoopSettings make_settings(const MetaCase& c) {
    InnerLoopSettings settings;
    settings.steps = c.steps;
    settings.samples = c.samples;
    settings.kl_weight = 0.5f;
    settings.antithetic = c.antithetic;
    settings.flipout = c.flipout;
    settings.likelihood = c.likelihood;
    settings.clip_mu = c.clip_mu;
    settings.clip_rho = c.clip_rho;
    return settings;
  }
  // Large, so that second-order terms count, and different in every tensor.
  static InnerRates<double> make_rates(const NetworkSpec& spec) {
    const std::size_t count = parameter_layout(spec).size();
    return {normal_values(1, count, 0.02, 0.15), normal_values(2, count, 0.05, 0.4)};
  }

  // L for given λ, θ and s by its formula.
  double outer_loss(const Gaussian<double>& lambda, const Gaussian<double>& prior, const Vector& s) {
    std::vector<std::size_t> pairs{3};
    if (outer.data == OuterData::support_and_query) pairs = {0, 1, 2, 3};
    double kl = 0, nll = 0;
    for (std::size_t d = 0; d < size; ++d) {
      const double shift = lambda.mu[d] - prior.mu[d];
      kl += prior.rho[d] - lambda.rho[d] - 0.5 +
            (std::exp(2 * lambda.rho[d]) + shift * shift) / (2 * std::exp(2 * prior.rho[d]));
    }
    for (int sample = 0; sample < outer.samples; ++sample) {
      Vector shared(size), phi(size), out(network.terms());
      outer_noise.draw(0, sample, 0, shared);
      for (const std::size_t pair : pairs) {
        const Vector epsilon =
            settings.flipout ? flipped(spec, outer_noise, 0, sample, pair - pairs.front(), shared) : shared;
        for (std::size_t d = 0; d < size; ++d) phi[d] = lambda.mu[d] + std::exp(lambda.rho[d]) * epsilon[d];
        network.set_weights(phi.data());
        network.forward(pair < 3 ? task.support[pair] : task.query[pair - 3], out.data());
        for (std::size_t i = 0; i < out.size(); ++i) {
          const double noise = s[i / (kHeight * kWidth)];
          const double u = std::fabs(targets[pair][i] - out[i]) / std::exp(noise);
          const bool huber = settings.likelihood == Likelihood::huber;
          nll += huber && u > kHuberLimit ? kHuberLimit * (u - kHuberLimit / 2) : u * u / 2;
          nll += noise + (huber ? kHuberLogZ : 0.5 * std::log(2 * std::acos(-1.0)));
        }
      }
    }
    return (outer.kl_weight * kl + nll / outer.samples) / static_cast<double>(pairs.size() * network.terms());
  }
  // λ^M.
  Gaussian<double> adapt(const Gaussian<double>& prior, const Vector& s) {
    Gaussian<double> lambda = prior;
    inner_loop.adapt(prior, s, task.support, inner_noise, lambda, nullptr);
    return lambda;
  }
  double adapted_loss(const Gaussian<double>& prior, const Vector& s) { return outer_loss(adapt(prior, s), prior, s); }

  struct Gradient {
    MetaReport report;
    Gaussian<double> theta;
    Vector log_noise;
    Gaussian<double> adapted;
  };
  Gradient gradient(MetaOrder order) {
    Gradient result{{}, Gaussian<double>(size), Vector(2), Gaussian<double>(size)};
    result.report = meta.accumulate(theta, log_noise, task, inner_noise, outer_noise, order, result.theta,
                                    result.log_noise, nullptr, &result.adapted);
    return result;
  }
  InnerRates<double> rates_gradient(MetaOrder order) {
    Gaussian<double> grad_theta(size);
    Vector grad_log_noise(2);
    InnerRates<double> result{Vector(inner_loop.rates().mu.size()), Vector(inner_loop.rates().rho.size())};
    meta.accumulate(theta, log_noise, task, inner_noise, outer_noise, order, grad_theta, grad_log_noise, &result);
    return result;
  }
  // Gradients of loss(θ, s) by central differences.
  template <class Loss>
  Gradient numeric(const Loss& loss) {
    Gradient result;
    Gaussian<double> at = theta;
    result.theta.mu = numeric_gradient(theta.mu, [&](const Vector& mu) { return at.mu = mu, loss(at, log_noise); });
    at = theta;
    result.theta.rho =
        numeric_gradient(theta.rho, [&](const Vector& rho) { return at.rho = rho, loss(at, log_noise); });
    result.log_noise = numeric_gradient(log_noise, [&](const Vector& s) { return loss(theta, s); });
    return result;
  }
};

void expect_equal(const MetaFixture::Gradient& actual, const MetaFixture::Gradient& expected, double tolerance) {
  EXPECT_LT(relative_error(actual.theta.mu, expected.theta.mu), tolerance);
  EXPECT_LT(relative_error(actual.theta.rho, expected.theta.rho), tolerance);
  EXPECT_LT(relative_error(actual.log_noise, expected.log_noise), tolerance);
}

class MetaGradientTest : public testing::TestWithParam<MetaCase> {
 protected:
  MetaFixture f{GetParam()};
};

TEST_P(MetaGradientTest, IsTheDerivativeOfTheAdaptedOuterLoss) {
  const MetaFixture::Gradient exact = f.gradient(MetaOrder::second);
  for (const InnerStepReport& step : exact.report.steps) {
    EXPECT_EQ(step.clipping.factor_mu<1.0, GetParam().clip_mu> 0) << "the case must test what its name says";
    EXPECT_EQ(step.clipping.factor_rho<1.0, GetParam().clip_rho> 0);
  }
  expect_equal(exact, f.numeric([&](const Gaussian<double>& at, const Vector& s) { return f.adapted_loss(at, s); }),
               kTolerance);
}

TEST_P(MetaGradientTest, FirstOrderTakesTheAdaptationAsAConstantShift) {
  const Gaussian<double> adapted = f.adapt(f.theta, f.log_noise);
  const auto shifted_loss = [&](const Gaussian<double>& at, const Vector& s) {
    Gaussian<double> lambda;
    lambda.mu = plus(plus(adapted.mu, -1.0, f.theta.mu), 1.0, at.mu);
    lambda.rho = plus(plus(adapted.rho, -1.0, f.theta.rho), 1.0, at.rho);
    return f.outer_loss(lambda, at, s);
  };
  expect_equal(f.gradient(MetaOrder::first), f.numeric(shifted_loss), kTolerance);
}

TEST_P(MetaGradientTest, ReportsTheLossOfTheAdaptedPosterior) {
  for (const MetaOrder order : {MetaOrder::first, MetaOrder::second}) {
    const MetaFixture::Gradient gradient = f.gradient(order);
    const MetaReport& report = gradient.report;
    const Gaussian<double> adapted = f.adapt(f.theta, f.log_noise);
    EXPECT_EQ(gradient.adapted.mu, adapted.mu);
    EXPECT_EQ(gradient.adapted.rho, adapted.rho);
    EXPECT_NEAR(report.outer_loss, f.adapted_loss(f.theta, f.log_noise), 1e-12);
    EXPECT_DOUBLE_EQ(report.kl, kl_divergence(adapted, f.theta, f.kernels.threads()));
    EXPECT_EQ(report.steps.size(), static_cast<std::size_t>(GetParam().steps));
  }
}

TEST_P(MetaGradientTest, RatesGradientIsTheDerivativeOfTheAdaptedOuterLoss) {
  const InnerRates<double> rates = f.inner_loop.rates();
  const InnerRates<double> exact = f.rates_gradient(MetaOrder::second);
  InnerRates<double> at = rates;
  const auto loss = [&] { return f.inner_loop.set_rates(at), f.adapted_loss(f.theta, f.log_noise); };
  const Vector mu = numeric_gradient(rates.mu, [&](const Vector& values) { return at.mu = values, loss(); });
  at = rates;
  const Vector rho = numeric_gradient(rates.rho, [&](const Vector& values) { return at.rho = values, loss(); });
  if (GetParam().steps == 0) {
    EXPECT_EQ(exact.mu, Vector(rates.mu.size(), 0.0));
    return;
  }
  EXPECT_LT(relative_error(exact.mu, mu), kTolerance);
  EXPECT_LT(relative_error(exact.rho, rho), kTolerance);
}

TEST_P(MetaGradientTest, FirstOrderRatesGradientHoldsTheInnerGradientsConstant) {
  const InnerRates<double> rates = f.inner_loop.rates();
  const InnerRates<double> exact = f.rates_gradient(MetaOrder::first);
  // With the gradients held, λ^M − θ scales with the tensor's rate.
  const Gaussian<double> adapted = f.adapt(f.theta, f.log_noise);
  const auto numeric = [&](bool of_rho) {
    const Vector& before = of_rho ? rates.rho : rates.mu;
    return numeric_gradient(before, [&](const Vector& values) {
      Gaussian<double> lambda = adapted;
      Vector& at = of_rho ? lambda.rho : lambda.mu;
      const Vector& from = of_rho ? f.theta.rho : f.theta.mu;
      for (std::size_t t = 0; t < before.size(); ++t) {
        const ParameterTensor& tensor = f.inner_loop.tensors()[t];
        for (std::size_t d = tensor.offset; d < tensor.offset + tensor.size; ++d) {
          at[d] += (at[d] - from[d]) * (values[t] / before[t] - 1);
        }
      }
      return f.outer_loss(lambda, f.theta, f.log_noise);
    });
  };
  if (GetParam().steps == 0) return;
  EXPECT_LT(relative_error(exact.mu, numeric(false)), kTolerance);
  EXPECT_LT(relative_error(exact.rho, numeric(true)), kTolerance);
}

TEST_P(MetaGradientTest, KeepingPassesChangesNoBit) {
  const MetaFixture::Gradient anew = f.gradient(MetaOrder::second);
  EXPECT_EQ(anew.report.products_kept, 0);
  EXPECT_EQ(anew.report.products, GetParam().steps * GetParam().samples * 3);
  const std::size_t pass = f.network.make_pass().bytes();
  for (const std::size_t room : {std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
    MetaGradient<double> keeping(f.inner_loop, f.outer, room * pass);
    for (int repeated = 0; repeated < 2; ++repeated) {
      Gaussian<double> theta(f.size);
      Vector log_noise(2);
      const MetaReport report = keeping.accumulate(f.theta, f.log_noise, f.task, f.inner_noise, f.outer_noise,
                                                   MetaOrder::second, theta, log_noise);
      const int fit = std::min(report.products, static_cast<int>(room));
      EXPECT_EQ(report.products_kept, 4 * fit < report.products ? 0 : fit);  // few are not worth their memory
      EXPECT_EQ(theta.mu, anew.theta.mu);
      EXPECT_EQ(theta.rho, anew.theta.rho);
      EXPECT_EQ(log_noise, anew.log_noise);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Settings, MetaGradientTest,
    testing::Values(MetaCase{.name = "no_steps", .steps = 0}, MetaCase{.name = "one_step", .steps = 1},
                    MetaCase{.name = "three_steps", .steps = 3},
                    MetaCase{.name = "more_samples", .samples = 2, .outer_samples = 2},
                    MetaCase{.name = "antithetic", .samples = 2, .antithetic = true},
                    MetaCase{.name = "flipout", .samples = 2, .outer_samples = 2, .flipout = true},
                    MetaCase{.name = "flipout_antithetic_and_clipped",
                             .steps = 3,
                             .samples = 2,
                             .outer_samples = 2,
                             .clip_mu = 0.05f,
                             .clip_rho = 0.005f,
                             .data = OuterData::support_and_query,
                             .antithetic = true,
                             .flipout = true},
                    MetaCase{
                        .name = "flipout_with_a_level_and_group_norm", .depth = 1, .norm_groups = 2, .flipout = true},
                    MetaCase{.name = "clipped_mu", .steps = 3, .clip_mu = 0.05f},
                    MetaCase{.name = "clipped_rho", .steps = 3, .clip_rho = 0.01f},
                    MetaCase{.name = "clipped_both", .steps = 3, .samples = 2, .clip_mu = 0.05f, .clip_rho = 0.01f},
                    MetaCase{.name = "huber", .steps = 3, .samples = 2, .likelihood = Likelihood::huber},
                    MetaCase{.name = "huber_clipped", .steps = 4, .clip_mu = 0.05f, .likelihood = Likelihood::huber},
                    MetaCase{.name = "support_and_query", .data = OuterData::support_and_query},
                    MetaCase{.name = "group_norm", .norm_groups = 2},
                    MetaCase{.name = "relu_with_a_level_and_group_norm",
                             .depth = 1,
                             .norm_groups = 2,
                             .activation = ActivationKind::relu},
                    MetaCase{.name = "silu_with_a_level", .steps = 1, .depth = 1}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(MetaGradient, WithoutStepsBothOrdersAgreeAndWithThemTheyDoNot) {
  for (const int steps : {0, 2}) {
    MetaFixture f({.name = "", .steps = steps});
    const double difference =
        relative_error(f.gradient(MetaOrder::first).theta.mu, f.gradient(MetaOrder::second).theta.mu);
    if (steps == 0) {
      EXPECT_EQ(difference, 0.0);
    } else {
      EXPECT_GT(difference, 1e-2);
    }
  }
}

TEST(MetaGradient, TasksAdd) {
  MetaFixture f({.name = ""});
  const MetaFixture::Gradient once = f.gradient(MetaOrder::second);
  Gaussian<double> twice = once.theta;
  Vector twice_noise = once.log_noise;
  f.meta.accumulate(f.theta, f.log_noise, f.task, f.inner_noise, f.outer_noise, MetaOrder::second, twice, twice_noise);
  EXPECT_LT(relative_error(twice.mu, plus(once.theta.mu, 1.0, once.theta.mu)), 1e-14);
  EXPECT_LT(relative_error(twice.rho, plus(once.theta.rho, 1.0, once.theta.rho)), 1e-14);
  EXPECT_LT(relative_error(twice_noise, plus(once.log_noise, 1.0, once.log_noise)), 1e-14);
}

}  // namespace
}  // namespace altocast
