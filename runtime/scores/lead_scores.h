// All scores of one forecasting system at one lead time, streamed over the cases of a verification: errors of
// the ensemble's mean, the ensemble's own scores, and at each threshold those of the event. A single forecast
// (persistence) is an ensemble of one member.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/scores/contingency.h"
#include "runtime/scores/ensemble_scores.h"
#include "runtime/scores/errors.h"
#include "runtime/scores/fss.h"
#include "runtime/scores/probability.h"

namespace altocast {

// What counts as an event: a number above a threshold, or below it where bright pixels are low numbers (as
// with brightness temperatures), so that events are clouds in either case.
struct EventRules {
  std::vector<double> thresholds;
  bool below = false;
  std::vector<int> windows;  // sides of FSS windows in pixels, odd; Padding::none
};

// What one case scored.
struct CaseScores {
  double mae = 0;   // of the ensemble's mean
  double crps = 0;  // fair; plain, which is the MAE, for one member
};

// Room for one field. Systems that are scored one after another share it.
struct FieldScratch {
  explicit FieldScratch(std::size_t pixels)
      : mean(pixels), observed_events(pixels), mean_events(pixels), member_events(pixels) {}
  std::vector<double> mean;  // NaN where a pixel is left out
  std::vector<std::uint16_t> observed_events, mean_events, member_events;
};

class LeadScores {
 public:
  struct Threshold {
    double value = 0;
    ContingencyTable of_mean;
    ProbabilityTable probability;
    std::vector<FssSums> fss_of_mean;         // [windows]
    std::vector<FssSums> fss_of_probability;  // [windows]
  };

  // For fields of height · width. All memory is allocated here; add() allocates nothing.
  LeadScores(int members, const EventRules& rules, std::uint64_t seed, std::uint64_t stream, int height, int width);

  // Member i's field starts at values + i · member_stride. A pixel that is not finite in `observed` or in any
  // member is left out, and counts as no event for FSS. The case's scores are NaN if every pixel is left out.
  // `mean` [height · width] is what counts as the ensemble's mean in errors and events; null: the members' own.
  CaseScores add(const float* values, std::size_t member_stride, const float* mean, std::span<const float> observed,
                 FieldScratch& scratch);

  int members() const { return static_cast<int>(pixel_.size()); }
  const ErrorSums& errors() const { return errors_; }  // of the ensemble's mean
  const EnsembleSums& ensemble() const { return ensemble_; }
  const std::vector<Threshold>& thresholds() const { return thresholds_; }

  void each_number(const auto& visit) {  // as in errors.h
    errors_.each_number(visit);
    ensemble_.each_number(visit);
    for (Threshold& threshold : thresholds_) {
      threshold.of_mean.each_number(visit);
      threshold.probability.each_number(visit);
      for (FssSums& sums : threshold.fss_of_mean) sums.each_number(visit);
      for (FssSums& sums : threshold.fss_of_probability) sums.each_number(visit);
    }
  }

 private:
  void add_events(Threshold& threshold, const float* values, std::size_t member_stride, std::span<const float> observed,
                  FieldScratch& scratch);

  int height_, width_;
  bool below_;
  ErrorSums errors_;
  EnsembleSums ensemble_;
  std::vector<Threshold> thresholds_;
  std::vector<double> pixel_;  // [members]
};

}  // namespace altocast
