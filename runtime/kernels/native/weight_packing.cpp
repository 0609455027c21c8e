#include "runtime/kernels/native/weight_packing.h"

#include <algorithm>
#include <cstring>

#include "runtime/kernels/native/kernel_table.h"

namespace altocast {
namespace {

using native::kBlock;

std::size_t as_size(int n) { return static_cast<std::size_t>(n); }

// Four floats of any instruction set.
using Quad = float __attribute__((vector_size(16)));

Quad load_quad(const float* from) {
  Quad quad;
  std::memcpy(&quad, from, sizeof quad);
  return quad;
}

void store_quad(float* to, const Quad& quad) { std::memcpy(to, &quad, sizeof quad); }

// Four rows to four columns.
void transpose(Quad (&rows)[4]) {
  const Quad low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const Quad low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const Quad high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Quad high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  rows[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  rows[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  rows[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  rows[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

template <int taps>
void pack_taps(const float* weight, const WeightSlice& slice, bool forward, int src_first, int dst_first, float* to) {
  const int srcs = std::min(kBlock, (forward ? slice.in_count : slice.out) - src_first);
  const int dsts = std::min(kBlock, (forward ? slice.out : slice.in_count) - dst_first);
  if (dsts < kBlock) std::fill_n(to, taps * srcs * kBlock, 0.0f);
  const int out_first = forward ? dst_first : src_first;
  const int in_first = forward ? src_first : dst_first;
  for (int out = 0; out < (forward ? dsts : srcs); ++out) {
    const float* from =
        weight + (as_size(out_first + out) * as_size(slice.in_total) + as_size(slice.in_first + in_first)) * taps;
    for (int in = 0; in < (forward ? srcs : dsts); ++in) {
      float* column = to + (forward ? in * kBlock + out : out * kBlock + in);
      for (int tap = 0; tap < taps; ++tap) column[(forward ? tap : taps - 1 - tap) * srcs * kBlock] = *from++;
    }
  }
}

}  // namespace

void gather_block(const float* weight, const WeightSlice& slice, bool forward, int src_first, int dst_first,
                  float* to) {
  constexpr int kTaps = 9;
  const int srcs = std::min(kBlock, (forward ? slice.in_count : slice.out) - src_first);
  const int dsts = std::min(kBlock, (forward ? slice.out : slice.in_count) - dst_first);
  const std::size_t out_stride = as_size(slice.in_total) * kTaps;
  weight += as_size(forward ? dst_first : src_first) * out_stride +
            as_size(slice.in_first + (forward ? src_first : dst_first)) * kTaps;
  if (dsts < kBlock) std::fill_n(to, srcs * kTaps * kBlock, 0.0f);
  if (forward) {
    int out = 0;
    for (; out + 4 <= dsts; out += 4) {
      const float* row = weight + as_size(out) * out_stride;
      float* column = to + out;
      for (const float* end = row + srcs / 4 * 4 * kTaps; row != end; row += 4, column += 4 * kBlock) {
        Quad quads[4] = {load_quad(row), load_quad(row + out_stride), load_quad(row + 2 * out_stride),
                         load_quad(row + 3 * out_stride)};
        transpose(quads);
        store_quad(column, quads[0]);
        store_quad(column + kBlock, quads[1]);
        store_quad(column + 2 * kBlock, quads[2]);
        store_quad(column + 3 * kBlock, quads[3]);
      }
    }
    // What is left of the channels.
    for (int o = 0; o < dsts; ++o) {
      for (int i = o < out ? srcs / 4 * 4 * kTaps : 0; i < srcs * kTaps; ++i) {
        to[i * kBlock + o] = weight[as_size(o) * out_stride + as_size(i)];
      }
    }
    return;
  }
  for (int src = 0; src < srcs; ++src, weight += out_stride, to += kTaps * kBlock) {
    int in = 0;
    for (; in + 4 <= dsts; in += 4) {
      const float* from = weight + in * kTaps;
      for (int tap = 0; tap < 8; tap += 4) {
        Quad quads[4] = {load_quad(from + tap), load_quad(from + kTaps + tap), load_quad(from + 2 * kTaps + tap),
                         load_quad(from + 3 * kTaps + tap)};
        transpose(quads);
        float* flipped = to + (kTaps - 1 - tap) * kBlock + in;
        store_quad(flipped, quads[0]);
        store_quad(flipped - kBlock, quads[1]);
        store_quad(flipped - 2 * kBlock, quads[2]);
        store_quad(flipped - 3 * kBlock, quads[3]);
      }
      store_quad(to + in, Quad{from[8], from[kTaps + 8], from[2 * kTaps + 8], from[3 * kTaps + 8]});
    }
    for (; in < dsts; ++in) {
      for (int tap = 0; tap < kTaps; ++tap) to[(kTaps - 1 - tap) * kBlock + in] = weight[in * kTaps + tap];
    }
  }
}

void pack_block(const float* weight, const WeightSlice& slice, bool forward, int src_first, int dst_first, float* to) {
  (slice.kernel == 3 ? pack_taps<9> : pack_taps<1>)(weight, slice, forward, src_first, dst_first, to);
}

}  // namespace altocast
