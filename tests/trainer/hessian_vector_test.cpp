// The Hessian-vector product of the whole network, in double: against central differences of the gradient,
// and by what every Hessian is: symmetric and linear.
#include "trainer/hessian_vector.h"

#include <gtest/gtest.h>

#include "runtime/kernels/reference.h"
#include "tests/derivatives.h"

namespace altocast {
namespace {

using namespace test;

constexpr int kHeight = 5;
constexpr int kWidth = 3;

struct Product {
  Vector hessian, hessian_log_noise;
};

using Options = std::tuple<int, ActivationKind, int, ResidualBase>;
class HessianVectorTest : public testing::TestWithParam<Options> {
 protected:
  HessianVectorTest() {
    for (std::uint64_t pair = 0; pair < 2; ++pair) {
      frames.push_back(normal_values(10 + pair, 2 * kHeight * kWidth));
      advected.push_back(normal_values(30 + pair, 2 * kHeight * kWidth));
      targets.push_back(normal_values(20 + pair, 2 * kHeight * kWidth));
    }
  }
  static NetworkSpec make_spec() {
    NetworkSpec spec;
    spec.input_frames = 2;
    spec.leads = 2;
    spec.base_channels = 2;
    std::tie(spec.depth, spec.activation, spec.norm_groups, spec.residual) = GetParam();
    return spec;
  }
  Sample<double> sample(std::size_t pair) const {
    return make_sample(spec, frames[pair].data(), advected[pair].data(), targets[pair].data(), kHeight, kWidth);
  }
  // From passes that are kept, or computed anew.
  Product product(const Vector& direction, bool kept = false) {
    Product result{Vector(phi.size()), Vector(2)};
    Vector grad(phi.size()), grad_noise(2);
    std::vector<Pass<double>> passes;
    network.set_weights(phi.data());
    for (std::size_t pair = 0; kept && pair < 2; ++pair) {
      passes.push_back(network.make_pass());
      network.backward(sample(pair), log_noise.data(), grad.data(), grad_noise.data(), &passes.back());
    }
    hessian_vector.set_direction(direction.data());
    for (std::size_t pair = 0; pair < 2; ++pair) {
      hessian_vector.accumulate(sample(pair), log_noise.data(), kept ? &passes[pair] : nullptr, result.hessian.data(),
                                result.hessian_log_noise.data());
    }
    return result;
  }
  // (∇_φ NLL, ∂NLL/∂s) of both pairs by the backward pass alone.
  Vector gradient(const Vector& at) {
    Vector grad(phi.size()), grad_noise(2);
    network.set_weights(at.data());
    for (std::size_t pair = 0; pair < 2; ++pair) {
      network.backward(sample(pair), log_noise.data(), grad.data(), grad_noise.data());
    }
    grad.insert(grad.end(), grad_noise.begin(), grad_noise.end());
    return grad;
  }

  NetworkSpec spec = make_spec();
  ReferenceKernels<double> kernels;
  UNet<double> network{spec, kernels, kHeight, kWidth, Purpose::second_order};
  HessianVector<double> hessian_vector{network};
  Vector phi = normal_values(1, parameter_count(spec), 0.3, 0.05);
  Vector u = normal_values(2, phi.size()), v = normal_values(3, phi.size());
  Vector log_noise{-0.3, 0.2};
  std::vector<Vector> frames, advected, targets;
};

TEST_P(HessianVectorTest, IsTheDerivativeOfTheGradientAlongTheDirection) {
  const Vector numeric = numeric_tangent(
      phi, u, [&](const Vector& at) { return gradient(at); }, 1e-6);
  Product exact = product(u);
  exact.hessian.insert(exact.hessian.end(), exact.hessian_log_noise.begin(), exact.hessian_log_noise.end());
  EXPECT_LT(relative_error(exact.hessian, numeric), kTolerance);
  EXPECT_LT(relative_error(exact.hessian_log_noise, Vector(numeric.end() - 2, numeric.end())), kTolerance);
}

TEST_P(HessianVectorTest, KeptPassesGiveTheSameBits) {
  const Product anew = product(u), kept = product(u, true);
  EXPECT_EQ(kept.hessian, anew.hessian);
  EXPECT_EQ(kept.hessian_log_noise, anew.hessian_log_noise);
}

TEST_P(HessianVectorTest, IsSymmetric) {
  const double uhv = dot(u, product(v).hessian);
  EXPECT_NEAR(uhv, dot(v, product(u).hessian), 1e-12 * norm(u) * norm(product(v).hessian));
}

TEST_P(HessianVectorTest, IsLinear) {
  const Vector combined = product(plus(u, -3.0, v)).hessian;
  EXPECT_LT(relative_error(combined, plus(product(u).hessian, -3.0, product(v).hessian)), 1e-12);
  EXPECT_EQ(product(Vector(phi.size(), 0.0)).hessian, Vector(phi.size(), 0.0));
}

INSTANTIATE_TEST_SUITE_P(
    Options, HessianVectorTest,
    testing::Combine(testing::Values(0, 1, 2), testing::Values(ActivationKind::relu, ActivationKind::silu),
                     testing::Values(0, 2),
                     testing::Values(ResidualBase::none, ResidualBase::last_frame, ResidualBase::advected)));

}  // namespace
}  // namespace altocast
