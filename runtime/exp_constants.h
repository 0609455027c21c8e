// Constants of the one exp that the runtime uses. The scalar function (elementary.cpp) and the vector kernels
// (kernels/native) run the same operations on them in the same order:
//   x  clamped to [kExpMin, kExpMax]
//   t  = x · log2(e) + 1.5 · 2^23        rounds to the nearest integer n, held in t's low bits
//   r  = (x − n · ln2_high) − n · ln2_low, |r| ≤ ln(2)/2; n · ln2_high is exact
//   e^r ≈ (P(r) · r² + r) + 1, P by Horner's rule; minimax for the relative error, 3e-9 before rounding
//   result e^r · 2^n, 2^n made by shifting t's bits
#pragma once

#include <cstdint>

namespace altocast {

constexpr float kExpMin = -87.0f;
constexpr float kExpMax = 88.0f;
constexpr float kLog2E = 1.44269502f;
constexpr float kRoundMagic = 12582912.0f;  // 1.5 · 2^23, bits 0x4B400000: << 23 leaves only n
constexpr float kExpLn2High = 0.693359375f;
constexpr float kExpLn2Low = -0.000212194442f;
constexpr float kExp2 = 0.49999994f;
constexpr float kExp3 = 0.166665211f;
constexpr float kExp4 = 0.041668389f;
constexpr float kExp5 = 0.00836872403f;
constexpr float kExp6 = 0.00138145837f;
constexpr std::uint32_t kOneBits = 0x3F800000u;

}  // namespace altocast
