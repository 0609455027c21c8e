#include "formats/half.h"

#include <bit>

namespace altocast {

std::uint16_t half_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65536 and more
  // The result is `significand` >> `shift`, rounded. Normal halves: move the exponent's bias from 127 to 15
  // and drop 13 bits; a carry out of the fraction runs into the exponent, up to infinity, as it should.
  std::uint32_t significand = magnitude - (112u << 23);
  std::uint32_t shift = 13;
  if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24
    const std::uint32_t exponent = magnitude >> 23;
    if (exponent < 102) return static_cast<std::uint16_t>(sign);  // below 2^-25
    significand = (magnitude & 0x7fffffu) | 0x800000u;
    shift = 126 - exponent;
  }
  const std::uint32_t rest = significand & ((1u << shift) - 1);
  const std::uint32_t tie = 1u << (shift - 1);
  std::uint32_t result = significand >> shift;
  if (rest > tie || (rest == tie && (result & 1u) != 0)) ++result;
  return static_cast<std::uint16_t>(sign | result);
}

float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 31u;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  if (fraction == 0) return std::bit_cast<float>(sign);
  // Subnormal: fraction · 2^-24, normalised by the position of its highest bit.
  const auto high = static_cast<std::uint32_t>(31 - std::countl_zero(fraction));
  return std::bit_cast<float>(sign | ((high + 103) << 23) | ((fraction << (23 - high)) & 0x7fffffu));
}

}  // namespace altocast
