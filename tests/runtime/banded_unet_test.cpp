// A forecast in bands of rows has the bits of one of the whole image, whatever the band, size, network, instruction set
// and number of threads.
#include "runtime/banded_unet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/random.h"

namespace altocast {
namespace {

struct Case {
  int height, width, band, depth, base_channels;
  ActivationKind activation;
  ResidualBase residual;
};

std::vector<float> numbers(std::uint64_t stream, std::size_t count, float scale) {
  std::vector<float> values(count);
  fill_normal(1, stream, 0, std::span(values));
  for (float& value : values) value *= scale;
  return values;
}

NetworkSpec spec_of(const Case& c) {
  NetworkSpec spec;
  spec.input_frames = 3;
  spec.leads = 5;
  spec.base_channels = c.base_channels;
  spec.depth = c.depth;
  spec.activation = c.activation;
  spec.residual = c.residual;
  return spec;
}

void expect_equal_bits(const Case& c, const KernelTable& table, int threads) {
  const NetworkSpec spec = spec_of(c);
  const std::size_t pixels = static_cast<std::size_t>(c.height) * static_cast<std::size_t>(c.width);
  const std::vector<float> phi = numbers(0, parameter_count(spec), 0.1f);
  const std::vector<float> frames = numbers(1, 3 * pixels, 1.0f), advected = numbers(2, 5 * pixels, 1.0f);
  const Sample<float> sample = make_sample(spec, frames.data(), advected.data(), nullptr, c.height, c.width);
  NativeKernels kernels(table, threads);
  UNet<float> whole(spec, kernels, c.height, c.width, Purpose::forecast);
  BandedUNet bands(spec, kernels, c.height, c.width, c.band);
  whole.set_weights(phi.data());
  bands.set_weights(phi.data());
  std::vector<float> wanted(whole.terms()), out(whole.terms());
  whole.forward(sample, wanted.data());
  for (int time = 0; time < 2; ++time) {  // what the first leaves is not seen
    std::fill(out.begin(), out.end(), 0.0f);
    bands.forward(sample, out.data());
    EXPECT_EQ(out, wanted) << c.height << "x" << c.width << ", band " << c.band << ", depth " << c.depth << ", "
                           << table.isa << ", " << threads << " threads, time " << time;
  }
}

TEST(BandedUNet, HasTheBitsOfTheWholeImage) {
  using enum ActivationKind;
  using enum ResidualBase;
  // Channels on both sides of where Winograd's kernel begins; sizes that are multiples of nothing, or of all.
  const Case winograd{77, 13, 8, 2, 16, silu, advected}, direct{41, 18, 4, 1, 8, relu, last_frame};
  for (const KernelTable* table : available_tables()) {
    expect_equal_bits(winograd, *table, 1);
    expect_equal_bits(direct, *table, 1);
  }
  expect_equal_bits(winograd, best_table(), 2);
  for (const Case& c : {Case{40, 16, 8, 1, 16, relu, none}, Case{100, 9, 8, 3, 8, silu, last_frame},
                        Case{33, 18, 7, 0, 8, relu, advected}, Case{9, 11, 64, 2, 8, silu, last_frame}}) {
    expect_equal_bits(c, best_table(), 1);
  }
}

TEST(BandedUNet, TakesMemoryThatHardlyGrowsWithTheHeight) {
  const UNetGraph graph = unet_graph(*preset("small"));
  const auto size = [&](int height, int band) { return plan_bands(graph, {16, 1}, height, 64, 4, band).size; };
  EXPECT_EQ(size(4096, 32), size(1024, 32));
  EXPECT_LT(size(1024, 8), size(1024, 32));
  EXPECT_LT(size(1024, 32), size(1024, 256));
}

}  // namespace
}  // namespace altocast
