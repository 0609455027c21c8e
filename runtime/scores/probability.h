// Scores of an ensemble's probability of an event: the share i / m of the members in which it happens. One
// small table of how often each i was forecast, with the event and without, holds all of an archive, whatever
// its length, and the scores follow from it exactly.
//
//   Brier score   mean of (i / m − o)², o = 1 with the event, else 0
//   fair Brier    minus the mean of i (m − i) / (m² (m − 1)): what an endless ensemble would score; NaN for m
//   = 1 reliability   of each i: how often the event then came; as a number: mean of (i / m − that
//   frequency)² resolution    mean of (that frequency − base rate)²;  uncertainty: base rate · (1 − base
//   rate)
//                 Brier = reliability − resolution + uncertainty (Murphy, 1973)
//   ROC area      chance that an event had a higher probability than a non-event, ties by half: the area
//   under
//                 the curve of POD over POFD with one point for each i, joined by lines
//
// NaN: the caller leaves out what has no value. Empty events: without forecasts all scores are NaN; the ROC
// area also if the event came always or never; a frequency of an i that was never forecast is NaN and counts
// nowhere.
#pragma once

#include <cstdint>
#include <vector>

namespace altocast {

class ProbabilityTable {
 public:
  explicit ProbabilityTable(int members);  // ≥ 1

  // `in_members`: in how many of the members the event happens, 0 … members.
  void add(int in_members, bool observed);

  std::uint64_t count() const;
  std::uint64_t events() const;
  double base_rate() const;
  double brier() const;
  double fair_brier() const;
  double reliability() const;
  double resolution() const;
  double uncertainty() const;
  double roc_area() const;

  // Of the reliability diagram, [members + 1] each.
  std::vector<double> observed_frequency() const;
  std::vector<std::uint64_t> forecasts() const;

  void each_number(const auto& visit) {  // as in errors.h
    for (std::uint64_t& count : with_) visit(count);
    for (std::uint64_t& count : without_) visit(count);
  }

 private:
  double members() const { return static_cast<double>(with_.size() - 1); }

  std::vector<std::uint64_t> with_, without_;  // [members + 1]: forecasts of i / m with and without the event
};

}  // namespace altocast
