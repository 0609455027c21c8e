// Every instruction set, number of threads, compiler and platform gives the same bits. The fingerprints below
// were taken on one platform; the others' runs of this test compare with them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/kernels/native/native_kernels.h"
#include "tests/runtime/bit_hash.h"
#include "tests/runtime/kernel_case.h"

namespace altocast {
namespace {

const ConvolutionCase kCases[] = {
    {{1}, 1, 1, 1, 3},
    {{4}, 16, 9, 13, 3},
    {{16}, 8, 12, 20, 1},
    {{3}, 50, 5, 7, 3},
    {{40}, 3, 7, 5, 3},
    {{17, 33}, 31, 6, 25, 3},
    {{5, 1, 20, 16}, 33, 4, 11, 3},
    {{2, 3}, 40, 3, 26, 1},
    {{6}, 5, 75, 31, 3},
    {{16}, 20, 30, 71, 3},
    {{64}, 48, 7, 9, 3},
    {{64}, 64, 37, 35, 3},
};

template <class T>
void add(BitHash& hash, const std::vector<T>& values) {
  hash.add(std::span<const T>(values));
}

std::uint64_t hash_convolutions(const KernelTable& table, int threads) {
  NativeKernels kernels(table, threads);
  BitHash hash;
  for (const ConvolutionCase& problem : kCases) {
    const auto result = run_case(kernels, problem);
    add(hash, result.raw_forward);
    for (const auto& grad_src : result.back) add(hash, grad_src);
    add(hash, result.weights);
  }
  return hash.value();
}

// Normal numbers times 10^−44 … 10^38, so that subnormal operands and results, overflow and cancellation
// occur.
std::vector<float> wild_vector(std::size_t count, std::uint64_t stream) {
  std::vector<float> values = normal_vector<float>(count, stream);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = std::ldexp(values[i], static_cast<int>(random_below(2, stream, i, 272)) - 146);
  }
  return values;
}

std::uint64_t hash_activations(const KernelTable& table, int threads) {
  NativeKernels kernels(table, threads);
  BitHash hash;
  const std::size_t count = 20011;
  auto z = normal_vector<float>(count, 41);
  for (std::size_t i = 0; i < count; ++i) z[i] *= static_cast<float>(i % 40);
  const auto wild = wild_vector(count, 42);
  const auto grad_a = normal_vector<float>(count, 43);
  const auto tan_grad_a = normal_vector<float>(count, 44);
  std::vector<float> dst(count);
  for (const ActivationKind kind : {ActivationKind::relu, ActivationKind::silu}) {
    kernels.activate(kind, z.data(), dst.data(), count);
    add(hash, dst);
    kernels.activate(kind, wild.data(), dst.data(), count);
    add(hash, dst);
    kernels.activate_backward(kind, z.data(), wild.data(), dst.data(), count);
    add(hash, dst);
    kernels.activate_tangent(kind, z.data(), grad_a.data(), dst.data(), count);
    add(hash, dst);
    kernels.activate_tangent_backward(kind, z.data(), grad_a.data(), tan_grad_a.data(), wild.data(), dst.data(), count);
    add(hash, dst);
  }
  return hash.value();
}

TEST(NativeBits, OfConvolutionsAreTheSameEverywhere) {
  for (const KernelTable* table : available_tables()) {
    for (const int threads : {1, 2, 3}) {
      EXPECT_EQ(hash_convolutions(*table, threads), 0xB7767FBCAB904B52u) << table->isa << ", " << threads << " threads";
    }
  }
}

TEST(NativeBits, OfActivationsAreTheSameEverywhere) {
  for (const KernelTable* table : available_tables()) {
    for (const int threads : {1, 2, 3}) {
      EXPECT_EQ(hash_activations(*table, threads), 0xD673818A2723554Eu) << table->isa << ", " << threads << " threads";
    }
  }
}

// Normal numbers from an odd place on, and as means and log deviations of two Gaussians all else.
std::uint64_t hash_weight_loops(const native::WeightLoops<float>& loops) {
  BitHash hash;
  const std::size_t count = 3011;
  std::vector<float> numbers[4], precisions(count), ratios(count);
  std::vector<double> terms(count);
  for (std::size_t i = 0; i < 4; ++i) {
    numbers[i].resize(count);
    loops.fill_normal(9, i, 3 + i, numbers[i].data(), count);
    add(hash, numbers[i]);
  }
  loops.divergence_factors(numbers[1].data(), numbers[3].data(), count, precisions.data(), ratios.data());
  loops.divergence_terms(numbers[0].data(), numbers[1].data(), numbers[2].data(), numbers[3].data(), count,
                         terms.data());
  loops.scale_by_exp(numbers[0].data(), numbers[1].data(), count);
  add(hash, numbers[1]);
  add(hash, precisions);
  add(hash, ratios);
  add(hash, terms);
  return hash.value();
}

TEST(NativeBits, OfLoopsOverWeightsAreTheSameEverywhere) {
  for (const KernelTable* table : available_tables()) {
    EXPECT_EQ(hash_weight_loops(*table->weight_loops), 0x1BD56727FBB6B339u) << table->isa;
  }
}

TEST(NativeBits, TablesAreFoundByNameFastestFirst) {
  ASSERT_FALSE(available_tables().empty());
  EXPECT_EQ(&best_table(), available_tables().front());
  for (const KernelTable* table : available_tables()) EXPECT_EQ(find_table(table->isa), table);
  EXPECT_NE(find_table("scalar"), nullptr);
  EXPECT_EQ(find_table("mmx"), nullptr);
}

// A 1×1 convolution of one channel is one fused multiply-add a number.
class Fma {
 public:
  explicit Fma(const KernelTable& table) : kernels_(table, 1) {}
  float operator()(float a, float b, float c) {
    const WeightSlice slice{1, 1, 0, 1, 1};
    std::vector<float> packed(kernels_.packed_size(slice, Direction::forward));
    kernels_.pack_weights(&b, slice, Direction::forward, packed.data());
    src_.view().at(0, 0, 0) = a;
    const ConvolutionTerm<float> term{src_.view(), packed.data(), slice, Direction::forward};
    kernels_.convolve({&term, 1}, &c, dst_.view());
    return dst_.view().at(0, 0, 0);
  }

 private:
  NativeKernels kernels_;
  OwnedTensor<float> src_{{1, 1, 1}, {16, 1}};
  OwnedTensor<float> dst_{{1, 1, 1}, {16, 1}};
};

float flushed(float a) { return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a; }

TEST(NativeBits, FmaIsRoundedOnceWithSubnormalsFlushed) {
  const float ulp = 0x1p-23f;
  const float huge = std::numeric_limits<float>::max();
  const float infinity = std::numeric_limits<float>::infinity();
  const float triples[][3] = {
      // Sums that lie just beside a tie: rounding to double first would put them on it.
      {1 + ulp, 1 + ulp, 0x1p-60f},
      {1 + ulp, 0x1p-24f, 1 + ulp},
      {1, 0x1p-24f, 1},
      {1, 0x1p-24f, 1 + ulp},
      {1 + ulp, 0x1p-24f, 1},
      {1 - ulp / 2, 0x1p-24f, 1},
      {0x1p-40f, 0x1p-40f, 1},
      {0x1.000002p0f, 0x1.8p-24f, -0x1.8p-24f},
      {0x1.fffffep0f, 0x1.fffffep0f, 0x1p-80f},
      {0x1.fffffep0f, -0x1.fffffep0f, 0x1p-80f},
      {0x1.8p0f, 0x1.000001p0f, 0x1p-70f},
      {0x1p12f + 0x1p-11f, 0x1p12f + 0x1p-11f, 0x1p-50f},
      {0x1p12f + 0x1p-11f, 0x1p12f + 0x1p-11f, -0x1p-50f},
      {0x1.001p0f, 0x1.001p0f, 0x1p-60f},
      {0x1.001p0f, 0x1.001p0f, -0x1p-60f},
      {0x1.001p0f, -0x1.001p0f, 0x1p-60f},
      {0x1.001p0f, -0x1.001p0f, -0x1p-60f},
      // Ends of the range.
      {huge, 2, -huge},
      {huge, 2, 0},
      {huge, 1, 0x1p103f},
      {huge, 1, 0x1.fffffep102f},
      {0x1p-100f, 0x1p-20f, 0},
      {0x1p-100f, 0x1p-40f, 0},
      {0x1p-100f, -0x1p-40f, 0},
      {0x1p-126f, 0x1p0f, 0},
      {0x1p-126f, 0x1p0f, -0x1.8p-127f},
      {-0x1p-126f, 1, 0x1.8p-126f},
      {0x1p-63f, 0x1p-63f, 0x1p-126f},
      {infinity, 1, 2},
      {-infinity, 1, 2},
      {1, 1, infinity},
      {0, 5, 0},
      {1, 1, -1},
  };
  for (const KernelTable* table : available_tables()) {
    Fma fma(*table);
    for (const auto& t : triples) {
      const float expected = flushed(std::fma(flushed(t[0]), flushed(t[1]), flushed(t[2])));
      const float result = fma(t[0], t[1], t[2]);
      EXPECT_EQ(std::bit_cast<std::uint32_t>(result), std::bit_cast<std::uint32_t>(expected))
          << table->isa << ": " << t[0] << " · " << t[1] << " + " << t[2] << " gives " << result << ", not "
          << expected;
    }
    const auto a = wild_vector(3000, 51);
    const auto b = wild_vector(3000, 52);
    const auto c = wild_vector(3000, 53);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const float expected = flushed(std::fma(flushed(a[i]), flushed(b[i]), flushed(c[i])));
      ASSERT_EQ(std::bit_cast<std::uint32_t>(fma(a[i], b[i], c[i])), std::bit_cast<std::uint32_t>(expected))
          << table->isa << ": " << a[i] << " · " << b[i] << " + " << c[i];
    }
  }
}

}  // namespace
}  // namespace altocast
