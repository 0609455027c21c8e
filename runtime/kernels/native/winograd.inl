// Winograd's F(4×4, 3×3): an output tile of 4×4 pixels from 6×6 of the source with 36 multiplications a channel pair
// instead of 144 (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2016; points 0, ±1, ±2, ∞).
// A strip of tiles is transformed into scratch, multiplied at each of the 36 points, and transformed back. The
// transforms are element-wise over channels; the products are summed over terms, then source channels, from zero by
// fused multiply-adds, so that how tiles are grouped changes no bit.
namespace altocast::native::ALTOCAST_ISA {
namespace {

// t[6] = Bᵀ d[6]
inline void transform_source_line(const Vec* d, Vec* t) {
  const Vec two = constant(2.0f), four = constant(4.0f);
  const Vec minus_two = constant(-2.0f), minus_four = constant(-4.0f), minus_five = constant(-5.0f);
  const Vec even = fma(minus_four, d[2], d[4]);
  const Vec odd = fma(minus_four, d[1], d[3]);
  const Vec even2 = sub(d[4], d[2]);
  const Vec odd2 = sub(d[3], d[1]);
  t[0] = fma(four, d[0], fma(minus_five, d[2], d[4]));
  t[1] = add(even, odd);
  t[2] = sub(even, odd);
  t[3] = fma(two, odd2, even2);
  t[4] = fma(minus_two, odd2, even2);
  t[5] = fma(four, d[1], fma(minus_five, d[3], d[5]));
}

// y[4] = Aᵀ m[6]
inline void transform_product_line(const Vec* m, Vec* y) {
  const Vec sum1 = add(m[1], m[2]), difference1 = sub(m[1], m[2]);
  const Vec sum2 = add(m[3], m[4]), difference2 = sub(m[3], m[4]);
  y[0] = add(add(m[0], sum1), sum2);
  y[1] = fma(constant(2.0f), difference2, difference1);
  y[2] = fma(constant(4.0f), sum2, sum1);
  y[3] = add(fma(constant(8.0f), difference2, difference1), m[5]);
}

// t[6] = G g[3]
inline void transform_weight_line(const Vec* g, Vec* t) {
  const Vec outer = add(g[0], g[2]);
  const Vec outer2 = fma(constant(4.0f), g[2], g[0]);
  const Vec middle2 = add(g[1], g[1]);
  t[0] = mul(constant(0.25f), g[0]);
  t[1] = mul(constant(-1.0f / 6), add(outer, g[1]));
  t[2] = mul(constant(-1.0f / 6), sub(outer, g[1]));
  t[3] = mul(constant(1.0f / 24), add(outer2, middle2));
  t[4] = mul(constant(1.0f / 24), sub(outer2, middle2));
  t[5] = g[2];
}

void winograd_weights(const float* direct, int channels, float* packed, size_t point_stride) {
  const size_t tap = static_cast<size_t>(channels) * kBlock;
  for (size_t i = 0; i < tap; i += kLanes) {
    Vec columns[3][6];
    for (int kx = 0; kx < 3; ++kx) {
      Vec g[3];
      for (int ky = 0; ky < 3; ++ky) g[ky] = load(direct + static_cast<size_t>(ky * 3 + kx) * tap + i);
      transform_weight_line(g, columns[kx]);
    }
    for (int row = 0; row < 6; ++row) {
      const Vec g[3] = {columns[0][row], columns[1][row], columns[2][row]};
      Vec t[6];
      transform_weight_line(g, t);
      for (int x = 0; x < 6; ++x) store(packed + static_cast<size_t>(row * 6 + x) * point_stride + i, t[x]);
    }
  }
}

// The 6×6 pixels around a tile, 16 channels, from `src` on.
inline void transform_source(const float* src, size_t row_stride, float* to, size_t point_stride) {
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    Vec columns[6][6];
    for (int x = 0; x < 6; ++x) {
      Vec d[6];
      ALTOCAST_UNROLL
      for (int y = 0; y < 6; ++y) d[y] = load(src + static_cast<size_t>(y) * row_stride + x * kBlock + lane);
      transform_source_line(d, columns[x]);
    }
    for (int y = 0; y < 6; ++y) {
      const Vec d[6] = {columns[0][y], columns[1][y], columns[2][y], columns[3][y], columns[4][y], columns[5][y]};
      Vec t[6];
      transform_source_line(d, t);
      ALTOCAST_UNROLL
      for (int x = 0; x < 6; ++x) store(to + static_cast<size_t>(y * 6 + x) * point_stride + lane, t[x]);
    }
  }
}

// A tile's products, 16 channels, to `rows` × `columns` pixels.
inline void transform_products(const float* from, size_t point_stride, const float* bias, float* dst, size_t row_stride,
                               int rows, int columns) {
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    Vec lines[6][4];
    for (int x = 0; x < 6; ++x) {
      Vec m[6];
      ALTOCAST_UNROLL
      for (int y = 0; y < 6; ++y) m[y] = load(from + static_cast<size_t>(y * 6 + x) * point_stride + lane);
      transform_product_line(m, lines[x]);
    }
    const Vec start = load(bias + lane);
    for (int y = 0; y < 4 && y < rows; ++y) {
      const Vec m[6] = {lines[0][y], lines[1][y], lines[2][y], lines[3][y], lines[4][y], lines[5][y]};
      Vec out[4];
      transform_product_line(m, out);
      float* to = dst + static_cast<size_t>(y) * row_stride + lane;
      ALTOCAST_UNROLL
      for (int x = 0; x < 4; ++x) {
        if (x < columns) store(to + x * kBlock, add(start, out[x]));
      }
    }
  }
}

// At one point: `tiles` tiles from `source` on times the weights of `blocks` destination blocks.
template <int blocks, int tiles>
inline void multiply_tile(const ConvolveArgs& args, int first_block, int lane, int point, const float* source,
                          size_t source_tile, float* product, size_t product_tile) {
  Vec sum[blocks][kVectors][tiles];
  ALTOCAST_UNROLL
  for (int b = 0; b < blocks; ++b) {
    ALTOCAST_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      ALTOCAST_UNROLL
      for (int p = 0; p < tiles; ++p) sum[b][v][p] = zero();
    }
  }
  for (int t = 0; t < args.term_count; ++t) {
    const ConvolveTerm& term = args.terms[t];
    const size_t block_stride = term.packed_block;
    const float* weight = term.packed + static_cast<size_t>(first_block) * block_stride +
                          static_cast<size_t>(point) * static_cast<size_t>(term.channels) * kBlock + lane;
    const float* src = source;
    const float* const end = source + term.channels;
    do {
      Vec w[blocks][kVectors];
      ALTOCAST_UNROLL
      for (int b = 0; b < blocks; ++b) {
        ALTOCAST_UNROLL
        for (int v = 0; v < kVectors; ++v) w[b][v] = load(weight + static_cast<size_t>(b) * block_stride + v * kLanes);
      }
      ALTOCAST_UNROLL
      for (int p = 0; p < tiles; ++p) {
        const Vec value = broadcast(src + static_cast<size_t>(p) * source_tile);
        ALTOCAST_UNROLL
        for (int b = 0; b < blocks; ++b) {
          ALTOCAST_UNROLL
          for (int v = 0; v < kVectors; ++v) sum[b][v][p] = fma(value, w[b][v], sum[b][v][p]);
        }
      }
      weight += kBlock;
    } while (++src != end);
    source += (term.channels + kBlock - 1) / kBlock * kBlock;
  }
  ALTOCAST_UNROLL
  for (int b = 0; b < blocks; ++b) {
    ALTOCAST_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      ALTOCAST_UNROLL
      for (int p = 0; p < tiles; ++p) {
        store(product + static_cast<size_t>(p) * product_tile + b * kBlock + lane + v * kLanes, sum[b][v][p]);
      }
    }
  }
}

template <int blocks, int tiles>
void multiply_tiles(const ConvolveArgs& args, int first_block, int point, const float* source, size_t source_tile,
                    float* product, int count) {
  if constexpr (tiles > 1) {
    if (count < tiles) {
      return multiply_tiles<blocks, tiles - 1>(args, first_block, point, source, source_tile, product, count);
    }
  }
  for (int lane = 0; lane < kBlock; lane += kVectors * kLanes) {
    multiply_tile<blocks, tiles>(args, first_block, lane, point, source, source_tile, product, blocks * kBlock);
  }
}

template <int blocks, int max_tiles>
void multiply_points(const ConvolveArgs& args, int first_block, const float* source, size_t source_tile,
                     size_t source_point, float* product, size_t product_point, int count) {
  const int groups = (count + max_tiles - 1) / max_tiles;
  for (int point = 0; point < 36; ++point, source += source_point, product += product_point) {
    int first = 0;
    for (int group = 0; group < groups; ++group) {
      const int tiles = count / groups + (group < count % groups ? 1 : 0);
      multiply_tiles<blocks, max_tiles>(args, first_block, point, source + static_cast<size_t>(first) * source_tile,
                                        source_tile, product + first * blocks * kBlock, tiles);
      first += tiles;
    }
  }
}

void winograd_strip(const ConvolveArgs& args, int first_tile, int count, float* scratch) {
  const int tiles_across = (args.width + 3) / 4;
  size_t source_tile = 0;
  for (int t = 0; t < args.term_count; ++t) {
    source_tile += static_cast<size_t>((args.terms[t].channels + kBlock - 1) / kBlock * kBlock);
  }
  // One cache line more than the tiles need: points would share cache sets.
  const size_t source_point = static_cast<size_t>(count) * source_tile + kBlock;

  for (int i = 0; i < count; ++i) {
    const int y = (first_tile + i) / tiles_across * 4;
    const int x = (first_tile + i) % tiles_across * 4;
    // Source rows y − 1 … y + 4 exist up to the halo's row, `height`.
    const int rows = args.height + 2 - y < 6 ? args.height + 2 - y : 6;
    const int columns = args.width + 2 - x < 6 ? args.width + 2 - x : 6;
    float* to = scratch + static_cast<size_t>(i) * source_tile;
    for (int t = 0; t < args.term_count; ++t) {
      const ConvolveTerm& term = args.terms[t];
      const float* src = term.src + static_cast<ptrdiff_t>(y - 1) * static_cast<ptrdiff_t>(term.row_stride) +
                         static_cast<ptrdiff_t>(x - 1) * kBlock;
      for (int left = term.channels; left > 0; left -= kBlock, src += term.block_stride, to += kBlock) {
        if (rows == 6 && columns == 6) {
          transform_source(src, term.row_stride, to, source_point);
          continue;
        }
        float patch[6 * 6 * kBlock] = {};
        for (int row = 0; row < rows; ++row) {
          const float* line = src + static_cast<size_t>(row) * term.row_stride;
          for (int k = 0; k < columns * kBlock; ++k) patch[row * 6 * kBlock + k] = line[k];
        }
        transform_source(patch, 6 * kBlock, to, source_point);
      }
    }
  }

  float* const products = scratch + 36 * source_point;
  const int blocks = (args.channels + kBlock - 1) / kBlock;
  for (int first_block = 0; first_block < blocks;) {
    const int group = kBlocksPerGroup == 2 && first_block + 1 < blocks ? kBlocksPerGroup : 1;
    const size_t product_point = static_cast<size_t>(count * group * kBlock) + kBlock;
    if (group == 1) {
      multiply_points<1, kPixelsSingle>(args, first_block, scratch, source_tile, source_point, products, product_point,
                                        count);
    } else {
      multiply_points<kBlocksPerGroup, kPixels>(args, first_block, scratch, source_tile, source_point, products,
                                                product_point, count);
    }
    for (int b = 0; b < group; ++b) {
      float bias[kBlock] = {};
      const int channel = (first_block + b) * kBlock;
      if (args.bias) {
        for (int c = 0; c < kBlock && channel + c < args.channels; ++c) bias[c] = args.bias[channel + c];
      }
      for (int i = 0; i < count; ++i) {
        const int y = (first_tile + i) / tiles_across * 4;
        const int x = (first_tile + i) % tiles_across * 4;
        transform_products(products + (i * group + b) * kBlock, product_point, bias,
                           args.dst + static_cast<size_t>(first_block + b) * args.block_stride +
                               static_cast<size_t>(y) * args.row_stride + static_cast<size_t>(x) * kBlock,
                           args.row_stride, args.height - y, args.width - x);
      }
    }
    first_block += group;
  }
}

}  // namespace
}  // namespace altocast::native::ALTOCAST_ISA
