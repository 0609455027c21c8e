#include "formats/image_codec.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>

namespace altocast {
namespace {

// No single allocation of the decoder may exceed this. Compressed data can unfold a thousandfold: without a
// bound, a small hostile PNG would fill the memory although its header declares a small image.
thread_local std::size_t allocation_limit = 0;

// Zeroed, since the decoder reads tables and pixels that a hostile file never defined.
void* bounded_malloc(std::size_t size) { return size <= allocation_limit ? std::calloc(size, 1) : nullptr; }
void* bounded_realloc(void* block, std::size_t size) {
  return size <= allocation_limit ? std::realloc(block, size) : nullptr;
}

}  // namespace
}  // namespace altocast

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STBI_MALLOC(size) ::altocast::bounded_malloc(size)
#define STBI_REALLOC(block, size) ::altocast::bounded_realloc(block, size)
#define STBI_FREE(block) std::free(block)
// Some of its asserts fail on hostile files, whose consequences it then handles.
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
// Its vector code for JPEG differs from its plain code by rounding: frames must be the same everywhere.
#define STBI_NO_SIMD
#define STBI_MAX_DIMENSIONS 65535
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace altocast {
namespace {

Status decoder_failure() {
  const char* reason = stbi_failure_reason();
  return Status::error(std::string("the image can't be decoded: ") + (reason != nullptr ? reason : "unknown reason"));
}

constexpr std::size_t kSmallAllocations = std::size_t{1} << 20;

}  // namespace

Result<CodecInfo> codec_info(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return Status::error("larger than 2 GiB");
  }
  allocation_limit = kSmallAllocations;
  const int size = static_cast<int>(bytes.size());
  CodecInfo info;
  if (stbi_info_from_memory(bytes.data(), size, &info.width, &info.height, &info.channels) == 0) {
    return decoder_failure();
  }
  info.sixteen_bits = stbi_is_16_bit_from_memory(bytes.data(), size) != 0;
  return info;
}

Result<CodecPixels> codec_decode(std::span<const std::uint8_t> bytes, const CodecInfo& info) {
  // The decoder's largest blocks: the file's own data, the filtered rows (up to 4 channels of 16 bits, in a
  // buffer that doubles as it grows), the pixels, and a JPEG's coefficients (16 bits for each of 4
  // components).
  const std::uint64_t pixels =
      static_cast<std::uint64_t>(info.width + 64) * static_cast<std::uint64_t>(info.height + 64);
  const std::uint64_t limit = kSmallAllocations + 2 * bytes.size() + 20 * pixels;
  allocation_limit = static_cast<std::size_t>(
      std::min<std::uint64_t>(limit, static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max())));
  const int size = static_cast<int>(bytes.size());
  CodecPixels result;
  int width = 0, height = 0;
  result.values.reset(
      info.sixteen_bits
          ? static_cast<void*>(stbi_load_16_from_memory(bytes.data(), size, &width, &height, &result.channels, 0))
          : static_cast<void*>(stbi_load_from_memory(bytes.data(), size, &width, &height, &result.channels, 0)));
  if (result.values == nullptr) return decoder_failure();
  if (width != info.width || height != info.height) return Status::error("the image contradicts its own size");
  return result;
}

std::vector<std::uint8_t> codec_encode_png(int width, int height, int channels, std::span<const std::uint8_t> pixels) {
  std::vector<std::uint8_t> file;
  const auto append = [](void* context, void* data, int size) {
    const auto* begin = static_cast<const std::uint8_t*>(data);
    auto* target = static_cast<std::vector<std::uint8_t>*>(context);
    target->insert(target->end(), begin, begin + size);
  };
  stbi_write_png_to_func(append, &file, width, height, channels, pixels.data(), width * channels);
  return file;
}

std::vector<std::uint8_t> codec_deflate(std::span<const std::uint8_t> bytes) {
  constexpr int kQuality = 5;  // a twelfth faster than stb's usual 8, and larger by a seventieth
  int size = 0;
  // The function takes a pointer to non-const but only reads.
  const std::unique_ptr<unsigned char, CodecPixels::Free> block(
      stbi_zlib_compress(const_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), &size, kQuality));
  if (block == nullptr) return {};
  return {block.get(), block.get() + size};
}

}  // namespace altocast
