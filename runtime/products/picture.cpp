#include "runtime/products/picture.h"

#include <algorithm>
#include <cstddef>

#include "runtime/products/font.h"

namespace altocast {
namespace {

// The field's pixels [first, last) that box pixel `index` of `count` shows; never empty.
struct Cover {
  int first = 0;
  int last = 1;
};

Cover cover(int index, int count, int field) {
  const auto edge = [&](int i) { return static_cast<int>(static_cast<std::int64_t>(i) * field / count); };
  const int first = edge(index);
  return {first, std::max(edge(index + 1), first + 1)};
}

}  // namespace

Picture::Picture(int width, int height, Colour background)
    : width_(width), height_(height), rgb_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3) {
  fill(0, 0, width, height, background);
}

void Picture::set(int x, int y, Colour colour) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  std::uint8_t* pixel =
      rgb_.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 3;
  pixel[0] = colour.red;
  pixel[1] = colour.green;
  pixel[2] = colour.blue;
}

void Picture::fill(int x, int y, int width, int height, Colour colour) {
  for (int row = y; row < y + height; ++row) {
    for (int column = x; column < x + width; ++column) set(column, row, colour);
  }
}

void Picture::field(int x, int y, int width, int height, std::span<const float> field, int field_height,
                    int field_width, const ColourScale& scale) {
  for (int row = 0; row < height; ++row) {
    const Cover rows = cover(row, height, field_height);
    for (int column = 0; column < width; ++column) {
      const Cover columns = cover(column, width, field_width);
      double sum = 0.0;
      for (int fy = rows.first; fy < rows.last; ++fy) {
        const std::size_t line = static_cast<std::size_t>(fy) * static_cast<std::size_t>(field_width);
        for (int fx = columns.first; fx < columns.last; ++fx) {
          sum += static_cast<double>(field[line + static_cast<std::size_t>(fx)]);
        }
      }
      const int count = (rows.last - rows.first) * (columns.last - columns.first);
      set(x + column, y + row, scale(static_cast<float>(sum / count)));
    }
  }
}

void Picture::bar(int x, int y, int width, int height, Palette palette) {
  for (int column = 0; column < width; ++column) {
    const float value = (static_cast<float>(column) + 0.5f) / static_cast<float>(width);
    fill(x + column, y, 1, height, palette_colour(palette, value));
  }
}

void Picture::text(int x, int y, std::string_view text, Colour colour, int size) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xc0u) == 0x80u) continue;  // the tail of a UTF-8 character
    const std::uint8_t* rows = glyph_rows(c);
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int column = 0; column < kGlyphWidth; ++column) {
        if ((rows[row] >> (kGlyphWidth - 1 - column) & 1) != 0)
          fill(x + column * size, y + row * size, size, size, colour);
      }
    }
    x += (kGlyphWidth + 1) * size;
  }
}

int Picture::text_width(std::string_view text, int size) {
  const auto letters =
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; });
  return static_cast<int>(letters) * (kGlyphWidth + 1) * size;
}

}  // namespace altocast
