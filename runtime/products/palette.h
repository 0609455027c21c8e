// Colours for fields: a number in [0, 1] to red, green, blue, in 240 steps, so that a picture of one palette and a few
// colours for labels is a byte a pixel.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace altocast {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  bool operator==(const Colour&) const = default;
};

// In sea and ember CIE lightness rises evenly, so they read in grey and with any colour blindness.
enum class Palette {
  grey,      // black to white
  enhanced,  // grey, and from 0.55 on red to yellow: the highest, coldest cloud tops stand out
  sea,       // indigo, teal, green, cream: for spread and rain
  ember,     // navy, magenta, orange, cream: for probability
};
inline constexpr std::array<std::string_view, 4> kPaletteNames = {"grey", "enhanced", "sea", "ember"};
std::optional<Palette> palette_named(std::string_view name);

inline constexpr int kPaletteLevels = 240;
std::array<Colour, kPaletteLevels> palette_levels(Palette palette);

// The level, 0 … 239, of a value that is clamped to [0, 1]; NaN has that of 0.
inline int palette_level(float value) {
  const float v = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
  return static_cast<int>(v * static_cast<float>(kPaletteLevels - 1) + 0.5f);
}
inline Colour palette_colour(Palette palette, float value) {
  return palette_levels(palette)[static_cast<std::size_t>(palette_level(value))];
}

}  // namespace altocast
