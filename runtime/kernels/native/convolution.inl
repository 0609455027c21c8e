// Direct convolution: a tile of pixels of one or two destination blocks stays in registers over the whole
// sum, for every source channel one broadcast a pixel (or for a vector of them one load) and the weights of a block.
namespace altocast::native::ALTOCAST_ISA {
namespace {

template <int i>
struct Index {
  static constexpr int value = i;
};

// body(Index<0>), …, body(Index<count − 1>), for what takes its index as a constant.
template <int count, class Body>
inline void for_constants(const Body& body) {
  if constexpr (count > 1) for_constants<count - 1>(body);
  body(Index<count - 1>{});
}

// sum[b][v][p] += Σ over `elements` source channels, in order, of src's number at pixel p times weight[channel][16] of
// block b; moves `weight` on. V is Vec: what only some wrappers offer is so looked up where it is used.
template <int elements, class V, int blocks, int pixels>
ALTOCAST_INLINE void add_elements(const float* src, size_t pixel_stride, const float*& weight, size_t weight_block,
                                  V (&sum)[blocks][kVectors][pixels]) {
  if constexpr (elements == 1) {
    Vec w[blocks][kVectors];
    ALTOCAST_UNROLL
    for (int b = 0; b < blocks; ++b) {
      ALTOCAST_UNROLL
      for (int v = 0; v < kVectors; ++v) w[b][v] = load(weight + static_cast<size_t>(b) * weight_block + v * kLanes);
    }
    ALTOCAST_UNROLL
    for (int p = 0; p < pixels; ++p) {
      const Vec value = broadcast(src + static_cast<size_t>(p) * pixel_stride);
      ALTOCAST_UNROLL
      for (int b = 0; b < blocks; ++b) {
        ALTOCAST_UNROLL
        for (int v = 0; v < kVectors; ++v) sum[b][v][p] = fma(value, w[b][v], sum[b][v][p]);
      }
    }
    weight += kBlock;
  } else {
    V values[pixels];
    ALTOCAST_UNROLL
    for (int p = 0; p < pixels; ++p) values[p] = load(src + static_cast<size_t>(p) * pixel_stride);
    for_constants<elements>([&](auto element) {
      ALTOCAST_UNROLL
      for (int b = 0; b < blocks; ++b) {
        V w[kVectors];
        load_vectors(weight + static_cast<size_t>(b) * weight_block, w);
        ALTOCAST_UNROLL
        for (int p = 0; p < pixels; ++p) {
          ALTOCAST_UNROLL
          for (int v = 0; v < kVectors; ++v) sum[b][v][p] = fma_element(element, values[p], w[v], sum[b][v][p]);
        }
      }
      weight += kBlock;
      asm("" : "+r"(weight));  // keeps g++ from adding to the old pointer where the load can move it on
    });
  }
}

// The same over `channels` ≥ 1 source channels.
template <int blocks, int pixels>
ALTOCAST_INLINE void add_channels(const float* src, size_t pixel_stride, int channels, const float* weight,
                                  size_t weight_block, Vec (&sum)[blocks][kVectors][pixels]) {
  const float* const end = src + channels;
  if constexpr (kElements > 1) {
    for (const float* const last = src + (channels & -kElements); src != last; src += kElements) {
      add_elements<kElements>(src, pixel_stride, weight, weight_block, sum);
    }
    if (src == end) return;
  }
  do {
    add_elements<1>(src, pixel_stride, weight, weight_block, sum);
  } while (++src != end);
}

// `pixels` pixels from x on, vectors [first_vector, first_vector + kVectors) of `blocks` destination blocks.
template <int blocks, int pixels>
inline void convolve_tile(const ConvolveArgs& args, int first_block, int first_vector, int y, int x) {
  Vec sum[blocks][kVectors][pixels];
  const int lane = first_vector * kLanes;

  ALTOCAST_UNROLL
  for (int b = 0; b < blocks; ++b) {
    float bias[kBlock] = {};
    const int channel = (first_block + b) * kBlock;
    if (args.bias) {
      for (int c = 0; c < kBlock && channel + c < args.channels; ++c) bias[c] = args.bias[channel + c];
    }
    ALTOCAST_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Vec start = load(bias + lane + v * kLanes);
      ALTOCAST_UNROLL
      for (int p = 0; p < pixels; ++p) sum[b][v][p] = start;
    }
  }

  for (int t = 0; t < args.term_count; ++t) {
    const ConvolveTerm& term = args.terms[t];
    const float* weight = term.packed + static_cast<size_t>(first_block) * term.packed_block + lane;
    const size_t weight_block = term.packed_block;
    const int pad = term.kernel / 2;
    const float* plane = term.src + static_cast<ptrdiff_t>(y - pad) * static_cast<ptrdiff_t>(term.row_stride) +
                         static_cast<ptrdiff_t>(x - pad) * kBlock;
    for (int left = term.channels; left > 0; left -= kBlock, plane += term.block_stride) {
      const int channels = left < kBlock ? left : kBlock;
      const float* row = plane;
      for (int ky = 0; ky < term.kernel; ++ky, row += term.row_stride) {
        const float* tap = row;
        for (int kx = 0; kx < term.kernel; ++kx, tap += kBlock) {
          add_channels(tap, kBlock, channels, weight, weight_block, sum);
          weight += channels * kBlock;
        }
      }
    }
  }

  ALTOCAST_UNROLL
  for (int b = 0; b < blocks; ++b) {
    float* dst = args.dst + static_cast<size_t>(first_block + b) * args.block_stride +
                 static_cast<size_t>(y) * args.row_stride + static_cast<size_t>(x) * kBlock + lane;
    ALTOCAST_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      ALTOCAST_UNROLL
      for (int p = 0; p < pixels; ++p) store(dst + p * kBlock + v * kLanes, sum[b][v][p]);
    }
  }
}

template <int blocks, int pixels>
void convolve_pixels(const ConvolveArgs& args, int first_block, int y, int x, int count) {
  if constexpr (pixels > 1) {
    if (count < pixels) return convolve_pixels<blocks, pixels - 1>(args, first_block, y, x, count);
  }
  for (int vector = 0; vector < kBlock / kLanes; vector += kVectors) {
    convolve_tile<blocks, pixels>(args, first_block, vector, y, x);
  }
}

// Splits the row into as few tiles as fit, of nearly equal size.
template <int blocks, int max_pixels>
void convolve_blocks(const ConvolveArgs& args, int first_block, int y) {
  const int tiles = (args.width + max_pixels - 1) / max_pixels;
  const int small = args.width / tiles;
  const int large_count = args.width % tiles;
  int x = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    const int count = small + (tile < large_count ? 1 : 0);
    convolve_pixels<blocks, max_pixels>(args, first_block, y, x, count);
    x += count;
  }
}

void convolve_row(const ConvolveArgs& args, int first_block, int y) {
  const int blocks = (args.channels + kBlock - 1) / kBlock;
  const int count = kBlocksPerGroup == 2 && first_block + 1 < blocks ? kBlocksPerGroup : 1;
  if (count == kBlocksPerGroup) {
    convolve_blocks<kBlocksPerGroup, kPixels>(args, first_block, y);
  } else {
    convolve_blocks<1, kPixelsSingle>(args, first_block, y);
  }
  if (args.activation == kNoActivation) return;
  for (int block = first_block; block < first_block + count; ++block) {
    const size_t row = static_cast<size_t>(block) * args.block_stride + static_cast<size_t>(y) * args.row_stride;
    activate_forward(args.activation, args.dst + row, args.activated + row, static_cast<size_t>(args.width * kBlock));
  }
}

}  // namespace
}  // namespace altocast::native::ALTOCAST_ISA
