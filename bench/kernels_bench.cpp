// Speed of the native kernels beside the processor's own: a register-only loop of multiply-adds, then
// convolution forward and weight gradient, for each instruction set, one thread; and the direct 3×3 kernels at widths
// where layers take Winograd's.
//   kernels_bench [isa …]
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/peak.h"
#include "runtime/random.h"

namespace altocast {
namespace {

// Processor seconds of this thread, which neighbours on a shared machine disturb less than the clock on the
// wall.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Seconds of the fastest of some calls, the figure that a busy machine disturbs least.
template <class Call>
double best_seconds(const Call& call) {
  call();
  double best = 1e9;
  double sum = 0;
  for (int run = 0; run < 5 || (sum < 0.05 && run < 1000); ++run) {
    const double start = thread_seconds();
    call();
    const double seconds = thread_seconds() - start;
    best = std::min(best, seconds);
    sum += seconds;
  }
  return best;
}

struct Shape {
  int in, out, height, width, kernel;
};

constexpr Shape kShapes[] = {
    {4, 16, 128, 128, 3},  {16, 16, 128, 128, 3}, {16, 16, 64, 64, 3},   {32, 32, 64, 64, 3},  {48, 16, 128, 128, 3},
    {96, 32, 64, 64, 3},   {192, 64, 32, 32, 3},  {64, 64, 64, 64, 3},   {64, 64, 32, 32, 3},  {128, 128, 32, 32, 3},
    {128, 128, 16, 16, 3}, {256, 256, 16, 16, 3}, {256, 256, 32, 32, 3}, {16, 8, 128, 128, 1},
};

constexpr Shape kDirectShapes[] = {
    {16, 16, 128, 128, 3}, {32, 32, 64, 64, 3},   {64, 64, 32, 32, 3},   {128, 128, 16, 16, 3},
    {256, 256, 16, 16, 3}, {128, 128, 32, 32, 3}, {256, 256, 32, 32, 3},
};

std::vector<float> normals(std::size_t size, std::uint64_t stream) {
  std::vector<float> z(size);
  fill_normal(1, stream, 0, std::span<float>(z));
  return z;
}

// First element that starts a cache line, as an arena would give it.
float* aligned(std::vector<float>& data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data.data());
  return data.data() + (64 - address % 64) % 64 / sizeof(float);
}

// A buffer whose tensor begins at aligned(); the halo is left zero.
std::vector<float> tensor_values(Extent extent, Layout layout, std::uint64_t stream) {
  std::vector<float> data(tensor_size<float>(extent, layout) + 16);
  const Tensor<float> tensor{aligned(data), extent, layout};
  std::vector<float> row(static_cast<std::size_t>(extent.width));
  for (int c = 0; c < extent.channels; ++c) {
    for (int y = 0; y < extent.height; ++y) {
      fill_normal(1, stream, static_cast<std::uint64_t>(c * extent.height + y) * 1024, std::span<float>(row));
      for (int x = 0; x < extent.width; ++x) tensor.at(c, y, x) = row[static_cast<std::size_t>(x)];
    }
  }
  return data;
}

void bench_table(const KernelTable& table) {
  const double peak = measure_fma_peak(table);
  std::printf("%s: register-only fma loop %.1f GFLOP/s\n", table.isa, peak);
  std::printf("  %4s %4s %9s %2s   %18s   %18s   %18s\n", "in", "out", "image", "k", "forward", "transposed",
              "weight gradient");
  for (const Shape& shape : kShapes) {
    NativeKernels kernels(table, 1);
    const Layout layout = kernels.layout();
    const WeightSlice slice{shape.out, shape.in, 0, shape.in, shape.kernel};
    kernels.reserve(slice, shape.height, shape.width);
    const Extent src_extent{shape.in, shape.height, shape.width};
    const Extent dst_extent{shape.out, shape.height, shape.width};
    std::vector<float> src = tensor_values(src_extent, layout, 1);
    std::vector<float> dst = tensor_values(dst_extent, layout, 2);
    const Tensor<float> x{aligned(src), src_extent, layout};
    const Tensor<float> y{aligned(dst), dst_extent, layout};
    const std::size_t weights = static_cast<std::size_t>(shape.out * shape.in * shape.kernel * shape.kernel);
    const std::vector<float> weight = normals(weights, 3);
    std::vector<float> gradient(weights);
    std::vector<float> packed(kernels.packed_size(slice, Direction::forward) + 16);
    std::vector<float> transposed(kernels.packed_size(slice, Direction::transposed) + 16);
    kernels.pack_weights(weight.data(), slice, Direction::forward, aligned(packed));
    kernels.pack_weights(weight.data(), slice, Direction::transposed, aligned(transposed));

    const double gigaflop = 2e-9 * static_cast<double>(weights) * shape.height * shape.width;
    std::printf("  %4d %4d %4dx%-4d %2d", shape.in, shape.out, shape.height, shape.width, shape.kernel);
    const auto report = [&](double seconds) {
      std::printf("   %6.1f GF/s %4.0f %%", gigaflop / seconds, 100 * gigaflop / seconds / peak);
    };
    const WeightGradientTerm<float> gradient_term{x, y};
    report(best_seconds([&] {
      const ConvolutionTerm<float> term{x, aligned(packed), slice, Direction::forward, weight.data()};
      kernels.convolve({&term, 1}, nullptr, y);
    }));
    report(best_seconds([&] {
      const ConvolutionTerm<float> term{y, aligned(transposed), slice, Direction::transposed, weight.data()};
      kernels.convolve({&term, 1}, nullptr, x);
    }));
    report(best_seconds([&] { kernels.convolve_backward_weights({&gradient_term, 1}, slice, gradient.data()); }));
    std::printf("\n");
  }

  NativeKernels kernels(table, 1);
  std::vector<float> z = normals(1 << 16, 4);
  std::vector<float> a(z.size());
  const auto per_element = [&](double seconds) { return 1e9 * seconds / static_cast<double>(z.size()); };
  std::printf("  silu %.2f ns an element",
              per_element(best_seconds([&] { kernels.activate(ActivationKind::silu, z.data(), a.data(), z.size()); })));
  std::printf(", backward %.2f", per_element(best_seconds([&] {
                kernels.activate_backward(ActivationKind::silu, z.data(), z.data(), a.data(), z.size());
              })));
  std::printf(", tangent of backward %.2f\n", per_element(best_seconds([&] {
                kernels.activate_tangent_backward(ActivationKind::silu, z.data(), z.data(), z.data(), z.data(),
                                                  a.data(), z.size());
              })));
}

// One image through the direct kernels' functions themselves, in the order in which NativeKernels calls them.
void bench_direct(const KernelTable& table) {
  constexpr int kBlock = native::kBlock, kTaps = 9, kChunkPixels = 1024;
  std::printf("  direct 3x3      image    fma loop              forward      weight gradient\n");
  for (const Shape& shape : kDirectShapes) {
    const Layout layout = NativeKernels(table, 1).layout();
    const Extent extent{shape.in, shape.height, shape.width};
    std::vector<float> src = tensor_values(extent, layout, 1), dst = tensor_values(extent, layout, 2);
    const Tensor<float> x{aligned(src), extent, layout}, y{aligned(dst), extent, layout};
    const int blocks = shape.in / kBlock;
    const auto weights = static_cast<std::size_t>(shape.in * shape.in * kTaps);
    std::vector<float> packed = normals(weights + 16, 3), gradient(weights);

    native::ConvolveArgs args{};
    args.terms[0] = {x.row(0, 0),
                     x.block_stride(),
                     x.row_stride(),
                     aligned(packed),
                     static_cast<std::size_t>(shape.in * kTaps * kBlock),
                     shape.in,
                     3};
    args.term_count = 1;
    args.dst = args.activated = y.row(0, 0);
    args.activation = native::kNoActivation;
    args.block_stride = y.block_stride(), args.row_stride = y.row_stride();
    args.channels = shape.in, args.height = shape.height, args.width = shape.width;
    const auto forward = [&] {
      for (int block = 0; block < blocks; block += table.blocks_per_group) {
        for (int row = 0; row < shape.height; ++row) table.convolve_row(args, block, row);
      }
    };
    const int chunk = std::min(shape.height, kChunkPixels / shape.width);
    const auto weight_gradient = [&] {
      for (int block = 0; block < blocks * blocks; ++block) {
        const int in = block % blocks, out = block / blocks;
        alignas(64) float total[kTaps * kBlock * kBlock] = {};
        const native::WeightGradientArgs pair{
            x.row(in, 0), x.row_stride(), y.row(out, 0), y.row_stride(), kBlock, shape.width, 3};
        for (int row = 0; row < shape.height; row += chunk) table.weight_gradient_rows(pair, row, row + chunk, total);
        const auto out_stride = static_cast<std::size_t>(shape.in * kTaps);
        table.add_weight_gradient(total, kTaps, kBlock, kBlock,
                                  &gradient[static_cast<std::size_t>(out * kBlock) * out_stride +
                                            static_cast<std::size_t>(in * kBlock * kTaps)],
                                  out_stride);
      }
    };
    const double peak = measure_fma_peak(table);
    const double gigaflop = 2e-9 * static_cast<double>(weights) * shape.height * shape.width;
    std::printf("  %4d %4d %6dx%-4d %6.1f GF/s", shape.in, shape.out, shape.height, shape.width, peak);
    for (const double seconds : {best_seconds(forward), best_seconds(weight_gradient)}) {
      std::printf("   %6.1f GF/s %4.0f %%", gigaflop / seconds, 100 * gigaflop / seconds / peak);
    }
    std::printf("\n");
  }
}

}  // namespace
}  // namespace altocast

int main(int argc, char** argv) {
  using namespace altocast;
  for (const KernelTable* table : available_tables()) {
    const bool wanted = argc == 1 || std::any_of(argv + 1, argv + argc, [&](const char* name) {
                          return std::string_view(name) == table->isa;
                        });
    if (!wanted) continue;
    bench_direct(*table);
    bench_table(*table);
  }
  std::vector<float> z(487560);
  const double seconds = best_seconds([&] { fill_normal(1, 2, 0, std::span<float>(z)); });
  std::printf("fill_normal: %zu numbers in %.2f ms\n", z.size(), 1e3 * seconds);
  return 0;
}
