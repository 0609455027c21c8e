// A picture in memory to draw fields, bars and labels on. Whatever lies outside the picture is cut off.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/products/palette.h"

namespace altocast {

// How numbers become colours: low … high over the palette from end to end.
struct ColourScale {
  Palette palette = Palette::grey;
  float low = 0.0f;
  float high = 1.0f;

  Colour operator()(float value) const { return palette_colour(palette, (value - low) / (high - low)); }
};

class Picture {
 public:
  Picture(int width, int height, Colour background);

  int width() const { return width_; }
  int height() const { return height_; }
  const std::vector<std::uint8_t>& rgb() const { return rgb_; }  // [height, width, 3]

  void set(int x, int y, Colour colour);
  void fill(int x, int y, int width, int height, Colour colour);

  // `field` [field_height, field_width] into the given box: the mean over the pixels below where it shrinks,
  // the nearest pixel where it grows.
  void field(int x, int y, int width, int height, std::span<const float> field, int field_height, int field_width,
             const ColourScale& scale);

  // A horizontal bar of the whole palette.
  void bar(int x, int y, int width, int height, Palette palette);

  // ASCII text whose top left corner is (x, y); `size` pixels a dot. UTF-8 beyond ASCII is drawn as '?'.
  void text(int x, int y, std::string_view text, Colour colour, int size = 1);
  static int text_width(std::string_view text, int size = 1);

 private:
  int width_;
  int height_;
  std::vector<std::uint8_t> rgb_;
};

}  // namespace altocast
