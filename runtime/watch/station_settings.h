// station.toml: what `altocast watch` does, and where. share/altocast/station.toml has every key with its meaning.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "formats/status.h"
#include "runtime/frames/frame_cache_settings.h"

namespace altocast {

// Which runs stay on disk. Zero: no limit. The newest run always stays.
struct RunLimits {
  int runs = 0;
  std::int64_t seconds = 0;      // older than the newest run by more than that
  std::uint64_t bytes = 0;       // of all runs
  std::uint64_t free_bytes = 0;  // that the file system must keep free
};

struct StationSettings {
  std::string prior;          // file
  std::string output;         // folder
  std::string frames;         // folder
  FrameCacheSettings images;  // what [frames] says of them
  bool says_images = false;   // anything; if not, the folder's cache.toml may
  int poll_seconds = 30;
  int silent_seconds = 0;  // after the newest frame's time: the feed is silent; 0: four cadences and half an hour

  int members = 16;
  int least_members = 4;  // a slot whose time is short makes do with
  int member_pictures = 3;
  std::uint64_t seed = 1;
  int catch_up_seconds = 6 * 3600;  // forecasts missed longer ago are not made up for

  bool adapt = true;
  bool guard = true;                // guarded_adaptation.h
  int adapt_every_seconds = 0;      // 0: with every frame
  std::optional<int> pairs, steps;  // else the prior's
  float rate_scale = 1.0f;

  int threads = 0;  // 0: all cores
  int nice = 10;
  std::uint64_t memory_limit = 0;  // bytes that a forecast or an adaptation may take; 0: no limit
  int budget_seconds = 0;          // from a frame to its forecast; 0: half the cadence

  RunLimits keep{48, 0, 0, std::uint64_t{200} << 20};
};

// Reads the text of a station.toml. Paths in it are taken to be relative to the folder of `path`. Fails on syntax,
// unknown or missing keys, wrong types and values out of range, naming `path`, the line and what would do.
Result<StationSettings> parse_station_settings(std::string_view text, const std::string& path);
Result<StationSettings> load_station_settings(const std::string& path);

}  // namespace altocast
