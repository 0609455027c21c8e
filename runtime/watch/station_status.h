// status.json: how a station is, for its web page, for monitoring, and for the operator who asks why there is no new
// forecast. docs/commands.md lists the keys.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/watch/station_weights.h"
#include "runtime/watch/verification_history.h"

namespace altocast {

// Something wrong, in words that name the file and the mend.
struct StationProblem {
  std::string message;
  std::int64_t since = 0;
};

struct FeedStatus {
  std::string folder;
  std::optional<std::int64_t> newest;  // slot of the newest frame
  int cadence_seconds = 0;
  std::size_t frames = 0;
  int day_slots = 0, day_frames = 0;  // of the last day up to the newest frame: slots, and those with a frame
  std::size_t rejected_count = 0;
  std::vector<std::pair<std::string, std::string>> rejected;  // file and reason, the last few
  bool silent = false;                                        // no frame for longer than station.toml allows
};

struct PublishedForecast {
  std::int64_t slot = 0;
  std::int64_t published = 0;           // when, by the clock
  double seconds = 0;                   // from the moment its frame was seen
  int members = 0, wanted_members = 0;  // 0: made by an earlier process
  int steps = 0, wanted_steps = 0;      // of the adaptation made for it; 0: none was due, or there was no time for one
  std::int64_t valid_until = 0;
  std::string hash, folder;
};

struct StationStatus {
  std::string state = "starting";  // starting, waiting, working, stopped
  std::int64_t started = 0;
  std::int64_t updated = 0;
  FeedStatus feed;
  std::optional<PublishedForecast> forecast;
  std::optional<AdaptationRecord> adaptation;
  std::vector<LeadSummary> verification;
  std::map<std::string, StationProblem> problems;  // by what they stop: config, frames, forecast, disk …
  std::size_t runs = 0;
  std::uint64_t run_bytes = 0, free_bytes = 0;
};

std::string status_json(const StationStatus& status);

}  // namespace altocast
