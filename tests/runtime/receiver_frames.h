// Frames as a receiver leaves them, for tests: made-up clouds, whole or spoilt.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>

#include "runtime/frames/synthetic.h"
#include "runtime/time.h"
#include "tests/runtime/frame_files.h"
#include "tests/runtime/jpeg_file.h"

namespace altocast {

inline constexpr int kClouds = 64;  // pixels a side

// Frame `index` of clouds that drift by about two pixels from frame to frame; grey, [64, 64].
inline Bytes clouds(int index) {
  SyntheticSettings settings;
  settings.height = settings.width = kClouds;
  settings.cadence_seconds = 2400;
  return synthetic_frame(settings, index);
}

inline Bytes gray_png(const Bytes& pixels, int width = kClouds) {
  const Result<Bytes> png = encode_png(width, static_cast<int>(pixels.size()) / width, 1, pixels);
  EXPECT_TRUE(png.ok()) << png.message();
  return *png;
}

// Grey as three equal colours.
inline Bytes to_rgb(const Bytes& gray) {
  Bytes rgb;
  for (const std::uint8_t pixel : gray) rgb.insert(rgb.end(), 3, pixel);
  return rgb;
}

// goes16/fd/ch13/2020-08-30/GOES16_FD_CH13_20200830T035020Z, ten minutes to the next.
inline std::string goes_name(int index, const std::string& channel = "CH13", const std::string& extension = ".png") {
  const std::int64_t time = 1598752220 + std::int64_t{600} * index;
  const std::string stamp = format_compact_time(time);
  const std::string day = stamp.substr(0, 4) + "-" + stamp.substr(4, 2) + "-" + stamp.substr(6, 2);
  std::string below = channel;
  std::transform(below.begin(), below.end(), below.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return "goes16/fd/" + below + "/" + day + "/GOES16_FD_" + channel + "_" + stamp + extension;
}

// Makes the folders above it too.
inline void put(const TemporaryFolder& folder, const std::string& name, const Bytes& bytes) {
  const std::filesystem::path path(folder / name);
  std::filesystem::create_directories(path.parent_path());
  write_bytes(path.string(), bytes);
}

}  // namespace altocast
