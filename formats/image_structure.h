// Whether a PNG or JPEG file is whole, judged by its structure alone.
#pragma once

#include <cstdint>
#include <span>

#include "formats/status.h"

namespace altocast {

enum class ImageKind { png, jpeg };

// By the first bytes.
Result<ImageKind> image_kind(std::span<const std::uint8_t> bytes);

// Signature, IHDR first, every chunk's length and CRC-32, at least one IDAT, IEND exactly at the end of the
// file.
Status check_png_structure(std::span<const std::uint8_t> bytes);

// SOI, segments of sound length, Huffman tables of sound size, at most 256 scans, entropy-coded data that ends with
// EOI. Bytes after EOI are tolerated, as cameras and receivers append them.
Status check_jpeg_structure(std::span<const std::uint8_t> bytes);

}  // namespace altocast
