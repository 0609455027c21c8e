#include "runtime/scores/probability.h"

#include <cassert>
#include <limits>
#include <numeric>

namespace altocast {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double number(std::uint64_t count) { return static_cast<double>(count); }

}  // namespace

ProbabilityTable::ProbabilityTable(int members) : with_(static_cast<std::size_t>(members) + 1), without_(with_.size()) {
  assert(members > 0);
}

void ProbabilityTable::add(int in_members, bool observed) {
  const auto i = static_cast<std::size_t>(in_members);
  assert(in_members >= 0 && i < with_.size());
  ++(observed ? with_ : without_)[i];
}

std::uint64_t ProbabilityTable::events() const { return std::accumulate(with_.begin(), with_.end(), std::uint64_t{0}); }
std::uint64_t ProbabilityTable::count() const { return std::accumulate(without_.begin(), without_.end(), events()); }
double ProbabilityTable::base_rate() const { return count() > 0 ? number(events()) / number(count()) : kNaN; }

double ProbabilityTable::brier() const {
  double sum = 0;
  for (std::size_t i = 0; i < with_.size(); ++i) {
    const double p = number(i) / members();
    sum += number(with_[i]) * (1 - p) * (1 - p) + number(without_[i]) * p * p;
  }
  return count() > 0 ? sum / number(count()) : kNaN;
}

double ProbabilityTable::fair_brier() const {
  const double m = members();
  if (m < 2) return kNaN;
  double sum = 0;
  for (std::size_t i = 0; i < with_.size(); ++i)
    sum += number(with_[i] + without_[i]) * number(i) * (m - number(i)) / (m * m * (m - 1));
  return count() > 0 ? brier() - sum / number(count()) : kNaN;
}

double ProbabilityTable::reliability() const {
  const std::vector<double> frequency = observed_frequency();
  double sum = 0;
  for (std::size_t i = 0; i < with_.size(); ++i) {
    const std::uint64_t forecasts = with_[i] + without_[i];
    const double difference = number(i) / members() - frequency[i];
    if (forecasts > 0) sum += number(forecasts) * difference * difference;
  }
  return count() > 0 ? sum / number(count()) : kNaN;
}

double ProbabilityTable::resolution() const {
  const std::vector<double> frequency = observed_frequency();
  const double base = base_rate();
  double sum = 0;
  for (std::size_t i = 0; i < with_.size(); ++i) {
    const std::uint64_t forecasts = with_[i] + without_[i];
    if (forecasts > 0) sum += number(forecasts) * (frequency[i] - base) * (frequency[i] - base);
  }
  return count() > 0 ? sum / number(count()) : kNaN;
}

double ProbabilityTable::uncertainty() const { return base_rate() * (1 - base_rate()); }

double ProbabilityTable::roc_area() const {
  const double events_all = number(events()), others_all = number(count()) - events_all;
  if (!(events_all > 0 && others_all > 0)) return kNaN;
  double pairs = 0, others_below = 0;
  for (std::size_t i = 0; i < with_.size(); ++i) {
    pairs += number(with_[i]) * (others_below + 0.5 * number(without_[i]));
    others_below += number(without_[i]);
  }
  return pairs / (events_all * others_all);
}

std::vector<double> ProbabilityTable::observed_frequency() const {
  std::vector<double> frequency;
  for (std::size_t i = 0; i < with_.size(); ++i) {
    const std::uint64_t forecasts = with_[i] + without_[i];
    frequency.push_back(forecasts > 0 ? number(with_[i]) / number(forecasts) : kNaN);
  }
  return frequency;
}

std::vector<std::uint64_t> ProbabilityTable::forecasts() const {
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < with_.size(); ++i) all.push_back(with_[i] + without_[i]);
  return all;
}

}  // namespace altocast
