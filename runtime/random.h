// Counter-based random numbers: a value is a pure function of (seed, stream, index), so it can be drawn in any order,
// by any thread, on any platform, and need not be stored. The generator is Philox4x32-10 (Salmon et al., 2011); the
// key is the seed, the counter is (index / 4, stream).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace altocast {

// 32 uniform random bits.
std::uint32_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

// Uniform integer in [0, bound), bound > 0, by multiplication (bias below 2^−32 · bound).
std::uint32_t random_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint32_t bound);

// Uniform in the open interval (0, 1).
double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

// Fills dst with standard normal numbers, dst[i] being number first + i of the stream: the quantile of one uniform
// number each.
void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> dst);
void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<double> dst);

// Derives an independent seed for a named purpose, so that streams of different parts of the program never meet.
std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t purpose, std::uint64_t a = 0, std::uint64_t b = 0);

}  // namespace altocast
