#include "trainer/onednn/blocked_weights.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace altocast::onednn {
namespace {

int blocks_of(int channels, int block) { return (channels + block - 1) / block; }

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

using Vector4 = float __attribute__((vector_size(16)));

Vector4 load(const float* src) {
  Vector4 value;
  std::memcpy(&value, src, sizeof value);
  return value;
}

void store(Vector4 value, float* dst) { std::memcpy(dst, &value, sizeof value); }

// Rows become columns.
std::array<Vector4, 4> transpose(Vector4 a, Vector4 b, Vector4 c, Vector4 d) {
  const Vector4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Vector4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Vector4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Vector4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
          __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
}

// The walk over a slice: each pair of channel blocks, of which the canonical tensor holds `outs` × `ins`
// channels, the first at `canonical`, and the blocked form a whole of block² · taps elements at `blocked`.
struct BlockPair {
  std::size_t canonical;
  std::size_t blocked;
  int outs;
  int ins;
};

class Walk {
 public:
  Walk(const WeightSlice& weight_slice, int channel_block)
      : slice(weight_slice),
        block(channel_block),
        taps(weight_slice.kernel * weight_slice.kernel),
        row(product(weight_slice.in_total, taps)),
        matrix(product(channel_block, channel_block)) {
    for (int column = 0; column < block * taps; ++column) {
      position_[static_cast<std::size_t>(column)] =
          product(column % taps, block * block) + product(column / taps, block);
    }
  }

  template <class Body>
  void for_pairs(Direction direction, const Body& body) const {
    const int out_blocks = blocks_of(slice.out, block);
    const int in_blocks = blocks_of(slice.in_count, block);
    for (int ob = 0; ob < out_blocks; ++ob) {
      for (int ib = 0; ib < in_blocks; ++ib) {
        const std::size_t index = direction == Direction::forward ? product(ob, in_blocks) + product(ib, 1)
                                                                  : product(ib, out_blocks) + product(ob, 1);
        body(BlockPair{product(ob, block) * row + product(slice.in_first + ib * block, taps),
                       index * matrix * static_cast<std::size_t>(taps), std::min(block, slice.out - ob * block),
                       std::min(block, slice.in_count - ib * block)});
      }
    }
  }

  bool whole(const BlockPair& pair) const { return pair.outs == block && pair.ins == block; }

  // Where column in · taps + tap of a canonical row lies in the blocked form, for its output channel 0.
  std::size_t position(int column) const { return position_[static_cast<std::size_t>(column)]; }

  const WeightSlice& slice;
  const int block;
  const int taps;
  const std::size_t row;     // elements of an output channel in the canonical tensor
  const std::size_t matrix;  // elements of a tap in the blocked form

 private:
  std::array<std::size_t, 16 * 9> position_;
};

// [out][in][tap] → [tap][in][out]
void pack_forward(const Walk& walk, const BlockPair& pair, const float* src, float* dst) {
  if (!walk.whole(pair)) {
    for (int out = 0; out < pair.outs; ++out, src += walk.row) {
      for (int column = 0; column < pair.ins * walk.taps; ++column)
        dst[walk.position(column) + product(out, 1)] = src[column];
    }
    return;
  }
  for (int out = 0; out < walk.block; out += 4, src += 4 * walk.row, dst += 4) {
    for (int column = 0; column < walk.block * walk.taps; column += 4) {
      const auto columns = transpose(load(src + column), load(src + walk.row + column),
                                     load(src + 2 * walk.row + column), load(src + 3 * walk.row + column));
      for (int i = 0; i < 4; ++i) store(columns[static_cast<std::size_t>(i)], dst + walk.position(column + i));
    }
  }
}

// [out][in][tap] → [last tap − tap][out][in]
template <int kTaps>
void pack_transposed(const Walk& walk, const BlockPair& pair, const float* src, float* dst) {
  float* plane[kTaps];  // where each tap's matrix starts
  for (int tap = 0; tap < kTaps; ++tap) plane[tap] = dst + product(kTaps - 1 - tap, 1) * walk.matrix;
  for (int out = 0; out < pair.outs; ++out) {
    const float* s = src + product(out, 1) * walk.row;
    std::size_t at = product(out, walk.block);
    int in = 0;
    for (; in + 4 <= pair.ins; in += 4, at += 4, s += 4 * kTaps) {
      int tap = 0;
      for (; tap + 4 <= kTaps; tap += 4) {
        const auto columns =
            transpose(load(s + tap), load(s + kTaps + tap), load(s + 2 * kTaps + tap), load(s + 3 * kTaps + tap));
        for (int i = 0; i < 4; ++i) store(columns[static_cast<std::size_t>(i)], plane[tap + i] + at);
      }
      for (; tap < kTaps; ++tap) {
        store(Vector4{s[tap], s[kTaps + tap], s[2 * kTaps + tap], s[3 * kTaps + tap]}, plane[tap] + at);
      }
    }
    for (; in < pair.ins; ++in, ++at, s += kTaps) {
      for (int tap = 0; tap < kTaps; ++tap) plane[tap][at] = s[tap];
    }
  }
}

}  // namespace

std::size_t blocked_size(const WeightSlice& slice, int block) {
  return product(blocks_of(slice.out, block), blocks_of(slice.in_count, block)) * product(block, block) *
         product(slice.kernel, slice.kernel);
}

void pack_blocked(const float* weight, const WeightSlice& slice, Direction direction, int block, float* packed) {
  const Walk walk(slice, block);
  walk.for_pairs(direction, [&](const BlockPair& pair) {
    float* dst = packed + pair.blocked;
    if (!walk.whole(pair)) std::fill_n(dst, walk.matrix * product(walk.taps, 1), 0.0f);
    const auto pack = direction == Direction::forward ? pack_forward
                      : slice.kernel == 1             ? pack_transposed<1>
                                                      : pack_transposed<9>;
    pack(walk, pair, weight + pair.canonical, dst);
  });
}

void add_blocked(const float* blocked, const WeightSlice& slice, int block, float* grad_weight) {
  const Walk walk(slice, block);
  walk.for_pairs(Direction::forward, [&](const BlockPair& pair) {
    const float* src = blocked + pair.blocked;
    float* dst = grad_weight + pair.canonical;
    if (!walk.whole(pair)) {
      for (int out = 0; out < pair.outs; ++out, dst += walk.row) {
        for (int column = 0; column < pair.ins * walk.taps; ++column) {
          dst[column] += src[walk.position(column) + product(out, 1)];
        }
      }
      return;
    }
    for (int out = 0; out < walk.block; out += 4, dst += 4 * walk.row, src += 4) {
      for (int column = 0; column < walk.block * walk.taps; column += 4) {
        const auto rows = transpose(load(src + walk.position(column)), load(src + walk.position(column + 1)),
                                    load(src + walk.position(column + 2)), load(src + walk.position(column + 3)));
        for (std::size_t i = 0; i < 4; ++i) {
          float* row = dst + i * walk.row + column;
          store(load(row) + rows[i], row);
        }
      }
    }
  });
}

}  // namespace altocast::onednn
