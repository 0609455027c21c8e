// A small bitmap font for labels in pictures: the printable ASCII characters, 5 × 7 pixels each.
#pragma once

#include <cstdint>

namespace altocast {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

// kGlyphHeight rows, top first; bit 4 is the leftmost pixel. Characters outside ASCII come out as '?'.
const std::uint8_t* glyph_rows(char c);

}  // namespace altocast
