// How the last day's forecasts turned out, as a text file with a line for each forecast and lead whose frame has come
// since: verification.csv, with a header line, in the frames' own units. It is bounded: what is older than a day before
// the newest frame goes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/status.h"

namespace altocast {

// Mean absolute errors over all pixels.
struct CheckedForecast {
  std::int64_t from = 0;  // slot of the forecast's newest frame
  int lead = 0;           // 1 …
  int members = 0;
  double mae = 0;          // of the ensemble's mean
  double persistence = 0;  // of the newest frame
  double advection = 0;    // of the newest frame carried on by the motion of the last two
};

inline constexpr std::int64_t kHistorySeconds = 86400;

// The text of the file, and back. Fails, naming the line, on anything that history_text() does not write.
std::string history_text(std::span<const CheckedForecast> history);
Result<std::vector<CheckedForecast>> parse_history(std::string_view text, const std::string& path);

// Means over the last day's forecasts of one lead.
struct LeadSummary {
  int lead = 0;
  int forecasts = 0;
  double mae = 0, persistence = 0, advection = 0;
};
std::vector<LeadSummary> summarise(std::span<const CheckedForecast> history);  // by lead, those that occur

}  // namespace altocast
