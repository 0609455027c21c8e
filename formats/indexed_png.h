// Pictures of up to 256 colours as PNG, a byte a pixel, and loops of them as animated PNG (APNG: a PNG with the chunks
// acTL, fcTL and fdAT, https://www.w3.org/TR/png-3/). Browsers play the loop; what does not know APNG shows its first
// picture.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/status.h"

namespace altocast {

// `pixels` are indices into `colours` (red, green, blue each; 1 … 256), top row first.
struct IndexedPicture {
  int width = 0, height = 0;
  std::span<const std::uint8_t> pixels;   // [height, width]
  std::span<const std::uint8_t> colours;  // [colours, 3]
};

Result<std::vector<std::uint8_t>> encode_png(const IndexedPicture& picture);

// Encodes picture by picture; holds compressed data only.
class AnimatedPng {
 public:
  // All pictures must have one size, and each the colours of those before it, perhaps more. `milliseconds` is how long
  // it is shown, up to 65535.
  Status add(const IndexedPicture& picture, int milliseconds);

  // The file, playing for ever. Fails without pictures.
  Result<std::vector<std::uint8_t>> finish();

 private:
  int width_ = 0, height_ = 0;
  std::uint32_t pictures_ = 0, sequence_ = 0;
  std::vector<std::uint8_t> colours_, body_;
};

}  // namespace altocast
