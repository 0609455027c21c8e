// Makes folders of small frames, good and bad, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "formats/image.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/time.h"
#include "tests/formats/temporary_folder.h"

namespace altocast {

using Bytes = std::vector<std::uint8_t>;

inline void write_bytes(const std::string& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

inline void write_text(const std::string& path, const std::string& text) {
  write_bytes(path, Bytes(text.begin(), text.end()));
}

inline Bytes read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

// Pixel (y, x) is (first + y · width + x) mod 2^bits.
inline Bytes frame_png(int width, int height, int first = 0, int bits = 8) {
  Bytes bytes;
  std::vector<std::uint16_t> words;
  for (int i = 0; i < width * height; ++i) {
    bytes.push_back(static_cast<std::uint8_t>((first + i) % 256));
    words.push_back(static_cast<std::uint16_t>((first + i) % 65536));
  }
  const Result<Bytes> png = bits == 8 ? encode_png(width, height, 1, bytes) : encode_png(width, height, words);
  EXPECT_TRUE(png.ok()) << png.message();
  return *png;
}

inline const std::int64_t kNoon = 1528286400;  // 2018-06-06T12:00Z

// `count` frames of 12 × 8 pixels from `start` on.
inline void write_frames(const TemporaryFolder& folder, int count, std::int64_t start = kNoon, int cadence = 1800) {
  for (int i = 0; i < count; ++i) {
    write_bytes(folder / (format_compact_time(start + std::int64_t{i} * cadence) + ".png"), frame_png(12, 8, i));
  }
}

// Loads every frame that is not bridged; what is not fit to use.
inline std::vector<RejectedFrame> bad_frames(const FrameCache& cache) {
  std::vector<RejectedFrame> bad;
  for (std::size_t i = 0; i < cache.frames().size(); ++i) {
    Frame frame;
    if (cache.frames()[i].bridged) continue;
    if (auto found = cache.load(i, Normalisation{0.0f, 1.0f}, frame)) bad.push_back(*std::move(found));
  }
  return bad;
}

}  // namespace altocast
