#include "runtime/products/picture.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include "formats/image.h"
#include "formats/indexed_png.h"
#include "runtime/products/font.h"

namespace altocast {
namespace {

// The field's pixels [first, last) that box pixel `index` of `count` shows; never empty.
struct Cover {
  int first = 0;
  int last = 1;
  bool operator==(const Cover&) const = default;
};

Cover cover(int index, int count, int field) {
  const auto edge = [&](int i) { return static_cast<int>(static_cast<std::int64_t>(i) * field / count); };
  const int first = edge(index);
  return {first, std::max(edge(index + 1), first + 1)};
}

// A glyph four times as large, its steps rounded off: twice the rule of Scale2x (a corner takes the colour of its two
// neighbours where these agree and their opposites do not).
constexpr int kFine = 4;
struct FineGlyph {
  int width = kGlyphWidth, height = kGlyphHeight;
  std::array<std::uint8_t, std::size_t{kGlyphWidth * kGlyphHeight * kFine * kFine}> dots{};

  bool dot(int x, int y) const {
    return x >= 0 && y >= 0 && x < width && y < height && dots[static_cast<std::size_t>(y * width + x)] != 0;
  }
  FineGlyph doubled() const {
    FineGlyph fine;
    fine.width = 2 * width;
    fine.height = 2 * height;
    const auto put = [&](int x, int y, bool on) { fine.dots[static_cast<std::size_t>(y * fine.width + x)] = on; };
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const bool here = dot(x, y), up = dot(x, y - 1), down = dot(x, y + 1), left = dot(x - 1, y),
                   right = dot(x + 1, y);
        const bool corner = up != down && left != right;
        put(2 * x, 2 * y, corner && left == up ? up : here);
        put(2 * x + 1, 2 * y, corner && right == up ? up : here);
        put(2 * x, 2 * y + 1, corner && left == down ? down : here);
        put(2 * x + 1, 2 * y + 1, corner && right == down ? down : here);
      }
    }
    return fine;
  }
};

FineGlyph fine_glyph(char c) {
  FineGlyph glyph;
  const std::uint8_t* rows = glyph_rows(c);
  for (int y = 0; y < kGlyphHeight; ++y) {
    for (int x = 0; x < kGlyphWidth; ++x)
      glyph.dots[static_cast<std::size_t>(y * kGlyphWidth + x)] = rows[y] >> (kGlyphWidth - 1 - x) & 1;
  }
  return glyph.doubled().doubled();
}

bool begins_letter(char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }

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

Colour Picture::at(int x, int y) const {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return {};
  const std::uint8_t* pixel =
      rgb_.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 3;
  return {pixel[0], pixel[1], pixel[2]};
}

void Picture::fill(int x, int y, int width, int height, Colour colour) {
  for (int row = y; row < y + height; ++row) {
    for (int column = x; column < x + width; ++column) set(column, row, colour);
  }
}

void Picture::line(int x0, int y0, int x1, int y1, Colour colour) {
  const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
  const auto between = [&](int from, int to, int i) {  // the nearest, halves away from `from`
    const int twice = 2 * (to - from) * i + (to < from ? -steps : steps);
    return from + twice / (2 * steps);
  };
  for (int i = 0; i <= steps; ++i) set(between(x0, x1, i), between(y0, y1, i), colour);
}

void Picture::field(int x, int y, int width, int height, std::span<const float> field, int field_height,
                    int field_width, const ColourScale& scale) {
  const std::array<Colour, kPaletteLevels> levels = palette_levels(scale.palette);
  std::vector<Cover> columns;
  for (int column = 0; column < width; ++column) columns.push_back(cover(column, width, field_width));
  std::vector<Colour> line(columns.size());
  Cover shown{-1, -1};  // the rows that `line` shows
  for (int row = 0; row < height; ++row) {
    const Cover rows = cover(row, height, field_height);
    for (std::size_t column = 0; column < line.size() && rows != shown; ++column) {
      const Cover& across = columns[column];
      double sum = 0.0;
      for (int fy = rows.first; fy < rows.last; ++fy) {
        const std::size_t start = static_cast<std::size_t>(fy) * static_cast<std::size_t>(field_width);
        for (int fx = across.first; fx < across.last; ++fx)
          sum += static_cast<double>(field[start + static_cast<std::size_t>(fx)]);
      }
      const int count = (rows.last - rows.first) * (across.last - across.first);
      int level = palette_level(scale.place(static_cast<float>(sum / count)));
      level -= level % scale.step;
      line[column] = levels[static_cast<std::size_t>(level)];
    }
    shown = rows;
    for (int column = 0; column < width; ++column) set(x + column, y + row, line[static_cast<std::size_t>(column)]);
  }
}

void Picture::bar(int x, int y, int width, int height, const ColourScale& scale) {
  const std::array<Colour, kPaletteLevels> levels = palette_levels(scale.palette);
  for (int column = 0; column < width; ++column) {
    const float share = (static_cast<float>(column) + 0.5f) / static_cast<float>(width);
    int level = palette_level(scale.inverted ? 1.0f - share : share);
    level -= level % scale.step;
    fill(x + column, y, 1, height, levels[static_cast<std::size_t>(level)]);
  }
}

void Picture::text(int x, int y, std::string_view text, Colour colour, int size) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!begins_letter(text[i])) continue;  // the tail of a UTF-8 character
    const std::string_view rest = text.substr(i);
    const FineGlyph glyph = fine_glyph(rest.starts_with("µ") || rest.starts_with("μ") ? 'u' : text[i]);
    for (int row = 0; row < kGlyphHeight * size; ++row) {
      for (int column = 0; column < kGlyphWidth * size; ++column) {
        // Of 4 × 4 places within the pixel, how many the glyph covers: in quarters, to keep the colours few.
        int covered = 0;
        for (int place = 0; place < 16; ++place) {
          covered += glyph.dot((8 * column + 2 * (place % 4) + 1) * kFine / (8 * size),
                               (8 * row + 2 * (place / 4) + 1) * kFine / (8 * size));
        }
        const int quarters = (covered + 2) / 4;
        if (quarters == 0) continue;
        const Colour below = at(x + column, y + row);
        const auto mixed = [&](std::uint8_t from, std::uint8_t to) {
          return static_cast<std::uint8_t>((from * (4 - quarters) + to * quarters + 2) / 4);
        };
        set(x + column, y + row,
            {mixed(below.red, colour.red), mixed(below.green, colour.green), mixed(below.blue, colour.blue)});
      }
    }
    x += (kGlyphWidth + 1) * size;
  }
}

int Picture::text_width(std::string_view text, int size) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), begins_letter)) * (kGlyphWidth + 1) * size;
}

ColourTable::ColourTable(std::initializer_list<Palette> palettes, int step) {
  for (const Palette palette : palettes) {
    const std::array<Colour, kPaletteLevels> levels = palette_levels(palette);
    for (std::size_t i = 0; i < levels.size(); i += static_cast<std::size_t>(step)) colours.push_back(levels[i]);
  }
}

std::vector<std::uint8_t> ColourTable::bytes() const {
  std::vector<std::uint8_t> bytes;
  for (const Colour& c : colours) bytes.insert(bytes.end(), {c.red, c.green, c.blue});
  return bytes;
}

Result<std::vector<std::uint8_t>> index_picture(const Picture& picture, ColourTable& table) {
  // Where a colour's index is to be found, or -1 where it is to be put: its hash, or the next free place.
  std::array<std::int16_t, 1024> places;
  places.fill(-1);
  const auto place_of = [&](const Colour& c) -> std::int16_t& {
    const auto key = static_cast<std::uint32_t>(c.red << 16 | c.green << 8 | c.blue);
    std::size_t place = key * 2654435761u >> 22;
    while (places[place] >= 0 && table.colours[static_cast<std::size_t>(places[place])] != c)
      place = (place + 1) % places.size();
    return places[place];
  };
  for (std::size_t i = 0; i < table.colours.size(); ++i) {
    std::int16_t& place = place_of(table.colours[i]);
    if (place < 0) place = static_cast<std::int16_t>(i);
  }
  const std::vector<std::uint8_t>& rgb = picture.rgb();
  std::vector<std::uint8_t> pixels(rgb.size() / 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const Colour c{rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]};
    std::int16_t& place = place_of(c);
    if (place < 0) {
      if (table.colours.size() >= 256) return Status::error("a picture of more than 256 colours");
      place = static_cast<std::int16_t>(table.colours.size());
      table.colours.push_back(c);
    }
    pixels[i] = static_cast<std::uint8_t>(place);
  }
  return pixels;
}

Result<std::vector<std::uint8_t>> encode_picture(const Picture& picture, ColourTable table) {
  const Result<std::vector<std::uint8_t>> pixels = index_picture(picture, table);
  if (!pixels.ok()) return encode_png(picture.width(), picture.height(), 3, picture.rgb());
  const std::vector<std::uint8_t> colours = table.bytes();
  return encode_png(IndexedPicture{picture.width(), picture.height(), *pixels, colours});
}

}  // namespace altocast
