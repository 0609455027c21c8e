// Fields of standard normal numbers that are correlated in space: white noise through a second-order autoregressive
// filter with a double root r = length / (1 + length), along rows and then along columns, started in its stationary
// state, so that the variance is 1 at every pixel, edges included. Pixels that are (dx, dy) apart have the correlation
// ρ(|dx|) ρ(|dy|), ρ(k) = (1 + k (1 − r²) / (1 + r²)) r^k. Length 0 is white noise.
#pragma once

#include <cstdint>
#include <span>

namespace altocast {

// ρ(distance) above.
double field_correlation(double length, int distance);

// Fills dst [height, width] with a pure function of the other arguments, the same bits on every platform.
void fill_random_field(std::uint64_t seed, std::uint64_t stream, float length, int height, int width,
                       std::span<float> dst);

}  // namespace altocast
