// The whole of stb_image and stb_image_write that altocast uses, behind two functions; image_codec.cpp holds
// the implementation of both. Input must have passed formats/image_structure.h.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "formats/status.h"

namespace altocast {

struct CodecInfo {
  int width = 0, height = 0, channels = 0;
  bool sixteen_bits = false;
};
Result<CodecInfo> codec_info(std::span<const std::uint8_t> bytes);

struct CodecPixels {
  struct Free {
    void operator()(void* block) const { std::free(block); }
  };
  int channels = 0;
  std::unique_ptr<void, Free> values;  // std::uint16_t if the image has 16 bits a channel, otherwise std::uint8_t
};
// Refuses what would need more memory than an image of this size can.
Result<CodecPixels> codec_decode(std::span<const std::uint8_t> bytes, const CodecInfo& info);

// `channels` 1, 3 or 4.
std::vector<std::uint8_t> codec_encode_png(int width, int height, int channels, std::span<const std::uint8_t> pixels);

// A zlib stream of `bytes`; empty if memory ran out.
std::vector<std::uint8_t> codec_deflate(std::span<const std::uint8_t> bytes);

}  // namespace altocast
