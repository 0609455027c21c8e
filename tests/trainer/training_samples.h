// Small folders of frames and settings that train on them in well under a second.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "runtime/frames/synthetic.h"
#include "tests/runtime/frame_files.h"
#include "trainer/fit_settings.h"

namespace altocast {

inline std::string frame_path(const std::string& folder, std::int64_t time) {
  return folder + "/" + format_compact_time(time) + ".png";
}

// `count` half-hourly frames of size² pixels from kNoon on; pixel(t, y, x) is frame t's number at row y,
// column x. What numbers look like does not matter.
inline void write_frames_of(const std::string& folder, int count, int size,
                            const std::function<int(int, int, int)>& pixel, int bits = 8) {
  std::filesystem::create_directories(folder);
  write_text(folder + "/cache.toml", "accept = [\"constant\", \"night\"]\n");
  for (int t = 0; t < count; ++t) {
    Bytes bytes;
    std::vector<std::uint16_t> words;
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        bytes.push_back(static_cast<std::uint8_t>(pixel(t, y, x)));
        words.push_back(static_cast<std::uint16_t>(pixel(t, y, x)));
      }
    }
    const Result<Bytes> png = bits == 8 ? encode_png(size, size, 1, bytes) : encode_png(size, size, words);
    ASSERT_TRUE(png.ok()) << png.message();
    write_bytes(frame_path(folder, kNoon + std::int64_t{t} * 1800), *png);
  }
}

inline void write_synthetic(const std::string& folder, int frames, int size) {
  SyntheticSettings settings;
  settings.frames = frames;
  settings.height = settings.width = size;
  const Status status = write_synthetic_frames(settings, folder);
  ASSERT_TRUE(status.ok()) << status.message();
}

// Ten steps over all three phases with a network of some thousand weights.
inline FitSettings tiny_settings(const std::string& folder) {
  FitSettings s;
  s.network.input_frames = 2;
  s.network.leads = 2;
  s.network.base_channels = 4;
  s.network.depth = 1;
  s.data = {folder};
  s.validation_gap_hours = 1;
  s.validation_tasks = 3;
  s.steps = 10;
  s.warmup_steps = 4;
  s.first_order_steps = 3;
  s.warmup_batch = 3;
  s.warmup_tile = 16;
  s.meta_batch = 3;
  s.tile = 16;
  s.support_pairs = 2;
  s.query_pairs = 1;
  s.inner.steps = 2;
  s.inner.samples = 2;
  s.inner.antithetic = true;
  s.checkpoint_every = 5;
  s.report_every = 1;
  s.validate_every = 4;
  return s;
}

}  // namespace altocast
