// A PNG file is a signature and chunks: length, type, data, check. For the writers in formats/.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/byte_order.h"
#include "formats/crc32c.h"

namespace altocast {

inline constexpr std::array<std::uint8_t, 8> kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

inline void append_png_chunk(std::vector<std::uint8_t>& file, const char (&type)[5],
                             std::span<const std::uint8_t> data) {
  std::uint8_t number[4];
  store_big(number, static_cast<std::uint32_t>(data.size()));
  file.insert(file.end(), number, number + 4);
  const std::size_t begin = file.size();
  file.insert(file.end(), type, type + 4);
  file.insert(file.end(), data.begin(), data.end());
  store_big(number, crc32_png(std::span<const std::uint8_t>(file).subspan(begin)));
  file.insert(file.end(), number, number + 4);
}

}  // namespace altocast
