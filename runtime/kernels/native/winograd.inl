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

// t[6] = A y[4]
inline void transform_gradient_line(const Vec* y, Vec* t) {
  const Vec even = add(y[0], y[2]), odd = add(y[1], y[3]);
  const Vec even2 = fma(constant(4.0f), y[2], y[0]);
  const Vec odd2 = fma(constant(8.0f), y[3], add(y[1], y[1]));
  t[0] = y[0];
  t[1] = add(even, odd);
  t[2] = sub(even, odd);
  t[3] = add(even2, odd2);
  t[4] = sub(even2, odd2);
  t[5] = y[3];
}

// g[3] = Gᵀ m[6]
inline void transform_sums_line(const Vec* m, Vec* g) {
  const Vec sum1 = add(m[1], m[2]), difference1 = sub(m[1], m[2]);
  const Vec sum2 = add(m[3], m[4]), difference2 = sub(m[3], m[4]);
  const Vec outer = mul(constant(-1.0f / 6), sum1);
  g[0] = fma(constant(1.0f / 24), sum2, fma(constant(0.25f), m[0], outer));
  g[1] = fma(constant(1.0f / 12), difference2, mul(constant(-1.0f / 6), difference1));
  g[2] = fma(constant(1.0f / 6), sum2, add(outer, m[5]));
}

// Some rows of the outer product of a line's transform with itself, applied to `in` × `in` vectors: load(y, x) gives
// them, store(row, x, vector) takes the `out` numbers of a row. What the rows do not need is never computed; few enough
// rows at a time stay in registers.
template <auto line, int in, int out, int... rows, class Load, class Store>
inline void transform_rows(const Load& load, const Store& store) {
  constexpr int kRows[] = {rows...};
  constexpr int kCount = sizeof...(rows);
  Vec columns[kCount][in];
  ALTOCAST_UNROLL
  for (int x = 0; x < in; ++x) {
    Vec from[in], to[out];
    ALTOCAST_UNROLL
    for (int y = 0; y < in; ++y) from[y] = load(y, x);
    line(from, to);
    ALTOCAST_UNROLL
    for (int i = 0; i < kCount; ++i) columns[i][x] = to[kRows[i]];
  }
  ALTOCAST_UNROLL
  for (int i = 0; i < kCount; ++i) {
    Vec to[out];
    line(columns[i], to);
    ALTOCAST_UNROLL
    for (int x = 0; x < out; ++x) store(kRows[i], x, to[x]);
  }
}

// All six rows for transforms to the points: the rows of a point and its negative share terms.
template <auto line, int in, class Load, class Store>
inline void transform_to_points(const Load& load, const Store& store) {
  if constexpr (kRegisters == 32 && in == 3) {
    transform_rows<line, in, 6, 0, 1, 2, 3, 4, 5>(load, store);
  } else if constexpr (kRegisters == 32) {
    transform_rows<line, in, 6, 0, 1, 2>(load, store);
    transform_rows<line, in, 6, 3, 4, 5>(load, store);
  } else {
    transform_rows<line, in, 6, 0>(load, store);
    transform_rows<line, in, 6, 1, 2>(load, store);
    transform_rows<line, in, 6, 3, 4>(load, store);
    transform_rows<line, in, 6, 5>(load, store);
  }
}

// Rows and columns of a tile's pixels or points, a vector of their 16 channels at a time.
template <class Float, int rows, int columns>
struct Grid {
  Float* row[rows];
  size_t column[columns];

  Float* at(int y, int x) const { return row[y] + column[x]; }
  void next() {
    ALTOCAST_UNROLL
    for (int y = 0; y < rows; ++y) row[y] += kLanes;
  }
};

template <int rows, int columns, class Float>
inline Grid<Float, rows, columns> pixel_grid(Float* pixels, size_t row_stride) {
  Grid<Float, rows, columns> grid;
  ALTOCAST_UNROLL
  for (int y = 0; y < rows; ++y) grid.row[y] = opaque(pixels + static_cast<size_t>(y) * row_stride);
  ALTOCAST_UNROLL
  for (int x = 0; x < columns; ++x) grid.column[x] = static_cast<size_t>(x * kBlock);
  return grid;
}

template <class Float>
inline Grid<Float, 6, 6> point_grid(Float* points, size_t point_stride) {
  Grid<Float, 6, 6> grid;
  ALTOCAST_UNROLL
  for (int y = 0; y < 6; ++y) grid.row[y] = opaque(points + static_cast<size_t>(6 * y) * point_stride);
  ALTOCAST_UNROLL
  for (int x = 0; x < 6; ++x) grid.column[x] = opaque(static_cast<size_t>(x) * point_stride);
  return grid;
}

// `size` × `size` vectors of 16 channels to the 36 points.
template <auto line, int size>
inline void transform_channels(Grid<const float, size, size> from, Grid<float, 6, 6> to) {
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    transform_to_points<line, size>([&](int y, int x) { return load(from.at(y, x)); },
                                    [&](int y, int x, Vec t) { store(to.at(y, x), t); });
    from.next();
    to.next();
  }
}

void winograd_weights(const float* direct, int channels, float* packed, size_t point_stride) {
  for (int channel = 0; channel < channels; ++channel, direct += 9 * kBlock, packed += kBlock) {
    transform_channels<transform_weight_line, 3>(pixel_grid<3, 3>(direct, 3 * kBlock),
                                                 point_grid(packed, point_stride));
  }
}

// Transforms tiles [first_tile, first_tile + count) of one channel block, `size` × `size` pixels each, of which the
// first lies `margin` rows and columns before the tile's. Pixels beyond the halo count as zero.
template <auto line, int size, int margin>
inline void transform_tiles(const WinogradImage& image, int first_tile, int count, float* to, size_t tile_stride,
                            size_t point_stride) {
  const int tiles_across = (image.width + 3) / 4;
  for (int i = 0; i < count; ++i, to += tile_stride) {
    const int y = (first_tile + i) / tiles_across * 4;
    const int x = (first_tile + i) % tiles_across * 4;
    const int rows = image.height + 1 + margin - y, columns = image.width + 1 + margin - x;
    const float* src = image.pixels + static_cast<ptrdiff_t>(y - margin) * static_cast<ptrdiff_t>(image.row_stride) +
                       static_cast<ptrdiff_t>(x - margin) * kBlock;
    size_t row_stride = image.row_stride;
    alignas(64) float patch[size * size * kBlock];
    if (rows < size || columns < size) {
      for (int k = 0; k < size * size * kBlock; ++k) patch[k] = 0;
      for (int row = 0; row < size && row < rows; ++row) {
        const float* from = src + static_cast<size_t>(row) * row_stride;
        for (int k = 0; k < size * kBlock && k < columns * kBlock; ++k) patch[row * size * kBlock + k] = from[k];
      }
      src = patch;
      row_stride = size * kBlock;
    }
    transform_channels<line, size>(pixel_grid<size, size>(src, row_stride), point_grid(to, point_stride));
  }
}

void winograd_source(const WinogradImage& image, int first_tile, int count, float* to, size_t tile_stride,
                     size_t point_stride) {
  transform_tiles<transform_source_line, 6, 1>(image, first_tile, count, to, tile_stride, point_stride);
}

void winograd_gradient(const WinogradImage& image, int first_tile, int count, float* to, size_t tile_stride,
                       size_t point_stride) {
  transform_tiles<transform_gradient_line, 4, 0>(image, first_tile, count, to, tile_stride, point_stride);
}

// A tile's products to 4 × 4 pixels.
template <class Load, class Store>
inline void transform_products(const Load& product, const Store& pixel) {
  if constexpr (kRegisters == 32) {
    transform_rows<transform_product_line, 6, 4, 0, 1, 2, 3>(product, pixel);
  } else {
    transform_rows<transform_product_line, 6, 4, 0>(product, pixel);
    transform_rows<transform_product_line, 6, 4, 1>(product, pixel);
    transform_rows<transform_product_line, 6, 4, 2>(product, pixel);
    transform_rows<transform_product_line, 6, 4, 3>(product, pixel);
  }
}

// At one point: `tiles` tiles from `source` on times the weights of `blocks` destination blocks; sums begin at zero or,
// where `resume` is true, with what is in `product`.
template <int blocks, int tiles>
inline void multiply_tile(const WinogradFactor& factor, int first_block, int lane, int point, const float* source,
                          size_t source_tile, float* product, size_t product_tile, bool resume) {
  Vec sum[blocks][kVectors][tiles];
  ALTOCAST_UNROLL
  for (int b = 0; b < blocks; ++b) {
    ALTOCAST_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      ALTOCAST_UNROLL
      for (int p = 0; p < tiles; ++p) {
        sum[b][v][p] =
            resume ? load(product + static_cast<size_t>(p) * product_tile + b * kBlock + lane + v * kLanes) : zero();
      }
    }
  }
  const float* weight = factor.packed + static_cast<size_t>(first_block) * factor.block_stride +
                        static_cast<size_t>(point) * factor.point_stride + lane;
  add_channels(source, source_tile, factor.channels, weight, factor.block_stride, sum);
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
void multiply_tiles(const WinogradFactor& factor, int first_block, int point, const float* source, size_t source_tile,
                    float* product, int count, bool resume) {
  if constexpr (tiles > 1) {
    if (count < tiles) {
      return multiply_tiles<blocks, tiles - 1>(factor, first_block, point, source, source_tile, product, count, resume);
    }
  }
  for (int lane = 0; lane < kBlock; lane += kVectors * kLanes) {
    multiply_tile<blocks, tiles>(factor, first_block, lane, point, source, source_tile, product, blocks * kBlock,
                                 resume);
  }
}

template <int blocks, int max_tiles>
void multiply_points(const WinogradFactor& factor, int first_block, const float* source, size_t source_tile,
                     size_t source_point, float* product, size_t product_point, int count, bool resume) {
  const int groups = (count + max_tiles - 1) / max_tiles;
  for (int point = 0; point < 36; ++point, source += source_point, product += product_point) {
    int first = 0;
    for (int group = 0; group < groups; ++group) {
      const int tiles = count / groups + (group < count % groups ? 1 : 0);
      multiply_tiles<blocks, max_tiles>(factor, first_block, point, source + static_cast<size_t>(first) * source_tile,
                                        source_tile, product + first * blocks * kBlock, tiles, resume);
      first += tiles;
    }
  }
}

void winograd_products(const WinogradFactor& factor, int first_block, int blocks, const float* source,
                       size_t source_tile, size_t source_point, float* products, size_t product_point, int count,
                       bool resume) {
  if (blocks == 1) {
    multiply_points<1, kPixelsSingle>(factor, first_block, source, source_tile, source_point, products, product_point,
                                      count, resume);
  } else {
    multiply_points<kBlocksPerGroup, kPixels>(factor, first_block, source, source_tile, source_point, products,
                                              product_point, count, resume);
  }
}

// Where a tile of a destination block begins.
inline size_t tile_offset(const ConvolveArgs& args, int block, int y, int x) {
  return static_cast<size_t>(block) * args.block_stride + static_cast<size_t>(y) * args.row_stride +
         static_cast<size_t>(x) * kBlock;
}

// Writes the activation's value of the sums: whole tiles where they belong, others into a patch of which the pixels
// inside the image are copied.
template <class Activation>
void output_tiles(const ConvolveArgs& args, int first_block, int blocks, int first_tile, int count,
                  const float* products, size_t product_point) {
  const int tiles_across = (args.width + 3) / 4;
  for (int b = 0; b < blocks; ++b) {
    float bias[kBlock] = {};
    const int channel = (first_block + b) * kBlock;
    if (args.bias) {
      for (int c = 0; c < kBlock && channel + c < args.channels; ++c) bias[c] = args.bias[channel + c];
    }
    for (int i = 0; i < count; ++i) {
      const int y = (first_tile + i) / tiles_across * 4;
      const int x = (first_tile + i) % tiles_across * 4;
      const int rows = args.height - y, columns = args.width - x;
      float* const pixels = args.dst + tile_offset(args, first_block + b, y, x);
      alignas(64) float patch[4 * 4 * kBlock];
      const bool whole = rows >= 4 && columns >= 4;
      auto to = pixel_grid<4, 4>(whole ? pixels : patch, whole ? args.row_stride : 4 * kBlock);
      auto from = point_grid(products + (i * blocks + b) * kBlock, product_point);
      for (int lane = 0; lane < kBlock; lane += kLanes) {
        const Vec start = load(bias + lane);
        transform_products([&](int row, int column) { return load(from.at(row, column)); },
                           [&](int row, int column, Vec product) {
                             store(to.at(row, column), Activation::value(add(start, product)));
                           });
        from.next();
        to.next();
      }
      if (whole) continue;
      for (int row = 0; row < 4 && row < rows; ++row) {
        float* const copy = pixels + static_cast<size_t>(row) * args.row_stride;
        for (int k = 0; k < 4 * kBlock && k < columns * kBlock; ++k) copy[k] = patch[row * 4 * kBlock + k];
      }
    }
  }
}

void winograd_output(const ConvolveArgs& args, int first_block, int blocks, int first_tile, int count,
                     const float* products, size_t product_point) {
  if constexpr (kFusesFast) {
    if (args.activation != kNoActivation && args.activated == args.dst) {
      const auto output = args.activation == kRelu ? output_tiles<Relu> : output_tiles<Silu>;
      return output(args, first_block, blocks, first_tile, count, products, product_point);
    }
  }
  output_tiles<Identity>(args, first_block, blocks, first_tile, count, products, product_point);
  if (args.activation == kNoActivation) return;

  // Where the sums are kept (or fma is slow, and code for it large) the activation is a pass of its own over them,
  // while they are in the nearest cache.
  const int tiles_across = (args.width + 3) / 4;
  for (int b = 0; b < blocks; ++b) {
    for (int tile = first_tile; tile < first_tile + count; ++tile) {
      const int y = tile / tiles_across * 4, x = tile % tiles_across * 4;
      const int columns = args.width - x < 4 ? args.width - x : 4;
      for (int row = y; row < y + 4 && row < args.height; ++row) {
        const size_t offset = tile_offset(args, first_block + b, row, x);
        activate_forward(args.activation, args.dst + offset, args.activated + offset,
                         static_cast<size_t>(columns * kBlock));
      }
    }
  }
}

// At one point: sums[channel][16] = Σ over tiles of `channels` source channels ⊗ vectors of a destination block.
// V is Vec, as in add_elements.
template <int vectors, int channels, class V = Vec>
inline void sum_outer_products(const float* source, const float* grad, int tiles, float* sums) {
  V sum[channels][vectors];
  ALTOCAST_UNROLL
  for (int c = 0; c < channels; ++c) {
    ALTOCAST_UNROLL
    for (int v = 0; v < vectors; ++v) sum[c][v] = zero();
  }
  for (int tile = 0; tile < tiles; ++tile, source += kBlock, grad += kBlock) {
    V g[vectors];
    if constexpr (kElements == channels) {
      load_vectors(grad, g);
      const V values = load(source);
      for_constants<channels>([&](auto c) {
        ALTOCAST_UNROLL
        for (int v = 0; v < vectors; ++v) sum[c.value][v] = fma_element(c, values, g[v], sum[c.value][v]);
      });
    } else {
      ALTOCAST_UNROLL
      for (int v = 0; v < vectors; ++v) g[v] = load(grad + v * kLanes);
      ALTOCAST_UNROLL
      for (int c = 0; c < channels; ++c) {
        const Vec value = broadcast(source + c);
        ALTOCAST_UNROLL
        for (int v = 0; v < vectors; ++v) sum[c][v] = fma(value, g[v], sum[c][v]);
      }
    }
  }
  ALTOCAST_UNROLL
  for (int c = 0; c < channels; ++c) {
    ALTOCAST_UNROLL
    for (int v = 0; v < vectors; ++v) store(sums + c * kBlock + v * kLanes, sum[c][v]);
  }
}

// total[3][3][16][16] += Gᵀ sums G of one source channel; sums [36], a point point_stride floats after the last.
inline void add_transformed_sums(const float* sums, size_t point_stride, float* total) {
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    const auto sum = [=](int y, int x) { return load(sums + static_cast<size_t>(y * 6 + x) * point_stride + lane); };
    const auto tap = [=](int ky, int kx, Vec g) {
      float* to = total + (ky * 3 + kx) * kBlock * kBlock + lane;
      store(to, add(load(to), g));
    };
    transform_rows<transform_sums_line, 6, 3, 0>(sum, tap);
    transform_rows<transform_sums_line, 6, 3, 1>(sum, tap);
    transform_rows<transform_sums_line, 6, 3, 2>(sum, tap);
  }
}

void winograd_weight_gradient(const float* source, const float* grad, int tiles, size_t point_stride, int src_channels,
                              float* total) {
  constexpr int kPoint = kOuterChannels * kBlock;
  alignas(64) float sums[36 * kPoint];
  for (int channel = 0; channel < src_channels; channel += kOuterChannels) {
    for (int point = 0; point < 36; ++point) {
      const size_t first = static_cast<size_t>(point) * point_stride;
      for (int lane = 0; lane < kBlock; lane += kOuterVectors * kLanes) {
        sum_outer_products<kOuterVectors, kOuterChannels>(source + first + channel, grad + first + lane, tiles,
                                                          sums + point * kPoint + lane);
      }
    }
    for (int c = 0; c < kOuterChannels; ++c) {
      add_transformed_sums(sums + c * kBlock, kPoint, total + (channel + c) * kBlock);
    }
  }
}

}  // namespace
}  // namespace altocast::native::ALTOCAST_ISA
