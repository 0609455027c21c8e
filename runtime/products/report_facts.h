// What a station knows beyond one forecast, for its report and summary.json. All of it is optional: what is not known
// is not shown.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace altocast {

// Scores of the forecasts that frames have since made checkable, a mean over forecasts and pixels.
struct RecentScores {
  std::int64_t first_time = 0, last_time = 0;  // of the verified forecasts, seconds since 1970
  int forecasts = 0;
  std::string score = "mean absolute error";
  struct Line {
    std::string name;             // "forecast" (drawn bold, the first), "persistence", "advection"
    std::vector<double> by_lead;  // in the frames' units, less is better; NaN where nothing was to be verified
  };
  std::vector<Line> lines;
};

// How the frames came in over the time that `since` begins.
struct FeedHealth {
  std::int64_t since = 0;
  int used = 0;                                               // frames
  int missing = 0;                                            // slots without a frame
  int bridged = 0;                                            // of those, filled in from their neighbours
  std::vector<std::pair<std::string, std::string>> left_out;  // name of a file, why it was not used; newest last
  int left_out_count = 0;                                     // of all, if `left_out` holds the newest alone
};

// The last adaptation of the weights and whether the forecast uses it.
struct AdaptationFacts {
  bool used = false;
  std::string decision;                        // why, in a sentence; may be empty
  std::int64_t first_time = 0, last_time = 0;  // of the frames it learned from
  int pairs = 0, steps = 0;
  double nll_before = 0.0, nll_after = 0.0;  // of those pairs, a pixel of a lead; NaN if unknown
  int earlier_pairs = 0;                     // of those, from before the gap that the newest frame's run begins after
  int hour_pairs = 0;  // of the same hour of the days before, by which forecasts of this hour are corrected
};

}  // namespace altocast
