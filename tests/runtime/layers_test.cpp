// Every layer by itself, in double: values against independent formulas, backward and tangent against central
// differences, adjointness to rounding, and the tangent of the backward pass against differences of the
// backward pass.
#include <gtest/gtest.h>

#include <array>

#include "runtime/kernels/reference.h"
#include "runtime/layers/conv_block.h"
#include "runtime/layers/group_norm.h"
#include "runtime/layers/observation_nll.h"
#include "runtime/layers/resample.h"
#include "tests/derivatives.h"

namespace altocast {
namespace {

using namespace test;

constexpr int kHeight = 4;
constexpr int kWidth = 5;
constexpr int kOut = 4;

Vector joined(std::initializer_list<const Vector*> parts) {
  Vector all;
  for (const Vector* part : parts) all.insert(all.end(), part->begin(), part->end());
  return all;
}

struct BlockCase {
  const char* name;
  int sources;
  int kernel;
  int groups;
  bool activated;
  ActivationKind activation;
};

void PrintTo(const BlockCase& block_case, std::ostream* out) { *out << block_case.name; }

// One ConvBlock as a function of one vector (φ, x, δy): parameters, sources, and the gradient that arrives at
// its output.
class BlockFunction {
 public:
  explicit BlockFunction(const BlockCase& block_case) : kernels_(1) {
    spec_.sources = block_case.sources;
    spec_.norm_groups = block_case.groups;
    spec_.activated = block_case.activated;
    spec_.activation = block_case.activation;
    const std::array<int, 2> channels{3, 2};
    const int total = block_case.sources == 2 ? 5 : 3;
    int first = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(block_case.sources); ++i) {
      spec_.slices[i] = {kOut, total, first, channels[i], block_case.kernel};
      extents_[i] = {channels[i], kHeight, kWidth};
      first += channels[i];
    }
    // A gap before each tensor shows an offset that is not honoured.
    spec_.weight = 3;
    spec_.bias = spec_.weight + static_cast<std::size_t>(kOut * total * block_case.kernel * block_case.kernel) + 1;
    spec_.gamma = spec_.bias + kOut + 1;
    spec_.beta = spec_.gamma + kOut + 1;
    parameters_ = spec_.beta + kOut;
  }

  const ConvBlockSpec& spec() const { return spec_; }
  std::size_t parameters() const { return parameters_; }
  std::size_t inputs() const { return count(extents_[0]) + (spec_.sources == 2 ? count(extents_[1]) : 0); }
  std::size_t outputs() const { return count(output()); }
  static Extent output() { return {kOut, kHeight, kWidth}; }

  // y(φ, x).
  Vector forward(const Vector& phi, const Vector& x, Purpose purpose = Purpose::gradient) {
    Pass pass(*this, purpose, phi, x);
    Image z(output()), y(output());
    pass.block.forward(pass.src, spec_.activated && purpose != Purpose::forecast ? z.view : y.view, y.view);
    return y.values();
  }

  // (∂φ, ∂x) of ⟨δy, y⟩.
  Vector backward(const Vector& phi, const Vector& x, const Vector& grad_y) {
    Pass pass(*this, Purpose::gradient, phi, x);
    Image z(output()), y(output()), grad(output(), grad_y), grad_z(output());
    pass.block.forward(pass.src, z.view, y.view);
    Vector grad_phi(parameters_);
    pass.block.backward(pass.src, z.view, grad.view, grad_z.view, pass.grad_src, grad_phi.data());
    return joined({&grad_phi, &pass.grads()});
  }

  Vector tangent(const Vector& phi, const Vector& x, const Vector& tan_phi, const Vector& tan_x) {
    Pass pass(*this, Purpose::second_order, phi, x);
    Pass directions(*this, Purpose::forecast, tan_phi, tan_x);
    Image z(output()), y(output()), tan_y(output());
    pass.block.forward(pass.src, z.view, y.view);
    pass.block.set_direction(tan_phi.data());
    pass.block.tangent(pass.src, z.view, directions.src, tan_y.view);
    return tan_y.values();
  }

  // y and ẏ, and ∂x of ⟨δy, y⟩, by the calls that make them together.
  Vector with_tangents(const Vector& phi, const Vector& x, const Vector& grad_y, const Vector& tan_phi,
                       const Vector& tan_x) {
    Pass pass(*this, Purpose::second_order, phi, x);
    Pass directions(*this, Purpose::forecast, tan_phi, tan_x);
    Image z(output()), y(output()), tan_y(output()), grad(output(), grad_y), grad_z(output()), tan_grad(output());
    pass.block.set_direction(tan_phi.data());
    pass.block.forward_and_tangent(pass.src, z.view, spec_.activated ? y.view : z.view, directions.src, tan_y.view);
    Vector tan_grad_phi(parameters_);
    pass.block.tangent_backward(pass.src, z.view, directions.src, grad.view, grad_z.view, pass.grad_src, tan_grad.view,
                                directions.grad_src, tan_grad_phi.data());
    const Vector values = spec_.activated ? y.values() : z.values(), tangents = tan_y.values();
    return joined({&values, &tangents, &pass.grads()});
  }

  // The derivative of backward() along (φ˙, ẋ, δy˙).
  Vector tangent_backward(const Vector& phi, const Vector& x, const Vector& grad_y, const Vector& tan_phi,
                          const Vector& tan_x, const Vector& tan_grad_y) {
    Pass pass(*this, Purpose::second_order, phi, x);
    Pass directions(*this, Purpose::forecast, tan_phi, tan_x);
    Image z(output()), y(output()), tan_y(output()), grad_z(output());
    Image grad(output(), grad_y), tan_grad(output(), tan_grad_y);
    pass.block.forward(pass.src, z.view, y.view);
    pass.block.set_direction(tan_phi.data());
    pass.block.tangent(pass.src, z.view, directions.src, tan_y.view);
    Vector tan_grad_phi(parameters_);
    pass.block.tangent_backward(pass.src, z.view, directions.src, grad.view, grad_z.view, pass.grad_src, tan_grad.view,
                                directions.grad_src, tan_grad_phi.data());
    return joined({&tan_grad_phi, &directions.grads()});
  }

 private:
  // A block with its sources and room for their gradients.
  struct Pass {
    Pass(BlockFunction& f, Purpose purpose, const Vector& phi, const Vector& x)
        : block(f.spec_, f.kernels_, kHeight, kWidth, purpose),
          first(f.extents_[0], x),
          second(f.extents_[1], f.spec_.sources == 2
                                    ? Vector(x.begin() + static_cast<std::ptrdiff_t>(count(f.extents_[0])), x.end())
                                    : Vector{}),
          grad_first(f.extents_[0]),
          grad_second(f.extents_[1]),
          src{first.view, second.view},
          grad_src{grad_first.view, grad_second.view} {
      block.set_weights(phi.data());
    }
    const Vector& grads() {
      all_grads = joined({&grad_first.memory, &grad_second.memory});
      return all_grads;
    }

    ConvBlock<double> block;
    Image first, second, grad_first, grad_second;
    std::array<Tensor<double>, 2> src, grad_src;
    Vector all_grads;
  };

  ReferenceKernels<double> kernels_;
  ConvBlockSpec spec_;
  std::array<Extent, 2> extents_{};
  std::size_t parameters_ = 0;
};

class ConvBlockTest : public testing::TestWithParam<BlockCase> {
 protected:
  BlockFunction block{GetParam()};
  Vector phi = normal_values(1, block.parameters(), 0.5, 0.1);
  Vector x = normal_values(2, block.inputs());
  Vector grad_y = normal_values(3, block.outputs());
  Vector tan_phi = normal_values(4, block.parameters());
  Vector tan_x = normal_values(5, block.inputs());
  Vector tan_grad_y = normal_values(6, block.outputs());
};

TEST_P(ConvBlockTest, BackwardIsTheGradient) {
  const Vector numeric_phi = numeric_gradient(phi, [&](const Vector& at) { return dot(grad_y, block.forward(at, x)); });
  const Vector numeric_x = numeric_gradient(x, [&](const Vector& at) { return dot(grad_y, block.forward(phi, at)); });
  EXPECT_LT(relative_error(block.backward(phi, x, grad_y), joined({&numeric_phi, &numeric_x})), kTolerance);
}

TEST_P(ConvBlockTest, TangentIsTheDirectionalDerivative) {
  const Vector numeric = plus(numeric_tangent(phi, tan_phi, [&](const Vector& at) { return block.forward(at, x); }),
                              1.0, numeric_tangent(x, tan_x, [&](const Vector& at) { return block.forward(phi, at); }));
  EXPECT_LT(relative_error(block.tangent(phi, x, tan_phi, tan_x), numeric), kTolerance);
}

TEST_P(ConvBlockTest, PassesTogetherWithTheirTangentsAreThose) {
  const Vector y = block.forward(phi, x), tan_y = block.tangent(phi, x, tan_phi, tan_x);
  const Vector grad = block.backward(phi, x, grad_y);
  const Vector grad_x(grad.begin() + static_cast<std::ptrdiff_t>(block.parameters()), grad.end());
  EXPECT_EQ(block.with_tangents(phi, x, grad_y, tan_phi, tan_x), joined({&y, &tan_y, &grad_x}));
}

TEST_P(ConvBlockTest, BackwardIsTheAdjointOfTangent) {
  const double forward = dot(grad_y, block.tangent(phi, x, tan_phi, tan_x));
  const double backward = dot(block.backward(phi, x, grad_y), joined({&tan_phi, &tan_x}));
  EXPECT_NEAR(forward, backward, 1e-11 * std::abs(forward));
}

TEST_P(ConvBlockTest, TangentBackwardIsTheDerivativeOfBackward) {
  const Vector at = joined({&phi, &x, &grad_y});
  const Vector along = joined({&tan_phi, &tan_x, &tan_grad_y});
  const Vector numeric = numeric_tangent(at, along, [&](const Vector& v) {
    const auto x_begin = v.begin() + static_cast<std::ptrdiff_t>(phi.size());
    const auto y_begin = x_begin + static_cast<std::ptrdiff_t>(x.size());
    return block.backward(Vector(v.begin(), x_begin), Vector(x_begin, y_begin), Vector(y_begin, v.end()));
  });
  EXPECT_LT(relative_error(block.tangent_backward(phi, x, grad_y, tan_phi, tan_x, tan_grad_y), numeric), kTolerance);
}

TEST_P(ConvBlockTest, ForecastInPlaceGivesTheSameValues) {
  EXPECT_EQ(block.forward(phi, x, Purpose::forecast), block.forward(phi, x, Purpose::second_order));
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvBlockTest,
                         testing::Values(BlockCase{"relu", 1, 3, 0, true, ActivationKind::relu},
                                         BlockCase{"silu", 1, 3, 0, true, ActivationKind::silu},
                                         BlockCase{"two_sources", 2, 3, 0, true, ActivationKind::silu},
                                         BlockCase{"two_sources_norm", 2, 3, 2, true, ActivationKind::silu},
                                         BlockCase{"relu_norm_of_one_group", 1, 3, 1, true, ActivationKind::relu},
                                         BlockCase{"norm_of_single_channels", 1, 3, kOut, true, ActivationKind::silu},
                                         BlockCase{"head", 1, 1, 0, false, ActivationKind::relu}),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(ConvBlock, GradientsOfParametersAreAddedAndThoseOfSourcesOverwritten) {
  BlockFunction block({"", 1, 3, 2, true, ActivationKind::silu});
  const Vector phi = normal_values(1, block.parameters()), x = normal_values(2, block.inputs());
  const Vector grad_y = normal_values(3, block.outputs());
  const Vector once = block.backward(phi, x, grad_y);
  ReferenceKernels<double> kernels;
  ConvBlock<double> layer(block.spec(), kernels, kHeight, kWidth, Purpose::gradient);
  layer.set_weights(phi.data());
  const Extent in{3, kHeight, kWidth};
  const Extent out = BlockFunction::output();
  Image src(in, x), z(out), y(out), grad_z(out), grad_src(in, normal_values(4, count(in)));
  layer.forward(std::span(&src.view, 1), z.view, y.view);
  Vector grad_phi(block.parameters());
  for (int pass = 0; pass < 2; ++pass) {
    Image grad(out, grad_y);
    layer.backward(std::span(&src.view, 1), z.view, grad.view, grad_z.view, std::span(&grad_src.view, 1),
                   grad_phi.data());
  }
  const auto split = once.begin() + static_cast<std::ptrdiff_t>(block.parameters());
  EXPECT_LT(relative_error(grad_phi, plus(Vector(once.begin(), split), 1.0, Vector(once.begin(), split))), 1e-14);
  EXPECT_EQ(grad_src.values(), Vector(split, once.end()));
}

TEST(ConvBlock, SourcesWithoutDataHaveZeroTangentAndNoGradient) {
  BlockFunction block({"", 1, 3, 0, true, ActivationKind::silu});
  const Vector phi = normal_values(1, block.parameters()), x = normal_values(2, block.inputs());
  const Vector tan_phi = normal_values(3, block.parameters());
  const Vector grad_y = normal_values(4, block.outputs()), tan_grad_y = normal_values(5, block.outputs());
  const Vector still(block.inputs(), 0.0);
  ReferenceKernels<double> kernels;
  ConvBlock<double> layer(block.spec(), kernels, kHeight, kWidth, Purpose::second_order);
  layer.set_weights(phi.data());
  layer.set_direction(tan_phi.data());
  const Extent out = BlockFunction::output();
  Image src({3, kHeight, kWidth}, x), z(out), y(out), tan_y(out), grad(out, grad_y), grad_z(out),
      tan_grad(out, tan_grad_y);
  const Tensor<double> none{nullptr, src.view.extent, src.view.layout};
  layer.forward(std::span(&src.view, 1), z.view, y.view);
  layer.tangent(std::span(&src.view, 1), z.view, std::span(&none, 1), tan_y.view);
  EXPECT_EQ(tan_y.values(), block.tangent(phi, x, tan_phi, still));
  Vector tan_grad_phi(block.parameters());
  layer.tangent_backward(std::span(&src.view, 1), z.view, std::span(&none, 1), grad.view, grad_z.view,
                         std::span(&none, 1), tan_grad.view, std::span(&none, 1), tan_grad_phi.data());
  const Vector with_sources = block.tangent_backward(phi, x, grad_y, tan_phi, still, tan_grad_y);
  const auto parameters = static_cast<std::ptrdiff_t>(block.parameters());
  EXPECT_LT(relative_error(tan_grad_phi, Vector(with_sources.begin(), with_sources.begin() + parameters)), 1e-14);
}

// The definition, over a concatenation in plain memory: y(o) = b(o) + Σ w(o, i, ky, kx) x(i, y + ky − k/2, x
// + kx − k/2).
Vector naive_convolution(const Vector& weight, const Vector& bias, const Vector& x, int in, int kernel) {
  Vector y;
  for (int o = 0; o < kOut; ++o) {
    for (int row = 0; row < kHeight; ++row) {
      for (int column = 0; column < kWidth; ++column) {
        double sum = bias[static_cast<std::size_t>(o)];
        for (int i = 0; i < in; ++i) {
          for (int tap = 0; tap < kernel * kernel; ++tap) {
            const int from_row = row + tap / kernel - kernel / 2;
            const int from_column = column + tap % kernel - kernel / 2;
            if (from_row < 0 || from_row >= kHeight || from_column < 0 || from_column >= kWidth) continue;
            sum += weight[static_cast<std::size_t>((o * in + i) * kernel * kernel + tap)] *
                   x[static_cast<std::size_t>((i * kHeight + from_row) * kWidth + from_column)];
          }
        }
        y.push_back(sum);
      }
    }
  }
  return y;
}

TEST(Convolution, IsTheSumOverTheConcatenationAndTheWindowWithZerosOutside) {
  for (const int kernel : {1, 3}) {
    for (const int sources : {1, 2}) {
      BlockFunction block({"", sources, kernel, 0, false, ActivationKind::relu});
      const Vector phi = normal_values(1, block.parameters()), x = normal_values(2, block.inputs());
      const auto at = [&](std::size_t offset) { return phi.begin() + static_cast<std::ptrdiff_t>(offset); };
      const Vector weight(at(block.spec().weight), at(block.spec().bias - 1));
      const Vector bias(at(block.spec().bias), at(block.spec().bias + kOut));
      EXPECT_LT(relative_error(block.forward(phi, x),
                               naive_convolution(weight, bias, x, block.spec().slices[0].in_total, kernel)),
                1e-14)
          << "kernel " << kernel << ", sources " << sources;
    }
  }
}

TEST(Convolution, TransposedIsTheAdjointOfForwardForEachSlice) {
  ReferenceKernels<double> kernels;
  for (const int kernel : {1, 3}) {
    for (const WeightSlice& slice : {WeightSlice{kOut, 5, 0, 3, kernel}, WeightSlice{kOut, 5, 3, 2, kernel}}) {
      const Vector weight = normal_values(1, static_cast<std::size_t>(kOut * 5 * kernel * kernel));
      const Extent in{slice.in_count, kHeight, kWidth}, out{kOut, kHeight, kWidth};
      Image x(in, normal_values(2, count(in))), y(out), grad_y(out, normal_values(3, count(out))), grad_x(in);
      Vector packed(kernels.packed_size(slice, Direction::forward));
      kernels.pack_weights(weight.data(), slice, Direction::forward, packed.data());
      const ConvolutionTerm<double> forward{x.view, packed.data(), slice, Direction::forward};
      kernels.convolve(std::span(&forward, 1), nullptr, y.view);
      Vector packed_transposed(kernels.packed_size(slice, Direction::transposed));
      kernels.pack_weights(weight.data(), slice, Direction::transposed, packed_transposed.data());
      const ConvolutionTerm<double> transposed{grad_y.view, packed_transposed.data(), slice, Direction::transposed};
      kernels.convolve(std::span(&transposed, 1), nullptr, grad_x.view);
      const double expected = dot(grad_y.values(), y.values());
      EXPECT_NEAR(dot(grad_x.values(), x.values()), expected, 1e-12 * std::abs(expected)) << "kernel " << kernel;
      // The same number once more, as the weights see it: ⟨δw, w⟩ with δw = corr(x, δy).
      Vector grad_weight(weight.size());
      const WeightGradientTerm<double> pair{x.view, grad_y.view};
      kernels.convolve_backward_weights(std::span(&pair, 1), slice, grad_weight.data());
      EXPECT_NEAR(dot(grad_weight, weight), expected, 1e-12 * std::abs(expected)) << "kernel " << kernel;
    }
  }
}

TEST(Activation, DerivativesAreThoseOfTheFunction) {
  ReferenceKernels<double> kernels;
  const Vector z{-30.0, -4.0, -1.3, -0.2, 0.1, 0.9, 3.0, 30.0};
  const Vector tan_z = normal_values(1, z.size()), grad = normal_values(2, z.size()),
               tan_grad = normal_values(3, z.size());
  for (const ActivationKind kind : {ActivationKind::relu, ActivationKind::silu}) {
    const auto value = [&](const Vector& at) {
      Vector a(z.size());
      kernels.activate(kind, at.data(), a.data(), a.size());
      return a;
    };
    const auto backward = [&](const Vector& at, const Vector& grad_a) {
      Vector grad_z(z.size());
      kernels.activate_backward(kind, at.data(), grad_a.data(), grad_z.data(), grad_z.size());
      return grad_z;
    };
    EXPECT_EQ(value({0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}), Vector(z.size(), 0.0)) << "halos must stay zero";
    Vector tan_a(z.size()), tan_grad_z(z.size());
    kernels.activate_tangent(kind, z.data(), tan_z.data(), tan_a.data(), z.size());
    EXPECT_LT(relative_error(tan_a, numeric_tangent(z, tan_z, value)), kTolerance);
    EXPECT_LT(relative_error(backward(z, tan_z), tan_a), 1e-15) << "an activation's Jacobian is diagonal";
    kernels.activate_tangent_backward(kind, z.data(), tan_z.data(), grad.data(), tan_grad.data(), tan_grad_z.data(),
                                      z.size());
    const Vector numeric = plus(numeric_tangent(z, tan_z, [&](const Vector& at) { return backward(at, grad); }), 1.0,
                                backward(z, tan_grad));
    EXPECT_LT(relative_error(tan_grad_z, numeric), kTolerance);
  }
}

// Group norm in a given layout, as functions of plain vectors.
struct NormFunction {
  Extent extent{4, 3, 5};
  int groups = 2;
  Layout layout{1, 0};
  ThreadPool threads{1};

  // y, and the norm with its statistics for what comes next.
  Vector forward(GroupNorm<double>& norm, const Image& z, const Vector& gamma, const Vector& beta) {
    Image y(extent, layout);
    norm.forward(z.view, gamma.data(), beta.data(), y.view, threads);
    EXPECT_EQ(y.outside(), 0.0);
    return y.values();
  }
  Vector forward(const Vector& z, const Vector& gamma, const Vector& beta) {
    GroupNorm<double> norm(extent.channels, groups);
    return forward(norm, Image(extent, z, layout), gamma, beta);
  }
  // (δz, δγ, δβ).
  Vector backward(const Vector& z, const Vector& gamma, const Vector& grad_y) {
    GroupNorm<double> norm(extent.channels, groups);
    const Image at(extent, z, layout), grad(extent, grad_y, layout), grad_z(extent, layout);
    forward(norm, at, gamma, gamma);
    Vector grad_gamma(gamma.size()), grad_beta(gamma.size());
    norm.backward(at.view, gamma.data(), grad.view, grad_z.view, grad_gamma.data(), grad_beta.data(), threads);
    EXPECT_EQ(grad_z.outside(), 0.0);
    const Vector values = grad_z.values();
    return joined({&values, &grad_gamma, &grad_beta});
  }
  Vector tangent(const Vector& z, const Vector& gamma, const Vector& tan_z, const Vector& tan_gamma,
                 const Vector& tan_beta) {
    GroupNorm<double> norm(extent.channels, groups);
    const Image at(extent, z, layout), tan(extent, tan_z, layout), tan_y(extent, layout);
    forward(norm, at, gamma, gamma);
    norm.tangent(at.view, tan.view, gamma.data(), tan_gamma.data(), tan_beta.data(), tan_y.view, threads);
    EXPECT_EQ(tan_y.outside(), 0.0);
    return tan_y.values();
  }
  // Tangent of backward().
  Vector tangent_backward(const Vector& z, const Vector& gamma, const Vector& grad_y, const Vector& tan_z,
                          const Vector& tan_gamma, const Vector& tan_grad_y) {
    GroupNorm<double> norm(extent.channels, groups);
    const Image at(extent, z, layout), tan(extent, tan_z, layout), tan_y(extent, layout);
    const Image grad(extent, grad_y, layout), tan_grad(extent, tan_grad_y, layout), tan_grad_z(extent, layout);
    forward(norm, at, gamma, gamma);
    norm.tangent(at.view, tan.view, gamma.data(), tan_gamma.data(), tan_gamma.data(), tan_y.view, threads);
    Vector tan_grad_gamma(gamma.size()), tan_grad_beta(gamma.size());
    norm.tangent_backward(at.view, tan.view, gamma.data(), tan_gamma.data(), grad.view, tan_grad.view, tan_grad_z.view,
                          tan_grad_gamma.data(), tan_grad_beta.data(), threads);
    EXPECT_EQ(tan_grad_z.outside(), 0.0);
    const Vector values = tan_grad_z.values();
    return joined({&values, &tan_grad_gamma, &tan_grad_beta});
  }
};

class GroupNormTest : public testing::Test {
 protected:
  NormFunction norm;
  std::size_t size = count(norm.extent);
  Vector z = normal_values(1, size, 2.0, 1.0), grad_y = normal_values(2, size);
  Vector gamma = normal_values(3, 4, 0.3, 1.0), beta = normal_values(4, 4);
  Vector tan_z = normal_values(5, size), tan_grad_y = normal_values(6, size);
  Vector tan_gamma = normal_values(7, 4), tan_beta = normal_values(8, 4);
};

TEST_F(GroupNormTest, GivesEachGroupMeanZeroAndVarianceOne) {
  const Vector y = norm.forward(z, Vector(4, 1.0), Vector(4, 0.0));
  const std::size_t group = size / 2;
  for (std::size_t first = 0; first < size; first += group) {
    double sum = 0, squares = 0;
    for (std::size_t i = first; i < first + group; ++i) sum += y[i], squares += y[i] * y[i];
    EXPECT_NEAR(sum, 0.0, 1e-12);
    EXPECT_NEAR(squares / static_cast<double>(group), 1.0, 1e-5);  // 1e-5 under the root
  }
}

TEST_F(GroupNormTest, AnEvenImageBecomesBeta) {
  const Vector y = norm.forward(Vector(size, 7.5), gamma, beta);
  for (std::size_t i = 0; i < size; ++i) EXPECT_DOUBLE_EQ(y[i], beta[i / (size / 4)]);
}

TEST_F(GroupNormTest, BackwardIsTheGradient) {
  const auto loss = [&](const Vector& at_z, const Vector& at_gamma, const Vector& at_beta) {
    return dot(grad_y, norm.forward(at_z, at_gamma, at_beta));
  };
  const Vector by_z = numeric_gradient(z, [&](const Vector& at) { return loss(at, gamma, beta); });
  const Vector by_gamma = numeric_gradient(gamma, [&](const Vector& at) { return loss(z, at, beta); });
  const Vector by_beta = numeric_gradient(beta, [&](const Vector& at) { return loss(z, gamma, at); });
  EXPECT_LT(relative_error(norm.backward(z, gamma, grad_y), joined({&by_z, &by_gamma, &by_beta})), kTolerance);
}

TEST_F(GroupNormTest, TangentIsTheDirectionalDerivativeAndBackwardItsAdjoint) {
  const Vector at = joined({&z, &gamma, &beta}), along = joined({&tan_z, &tan_gamma, &tan_beta});
  const Vector numeric = numeric_tangent(at, along, [&](const Vector& v) {
    const auto split = v.begin() + static_cast<std::ptrdiff_t>(size);
    return norm.forward(Vector(v.begin(), split), Vector(split, split + 4), Vector(split + 4, v.end()));
  });
  const Vector tangent = norm.tangent(z, gamma, tan_z, tan_gamma, tan_beta);
  EXPECT_LT(relative_error(tangent, numeric), kTolerance);
  EXPECT_NEAR(dot(grad_y, tangent), dot(norm.backward(z, gamma, grad_y), along), 1e-12);
}

TEST_F(GroupNormTest, TangentBackwardIsTheDerivativeOfBackward) {
  const Vector at = joined({&z, &gamma, &grad_y}), along = joined({&tan_z, &tan_gamma, &tan_grad_y});
  const Vector numeric = numeric_tangent(at, along, [&](const Vector& v) {
    const auto split = v.begin() + static_cast<std::ptrdiff_t>(size);
    return norm.backward(Vector(v.begin(), split), Vector(split, split + 4), Vector(split + 4, v.end()));
  });
  EXPECT_LT(relative_error(norm.tangent_backward(z, gamma, grad_y, tan_z, tan_gamma, tan_grad_y), numeric), kTolerance);
}

TEST_F(GroupNormTest, BlockedLayoutGivesTheSameAndKeepsItsHaloZero) {
  NormFunction blocked;
  blocked.layout = {16, 1};
  EXPECT_EQ(blocked.forward(z, gamma, beta), norm.forward(z, gamma, beta));
  EXPECT_EQ(blocked.backward(z, gamma, grad_y), norm.backward(z, gamma, grad_y));
  EXPECT_EQ(blocked.tangent(z, gamma, tan_z, tan_gamma, tan_beta), norm.tangent(z, gamma, tan_z, tan_gamma, tan_beta));
  EXPECT_EQ(blocked.tangent_backward(z, gamma, grad_y, tan_z, tan_gamma, tan_grad_y),
            norm.tangent_backward(z, gamma, grad_y, tan_z, tan_gamma, tan_grad_y));
}

class ResampleTest : public testing::TestWithParam<int> {
 protected:
  const Layout layout{GetParam(), GetParam() == 1 ? 0 : 1};
  const Extent fine{5, 4, 6}, coarse{5, 2, 3};
  ThreadPool threads{1};
  Vector x = normal_values(1, count(fine)), y = normal_values(2, count(coarse));
};

TEST_P(ResampleTest, SumsAndReplicatesTwoByTwo) {
  Image pooled(coarse, layout), spread(fine, layout);
  const Image source(fine, x, layout), small(coarse, y, layout);
  sum_2x2(source.view, 0.25, pooled.view, Write::overwrite, threads);
  replicate_2x2(small.view, 3.0, spread.view, Write::overwrite, threads);
  for (int c = 0; c < fine.channels; ++c) {
    for (int row = 0; row < fine.height; ++row) {
      for (int column = 0; column < fine.width; ++column) {
        pooled.view.at(c, row / 2, column / 2) -= 0.25 * source.view.at(c, row, column);
        EXPECT_DOUBLE_EQ(spread.view.at(c, row, column), 3.0 * small.view.at(c, row / 2, column / 2));
      }
    }
  }
  EXPECT_LT(norm(pooled.values()), 1e-15);
  EXPECT_EQ(pooled.outside(), 0.0);
  EXPECT_EQ(spread.outside(), 0.0);
}

TEST_P(ResampleTest, EachIsTheOthersAdjoint) {
  Image pooled(coarse, layout), spread(fine, layout);
  sum_2x2(Image(fine, x, layout).view, 0.25, pooled.view, Write::overwrite, threads);
  replicate_2x2(Image(coarse, y, layout).view, 0.25, spread.view, Write::overwrite, threads);
  EXPECT_NEAR(dot(pooled.values(), y), dot(x, spread.values()), 1e-14);
}

TEST_P(ResampleTest, AccumulateAddsToWhatIsThere) {
  const Image source(fine, x, layout), small(coarse, y, layout);
  Image pooled(coarse, layout), onto_small(coarse, y, layout), spread(fine, layout), onto_large(fine, x, layout);
  sum_2x2(source.view, 1.0, pooled.view, Write::overwrite, threads);
  sum_2x2(source.view, 1.0, onto_small.view, Write::accumulate, threads);
  EXPECT_EQ(onto_small.values(), plus(y, 1.0, pooled.values()));
  replicate_2x2(small.view, 0.25, spread.view, Write::overwrite, threads);
  replicate_2x2(small.view, 0.25, onto_large.view, Write::accumulate, threads);
  EXPECT_EQ(onto_large.values(), plus(x, 1.0, spread.values()));
}

INSTANTIATE_TEST_SUITE_P(Blocks, ResampleTest, testing::Values(1, 4, 8, 16));

class ObservationNllTest : public testing::TestWithParam<int> {  // frames in the base: 0, 1 or one a lead
 protected:
  static constexpr int kLeads = 3, kRows = 3, kColumns = 4;
  const Extent extent{kLeads, kRows + 1, kColumns + 2};  // a padded head
  Vector target = normal_values(1, kLeads* kRows* kColumns);
  Vector base = normal_values(2, kLeads* kRows* kColumns);
  Vector log_noise{-0.4, 0.1, 0.3};
  Vector head = normal_values(3, count(extent)), tan_head = normal_values(4, count(extent));
  Sample<double> sample{nullptr, base.data(), GetParam(), target.data()};
  ObservationNll<double> loss{kLeads, kRows, kColumns};
  ThreadPool threads{1};

  struct Gradient {
    double nll;
    Vector head, log_noise;
  };
  Gradient backward(const Vector& at, const Vector& s, Layout layout = {1, 0}) {
    const Image value(extent, at, layout), grad(extent, layout);
    Gradient result{0, {}, Vector(kLeads)};
    result.nll = loss.backward(value.view, sample, s.data(), grad.view, result.log_noise.data(), threads);
    EXPECT_EQ(grad.outside(), 0.0);
    result.head = grad.values();
    return result;
  }
};

TEST_P(ObservationNllTest, IsMinusTheLogDensityOfTheTarget) {
  const Image value(extent, head);
  Vector out(target.size());
  loss.forecast(value.view, sample, out.data(), threads);
  double expected = 0;
  for (int lead = 0; lead < kLeads; ++lead) {
    const double s = log_noise[static_cast<std::size_t>(lead)];
    for (int y = 0; y < kRows; ++y) {
      for (int x = 0; x < kColumns; ++x) {
        const auto pixel = static_cast<std::size_t>(y * kColumns + x);
        const std::size_t i = static_cast<std::size_t>(lead * kRows * kColumns) + pixel;
        const double b = GetParam() == 0 ? 0.0 : GetParam() == 1 ? base[pixel] : base[i];
        EXPECT_DOUBLE_EQ(out[i], b + value.view.at(lead, y, x));
        expected -= std::log(std::exp(-0.5 * std::pow((target[i] - out[i]) / std::exp(s), 2)) /
                             (std::exp(s) * std::sqrt(2 * std::acos(-1.0))));
      }
    }
  }
  EXPECT_NEAR(backward(head, log_noise).nll, expected, 1e-12 * expected);
  EXPECT_EQ(loss.value(value.view, sample, log_noise.data(), threads), backward(head, log_noise).nll);
  EXPECT_EQ(loss.terms(), target.size());
}

TEST_P(ObservationNllTest, GradientIsThatOfTheLossAndZeroOutsideTheFrame) {
  const Gradient gradient = backward(head, log_noise);
  const Vector by_head = numeric_gradient(head, [&](const Vector& at) { return backward(at, log_noise).nll; });
  const Vector by_noise = numeric_gradient(log_noise, [&](const Vector& at) { return backward(head, at).nll; });
  EXPECT_LT(relative_error(gradient.head, by_head), kTolerance);
  EXPECT_LT(relative_error(gradient.log_noise, by_noise), kTolerance);
  const Image grad(extent, gradient.head);
  for (int lead = 0; lead < kLeads; ++lead) {
    for (int x = 0; x < extent.width; ++x) EXPECT_EQ(grad.view.at(lead, kRows, x), 0.0);
  }
}

TEST_P(ObservationNllTest, OfHubersDensityIsQuadraticUpToTheLimitAndLinearBeyond) {
  // The density's integral by Simpson's rule up to where it is nothing.
  const auto h = [](double u) {
    u = std::fabs(u);
    return u < kHuberLimit ? 0.5 * u * u : kHuberLimit * (u - 0.5 * kHuberLimit);
  };
  double integral = 0;
  for (int i = 0; i < 200000; ++i) {
    const double u = i * 5e-4;
    integral += 5e-4 / 3 * (std::exp(-h(u)) + 4 * std::exp(-h(u + 2.5e-4)) + std::exp(-h(u + 5e-4)));
  }
  EXPECT_NEAR(kHuberLogZ, std::log(integral), 1e-10);
  loss.set_likelihood(Likelihood::huber);
  const Image value(extent, head);
  Vector out(target.size());
  loss.forecast(value.view, sample, out.data(), threads);
  double expected = 0;
  std::size_t beyond = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double s = log_noise[i / (kRows * kColumns)];
    const double u = (target[i] - out[i]) * std::exp(-s);
    beyond += std::fabs(u) > kHuberLimit;
    expected += h(u) + s + kHuberLogZ;
  }
  EXPECT_NEAR(backward(head, log_noise).nll, expected, 1e-12 * std::fabs(expected));
  EXPECT_GT(beyond, 0u);
  EXPECT_LT(beyond, out.size());
}

TEST_P(ObservationNllTest, OfHubersDensityHasItsGradientAndTangent) {
  loss.set_likelihood(Likelihood::huber);
  const Gradient gradient = backward(head, log_noise);
  const Vector by_head = numeric_gradient(head, [&](const Vector& at) { return backward(at, log_noise).nll; });
  const Vector by_noise = numeric_gradient(log_noise, [&](const Vector& at) { return backward(head, at).nll; });
  EXPECT_LT(relative_error(gradient.head, by_head), kTolerance);
  EXPECT_LT(relative_error(gradient.log_noise, by_noise), kTolerance);
  const Vector numeric = numeric_tangent(head, tan_head, [&](const Vector& at) {
    const Gradient result = backward(at, log_noise);
    return joined({&result.head, &result.log_noise});
  });
  const Image value(extent, head), tangent(extent, tan_head), tan_grad(extent);
  Vector tan_noise(kLeads);
  loss.tangent_backward(value.view, tangent.view, sample, log_noise.data(), tan_grad.view, tan_noise.data(), threads);
  const Vector by_tangent = tan_grad.values();
  EXPECT_LT(relative_error(joined({&by_tangent, &tan_noise}), numeric), kTolerance);
}

TEST_P(ObservationNllTest, TangentIsTheDerivativeOfTheGradientInEveryLayout) {
  const auto gradient = [&](const Vector& at) {
    const Gradient result = backward(at, log_noise);
    return joined({&result.head, &result.log_noise});
  };
  const Vector numeric = numeric_tangent(head, tan_head, gradient);
  for (const Layout layout : {Layout{1, 0}, Layout{16, 1}}) {
    EXPECT_EQ(backward(head, log_noise, layout).head, backward(head, log_noise).head);
    const Image value(extent, head, layout), tangent(extent, tan_head, layout), tan_grad(extent, layout);
    Vector tan_noise(kLeads);
    loss.tangent_backward(value.view, tangent.view, sample, log_noise.data(), tan_grad.view, tan_noise.data(), threads);
    const Vector by_head = tan_grad.values();
    EXPECT_LT(relative_error(joined({&by_head, &tan_noise}), numeric), kTolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(BaseFrames, ObservationNllTest, testing::Values(0, 1, 3));

}  // namespace
}  // namespace altocast
