#include "trainer/onednn/blocked_weights.h"

#include <algorithm>

namespace altocast::onednn {
namespace {

int blocks_of(int channels, int block) { return (channels + block - 1) / block; }

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

}  // namespace

std::size_t blocked_size(const WeightSlice& slice, int block) {
  return product(blocks_of(slice.out, block), blocks_of(slice.in_count, block)) * product(block, block) *
         product(slice.kernel, slice.kernel);
}

void pack_blocked(const float* weight, const WeightSlice& slice, Direction direction, int block,
                  float* packed) {
  const bool forward = direction == Direction::forward;
  const int taps = slice.kernel * slice.kernel;
  const int outs = forward ? slice.out : slice.in_count;
  const int ins = forward ? slice.in_count : slice.out;
  const std::size_t tap_count = static_cast<std::size_t>(taps);
  const std::size_t out_stride = forward ? product(slice.in_total, taps) : tap_count;
  const std::size_t in_stride = forward ? tap_count : product(slice.in_total, taps);
  const float* first = weight + product(slice.in_first, taps);
  const std::size_t matrix = product(block, block);

  // Canonical rows are read in order and scattered within one block of at most 9 KiB, which stays in the L1
  // cache.
  for (int out0 = 0; out0 < outs; out0 += block) {
    for (int in0 = 0; in0 < ins; in0 += block, packed += matrix * tap_count) {
      const int out_here = std::min(block, outs - out0);
      const int in_here = std::min(block, ins - in0);
      if (out_here < block || in_here < block) std::fill_n(packed, matrix * tap_count, 0.0f);
      for (int o = 0; o < out_here; ++o) {
        for (int i = 0; i < in_here; ++i) {
          const float* src = first + static_cast<std::size_t>(out0 + o) * out_stride +
                             static_cast<std::size_t>(in0 + i) * in_stride;
          float* dst = packed + i * block + o;
          for (int k = 0; k < taps; ++k)
            dst[static_cast<std::size_t>(forward ? k : taps - 1 - k) * matrix] = src[k];
        }
      }
    }
  }
}

void add_blocked(const float* blocked, const WeightSlice& slice, int block, float* grad_weight) {
  const int taps = slice.kernel * slice.kernel;
  const std::size_t tap_count = static_cast<std::size_t>(taps);
  const std::size_t matrix = product(block, block);
  for (int out0 = 0; out0 < slice.out; out0 += block) {
    for (int in0 = 0; in0 < slice.in_count; in0 += block, blocked += matrix * tap_count) {
      const int out_here = std::min(block, slice.out - out0);
      const int in_here = std::min(block, slice.in_count - in0);
      for (int o = 0; o < out_here; ++o) {
        float* dst =
            grad_weight + product(out0 + o, slice.in_total) * tap_count + product(slice.in_first + in0, taps);
        for (int i = 0; i < in_here; ++i) {
          const float* src = blocked + i * block + o;
          for (int k = 0; k < taps; ++k) *dst++ += src[static_cast<std::size_t>(k) * matrix];
        }
      }
    }
  }
}

}  // namespace altocast::onednn
