// Frames from PNG and JPEG files as grey images, and pictures as PNG. Decoding is stb_image's; before it sees
// a byte, the file's structure, checksums (PNG) and sizes are verified here, since stb_image forgives
// truncated files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/status.h"

namespace altocast {

struct GrayImage {
  int width = 0, height = 0;
  int bits = 8;                       // 8 or 16: what the file held; values are 0 … 255 or 0 … 65535
  std::vector<std::uint16_t> pixels;  // height × width, top row first
  // Height × width: where red, green and blue differ by more than a sixteenth of the range, more than a grey image's
  // do. Empty if nowhere.
  std::vector<bool> coloured;
};

struct ImageLimits {
  std::uint64_t max_file_bytes = std::uint64_t{1} << 28;
  int max_side = 16384;
  std::uint64_t max_pixels = std::uint64_t{1} << 27;
};

// PNG of any kind (1, 2 and 4 bits are scaled to 8; palettes resolved; alpha ignored) or JPEG. Colours become
// Rec. 601 luma, (299 R + 587 G + 114 B + 500) / 1000 in integers. The same bits on every platform. Pure
// function over untrusted bytes; what remains undetected is damage inside a JPEG's entropy-coded data, which
// has no checksum.
Result<GrayImage> decode_image(std::span<const std::uint8_t> bytes, const ImageLimits& limits = {});
Result<GrayImage> load_image(const std::string& path, const ImageLimits& limits = {});

// Fails on a picture that a decoder would not take by default, or if `values` is not the number of its values.
Status check_picture(int width, int height, int channels, std::size_t values);

// A PNG of 8 bits a channel: grey (1 channel), RGB (3) or RGBA (4), interleaved, top row first.
Result<std::vector<std::uint8_t>> encode_png(int width, int height, int channels, std::span<const std::uint8_t> pixels);
// A grey PNG of 16 bits.
Result<std::vector<std::uint8_t>> encode_png(int width, int height, std::span<const std::uint16_t> pixels);

// Durable, as formats/durable_file.h.
Status save_png(const std::string& path, int width, int height, int channels, std::span<const std::uint8_t> pixels);
Status save_png(const std::string& path, int width, int height, std::span<const std::uint16_t> pixels);

}  // namespace altocast
