#include "formats/image.h"

#include <algorithm>
#include <limits>

#include "formats/byte_order.h"
#include "formats/durable_file.h"
#include "formats/image_codec.h"
#include "formats/image_structure.h"
#include "formats/memory.h"
#include "formats/png_chunk.h"

namespace altocast {
namespace {

// Colours to luma, alpha dropped.
template <class T>
void to_gray(const T* values, std::size_t channels, GrayImage& image) {
  constexpr int kTint = (std::numeric_limits<T>::max() + 1) / 16;
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const T* p = values + i * channels;
    if (channels < 3) {
      image.pixels[i] = p[0];
      continue;
    }
    image.pixels[i] = static_cast<std::uint16_t>((299u * p[0] + 587u * p[1] + 114u * p[2] + 500u) / 1000u);
    const auto [least, most] = std::minmax({p[0], p[1], p[2]});
    if (most - least <= kTint) continue;
    if (image.coloured.empty()) image.coloured.resize(image.pixels.size());
    image.coloured[i] = true;
  }
}

}  // namespace

Result<GrayImage> decode_image(std::span<const std::uint8_t> bytes, const ImageLimits& limits) {
  if (bytes.size() > limits.max_file_bytes) {
    return Status::error("larger than the limit of " + std::to_string(limits.max_file_bytes) + " bytes");
  }
  const Result<ImageKind> kind = image_kind(bytes);
  if (!kind.ok()) return kind.status();
  ALTOCAST_RETURN_IF_ERROR(*kind == ImageKind::png ? check_png_structure(bytes) : check_jpeg_structure(bytes));
  const Result<CodecInfo> info = codec_info(bytes);
  if (!info.ok()) return info.status();
  const std::uint64_t pixels = static_cast<std::uint64_t>(info->width) * static_cast<std::uint64_t>(info->height);
  if (info->width < 1 || info->height < 1 || info->width > limits.max_side || info->height > limits.max_side ||
      pixels > limits.max_pixels) {
    return Status::error("an image of " + std::to_string(info->width) + " × " + std::to_string(info->height) +
                         " pixels is beyond the limit (" + std::to_string(limits.max_side) + " a side, " +
                         std::to_string(limits.max_pixels) + " in all)");
  }
  const Result<CodecPixels> decoded = codec_decode(bytes, *info);
  if (!decoded.ok()) return decoded.status();
  GrayImage image;
  image.width = info->width;
  image.height = info->height;
  image.bits = info->sixteen_bits ? 16 : 8;
  if (!try_resize(image.pixels, pixels)) return Status::error("not enough memory to decode the image");
  const auto channels = static_cast<std::size_t>(decoded->channels);
  if (info->sixteen_bits) {
    to_gray(static_cast<const std::uint16_t*>(decoded->values.get()), channels, image);
  } else {
    to_gray(static_cast<const std::uint8_t*>(decoded->values.get()), channels, image);
  }
  return image;
}

Result<GrayImage> load_image(const std::string& path, const ImageLimits& limits) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, limits.max_file_bytes);
  if (!bytes.ok()) return bytes.status();
  Result<GrayImage> image = decode_image(*bytes, limits);
  if (!image.ok()) return image.status().within(path);
  return image;
}

Status check_picture(int width, int height, int channels, std::size_t values) {
  const ImageLimits limits;
  if (width < 1 || height < 1 || width > limits.max_side || height > limits.max_side) {
    return Status::error("a picture's sides must lie in 1 … 16384");
  }
  const std::uint64_t pixels = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
  if (pixels > limits.max_pixels) return Status::error("a picture of more than 2^27 pixels");
  if (channels != 1 && channels != 3 && channels != 4) return Status::error("a picture has 1, 3 or 4 channels");
  if (values != pixels * static_cast<std::uint64_t>(channels)) {
    return Status::error("the number of values is not width × height × channels");
  }
  return {};
}

Result<std::vector<std::uint8_t>> encode_png(int width, int height, int channels,
                                             std::span<const std::uint8_t> pixels) {
  ALTOCAST_RETURN_IF_ERROR(check_picture(width, height, channels, pixels.size()));
  std::vector<std::uint8_t> file = codec_encode_png(width, height, channels, pixels);
  if (file.empty()) return Status::error("not enough memory to encode the picture");
  return file;
}

Result<std::vector<std::uint8_t>> encode_png(int width, int height, std::span<const std::uint16_t> pixels) {
  ALTOCAST_RETURN_IF_ERROR(check_picture(width, height, 1, pixels.size()));
  // Each row is one filter byte, "sub" (1), then differences to the pixel on the left, high byte first.
  const auto columns = static_cast<std::size_t>(width);
  const std::size_t row_bytes = 1 + 2 * columns;
  std::vector<std::uint8_t> rows(row_bytes * static_cast<std::size_t>(height));
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    std::uint8_t* row = rows.data() + y * row_bytes;
    const std::uint16_t* values = pixels.data() + y * columns;
    row[0] = 1;
    for (std::size_t x = 0; x < columns; ++x) {
      const unsigned left = x == 0 ? 0u : values[x - 1];
      row[1 + 2 * x] = static_cast<std::uint8_t>((values[x] >> 8) - (left >> 8));
      row[2 + 2 * x] = static_cast<std::uint8_t>((values[x] & 0xffu) - (left & 0xffu));
    }
  }
  const std::vector<std::uint8_t> data = codec_deflate(rows);
  if (data.empty()) return Status::error("not enough memory to encode the picture");
  std::uint8_t header[13] = {};
  store_big(header, static_cast<std::uint32_t>(width));
  store_big(header + 4, static_cast<std::uint32_t>(height));
  header[8] = 16;  // bits; then grey, deflate, adaptive filters, not interlaced: all zero
  std::vector<std::uint8_t> file(kPngSignature.begin(), kPngSignature.end());
  append_png_chunk(file, "IHDR", header);
  append_png_chunk(file, "IDAT", data);
  append_png_chunk(file, "IEND", {});
  return file;
}

Status save_png(const std::string& path, int width, int height, int channels, std::span<const std::uint8_t> pixels) {
  const Result<std::vector<std::uint8_t>> file = encode_png(width, height, channels, pixels);
  return file.ok() ? replace_file(path, *file) : file.status().within(path);
}

Status save_png(const std::string& path, int width, int height, std::span<const std::uint16_t> pixels) {
  const Result<std::vector<std::uint8_t>> file = encode_png(width, height, pixels);
  return file.ok() ? replace_file(path, *file) : file.status().within(path);
}

}  // namespace altocast
