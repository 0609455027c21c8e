// Weight gradient of one 16 × 16 block: vectors of δy's channels times broadcast numbers of x; a tile of taps
// and source channels stays in registers over a chunk of rows.
namespace altocast::native::ALTOCAST_ISA {
namespace {

// Taps ky in [first_ky, first_ky + rows), all kx, source channels [channel, channel + channels).
template <int kernel, int vectors, int rows, int channels>
inline void weight_gradient_tile(const WeightGradientArgs& args, int first_row, int last_row, int first_vector,
                                 int first_ky, int channel, float* total) {
  constexpr int kPad = kernel / 2;
  const int lane = first_vector * kLanes;
  Vec sum[rows][kernel][channels][vectors];
  ALTOCAST_UNROLL
  for (int ky = 0; ky < rows; ++ky) {
    ALTOCAST_UNROLL
    for (int kx = 0; kx < kernel; ++kx) {
      ALTOCAST_UNROLL
      for (int c = 0; c < channels; ++c) {
        ALTOCAST_UNROLL
        for (int v = 0; v < vectors; ++v) sum[ky][kx][c][v] = zero();
      }
    }
  }

  const auto grad_stride = static_cast<ptrdiff_t>(args.grad_row_stride);
  const int width = args.width;
  for (int y = first_row; y < last_row; ++y) {
    const float* src = args.src + static_cast<size_t>(y) * args.src_row_stride + channel - kPad * kBlock;
    // Source row y meets destination row y + pad − ky.
    const float* grad = args.grad_dst + (y + kPad - first_ky) * grad_stride + lane;
    for (int x = 0; x < width; ++x, src += kBlock, grad += kBlock) {
      // Hides from the compiler that the next pixel reads two of three numbers again: kept in registers, they push
      // accumulators out to memory (clang 14 on AVX2: 38 % of peak instead of 90 %).
      asm("" : "+r"(src));
      Vec g[rows][vectors];
      ALTOCAST_UNROLL
      for (int ky = 0; ky < rows; ++ky) {
        ALTOCAST_UNROLL
        for (int v = 0; v < vectors; ++v) g[ky][v] = load(grad - ky * grad_stride + v * kLanes);
      }
      ALTOCAST_UNROLL
      for (int kx = 0; kx < kernel; ++kx) {
        ALTOCAST_UNROLL
        for (int c = 0; c < channels; ++c) {
          const Vec value = broadcast(src + kx * kBlock + c);
          ALTOCAST_UNROLL
          for (int ky = 0; ky < rows; ++ky) {
            ALTOCAST_UNROLL
            for (int v = 0; v < vectors; ++v) sum[ky][kx][c][v] = fma(value, g[ky][v], sum[ky][kx][c][v]);
          }
        }
      }
    }
  }

  ALTOCAST_UNROLL
  for (int ky = 0; ky < rows; ++ky) {
    ALTOCAST_UNROLL
    for (int kx = 0; kx < kernel; ++kx) {
      ALTOCAST_UNROLL
      for (int c = 0; c < channels; ++c) {
        float* dst = total + (((first_ky + ky) * kernel + kx) * kBlock + channel + c) * kBlock + lane;
        ALTOCAST_UNROLL
        for (int v = 0; v < vectors; ++v) store(dst + v * kLanes, add(load(dst + v * kLanes), sum[ky][kx][c][v]));
      }
    }
  }
}

// Channels beyond src_channels up to a whole tile are summed too: they hold zeros and `total` has room.
template <int kernel, int vectors, int rows, int channels>
void weight_gradient_block(const WeightGradientArgs& args, int first_row, int last_row, float* total) {
  static_assert(kBlock % channels == 0 && kernel % rows == 0 && kBlock % (vectors * kLanes) == 0);
  for (int channel = 0; channel < args.src_channels; channel += channels) {
    for (int ky = 0; ky < kernel; ky += rows) {
      for (int vector = 0; vector < kBlock / kLanes; vector += vectors) {
        weight_gradient_tile<kernel, vectors, rows, channels>(args, first_row, last_row, vector, ky, channel, total);
      }
    }
  }
}

void weight_gradient_rows(const WeightGradientArgs& args, int first_row, int last_row, float* total) {
  if (args.kernel == 3) {
    weight_gradient_block<3, kGradVectors, kGradRows, kGradChannels>(args, first_row, last_row, total);
  } else {
    weight_gradient_block<1, kGradVectors, 1, kGradPointChannels>(args, first_row, last_row, total);
  }
}

template <int taps>
void add_weight_gradient_of(const float* total, int ins, int outs, float* grad, size_t out_stride) {
  alignas(64) float rows[kBlock][9 * kBlock];  // [out][in][tap], as in the canonical gradient
  const int count = ins * taps;
  // Rows of the gradient lie far apart, where processors don't foresee them: on their way while the sums are turned.
  for (int out = 0; out < outs; ++out) {
    for (int i = 0; i < count; i += kBlock) __builtin_prefetch(grad + static_cast<size_t>(out) * out_stride + i, 1);
  }
  for (int first = 0; first < count; first += 4) {
    const float* src[4];
    for (int i = 0; i < 4; ++i) src[i] = total + (first + i) % taps * kBlock * kBlock + (first + i) / taps * kBlock;
    float* dst[4] = {rows[0] + first, rows[1] + first, rows[2] + first, rows[3] + first};
    for (int out = 0; out < outs; out += 4) {
      transpose_4x4(src, dst);
      ALTOCAST_UNROLL
      for (int i = 0; i < 4; ++i) src[i] += 4, dst[i] += 4 * 9 * kBlock;
    }
  }
  for (int out = 0; out < outs; ++out, grad += out_stride) {
    int i = 0;
    for (; i + kLanes <= count; i += kLanes) store(grad + i, add(load(grad + i), load(rows[out] + i)));
    if (i == count) continue;
    float last[kLanes] = {};
    for (int k = i; k < count; ++k) last[k - i] = grad[k];
    store(last, add(load(last), load(rows[out] + i)));
    for (int k = i; k < count; ++k) grad[k] = last[k - i];
  }
}

void add_weight_gradient(const float* total, int taps, int ins, int outs, float* grad, size_t out_stride) {
  const auto add = taps == 9 ? add_weight_gradient_of<9> : add_weight_gradient_of<1>;
  add(total, ins, outs, grad, out_stride);
}

}  // namespace
}  // namespace altocast::native::ALTOCAST_ISA
