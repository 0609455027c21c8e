#include "runtime/random.h"

#include "runtime/philox.h"
#include "runtime/weight_loops.h"

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
  weight_loops<float>().fill_normal(seed, stream, first, dst.data(), dst.size());
}
void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<double> dst) {
  weight_loops<double>().fill_normal(seed, stream, first, dst.data(), dst.size());
}

std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t purpose, std::uint64_t a, std::uint64_t b) {
  const auto once = philox4x32({low(purpose), high(purpose), low(a), high(a)}, {low(seed), high(seed)});
  const auto twice = philox4x32({low(b), high(b), once[2], once[3]}, {once[0], once[1]});
  return std::uint64_t{twice[1]} << 32 | twice[0];
}

}  // namespace altocast
