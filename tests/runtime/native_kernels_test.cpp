// The native kernels against plain loops in double.
#include "runtime/kernels/native/native_kernels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/elementary.h"
#include "runtime/kernels/reference.h"
#include "tests/runtime/kernel_case.h"

namespace altocast {
namespace {

// ‖a − b‖ / ‖b‖
double relative_error(const std::vector<float>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

const ConvolutionCase kCases[] = {
    {{1}, 1, 1, 1, 3},        {{1}, 1, 1, 1, 1},
    {{4}, 16, 9, 13, 3},      {{16}, 16, 32, 32, 3},
    {{16}, 8, 12, 20, 1},     {{3}, 70, 5, 7, 3},
    {{70}, 3, 7, 5, 3},       {{17, 33}, 31, 6, 25, 3},
    {{32, 16}, 48, 4, 48, 3}, {{5, 1, 20, 16}, 33, 8, 11, 3},
    {{2, 3}, 40, 3, 26, 1},   {{64}, 64, 2, 3, 3},
    {{16}, 32, 70, 1, 3},     {{12}, 20, 1, 70, 3},
    {{8}, 4, 45, 50, 3},      {{16}, 16, 30, 71, 3},
    {{32, 16}, 16, 3, 2, 3},  {{24, 24}, 16, 9, 5, 3},
    {{64}, 64, 17, 16, 3},    {{128}, 128, 8, 8, 3},
    {{256}, 256, 4, 6, 3},    {{256, 128}, 128, 5, 4, 3},
    {{384}, 48, 9, 7, 3},     {{64}, 64, 45, 39, 3},
};

TEST(NativeKernels, AgreeWithDoubleOnManyShapes) {
  ReferenceKernels<double> reference;
  NativeKernels native(best_table(), 1);
  for (const ConvolutionCase& problem : kCases) {
    SCOPED_TRACE(::testing::Message() << problem.in_total() << " → " << problem.out << ", " << problem.height << "x"
                                      << problem.width << ", kernel " << problem.kernel);
    const auto expected = run_case(reference, problem);
    const auto result = run_case(native, problem);
    EXPECT_LT(relative_error(result.forward, expected.forward), 5e-6);
    for (std::size_t t = 0; t < problem.in.size(); ++t) {
      EXPECT_LT(relative_error(result.back[t], expected.back[t]), 5e-6);
    }
    EXPECT_LT(relative_error(result.weights, expected.weights), 1e-5);
  }
}

TEST(NativeKernels, LeaveZerosInHaloAndPaddingChannels) {
  NativeKernels native(best_table(), 1);
  const ConvolutionCase problem{{20}, 21, 6, 9, 3};
  auto raw = run_case(native, problem).raw_forward;
  const Tensor<float> tensor{raw.data(), {problem.out, problem.height, problem.width}, native.layout()};
  for (int c = 0; c < problem.out; ++c) {
    for (int y = 0; y < problem.height; ++y) {
      for (int x = 0; x < problem.width; ++x) tensor.at(c, y, x) = 0;
    }
  }
  for (const float v : raw) ASSERT_EQ(v, 0.0f);
}

TEST(NativeKernels, WeightGradientStaysPreciseOverLargeImages) {
  ReferenceKernels<double> reference;
  NativeKernels native(best_table(), 1);
  const auto error = [&](const ConvolutionCase& problem) {
    return relative_error(run_case(native, problem).weights, run_case(reference, problem).weights);
  };
  EXPECT_LT(error({{2}, 2, 200, 150, 3}), 1e-6);
  EXPECT_LT(error({{16}, 16, 200, 150, 3}), 5e-6);  // Winograd's
}

// A convolution with its tangent: over all sources, or back to the first.
struct DualCase {
  DualCase(const KernelTable& table, int threads, const ConvolutionCase& problem, Direction direction)
      : kernels(table, threads),
        weight(normal_vector<float>(problem.weights(), 1)),
        tan_weight(normal_vector<float>(problem.weights(), 2)) {
    const bool forward = direction == Direction::forward;
    dst_extent = {forward ? problem.out : problem.in[0], problem.height, problem.width};
    bias = normal_vector<float>(static_cast<std::size_t>(dst_extent.channels), 3);
    tan_bias = normal_vector<float>(bias.size(), 4);
    for (std::size_t t = 0; t < (forward ? problem.in.size() : 1); ++t) {
      const WeightSlice slice = problem.slice(t);
      const Extent extent{forward ? problem.in[t] : problem.out, problem.height, problem.width};
      kernels.reserve(slice, problem.height, problem.width);
      sources.push_back(normal_tensor<float>(extent, kernels.layout(), 10 + t));
      tan_sources.push_back(normal_tensor<float>(extent, kernels.layout(), 20 + t));
      const auto term = [&](const std::vector<float>& weights) {
        std::vector<float>& into = packed.emplace_back(kernels.packed_size(slice, direction));
        kernels.pack_weights(weights.data(), slice, direction, into.data());
        return ConvolutionTerm<float>{sources.back().view(), into.data(), slice, direction, weights.data()};
      };
      terms.push_back({term(weight), term(tan_weight), tan_sources.back().view()});
    }
  }

  // dst and tan_dst.
  template <class Convolve>
  std::pair<std::vector<float>, std::vector<float>> run(const Convolve& convolve) const {
    const OwnedTensor<float> dst(dst_extent, kernels.layout()), tan_dst(dst_extent, kernels.layout());
    convolve(std::span<const DualTerm<float>>(terms), bias.data(), tan_bias.data(), dst.view(), tan_dst.view());
    return {{dst.data().begin(), dst.data().end()}, {tan_dst.data().begin(), tan_dst.data().end()}};
  }

  NativeKernels kernels;
  std::vector<float> weight, tan_weight, bias, tan_bias;
  Extent dst_extent;
  std::vector<OwnedTensor<float>> sources, tan_sources;
  std::vector<std::vector<float>> packed;
  std::vector<DualTerm<float>> terms;
};

class NativeActivation : public ::testing::TestWithParam<ActivationKind> {};

TEST_P(NativeActivation, AgreesWithDoubleInEveryPass) {
  const ActivationKind kind = GetParam();
  ReferenceKernels<double> reference;
  NativeKernels native(best_table(), 1);
  const std::size_t count = 5003;
  std::vector<float> z = normal_vector<float>(count, 31);
  for (float& v : z) v *= 6;
  const auto tan_z = normal_vector<float>(count, 32);
  const auto grad_a = normal_vector<float>(count, 33);
  const auto tan_grad_a = normal_vector<float>(count, 34);
  const auto wide = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  const auto z2 = wide(z), tan_z2 = wide(tan_z), grad_a2 = wide(grad_a), tan_grad_a2 = wide(tan_grad_a);
  std::vector<float> dst(count);
  std::vector<double> expected(count);

  native.activate(kind, z.data(), dst.data(), count);
  reference.activate(kind, z2.data(), expected.data(), count);
  EXPECT_LT(relative_error(dst, expected), 5e-7);
  native.activate_backward(kind, z.data(), grad_a.data(), dst.data(), count);
  reference.activate_backward(kind, z2.data(), grad_a2.data(), expected.data(), count);
  EXPECT_LT(relative_error(dst, expected), 5e-7);
  native.activate_tangent(kind, z.data(), tan_z.data(), dst.data(), count);
  reference.activate_tangent(kind, z2.data(), tan_z2.data(), expected.data(), count);
  EXPECT_LT(relative_error(dst, expected), 5e-7);
  native.activate_tangent_backward(kind, z.data(), tan_z.data(), grad_a.data(), tan_grad_a.data(), dst.data(), count);
  reference.activate_tangent_backward(kind, z2.data(), tan_z2.data(), grad_a2.data(), tan_grad_a2.data(),
                                      expected.data(), count);
  EXPECT_LT(relative_error(dst, expected), 5e-7);
}

TEST_P(NativeActivation, WorksInPlaceAndKeepsZero) {
  NativeKernels native(best_table(), 1);
  std::vector<float> z = normal_vector<float>(37, 35);
  z[5] = 0.0f;
  std::vector<float> a(z.size());
  native.activate(GetParam(), z.data(), a.data(), z.size());
  native.activate(GetParam(), z.data(), z.data(), z.size());
  EXPECT_EQ(a, z);
  EXPECT_EQ(a[5], 0.0f);
}

// Direct and Winograd's, whole tiles and cut ones, weights at once and piece by piece.
TEST_P(NativeActivation, BehindAConvolutionHasTheBitsOfTwoCalls) {
  const ConvolutionCase cases[] = {{{3}, 20, 5, 7, 3}, {{16}, 8, 4, 6, 1}, {{16}, 33, 6, 13, 3}, {{48}, 64, 8, 12, 3}};
  for (const KernelTable* table : available_tables()) {
    NativeKernels native(*table, 1);
    for (const ConvolutionCase& problem : cases) {
      SCOPED_TRACE(::testing::Message() << table->isa << ", " << problem.in_total() << " → " << problem.out);
      const WeightSlice slice = problem.slice(0);
      native.reserve(slice, problem.height, problem.width);
      const auto weight = normal_vector<float>(problem.weights(), 1);
      const auto bias = normal_vector<float>(static_cast<std::size_t>(problem.out), 2);
      const auto src = normal_tensor<float>({problem.in[0], problem.height, problem.width}, native.layout(), 3);
      std::vector<float> packed(native.packed_size(slice, Direction::forward));
      native.pack_weights(weight.data(), slice, Direction::forward, packed.data());
      const ConvolutionTerm<float> term{src.view(), packed.data(), slice, Direction::forward, weight.data()};

      const Extent extent{problem.out, problem.height, problem.width};
      const OwnedTensor<float> sums(extent, native.layout()), expected(extent, native.layout());
      native.convolve({&term, 1}, bias.data(), sums.view());
      native.activate(GetParam(), sums.data().data(), expected.view().data, sums.data().size());
      const OwnedTensor<float> z(extent, native.layout()), a(extent, native.layout());
      native.convolve_activated({&term, 1}, bias.data(), GetParam(), z.view(), a.view());
      EXPECT_EQ(z.data(), sums.data());
      EXPECT_EQ(a.data(), expected.data());
      native.convolve_activated({&term, 1}, bias.data(), GetParam(), z.view(), z.view());
      EXPECT_EQ(z.data(), expected.data());
    }
  }
}

// Direct and Winograd's, one source and two, weights at once and piece by piece, threads that share a layer.
TEST(NativeKernels, ConvolveInDualNumbersToTheBitsOfTwoCalls) {
  const ConvolutionCase cases[] = {{{3}, 20, 5, 7, 3},       {{16}, 33, 6, 13, 3},    {{48}, 64, 8, 12, 3},
                                   {{17, 33}, 31, 6, 25, 3}, {{80, 70}, 90, 5, 9, 3}, {{40, 24}, 16, 21, 22, 3}};
  for (const KernelTable* table : available_tables()) {
    for (const ConvolutionCase& problem : cases) {
      for (const Direction direction : {Direction::forward, Direction::transposed}) {
        for (const int threads : {1, 2}) {
          SCOPED_TRACE(::testing::Message() << table->isa << ", " << problem.in_total() << " → " << problem.out);
          DualCase dual(*table, threads, problem, direction);
          const auto expected = dual.run([&](auto... args) { dual.kernels.Kernels<float>::convolve_dual(args...); });
          EXPECT_EQ(dual.run([&](auto... args) { dual.kernels.convolve_dual(args...); }), expected);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, NativeActivation, ::testing::Values(ActivationKind::relu, ActivationKind::silu));

TEST(NativeKernels, ReluHasNoSlopeAtZero) {
  NativeKernels native(best_table(), 1);
  const float z = 0.0f;
  const float grad_a = 3.0f;
  float grad_z = 1.0f;
  native.activate_backward(ActivationKind::relu, &z, &grad_a, &grad_z, 1);
  EXPECT_EQ(grad_z, 0.0f);
}

TEST(NativeKernels, SiluIsThatOfThePortableExp) {
  NativeKernels native(best_table(), 1);
  std::vector<float> z(4001);
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = -100.0f + 0.05f * static_cast<float>(i);
  std::vector<float> a(z.size());
  native.activate(ActivationKind::silu, z.data(), a.data(), z.size());
  for (std::size_t i = 0; i < z.size(); ++i) ASSERT_EQ(a[i], z[i] / (1.0f + portable_exp(-z[i]))) << z[i];
}

}  // namespace
}  // namespace altocast
