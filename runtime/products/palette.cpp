#include "runtime/products/palette.h"

#include <algorithm>
#include <array>

namespace altocast {
namespace {

// Steps of equal CIE L* (8, 19, … 96), the hue turning from 300° to 90° at the largest chroma that sRGB
// holds.
constexpr std::array<Colour, 9> kSea = {{{1, 15, 77},
                                         {0, 48, 81},
                                         {4, 77, 100},
                                         {7, 107, 118},
                                         {12, 139, 130},
                                         {8, 174, 123},
                                         {114, 202, 102},
                                         {200, 223, 100},
                                         {255, 242, 217}}};

std::uint8_t mix(std::uint8_t a, std::uint8_t b, float weight) {
  const float from = static_cast<float>(a);
  return static_cast<std::uint8_t>(from + (static_cast<float>(b) - from) * weight + 0.5f);
}

}  // namespace

Colour palette_colour(Palette palette, float value) {
  const float v = value > 0.0f ? std::min(value, 1.0f) : 0.0f;
  if (palette != Palette::sea) {
    const auto level = static_cast<std::uint8_t>((palette == Palette::grey ? v : 1.0f - v) * 255.0f + 0.5f);
    return {level, level, level};
  }
  const float place = v * static_cast<float>(kSea.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), kSea.size() - 2);
  const float weight = place - static_cast<float>(below);
  const Colour& a = kSea[below];
  const Colour& b = kSea[below + 1];
  return {mix(a.red, b.red, weight), mix(a.green, b.green, weight), mix(a.blue, b.blue, weight)};
}

}  // namespace altocast
