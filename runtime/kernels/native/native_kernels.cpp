#include "runtime/kernels/native/native_kernels.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "runtime/kernels/native/weight_packing.h"

namespace altocast {
namespace {

using native::kBlock;

std::size_t as_size(int n) { return static_cast<std::size_t>(n); }
int divide_up(int a, int b) { return (a + b - 1) / b; }
int blocks_of(int channels) { return divide_up(channels, kBlock); }

// How a weight gradient's image is cut, by shape alone, so that neither threads nor instruction sets move a
// bit: rows into chunks, each summed from zero in registers, short enough for a float's precision and the
// cache; and chunks into segments, which are work items of their own if the weights alone are too few.
struct Partition {
  Partition(int height, int width, int weight_blocks) {
    constexpr int kChunkPixels = 1024;
    constexpr int kWorkItems = 16;
    chunk_rows = std::clamp(kChunkPixels / width, 1, height);
    chunks = divide_up(height, chunk_rows);
    segments = std::clamp(divide_up(kWorkItems, weight_blocks), 1, chunks);
  }
  int first_chunk(int segment) const { return chunks * segment / segments; }

  int chunk_rows;
  int chunks;
  int segments;
};

int weight_blocks(const WeightSlice& slice) { return blocks_of(slice.out) * blocks_of(slice.in_count); }
std::size_t total_size(const WeightSlice& slice) { return as_size(slice.kernel * slice.kernel * kBlock * kBlock); }

constexpr std::size_t kMaxTotal = 9 * kBlock * kBlock;

// Of all segments' sums, where there are several.
std::size_t totals_size(const WeightSlice& slice, int segments) {
  return segments == 1 ? 0 : as_size(weight_blocks(slice) * segments) * total_size(slice);
}

// Whether Winograd's kernel computes a layer: by its channels alone, so that neither image size nor instruction set
// moves a bit, and its weights can be packed before sizes are known.
bool uses_winograd(const WeightSlice& slice) {
  constexpr int kMinChannels = 16;
  return slice.kernel == 3 && std::min(slice.in_total, slice.out) >= kMinChannels;
}

constexpr int kWinogradPoints = 36;

// Tiles that are transformed together: as many as a cache holds, at least what fills the registers.
constexpr int kStripFloats = 131072 / kWinogradPoints;
constexpr int kMinStrip = 12, kMaxStrip = 48;
int strip_tiles(int src_channels) { return std::clamp(kStripFloats / src_channels, kMinStrip, kMaxStrip); }

// A convolution's weights are transformed at each call, since they are four times the floats afterwards: at once where
// they are few enough for a cache, else piece by piece while the tiles, transformed before, wait. How changes no bit.
constexpr std::size_t kPanelFloats = 1 << 20;     // at most at once
constexpr std::size_t kMinPieceFloats = 1 << 16;  // what fits the nearest cache is not worth cutting
constexpr int kPieceChannels = 64;                // source channels of a piece
constexpr int kMaxWide = 64;                      // tiles that wait
constexpr std::size_t kWideFloats = 1 << 21;      // as many floats at most, unless kMinStrip tiles take more

// Floats from one of a block's points to the next: one cache line more than the weights need, since points would share
// cache sets.
std::size_t packed_point(int src_channels) { return as_size((src_channels + 1) * kBlock); }

// Floats of the transformed weights of any terms that have src_channels together.
std::size_t transformed_size(int src_channels, int dst_blocks) {
  return as_size(kWinogradPoints) * packed_point(src_channels + native::kMaxConvolutionTerms - 1) * as_size(dst_blocks);
}

bool packs_piecewise(int src_channels, int dst_blocks, int tiles, int groups_a_thread) {
  const std::size_t size = transformed_size(src_channels, dst_blocks);
  return size > kPanelFloats || (size > kMinPieceFloats && tiles <= kMaxWide && groups_a_thread >= 2);
}

int wide_tiles(int src_channels) {
  return std::clamp(static_cast<int>(kWideFloats) / (kWinogradPoints * src_channels), kMinStrip, kMaxWide);
}

// Floats of the tiles that wait, for any terms with at most so many channels.
std::size_t max_wide_size(int max_src_channels, int tiles) {
  const std::size_t all = as_size(kWinogradPoints) * as_size(std::min(tiles, kMaxWide)) * as_size(max_src_channels);
  const std::size_t limit =
      std::max(kWideFloats, as_size(kWinogradPoints) * as_size(kMinStrip) * as_size(max_src_channels));
  return std::min(all, limit) + as_size(kWinogradPoints * kBlock);
}

// Floats of a piece's weights, of its products with the tiles that wait, and of both for two destinations.
std::size_t piece_size(int blocks) { return transformed_size(kPieceChannels, blocks); }
std::size_t piece_products_size(int blocks) {
  return as_size(kWinogradPoints) * as_size(kMaxWide * blocks * kBlock + kBlock);
}
std::size_t piece_scratch_size(int blocks) { return piece_size(blocks) + 2 * piece_products_size(blocks); }

// Floats of scratch for a strip whose terms have src_channels together, padded to blocks; grows with src_channels.
std::size_t strip_scratch_size(int src_channels, int blocks_per_group) {
  const int source = std::max(kStripFloats, kMinStrip * src_channels) + kBlock;
  const int product = kMaxStrip * kBlock * blocks_per_group + kBlock;
  return as_size(kWinogradPoints) * as_size(source + product);
}

// How Winograd's weight gradient is cut, by shape alone: the image's tiles into chunks, each transformed and then
// summed in registers; and, where the weights alone are too few to share out, chunks into segments that are work items.
struct WinogradPartition {
  static constexpr int kMaxTerms = 2;  // summed together

  WinogradPartition(const WeightSlice& slice, int height, int width)
      : src_blocks(blocks_of(slice.in_count)), blocks(src_blocks + blocks_of(slice.out)) {
    constexpr int kWorkItems = 16;
    constexpr int kChunkFloats = 163840;  // beside each other in a cache of 1 MB
    constexpr int kMinTiles = 32, kMaxTiles = 64;
    tiles = divide_up(height, 4) * divide_up(width, 4);
    chunks = divide_up(tiles, std::clamp(kChunkFloats / (kWinogradPoints * kBlock * blocks), kMinTiles, kMaxTiles));
    segments = weight_blocks(slice) < kWorkItems ? std::min(chunks, kWorkItems) : 1;
    // One cache line more than the tiles need: points would share cache sets.
    point_stride = as_size((divide_up(tiles, chunks) * kMaxTerms + 1) * kBlock);
  }
  int first_tile(int chunk) const { return tiles * chunk / chunks; }
  int first_chunk(int segment) const { return chunks * segment / segments; }
  std::size_t block_size() const { return as_size(kWinogradPoints) * point_stride; }
  // Of a chunk's transformed blocks.
  std::size_t chunk_size() const { return as_size(blocks) * block_size(); }

  int src_blocks, blocks;  // source blocks come first
  int tiles, chunks, segments;
  std::size_t point_stride;
};

// Where the processor has no mode for it, subnormal sums are flushed here as they are in the kernels.
float flushed(float a) {
#if defined(__riscv)
  constexpr float kMinNormal = 0x1p-126f;
  return __builtin_fabsf(a) < kMinNormal ? __builtin_copysignf(0.0f, a) : a;
#else
  return a;
#endif
}

int source_channels(const ConvolutionTerm<float>& term) {
  return term.direction == Direction::forward ? term.slice.in_count : term.slice.out;
}

// What asserts ask for.
[[maybe_unused]] bool fits(const ConvolutionTerm<float>& term, const Tensor<float>& dst) {
  const bool forward = term.direction == Direction::forward;
  return term.src.extent.channels == source_channels(term) && term.src.extent.height == dst.extent.height &&
         term.src.extent.width == dst.extent.width &&
         dst.extent.channels == (forward ? term.slice.out : term.slice.in_count);
}

// All but the terms and the activation.
native::ConvolveArgs convolve_args(const float* bias, const Tensor<float>& dst) {
  assert(dst.layout.block == kBlock && dst.layout.halo == 1);
  native::ConvolveArgs args{};
  args.bias = bias;
  args.dst = dst.row(0, 0);
  args.activation = native::kNoActivation;
  args.block_stride = dst.block_stride();
  args.row_stride = dst.row_stride();
  args.channels = dst.extent.channels;
  args.height = dst.extent.height;
  args.width = dst.extent.width;
  return args;
}

native::WinogradFactor winograd_factor(const float* packed, int channels) {
  const std::size_t point = packed_point(channels);
  return {packed, as_size(kWinogradPoints) * point, point, channels};
}

}  // namespace

// Weights, and for each destination the source that they are multiplied with, if any.
constexpr int kNoSource = -1;
struct NativeKernels::WinogradTerm {
  const ConvolutionTerm<float>* weights = nullptr;
  std::array<int, 2> source{};
};

// Convolutions of the same extent that share sources or weights. Transformed, the sources' channels lie side by side.
struct NativeKernels::WinogradSum {
  std::span<const WinogradTerm> terms;
  std::span<const Tensor<float>> sources;
  std::span<const native::ConvolveArgs> dsts;  // at most 2

  // Where a source's channels begin.
  int source_channel(int source) const {
    int channel = 0;
    for (int s = 0; s < source; ++s) channel += sources[as_size(s)].blocks() * kBlock;
    return channel;
  }
  int src_channels() const { return source_channel(static_cast<int>(sources.size())); }
  native::WinogradImage source_block(int block) const {
    std::size_t s = 0;
    for (; block >= sources[s].blocks(); ++s) block -= sources[s].blocks();
    return {sources[s].row(block, 0), sources[s].row_stride(), dsts[0].height, dsts[0].width};
  }
};

NativeKernels::NativeKernels(const KernelTable& table, int threads) : Kernels<float>(threads), table_(table) {}

void NativeKernels::reserve(const WeightSlice& slice, int height, int width) {
  const std::size_t size = scratch_size(slice, height, width);
  if (size <= scratch_.size()) return;
  scratch_ = {};  // rather than copied
  scratch_.resize(size);
}

std::size_t NativeKernels::scratch_size(const WeightSlice& slice, int height, int width) const {
  if (!uses_winograd(slice)) return totals_size(slice, Partition(height, width, weight_blocks(slice)).segments);
  // The largest of what a convolution over kMaxTerms terms can take either way.
  const int channels = kMaxTerms * blocks_of(std::max(slice.in_total, slice.out)) * kBlock;
  const int group = table_.blocks_per_group;
  const std::size_t workers = as_size(threads().size());
  const std::size_t strips = kPanelFloats + workers * strip_scratch_size(channels, group);
  const std::size_t pieces =
      max_wide_size(channels, divide_up(height, 4) * divide_up(width, 4)) + workers * piece_scratch_size(group);
  const WinogradPartition partition(slice, height, width);
  const std::size_t parts = partition.segments == 1 ? 1 : workers;
  return std::max({strips, pieces, totals_size(slice, partition.segments) + parts * partition.chunk_size()});
}

std::size_t NativeKernels::packed_size(const WeightSlice& slice, Direction direction) const {
  if (uses_winograd(slice)) return 0;
  const bool forward = direction == Direction::forward;
  const int src = forward ? slice.in_count : slice.out;
  const int dst = forward ? slice.out : slice.in_count;
  return as_size(blocks_of(dst) * kBlock) * as_size(src) * as_size(slice.kernel * slice.kernel);
}

void NativeKernels::pack_weights(const float* weight, const WeightSlice& slice, Direction direction, float* packed) {
  if (uses_winograd(slice)) return;
  const bool forward = direction == Direction::forward;
  const int src_channels = forward ? slice.in_count : slice.out;
  const int dst_blocks = blocks_of(forward ? slice.out : slice.in_count);
  const int taps = slice.kernel * slice.kernel;
  threads().parallel_for(dst_blocks * blocks_of(src_channels), [&](int item) {
    const int src_first = item / dst_blocks * kBlock;
    const int dst_first = item % dst_blocks * kBlock;
    pack_block(
        weight, slice, forward, src_first, dst_first,
        packed + as_size(dst_first) * as_size(src_channels) * as_size(taps) + as_size(src_first * kBlock * taps));
  });
}

void NativeKernels::pack_winograd(const ConvolutionTerm<float>& term, int src_first, int src_count, int first_block,
                                  int blocks, float* packed) const {
  const std::size_t point = packed_point(src_count);
  for (int block = 0; block < blocks; ++block) {
    for (int src = 0; src < src_count; src += kBlock) {
      alignas(kCacheLine) float direct[9 * kBlock * kBlock];
      gather_block(term.weight, term.slice, term.direction == Direction::forward, src_first + src,
                   (first_block + block) * kBlock, direct);
      table_.winograd_weights(direct, std::min(kBlock, src_count - src),
                              packed + as_size(block * kWinogradPoints) * point + as_size(src * kBlock), point);
    }
  }
}

void NativeKernels::convolve(std::span<const ConvolutionTerm<float>> terms, const float* bias,
                             const Tensor<float>& dst) {
  convolve_and(native::kNoActivation, terms, bias, dst, dst);
}

void NativeKernels::convolve_activated(std::span<const ConvolutionTerm<float>> terms, const float* bias,
                                       ActivationKind kind, const Tensor<float>& z, const Tensor<float>& a) {
  convolve_and(static_cast<int>(kind), terms, bias, z, a);
}

void NativeKernels::convolve_and(int activation, std::span<const ConvolutionTerm<float>> terms, const float* bias,
                                 const Tensor<float>& dst, const Tensor<float>& activated) {
  static_assert(kMaxTerms <= native::kMaxConvolutionTerms);
  assert(terms.size() <= as_size(kMaxTerms));
  native::ConvolveArgs args = convolve_args(bias, dst);
  args.activation = activation;
  args.activated = activated.row(0, 0);
  if (!terms.empty() && uses_winograd(terms[0].slice)) {
    std::array<WinogradTerm, kMaxTerms> winograd;
    std::array<Tensor<float>, kMaxTerms> sources;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      assert(fits(terms[t], dst) && uses_winograd(terms[t].slice));
      winograd[t] = {&terms[t], {static_cast<int>(t), kNoSource}};
      sources[t] = terms[t].src;
    }
    const std::size_t count = terms.size();
    return convolve_winograd({std::span(winograd).first(count), std::span(sources).first(count), {&args, 1}});
  }

  for (const ConvolutionTerm<float>& term : terms) {
    const int channels = source_channels(term);
    assert(fits(term, dst) && !uses_winograd(term.slice));
    args.terms[args.term_count++] = {term.src.row(0, 0),
                                     term.src.block_stride(),
                                     term.src.row_stride(),
                                     term.packed,
                                     as_size(channels * term.slice.kernel * term.slice.kernel * kBlock),
                                     channels,
                                     term.slice.kernel};
  }
  const int height = dst.extent.height;
  const int group = table_.blocks_per_group;
  threads().parallel_for(divide_up(dst.blocks(), group) * height,
                         [&](int item) { table_.convolve_row(args, item / height * group, item % height); });
}

// Weights and sources are transformed once for both.
void NativeKernels::convolve_dual(std::span<const DualTerm<float>> terms, const float* bias, const float* tan_bias,
                                  const Tensor<float>& dst, const Tensor<float>& tan_dst) {
  std::array<WinogradTerm, kMaxTerms> winograd;
  std::array<Tensor<float>, kMaxTerms> sources;
  std::size_t count = 0;
  bool together = dst.data;
  assert(2 * terms.size() <= as_size(kMaxTerms));
  for (const DualTerm<float>& term : terms) {
    assert(fits(term.weights, tan_dst) && fits(term.direction, tan_dst));
    together = together && term.tan_src.data && uses_winograd(term.weights.slice);
    const int src = static_cast<int>(count), tan_src = src + 1;
    sources[count] = term.weights.src;
    winograd[count++] = {&term.weights, {src, tan_src}};
    sources[count] = term.tan_src;
    winograd[count++] = {&term.direction, {kNoSource, src}};
  }
  if (!together) return Kernels<float>::convolve_dual(terms, bias, tan_bias, dst, tan_dst);
  const std::array<native::ConvolveArgs, 2> dsts{convolve_args(bias, dst), convolve_args(tan_bias, tan_dst)};
  convolve_winograd({std::span(winograd).first(count), std::span(sources).first(count), dsts});
}

void NativeKernels::convolve_winograd(const WinogradSum& sum) {
  const native::ConvolveArgs& dst = sum.dsts[0];
  const int tiles = divide_up(dst.height, 4) * divide_up(dst.width, 4);
  const int blocks = blocks_of(dst.channels);
  const int groups = divide_up(blocks, table_.blocks_per_group);
  if (packs_piecewise(sum.src_channels(), blocks, tiles, groups / threads().size())) return convolve_piecewise(sum);
  std::array<native::WinogradFactor, kMaxTerms> factors;
  std::array<float*, kMaxTerms> packed;
  float* next = scratch_.data();
  for (std::size_t t = 0; t < sum.terms.size(); ++t) {
    packed[t] = next;
    factors[t] = winograd_factor(next, source_channels(*sum.terms[t].weights));
    next += as_size(blocks) * factors[t].block_stride;
  }
  threads().parallel_for(static_cast<int>(sum.terms.size()) * blocks, [&](int item) {
    const std::size_t t = as_size(item) % sum.terms.size();
    const int block = item / static_cast<int>(sum.terms.size());
    pack_winograd(*sum.terms[t].weights, 0, factors[t].channels, block, 1,
                  packed[t] + as_size(block) * factors[t].block_stride);
  });
  convolve_strips(sum, factors);
}

void NativeKernels::convolve_strips(const WinogradSum& sum, std::span<const native::WinogradFactor> factors) {
  const native::ConvolveArgs& dst = sum.dsts[0];
  const int tiles = divide_up(dst.height, 4) * divide_up(dst.width, 4);
  const int blocks = blocks_of(dst.channels);
  const int src_channels = sum.src_channels();
  const int max_strip = strip_tiles(src_channels);
  const int group = table_.blocks_per_group;
  const int parts = threads().size();
  const std::size_t part_scratch = strip_scratch_size(src_channels, group);
  assert(scratch_.size() >= kPanelFloats + as_size(parts) * part_scratch);
  threads().parallel_for(parts, [&](int part) {
    float* const sources = scratch_.data() + kPanelFloats + as_size(part) * part_scratch;
    const int first_tile = tiles * part / parts;
    const int part_tiles = tiles * (part + 1) / parts - first_tile;
    const int strips = divide_up(part_tiles, max_strip);
    for (int strip = 0; strip < strips; ++strip) {
      const int first = first_tile + part_tiles * strip / strips;
      const int count = first_tile + part_tiles * (strip + 1) / strips - first;
      const std::size_t source_point = as_size(count * src_channels + kBlock);
      for (int block = 0; block < src_channels / kBlock; ++block) {
        table_.winograd_source(sum.source_block(block), first, count, sources + block * kBlock, as_size(src_channels),
                               source_point);
      }
      float* const products = sources + as_size(kWinogradPoints) * source_point;
      for (int first_block = 0; first_block < blocks; first_block += group) {
        const int width = std::min(group, blocks - first_block);
        const std::size_t product_point = as_size(count * width * kBlock + kBlock);
        for (std::size_t d = 0; d < sum.dsts.size(); ++d) {
          bool resume = false;
          for (std::size_t t = 0; t < sum.terms.size(); ++t) {
            if (sum.terms[t].source[d] == kNoSource) continue;
            table_.winograd_products(factors[t], first_block, width,
                                     sources + sum.source_channel(sum.terms[t].source[d]), as_size(src_channels),
                                     source_point, products, product_point, count, resume);
            resume = true;
          }
          table_.winograd_output(sum.dsts[d], first_block, width, first, count, products, product_point);
        }
      }
    }
  });
}

void NativeKernels::convolve_piecewise(const WinogradSum& sum) {
  const native::ConvolveArgs& dst = sum.dsts[0];
  const int tiles = divide_up(dst.height, 4) * divide_up(dst.width, 4);
  const int blocks = blocks_of(dst.channels);
  const int src_channels = sum.src_channels();
  const int group = table_.blocks_per_group;
  const int groups = divide_up(blocks, group);
  const int parts = threads().size();
  const int strips = divide_up(tiles, wide_tiles(src_channels));
  const std::size_t part_scratch = piece_scratch_size(group);
  float* const sources = scratch_.data();
  float* const pieces = sources + scratch_.size() / kBlock * kBlock - as_size(parts) * part_scratch;
  for (int strip = 0; strip < strips; ++strip) {
    const int first = tiles * strip / strips;
    const int count = tiles * (strip + 1) / strips - first;
    const std::size_t source_point = as_size(count * src_channels + kBlock);
    assert(sources + as_size(kWinogradPoints) * source_point <= pieces);
    threads().parallel_for(src_channels / kBlock, [&](int block) {
      table_.winograd_source(sum.source_block(block), first, count, sources + block * kBlock, as_size(src_channels),
                             source_point);
    });
    threads().parallel_for(parts, [&](int part) {
      float* const packed = pieces + as_size(part) * part_scratch;
      std::array<float*, 2> products{packed + piece_size(group)};
      products[1] = products[0] + piece_products_size(group);
      for (int g = groups * part / parts; g < groups * (part + 1) / parts; ++g) {
        const int first_block = g * group;
        const int width = std::min(group, blocks - first_block);
        const std::size_t product_point = as_size(count * width * kBlock + kBlock);
        std::array<bool, 2> resume{};
        for (const WinogradTerm& term : sum.terms) {
          const int channels = source_channels(*term.weights);
          for (int channel = 0; channel < channels; channel += kPieceChannels) {
            const int piece = std::min(kPieceChannels, channels - channel);
            pack_winograd(*term.weights, channel, piece, first_block, width, packed);
            for (std::size_t d = 0; d < sum.dsts.size(); ++d) {
              if (term.source[d] == kNoSource) continue;
              table_.winograd_products(winograd_factor(packed, piece), 0, width,
                                       sources + sum.source_channel(term.source[d]) + channel, as_size(src_channels),
                                       source_point, products[d], product_point, count, resume[d]);
              resume[d] = true;
            }
          }
        }
        for (std::size_t d = 0; d < sum.dsts.size(); ++d) {
          table_.winograd_output(sum.dsts[d], first_block, width, first, count, products[d], product_point);
        }
      }
    });
  }
}

void NativeKernels::convolve_backward_weights(std::span<const WeightGradientTerm<float>> terms,
                                              const WeightSlice& slice, float* grad_weight) {
  if (terms.empty()) return;
  for ([[maybe_unused]] const WeightGradientTerm<float>& term : terms) {
    assert(term.src.extent.channels == slice.in_count && term.grad_dst.extent.channels == slice.out);
    assert(term.src.extent.height == terms[0].src.extent.height && term.src.extent.width == terms[0].src.extent.width);
  }
  reserve(slice, terms[0].src.extent.height, terms[0].src.extent.width);
  if (!uses_winograd(slice)) return direct_weight_gradient(terms, slice, grad_weight);
  for (std::size_t first = 0; first < terms.size(); first += WinogradPartition::kMaxTerms) {
    const std::size_t count = std::min(terms.size() - first, as_size(WinogradPartition::kMaxTerms));
    winograd_weight_gradient(terms.subspan(first, count), slice, grad_weight);
  }
}

void NativeKernels::direct_weight_gradient(std::span<const WeightGradientTerm<float>> terms, const WeightSlice& slice,
                                           float* grad_weight) {
  const int height = terms[0].src.extent.height;
  const int width = terms[0].src.extent.width;
  const int src_blocks = blocks_of(slice.in_count);
  const int blocks = weight_blocks(slice);
  const Partition partition(height, width, blocks);
  const std::size_t size = total_size(slice);

  const auto sum_segment = [&](int segment, int block, float* total) {
    std::fill_n(total, size, 0.0f);
    const int src_block = block % src_blocks;
    for (int chunk = partition.first_chunk(segment); chunk < partition.first_chunk(segment + 1); ++chunk) {
      const int first_row = chunk * partition.chunk_rows;
      const int last_row = std::min(first_row + partition.chunk_rows, height);
      for (const WeightGradientTerm<float>& term : terms) {
        const native::WeightGradientArgs args{term.src.row(src_block, 0),
                                              term.src.row_stride(),
                                              term.grad_dst.row(block / src_blocks, 0),
                                              term.grad_dst.row_stride(),
                                              std::min(kBlock, slice.in_count - src_block * kBlock),
                                              width,
                                              slice.kernel};
        table_.weight_gradient_rows(args, first_row, last_row, total);
      }
    }
  };

  if (partition.segments == 1) {
    threads().parallel_for(blocks, [&](int block) {
      alignas(kCacheLine) float total[kMaxTotal];
      sum_segment(0, block, total);
      add_block(total, slice, block, grad_weight);
    });
    return;
  }
  // A segment's items lie together: threads that work at the same time read different parts of the image.
  threads().parallel_for(blocks * partition.segments, [&](int item) {
    sum_segment(item / blocks, item % blocks, scratch_.data() + as_size(item) * size);
  });
  add_segments(slice, partition.segments, grad_weight);
}

void NativeKernels::winograd_weight_gradient(std::span<const WeightGradientTerm<float>> terms, const WeightSlice& slice,
                                             float* grad_weight) {
  const int height = terms[0].src.extent.height;
  const int width = terms[0].src.extent.width;
  const WinogradPartition partition(slice, height, width);
  const int pairs = weight_blocks(slice);
  const std::size_t size = total_size(slice);

  const auto tiles_of = [&](int chunk) { return partition.first_tile(chunk + 1) - partition.first_tile(chunk); };
  const auto transform = [&](int chunk, int block, float* chunk_scratch) {
    float* to = chunk_scratch + as_size(block) * partition.block_size();
    const int count = tiles_of(chunk);
    for (const WeightGradientTerm<float>& term : terms) {
      const bool source = block < partition.src_blocks;
      const Tensor<float>& tensor = source ? term.src : term.grad_dst;
      const auto function = source ? table_.winograd_source : table_.winograd_gradient;
      function({tensor.row(source ? block : block - partition.src_blocks, 0), tensor.row_stride(), height, width},
               partition.first_tile(chunk), count, to, kBlock, partition.point_stride);
      to += count * kBlock;
    }
  };
  const auto multiply = [&](int chunk, int pair, const float* chunk_scratch, float* total) {
    const int source = pair % partition.src_blocks;
    const int grad = partition.src_blocks + pair / partition.src_blocks;
    table_.winograd_weight_gradient(chunk_scratch + as_size(source) * partition.block_size(),
                                    chunk_scratch + as_size(grad) * partition.block_size(),
                                    tiles_of(chunk) * static_cast<int>(terms.size()), partition.point_stride,
                                    std::min(kBlock, slice.in_count - source * kBlock), total);
  };

  if (partition.segments == 1) {
    for (int chunk = 0; chunk < partition.chunks; ++chunk) {
      // A source block is more work than one of the gradient: both kinds come in turns, so that threads have alike.
      threads().parallel_for(partition.blocks, [&](int item) {
        const int sources = item * partition.src_blocks / partition.blocks;  // before this one
        const bool source = (item + 1) * partition.src_blocks / partition.blocks > sources;
        transform(chunk, source ? sources : partition.src_blocks + item - sources, scratch_.data());
      });
      threads().parallel_for(pairs, [&](int pair) {
        alignas(kCacheLine) float total[kMaxTotal] = {};
        multiply(chunk, pair, scratch_.data(), total);
        add_block(total, slice, pair, grad_weight);
      });
    }
    return;
  }
  const int parts = threads().size();
  threads().parallel_for(parts, [&](int part) {
    float* const chunk_scratch =
        scratch_.data() + totals_size(slice, partition.segments) + as_size(part) * partition.chunk_size();
    for (int segment = partition.segments * part / parts; segment < partition.segments * (part + 1) / parts;
         ++segment) {
      float* const totals = scratch_.data() + as_size(segment * pairs) * size;
      std::fill_n(totals, as_size(pairs) * size, 0.0f);
      for (int chunk = partition.first_chunk(segment); chunk < partition.first_chunk(segment + 1); ++chunk) {
        for (int block = 0; block < partition.blocks; ++block) transform(chunk, block, chunk_scratch);
        for (int pair = 0; pair < pairs; ++pair) multiply(chunk, pair, chunk_scratch, totals + as_size(pair) * size);
      }
    }
  });
  add_segments(slice, partition.segments, grad_weight);
}

// Adds the sums of one 16 × 16 block, [ky][kx][source channel][destination channel], to the canonical gradient.
void NativeKernels::add_block(const float* total, const WeightSlice& slice, int block, float* grad_weight) {
  const int src_blocks = blocks_of(slice.in_count);
  const int taps = slice.kernel * slice.kernel;
  const int first_out = block / src_blocks * kBlock;
  const int first_in = block % src_blocks * kBlock;
  const std::size_t out_stride = as_size(slice.in_total) * as_size(taps);
  table_.add_weight_gradient(
      total, taps, std::min(kBlock, slice.in_count - first_in), std::min(kBlock, slice.out - first_out),
      grad_weight + as_size(first_out) * out_stride + as_size(slice.in_first + first_in) * as_size(taps), out_stride);
}

// Adds the segments' sums at the start of the scratch, [segment][weight block], in order.
void NativeKernels::add_segments(const WeightSlice& slice, int segments, float* grad_weight) {
  const int blocks = weight_blocks(slice);
  const std::size_t size = total_size(slice);
  threads().parallel_for(blocks, [&](int block) {
    float* total = scratch_.data() + as_size(block) * size;
    for (int segment = 1; segment < segments; ++segment) {
      const float* part = total + as_size(segment * blocks) * size;
      for (std::size_t i = 0; i < size; ++i) total[i] = flushed(total[i] + part[i]);
    }
    add_block(total, slice, block, grad_weight);
  });
}

void NativeKernels::run_activation(ActivationKind kind, native::Pass pass, const float* z, const float* tan_z,
                                   const float* grad_a, const float* tan_grad_a, float* dst, std::size_t count) {
  const native::Activate function = table_.activate[static_cast<int>(kind)][pass];
  constexpr std::size_t kItem = 8192;
  threads().parallel_for(static_cast<int>((count + kItem - 1) / kItem), [&](int item) {
    const std::size_t first = as_size(item) * kItem;
    const auto at = [first](const float* p) { return p ? p + first : nullptr; };
    function(at(z), at(tan_z), at(grad_a), at(tan_grad_a), dst + first, std::min(kItem, count - first));
  });
}

void NativeKernels::activate(ActivationKind kind, const float* z, float* a, std::size_t count) {
  run_activation(kind, native::kForward, z, nullptr, nullptr, nullptr, a, count);
}

void NativeKernels::activate_backward(ActivationKind kind, const float* z, const float* grad_a, float* grad_z,
                                      std::size_t count) {
  run_activation(kind, native::kBackward, z, nullptr, grad_a, nullptr, grad_z, count);
}

void NativeKernels::activate_tangent(ActivationKind kind, const float* z, const float* tan_z, float* tan_a,
                                     std::size_t count) {
  run_activation(kind, native::kTangent, z, tan_z, nullptr, nullptr, tan_a, count);
}

void NativeKernels::activate_tangent_backward(ActivationKind kind, const float* z, const float* tan_z,
                                              const float* grad_a, const float* tan_grad_a, float* tan_grad_z,
                                              std::size_t count) {
  run_activation(kind, native::kTangentBackward, z, tan_z, grad_a, tan_grad_a, tan_grad_z, count);
}

}  // namespace altocast
