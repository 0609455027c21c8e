// The oneDNN kernel set against plain loops in double precision, and against itself where mathematics says
// how.
#include "trainer/onednn/onednn_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "runtime/kernels/reference.h"

namespace altocast {
namespace {

constexpr double kTolerance = 2e-6;  // of a norm; check-reference allows ten times that for a whole network

std::unique_ptr<OneDnnKernels> kernels_with(int threads = 1) {
  auto made = make_onednn_kernels(threads);
  EXPECT_TRUE(made.ok()) << made.message();
  return std::move(*made);
}

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(engine()) * 0x1p-31f - 1.0f;
  return values;
}

// A tensor that owns its memory, padding zero.
template <class T>
struct Image {
  Image(Extent extent, Layout layout) : values(tensor_size<T>(extent, layout)), view{values.data(), extent, layout} {}
  Image(Image&&) = default;
  std::vector<T> values;
  Tensor<T> view;
};

template <class T>
Image<T> image_of(const std::vector<float>& plain, Extent extent, Layout layout) {
  Image<T> image(extent, layout);
  std::size_t index = 0;
  for (int c = 0; c < extent.channels; ++c) {
    for (int y = 0; y < extent.height; ++y) {
      for (int x = 0; x < extent.width; ++x) image.view.at(c, y, x) = static_cast<T>(plain[index++]);
    }
  }
  return image;
}

std::size_t elements(Extent extent) { return tensor_size<float>(extent, {1, 0}); }

std::size_t weight_elements(const WeightSlice& slice) {
  return static_cast<std::size_t>(slice.out * slice.in_total * slice.kernel * slice.kernel);
}

// One case: a destination that sums terms over slices of one weight tensor.
struct Case {
  int out;
  std::vector<int> in_counts;  // one a term; their sum is in_total
  int kernel;
  int height;
  int width;

  WeightSlice slice(std::size_t term) const {
    WeightSlice slice{out, 0, 0, in_counts[term], kernel};
    for (std::size_t i = 0; i < in_counts.size(); ++i) {
      slice.in_total += in_counts[i];
      if (i < term) slice.in_first += in_counts[i];
    }
    return slice;
  }
  Extent extent(int channels) const { return {channels, height, width}; }
  std::string name() const {
    std::string text = std::to_string(out) + " ←";
    for (const int count : in_counts) text += " " + std::to_string(count);
    return text + ", kernel " + std::to_string(kernel) + ", " + std::to_string(height) + "×" + std::to_string(width);
  }
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {1, {1}, 1, 1, 1},       {1, {1}, 3, 1, 1},       {16, {4}, 3, 13, 11},   {8, {16}, 1, 9, 17},
      {16, {16}, 3, 12, 12},   {17, {3}, 3, 5, 7},      {3, {17}, 3, 7, 5},     {70, {33}, 3, 6, 9},
      {32, {64}, 3, 3, 2},     {16, {32, 16}, 3, 8, 8}, {20, {5, 40}, 3, 9, 4}, {7, {1, 2, 3, 19}, 3, 6, 6},
      {70, {16, 70}, 1, 4, 3}, {48, {31, 1}, 3, 1, 19}, {64, {64}, 3, 2, 2},    {5, {66}, 1, 31, 2},
  };
  return all;
}

// Kernel-independent inputs of a case, and what a kernel set makes of them in plain NCHW.
struct Inputs {
  explicit Inputs(const Case& c) : weight(random_values(weight_elements(c.slice(0)), 1)) {
    for (std::size_t i = 0; i < c.in_counts.size(); ++i) {
      const auto seed = static_cast<unsigned>(10 * i);
      src.push_back(random_values(elements(c.extent(c.in_counts[i])), seed + 2));
      grad_dst.push_back(random_values(elements(c.extent(c.out)), seed + 3));
      more_grad_dst.push_back(random_values(elements(c.extent(c.out)), seed + 4));
      bias_in.push_back(random_values(static_cast<std::size_t>(c.in_counts[i]), seed + 5));
    }
    bias_out = random_values(static_cast<std::size_t>(c.out), 6);
  }
  std::vector<float> weight;
  std::vector<float> bias_out;
  std::vector<std::vector<float>> src, grad_dst, more_grad_dst, bias_in;
};

template <class T>
std::vector<T> as(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

template <class T>
std::vector<double> plain(const Tensor<T>& tensor) {
  std::vector<double> values;
  for (int c = 0; c < tensor.extent.channels; ++c) {
    for (int y = 0; y < tensor.extent.height; ++y) {
      for (int x = 0; x < tensor.extent.width; ++x) values.push_back(static_cast<double>(tensor.at(c, y, x)));
    }
  }
  return values;
}

template <class T>
std::vector<T> packed(Kernels<T>& kernels, const std::vector<float>& weight, const WeightSlice& slice,
                      Direction direction) {
  std::vector<T> result(kernels.packed_size(slice, direction), T{7});
  kernels.pack_weights(as<T>(weight).data(), slice, direction, result.data());
  return result;
}

// Σ over terms of src ∗ weight slice, with or without the bias.
template <class T>
Image<T> forward(Kernels<T>& kernels, const Case& c, const Inputs& in, bool with_bias) {
  std::vector<Image<T>> images;
  std::vector<std::vector<T>> weights;
  std::vector<ConvolutionTerm<T>> terms;
  for (std::size_t i = 0; i < c.in_counts.size(); ++i) {
    kernels.reserve(c.slice(i), c.height, c.width);
    images.push_back(image_of<T>(in.src[i], c.extent(c.in_counts[i]), kernels.layout()));
    weights.push_back(packed(kernels, in.weight, c.slice(i), Direction::forward));
    terms.push_back({images.back().view, weights.back().data(), c.slice(i), Direction::forward});
  }
  Image<T> dst(c.extent(c.out), kernels.layout());
  for (T& value : dst.values) value = T{9};
  kernels.convolve(terms, with_bias ? as<T>(in.bias_out).data() : nullptr, dst.view);
  return dst;
}

// The adjoint for slice `which`, of two gradients that are summed.
template <class T>
Image<T> transposed(Kernels<T>& kernels, const Case& c, const Inputs& in, std::size_t which, bool both) {
  const WeightSlice slice = c.slice(which);
  kernels.reserve(slice, c.height, c.width);
  const Image<T> first = image_of<T>(in.grad_dst[which], c.extent(c.out), kernels.layout());
  const Image<T> second = image_of<T>(in.more_grad_dst[which], c.extent(c.out), kernels.layout());
  const std::vector<T> weight = packed(kernels, in.weight, slice, Direction::transposed);
  const ConvolutionTerm<T> terms[] = {{first.view, weight.data(), slice, Direction::transposed},
                                      {second.view, weight.data(), slice, Direction::transposed}};
  Image<T> dst(c.extent(slice.in_count), kernels.layout());
  for (T& value : dst.values) value = T{9};
  kernels.convolve(std::span(terms, both ? 2u : 1u), both ? as<T>(in.bias_in[which]).data() : nullptr, dst.view);
  return dst;
}

// The gradient for slice `which` of `term_count` terms, added to a gradient that was not zero.
template <class T>
std::vector<double> weight_gradient(Kernels<T>& kernels, const Case& c, const Inputs& in, std::size_t which,
                                    std::size_t term_count) {
  const WeightSlice slice = c.slice(which);
  kernels.reserve(slice, c.height, c.width);
  const Image<T> src = image_of<T>(in.src[which], c.extent(slice.in_count), kernels.layout());
  const Image<T> grad = image_of<T>(in.grad_dst[which], c.extent(c.out), kernels.layout());
  const Image<T> more = image_of<T>(in.more_grad_dst[which], c.extent(c.out), kernels.layout());
  const WeightGradientTerm<T> terms[] = {{src.view, grad.view}, {src.view, more.view}, {src.view, more.view}};
  std::vector<T> result = as<T>(in.weight);
  kernels.convolve_backward_weights(std::span(terms, term_count), slice, result.data());
  return {result.begin(), result.end()};
}

double norm(const std::vector<double>& a) {
  double sum = 0;
  for (const double value : a) sum += value * value;
  return std::sqrt(sum);
}

double relative_error(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  std::vector<double> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return norm(difference) / norm(b);
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Largest magnitude in the channels that only fill up the last block.
float padding_maximum(const Tensor<float>& tensor) {
  float largest = 0;
  const int block = tensor.layout.block;
  for (int c = tensor.extent.channels; c < tensor.blocks() * block; ++c) {
    for (int y = 0; y < tensor.extent.height; ++y) {
      for (int x = 0; x < tensor.extent.width; ++x) largest = std::max(largest, std::abs(tensor.at(c, y, x)));
    }
  }
  return largest;
}

TEST(OneDnnKernels, UsesBlocksOfEightOrSixteenChannelsWithoutHalo) {
  const Layout layout = kernels_with()->layout();
  EXPECT_TRUE(layout.block == 8 || layout.block == 16);
  EXPECT_EQ(layout.halo, 0);
}

TEST(OneDnnKernels, ForwardConvolutionOfSeveralTermsEqualsPlainLoops) {
  const auto kernels = kernels_with();
  ReferenceKernels<double> reference;
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name());
    const Inputs in(c);
    for (const bool with_bias : {false, true}) {
      const Image<float> dst = forward(*kernels, c, in, with_bias);
      EXPECT_LT(relative_error(plain(dst.view), plain(forward(reference, c, in, with_bias).view)), kTolerance);
      EXPECT_EQ(padding_maximum(dst.view), 0.0f);
    }
  }
  EXPECT_TRUE(kernels->status().ok()) << kernels->status().message();
}

TEST(OneDnnKernels, TransposedConvolutionOfSeveralTermsEqualsPlainLoops) {
  const auto kernels = kernels_with();
  ReferenceKernels<double> reference;
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name());
    const Inputs in(c);
    for (std::size_t i = 0; i < c.in_counts.size(); ++i) {
      const Image<float> dst = transposed(*kernels, c, in, i, true);
      EXPECT_LT(relative_error(plain(dst.view), plain(transposed(reference, c, in, i, true).view)), kTolerance);
      EXPECT_EQ(padding_maximum(dst.view), 0.0f);
    }
  }
  EXPECT_TRUE(kernels->status().ok()) << kernels->status().message();
}

TEST(OneDnnKernels, WeightGradientIsAddedToItsSliceAndToNothingElse) {
  const auto kernels = kernels_with();
  ReferenceKernels<double> reference;
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name());
    const Inputs in(c);
    for (std::size_t i = 0; i < c.in_counts.size(); ++i) {
      for (const std::size_t term_count : {1u, 3u}) {
        const std::vector<double> sum = weight_gradient(*kernels, c, in, i, term_count);
        EXPECT_LT(relative_error(sum, weight_gradient(reference, c, in, i, term_count)), kTolerance);
        const WeightSlice slice = c.slice(i);
        for (std::size_t index = 0; index < sum.size(); ++index) {
          const int channel = static_cast<int>(index) / (c.kernel * c.kernel) % slice.in_total;
          if (channel >= slice.in_first && channel < slice.in_first + slice.in_count) continue;
          ASSERT_EQ(sum[index], static_cast<double>(in.weight[index])) << "element " << index;
        }
      }
    }
  }
  EXPECT_TRUE(kernels->status().ok()) << kernels->status().message();
}

// <conv(x), y> = <x, convᵀ(y)> = <w, gradient of w>, all three computed by different primitives.
TEST(OneDnnKernels, TransposedAndWeightGradientAreAdjointToForward) {
  const auto kernels = kernels_with();
  for (const Case& c : cases()) {
    if (c.in_counts.size() != 1) continue;
    SCOPED_TRACE(c.name());
    const Inputs in(c);
    const std::vector<double> x = as<double>(in.src[0]);
    const std::vector<double> y = as<double>(in.grad_dst[0]);
    const std::vector<double> w = as<double>(in.weight);
    const std::vector<double> conv_x = plain(forward(*kernels, c, in, false).view);
    const std::vector<double> conv_y = plain(transposed(*kernels, c, in, 0, false).view);
    const double product = dot(conv_x, y);
    const double scale = norm(conv_x) * norm(y);
    EXPECT_NEAR(product, dot(x, conv_y), kTolerance * scale);
    EXPECT_NEAR(product, dot(w, weight_gradient(*kernels, c, in, 0, 1)) - dot(w, w), kTolerance * (scale + dot(w, w)));
  }
}

TEST(OneDnnKernels, ActivationsAndTheirDerivativesEqualPlainLoops) {
  const auto kernels = kernels_with();
  ReferenceKernels<double> reference;
  const std::size_t count = 40007;  // several pieces of work and an odd rest
  std::vector<float> z = random_values(count, 1);
  for (std::size_t i = 0; i < count; ++i) z[i] *= static_cast<float>(i % 40);
  z[0] = 0.0f, z[1] = -0.0f, z[2] = 200.0f, z[3] = -200.0f;
  const std::vector<float> t = random_values(count, 2), g = random_values(count, 3), tg = random_values(count, 4);
  const std::vector<double> zd = as<double>(z), td = as<double>(t), gd = as<double>(g), tgd = as<double>(tg);
  std::vector<double> want(count);
  for (const ActivationKind kind : {ActivationKind::relu, ActivationKind::silu}) {
    SCOPED_TRACE(to_string(kind));
    std::vector<float> got = z;  // every result overwrites a source
    kernels->activate(kind, got.data(), got.data(), count);
    reference.activate(kind, zd.data(), want.data(), count);
    EXPECT_LT(relative_error(as<double>(got), want), kTolerance);
    EXPECT_EQ(got[0], 0.0f);
    got = g;
    kernels->activate_backward(kind, z.data(), got.data(), got.data(), count);
    reference.activate_backward(kind, zd.data(), gd.data(), want.data(), count);
    EXPECT_LT(relative_error(as<double>(got), want), kTolerance);
    got = t;
    kernels->activate_tangent(kind, z.data(), got.data(), got.data(), count);
    reference.activate_tangent(kind, zd.data(), td.data(), want.data(), count);
    EXPECT_LT(relative_error(as<double>(got), want), kTolerance);
    got = tg;
    kernels->activate_tangent_backward(kind, z.data(), t.data(), g.data(), got.data(), got.data(), count);
    reference.activate_tangent_backward(kind, zd.data(), td.data(), gd.data(), tgd.data(), want.data(), count);
    EXPECT_LT(relative_error(as<double>(got), want), kTolerance);
  }
}

TEST(OneDnnKernels, KernelSetsInSeveralThreadsGiveTheBitsOfOne) {
  const Case c{32, {16, 32}, 3, 16, 16};
  const Inputs in(c);
  const auto compute = [&](std::vector<double>& result) {
    const auto kernels = kernels_with();
    for (int round = 0; round < 20; ++round) {
      result = plain(forward(*kernels, c, in, true).view);
      for (const double value : weight_gradient(*kernels, c, in, 1, 2)) result.push_back(value);
    }
  };
  std::vector<double> alone;
  compute(alone);
  std::vector<std::vector<double>> together(4);
  std::vector<std::thread> threads;
  for (std::vector<double>& result : together) threads.emplace_back([&] { compute(result); });
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<double>& result : together) EXPECT_EQ(result, alone);
}

TEST(OneDnnKernels, OneThreadMeansThatNoOtherIsStarted) {
  const auto count_threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  // In a new thread, which has no OpenMP threads from before.
  std::thread([&] {
    const auto before = count_threads();
    const auto kernels = kernels_with(1);
    const Case c{64, {64}, 3, 32, 32};
    const Inputs in(c);
    forward(*kernels, c, in, true);
    weight_gradient(*kernels, c, in, 0, 2);
    EXPECT_EQ(count_threads(), before);
  }).join();
}

TEST(OneDnnKernels, SeveralThreadsInOneSetEqualPlainLoops) {
  const auto kernels = kernels_with(3);
  ReferenceKernels<double> reference;
  const Case c{40, {33, 16}, 3, 16, 15};
  const Inputs in(c);
  EXPECT_LT(relative_error(plain(forward(*kernels, c, in, true).view), plain(forward(reference, c, in, true).view)),
            kTolerance);
  EXPECT_LT(relative_error(weight_gradient(*kernels, c, in, 1, 2), weight_gradient(reference, c, in, 1, 2)),
            kTolerance);
}

}  // namespace
}  // namespace altocast
