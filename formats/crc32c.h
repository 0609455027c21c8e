// Cyclic redundancy checks, table-driven (slicing by eight), no special instructions: CRC-32C (Castagnoli,
// RFC 3720) guards the sections of altocast's own files, CRC-32 (ISO 3309) the chunks of a PNG.
#pragma once

#include <cstdint>
#include <span>

namespace altocast {

// The check of `bytes`, continuing from the check `previous` of what stands before them (0 at the beginning):
// crc32c(b, crc32c(a)) == crc32c(a followed by b).
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t previous = 0);
std::uint32_t crc32_png(std::span<const std::uint8_t> bytes, std::uint32_t previous = 0);

}  // namespace altocast
