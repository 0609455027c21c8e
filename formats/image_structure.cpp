#include "formats/image_structure.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <string_view>

#include "formats/byte_order.h"
#include "formats/crc32c.h"

namespace altocast {
namespace {

constexpr std::array<std::uint8_t, 8> kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::array<std::uint8_t, 3> kJpegStart = {0xff, 0xd8, 0xff};

template <std::size_t N>
bool begins_with(std::span<const std::uint8_t> bytes, const std::array<std::uint8_t, N>& start) {
  return bytes.size() >= N && std::equal(start.begin(), start.end(), bytes.begin());
}

Status at_byte(std::size_t offset, const std::string& what) {
  return Status::error("byte " + std::to_string(offset) + ": " + what);
}

// The Huffman tables of a DHT segment: a class and number, 16 counts of codes by length, and the codes'
// symbols, which must lie within the segment. stb_image 2.27 and before writes beyond its tables if the
// counts add up to more than 256; no real file has more than 176.
Status check_huffman_tables(std::span<const std::uint8_t> segment, std::size_t offset) {
  constexpr std::size_t kMostSymbols = 255;
  while (!segment.empty()) {
    if (segment.size() < 17) return at_byte(offset, "a JPEG Huffman table that is cut short");
    const std::size_t symbols = std::accumulate(segment.begin() + 1, segment.begin() + 17, std::size_t{0});
    if (symbols > kMostSymbols || symbols > segment.size() - 17) {
      return at_byte(offset, "a JPEG Huffman table of too many symbols");
    }
    segment = segment.subspan(17 + symbols);
  }
  return {};
}

}  // namespace

Result<ImageKind> image_kind(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return Status::error("the file is empty");
  if (begins_with(bytes, kPngSignature)) return ImageKind::png;
  if (begins_with(bytes, kJpegStart)) return ImageKind::jpeg;
  return Status::error("byte 0: neither a PNG nor a JPEG image");
}

Status check_png_structure(std::span<const std::uint8_t> bytes) {
  if (!begins_with(bytes, kPngSignature)) return at_byte(0, "not a PNG image");
  bool has_data = false;
  for (std::size_t at = kPngSignature.size();;) {
    const std::size_t left = bytes.size() - at;
    if (left < 12) return at_byte(bytes.size(), "the PNG was cut short");
    const std::size_t length = load_big<std::uint32_t>(bytes.data() + at);
    const std::string_view type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    if (!std::all_of(type.begin(), type.end(), [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; })) {
      return at_byte(at + 4, "not the name of a PNG chunk; the file is damaged");
    }
    const std::string chunk = "PNG chunk " + std::string(type);
    if (length > left - 12) return at_byte(at, chunk + " runs beyond the end: the file was cut short");
    const bool first = at == kPngSignature.size();
    if (first != (type == "IHDR") || (first && length != 13)) return at_byte(at, "IHDR must be the first chunk, once");
    if (load_big<std::uint32_t>(bytes.data() + at + 8 + length) != crc32_png(bytes.subspan(at + 4, 4 + length))) {
      return at_byte(at, chunk + " has a wrong checksum; the file is damaged");
    }
    at += 12 + length;
    has_data |= type == "IDAT";
    if (type != "IEND") continue;
    if (length != 0 || at != bytes.size()) return at_byte(at, "bytes after the end of the PNG");
    if (!has_data) return at_byte(at, "a PNG without image data");
    return {};
  }
}

Status check_jpeg_structure(std::span<const std::uint8_t> bytes) {
  if (!begins_with(bytes, kJpegStart)) return at_byte(0, "not a JPEG image");
  constexpr std::uint8_t kHuffmanTables = 0xc4, kRestart0 = 0xd0, kRestart7 = 0xd7, kEndOfImage = 0xd9,
                         kStartOfScan = 0xda;
  constexpr int kMostScans = 256;  // each costs a pass over the image, however short it is
  const Status cut_short = at_byte(bytes.size(), "the JPEG was cut short");
  int scans = 0;
  for (std::size_t at = 2;;) {
    // A marker: any number of 0xff, then its code.
    if (at >= bytes.size()) return cut_short;
    if (bytes[at] != 0xff) return at_byte(at, "a JPEG marker expected; the file is damaged");
    while (at < bytes.size() && bytes[at] == 0xff) ++at;
    if (at >= bytes.size()) return cut_short;
    const std::uint8_t code = bytes[at++];
    if (code == kEndOfImage) return scans > 0 ? Status() : at_byte(at, "a JPEG without image data");
    if (bytes.size() - at < 2) return cut_short;
    const std::size_t length = load_big<std::uint16_t>(bytes.data() + at);
    if (length < 2) return at_byte(at, "a JPEG segment of impossible length");
    if (length > bytes.size() - at) return cut_short;
    if (code == kHuffmanTables) {
      ALTOCAST_RETURN_IF_ERROR(check_huffman_tables(bytes.subspan(at + 2, length - 2), at));
    }
    at += length;
    if (code != kStartOfScan) continue;
    if (++scans > kMostScans) return at_byte(at, "more than 256 scans in a JPEG");
    // Entropy-coded data up to the next marker; ff 00 is a stuffed ff, ff d0 … d7 a restart.
    for (;; ++at) {
      if (at + 1 >= bytes.size()) return cut_short;
      if (bytes[at] != 0xff) continue;
      const std::uint8_t next = bytes[at + 1];
      if (next == 0 || (next >= kRestart0 && next <= kRestart7)) continue;
      if (next != 0xff) break;
    }
  }
}

}  // namespace altocast
