// Colours for fields: a number in [0, 1] to red, green, blue.
#pragma once

#include <cstdint>

namespace altocast {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  bool operator==(const Colour&) const = default;
};

enum class Palette {
  grey,           // black to white
  inverted_grey,  // white to black: cold (low) brightness temperatures are white clouds
  sea,            // indigo, teal, green, cream: CIE lightness rises evenly from 8 to 96, so it reads in grey and with
                  // any colour blindness; for spread and probability
};

// `value` is clamped to [0, 1]; NaN gives the colour of 0.
Colour palette_colour(Palette palette, float value);

}  // namespace altocast
