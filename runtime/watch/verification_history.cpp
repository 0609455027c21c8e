#include "runtime/watch/verification_history.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "runtime/json_text.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr std::string_view kHeader = "forecast_from,lead,members,mae,mae_persistence,mae_advection";
constexpr int kMaxLead = 1000, kMaxMembers = 10000;

// Takes what stands before the next `end` off the front of `text`.
std::string_view take(std::string_view& text, char end) {
  const std::size_t length = std::min(text.find(end), text.size());
  const std::string_view front = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return front;
}

template <class Number>
bool read(std::string_view text, Number low, Number high, Number& value) {
  const std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && value >= low && value <= high;
}

bool read_line(std::string_view line, CheckedForecast& checked) {
  constexpr double kHuge = 1e300;
  const Result<std::int64_t> from = parse_time(take(line, ','));
  if (!from.ok()) return false;
  checked.from = *from;
  return read(take(line, ','), 1, kMaxLead, checked.lead) && read(take(line, ','), 1, kMaxMembers, checked.members) &&
         read(take(line, ','), 0.0, kHuge, checked.mae) && read(take(line, ','), 0.0, kHuge, checked.persistence) &&
         read(take(line, ','), 0.0, kHuge, checked.advection) && line.empty();
}

}  // namespace

std::string history_text(std::span<const CheckedForecast> history) {
  std::string text = std::string(kHeader) + "\n";
  for (const CheckedForecast& checked : history) {
    text += format_time(checked.from) + "," + std::to_string(checked.lead) + "," + std::to_string(checked.members);
    for (const double error : {checked.mae, checked.persistence, checked.advection}) text += "," + json_number(error);
    text += "\n";
  }
  return text;
}

Result<std::vector<CheckedForecast>> parse_history(std::string_view text, const std::string& path) {
  std::vector<CheckedForecast> history;
  if (take(text, '\n') != kHeader) return Status::error(path + ", line 1: is not the header that altocast writes");
  for (int line = 2; !text.empty(); ++line) {
    CheckedForecast checked;
    if (!read_line(take(text, '\n'), checked))
      return Status::error(path + ", line " + std::to_string(line) + ": is not a forecast's scores");
    history.push_back(checked);
  }
  return history;
}

std::vector<LeadSummary> summarise(std::span<const CheckedForecast> history) {
  std::map<int, LeadSummary> leads;
  for (const CheckedForecast& checked : history) {
    LeadSummary& summary = leads[checked.lead];
    summary.lead = checked.lead;
    ++summary.forecasts;
    summary.mae += checked.mae;
    summary.persistence += checked.persistence;
    summary.advection += checked.advection;
  }
  std::vector<LeadSummary> summaries;
  for (auto& [lead, summary] : leads) {
    for (double* mean : {&summary.mae, &summary.persistence, &summary.advection}) *mean /= summary.forecasts;
    summaries.push_back(summary);
  }
  return summaries;
}

}  // namespace altocast
