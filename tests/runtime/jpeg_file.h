// JPEG files as receivers write them, made by stb_image_write.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace altocast {

// `channels` 1 (grey; stb writes three equal colours) or 3, interleaved.
std::vector<std::uint8_t> encode_jpeg(int width, int height, int channels, std::span<const std::uint8_t> pixels,
                                      int quality = 90);

}  // namespace altocast
