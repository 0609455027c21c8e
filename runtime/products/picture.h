// A picture in memory to draw fields, bars, lines and labels on. Whatever lies outside the picture is cut off.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "formats/status.h"
#include "runtime/products/palette.h"

namespace altocast {

// How numbers become colours: low … high over the palette from end to end, or from its end to its beginning.
struct ColourScale {
  Palette palette = Palette::grey;
  float low = 0.0f;
  float high = 1.0f;
  bool inverted = false;
  int step = 1;  // of the palette's levels, only every step-th is used: fewer colours for a picture of several palettes

  float place(float value) const {
    const float v = (value - low) / (high - low);
    return inverted ? 1.0f - v : v;
  }
};

class Picture {
 public:
  Picture(int width, int height, Colour background);

  int width() const { return width_; }
  int height() const { return height_; }
  const std::vector<std::uint8_t>& rgb() const { return rgb_; }  // [height, width, 3]

  void set(int x, int y, Colour colour);
  void fill(int x, int y, int width, int height, Colour colour);
  void line(int x0, int y0, int x1, int y1, Colour colour);  // one pixel wide, both ends included

  // `field` [field_height, field_width] into the given box: the mean over the pixels below where it shrinks,
  // the nearest pixel where it grows.
  void field(int x, int y, int width, int height, std::span<const float> field, int field_height, int field_width,
             const ColourScale& scale);

  // A horizontal bar of the whole palette, low numbers left.
  void bar(int x, int y, int width, int height, const ColourScale& scale);

  // ASCII text whose top left corner is (x, y); `size` pixels a dot, edges smoothed towards what is there. UTF-8
  // beyond ASCII is drawn as '?', but µ as 'u'.
  void text(int x, int y, std::string_view text, Colour colour, int size = 1);
  static int text_width(std::string_view text, int size = 1);

 private:
  Colour at(int x, int y) const;

  int width_;
  int height_;
  std::vector<std::uint8_t> rgb_;
};

// Colours that pictures are made of, up to 256: those of palettes first, others as they come up.
struct ColourTable {
  // Every step-th level of each.
  ColourTable(std::initializer_list<Palette> palettes, int step = 1);
  std::vector<Colour> colours;
  std::vector<std::uint8_t> bytes() const;  // red, green, blue of each
};

// The pixels as indices into `table`, to which colours that it lacks are added. Fails beyond 256.
Result<std::vector<std::uint8_t>> index_picture(const Picture& picture, ColourTable& table);

// As PNG: a byte a pixel if 256 colours will do, else three.
Result<std::vector<std::uint8_t>> encode_picture(const Picture& picture, ColourTable table);

}  // namespace altocast
