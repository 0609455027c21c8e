// IEEE 754 binary16 in integer arithmetic: the same bits on every platform, with or without hardware
// conversion.
#pragma once

#include <cstdint>

namespace altocast {

inline constexpr float kMaxHalf = 65504.0f;

// Rounds to nearest, ties to even. Magnitudes of 65520 and more become infinite; a NaN stays a (quiet) NaN.
std::uint16_t half_from_float(float value);

// Exact.
float float_from_half(std::uint16_t half);

}  // namespace altocast
