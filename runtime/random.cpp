#include "runtime/random.h"

#include <algorithm>

#include "runtime/elementary.h"
#include "runtime/philox.h"
#include "runtime/quantile_central.h"

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

// Works in blocks: all numbers through the central approximation, which a compiler can vectorise, then the 15
// % of the tails once more. `first` is a multiple of 4 but for the head of the range.
template <class T>
void fill(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<T> dst) {
  constexpr std::size_t kBlock = 512;
  double q[kBlock];
  double value[kBlock];
  for (std::size_t done = 0; done < dst.size();) {
    const std::uint64_t index = first + done;
    const auto skip = static_cast<std::size_t>(index % 4);
    const std::size_t count = std::min(kBlock - skip, dst.size() - done);
    for (std::size_t i = 0; i < skip + count; i += 4) {
      const auto bits = random_quad(seed, stream, (index + i) / 4);
      for (std::size_t k = 0; k < 4; ++k) q[i + k] = to_uniform(bits[k]) - 0.5;
    }
    for (std::size_t i = 0; i < count; ++i) value[i] = normal_quantile_central(q[skip + i]);
    for (std::size_t i = 0; i < count; ++i) {
      const double qi = q[skip + i];
      // q + 0.5 is the uniform number itself: both steps are exact.
      if (qi < -0.425 || qi > 0.425) value[i] = normal_quantile(qi + 0.5);
    }
    for (std::size_t i = 0; i < count; ++i) dst[done + i] = static_cast<T>(value[i]);
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
