#include "runtime/random.h"

#include <algorithm>
#include <cmath>

#include "runtime/elementary.h"
#include "runtime/philox.h"
#include "runtime/quantile_pieces.h"

namespace altocast {
namespace {

std::uint32_t low(std::uint64_t v) { return static_cast<std::uint32_t>(v); }
std::uint32_t high(std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); }

// Numbers 4 · quad … 4 · quad + 3 of the stream.
std::array<std::uint32_t, 4> random_quad(std::uint64_t seed, std::uint64_t stream, std::uint64_t quad) {
  return philox4x32({low(quad), high(quad), low(stream), high(stream)}, {low(seed), high(seed)});
}

// The middle of one of 2^32 equal pieces of (0, 1), exact in double.
double to_uniform(std::uint32_t bits) { return (static_cast<double>(bits) + 0.5) * 0x1p-32; }

// Works in blocks, in loops that become vector code: the bits of all quads, then all numbers through the central
// approximation, then the 15 % of the tails once more. `first` is a multiple of 4 but for the head of the range.
constexpr std::size_t kBlock = 512, kQuads = kBlock / 4;

// q[4 i + k] = number k of quad `first` + i, minus ½, for `quads` of them.
void fill_centred(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::size_t quads, double* q) {
  std::uint32_t counter[4][kQuads];
  for (std::size_t i = 0; i < quads; ++i) {
    counter[0][i] = low(first + i);
    counter[1][i] = high(first + i);
    counter[2][i] = low(stream);
    counter[3][i] = high(stream);
  }
  philox4x32_columns(counter, quads, {low(seed), high(seed)});
  for (std::size_t i = 0; i < quads; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      // to_uniform − ½, exact as well; a signed number is what vector units convert.
      q[4 * i + k] = (static_cast<double>(static_cast<std::int32_t>(counter[k][i] ^ 0x80000000u)) + 0.5) * 0x1p-32;
    }
  }
}

template <class T>
void fill(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<T> dst) {
  double q[kBlock], value[kBlock], tail[kBlock];
  std::uint32_t tail_index[kBlock];
  for (std::size_t done = 0; done < dst.size();) {
    const std::uint64_t index = first + done;
    const auto skip = static_cast<std::size_t>(index % 4);
    const std::size_t count = std::min(kBlock - skip, dst.size() - done);
    const std::size_t quads = (skip + count + 3) / 4;
    fill_centred(seed, stream, index / 4, quads, q);
    for (std::size_t i = 0; i < 4 * quads; ++i) value[i] = normal_quantile_central(q[i]);
    std::size_t tails = 0;
    for (std::size_t i = 0; i < 4 * quads; ++i) {
      const double distance = std::fabs(q[i]);
      tail_index[tails] = static_cast<std::uint32_t>(i);
      tail[tails] = 0.5 - distance;
      tails += static_cast<std::size_t>(distance > 0.425);
    }
    for (std::size_t i = 0; i < tails; ++i) tail[i] = normal_quantile_tail(tail[i]);
    for (std::size_t i = 0; i < tails; ++i) {
      value[tail_index[i]] = std::copysign(tail[i], q[tail_index[i]]);
    }
    for (std::size_t i = 0; i < count; ++i) dst[done + i] = static_cast<T>(value[skip + i]);
    done += count;
  }
}

}  // namespace

std::uint32_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return random_quad(seed, stream, index / 4)[index % 4];
}

std::uint32_t random_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint32_t bound) {
  return high(std::uint64_t{random_bits(seed, stream, index)} * bound);
}

double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return to_uniform(random_bits(seed, stream, index));
}

void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> dst) {
  fill(seed, stream, first, dst);
}
void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<double> dst) {
  fill(seed, stream, first, dst);
}

std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t purpose, std::uint64_t a, std::uint64_t b) {
  const auto once = philox4x32({low(purpose), high(purpose), low(a), high(a)}, {low(seed), high(seed)});
  const auto twice = philox4x32({low(b), high(b), once[2], once[3]}, {once[0], once[1]});
  return std::uint64_t{twice[1]} << 32 | twice[0];
}

}  // namespace altocast
