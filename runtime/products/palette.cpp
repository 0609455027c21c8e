#include "runtime/products/palette.h"

#include <algorithm>

namespace altocast {
namespace {

// Steps of equal CIE L* (8, 19, … 96 and 14, 24, … 95) at the largest chroma that sRGB holds, of at most 64 in ember;
// the hue turns from 300° to 90°, and from 290° upwards past 360° to 90°.
using Steps = std::array<Colour, 9>;
constexpr Steps kSea = {{{1, 15, 77},
                         {0, 48, 81},
                         {4, 77, 100},
                         {7, 107, 118},
                         {12, 139, 130},
                         {8, 174, 123},
                         {114, 202, 102},
                         {200, 223, 100},
                         {255, 242, 217}}};
constexpr Steps kEmber = {{{0, 33, 86},
                           {69, 34, 134},
                           {139, 31, 132},
                           {193, 40, 116},
                           {227, 77, 92},
                           {242, 123, 72},
                           {252, 165, 72},
                           {255, 204, 117},
                           {255, 239, 205}}};

// Red to yellow, L* 26, 34, … 93: on one side of grey for every kind of eye, as no way from blue to yellow is.
constexpr Steps kCold = {{{129, 0, 34},
                          {166, 0, 28},
                          {199, 28, 11},
                          {214, 75, 0},
                          {225, 112, 0},
                          {236, 144, 0},
                          {245, 176, 0},
                          {252, 207, 29},
                          {255, 237, 119}}};

constexpr float kEnhancedFrom = 0.55f;
constexpr float kWarmDark = 12.0f, kWarmLight = 222.0f;  // the greys of `enhanced`

std::uint8_t mix(std::uint8_t a, std::uint8_t b, float weight) {
  const float from = static_cast<float>(a);
  return static_cast<std::uint8_t>(from + (static_cast<float>(b) - from) * weight + 0.5f);
}

Colour between(const Steps& steps, float v) {
  const float place = v * static_cast<float>(steps.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), steps.size() - 2);
  const float weight = place - static_cast<float>(below);
  const Colour& a = steps[below];
  const Colour& b = steps[below + 1];
  return {mix(a.red, b.red, weight), mix(a.green, b.green, weight), mix(a.blue, b.blue, weight)};
}

Colour grey(float level) {
  const auto byte = static_cast<std::uint8_t>(level + 0.5f);
  return {byte, byte, byte};
}

Colour colour_at(Palette palette, float v) {
  if (palette == Palette::grey) return grey(v * 255.0f);
  if (palette == Palette::sea) return between(kSea, v);
  if (palette == Palette::ember) return between(kEmber, v);
  if (v < kEnhancedFrom) return grey(kWarmDark + (kWarmLight - kWarmDark) * v / kEnhancedFrom);
  return between(kCold, (v - kEnhancedFrom) / (1.0f - kEnhancedFrom));
}

}  // namespace

std::optional<Palette> palette_named(std::string_view name) {
  const auto found = std::find(kPaletteNames.begin(), kPaletteNames.end(), name);
  if (found == kPaletteNames.end()) return std::nullopt;
  return static_cast<Palette>(found - kPaletteNames.begin());
}

std::array<Colour, kPaletteLevels> palette_levels(Palette palette) {
  std::array<Colour, kPaletteLevels> levels;
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i] = colour_at(palette, static_cast<float>(i) / static_cast<float>(kPaletteLevels - 1));
  return levels;
}

}  // namespace altocast
