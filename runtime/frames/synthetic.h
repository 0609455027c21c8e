// Made-up infrared frames to try everything on without data: low and high clouds that drift with a smooth
// flow, shear, grow and decay over a patterned surface with a daily cycle. Built from integer hashes and IEEE
// additions, multiplications and square roots only, so a seed gives the same bytes on every platform.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/status.h"

namespace altocast {

struct SyntheticSettings {
  int frames = 48;   // 1 … 100000
  int height = 192;  // 8 … 8192
  int width = 192;
  std::uint64_t seed = 1;
  std::int64_t start_time = 1528243200;  // 2018-06-06T00:00Z
  int cadence_seconds = 1800;            // whole minutes, 60 … 86400
};

Status validate(const SyntheticSettings& settings);

// Frame `index` (0 …), [height, width], bright is cold: brightness temperature = 330 K − pixel / 1.5. A pure
// function of its arguments; `settings` must be valid.
std::vector<std::uint8_t> synthetic_frame(const SyntheticSettings& settings, int index);

// Makes `folder` (its parent must exist) and writes the frames as 8-bit PNGs in the plain layout with a
// cache.toml. A folder that already holds something is refused.
Status write_synthetic_frames(const SyntheticSettings& settings, const std::string& folder);

}  // namespace altocast
