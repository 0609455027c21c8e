#include "runtime/scores/lead_scores.h"

#include <cmath>
#include <limits>

namespace altocast {

LeadScores::LeadScores(int members, const EventRules& rules, std::uint64_t seed, std::uint64_t stream, int height,
                       int width)
    : height_(height), width_(width), below_(rules.below), ensemble_(members, seed, stream) {
  pixel_.resize(static_cast<std::size_t>(members));
  for (const double value : rules.thresholds) {
    std::vector<FssSums> fss;
    for (const int window : rules.windows) fss.emplace_back(window, Padding::none);
    thresholds_.push_back({value, {}, ProbabilityTable(members), fss, fss});
    for (FssSums& sums : thresholds_.back().fss_of_mean) sums.reserve(width);
    for (FssSums& sums : thresholds_.back().fss_of_probability) sums.reserve(width);
  }
}

CaseScores LeadScores::add(const float* values, std::size_t member_stride, const float* given_mean,
                           std::span<const float> observed, FieldScratch& scratch) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  double absolute = 0, crps = 0;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const auto truth = static_cast<double>(observed[i]);
    double sum = 0;
    for (std::size_t k = 0; k < pixel_.size(); ++k) {
      pixel_[k] = static_cast<double>(values[k * member_stride + i]);
      sum += pixel_[k];
    }
    const double mean = given_mean ? static_cast<double>(given_mean[i]) : sum / static_cast<double>(pixel_.size());
    const std::optional<Crps> score = ensemble_.add(pixel_, truth);
    scratch.mean[i] = score ? mean : kNaN;
    if (!score) continue;
    errors_.add(mean, truth);
    absolute += std::fabs(mean - truth);
    crps += pixel_.size() > 1 ? score->fair : score->plain;
    ++count;
  }
  for (Threshold& threshold : thresholds_) add_events(threshold, values, member_stride, observed, scratch);
  if (count == 0) return {kNaN, kNaN};
  return {absolute / static_cast<double>(count), crps / static_cast<double>(count)};
}

void LeadScores::add_events(Threshold& threshold, const float* values, std::size_t member_stride,
                            std::span<const float> observed, FieldScratch& scratch) {
  const auto event = [&](double value) { return below_ ? value < threshold.value : value > threshold.value; };
  for (std::size_t i = 0; i < observed.size(); ++i) {
    int in_members = 0;
    const bool counted = !std::isnan(scratch.mean[i]);
    const bool truth = counted && event(static_cast<double>(observed[i]));
    const bool of_mean = counted && event(scratch.mean[i]);
    if (counted) {
      for (std::size_t k = 0; k < pixel_.size(); ++k)
        in_members += event(static_cast<double>(values[k * member_stride + i]));
      threshold.of_mean.add(of_mean, truth);
      threshold.probability.add(in_members, truth);
    }
    scratch.observed_events[i] = truth;
    scratch.mean_events[i] = of_mean;
    scratch.member_events[i] = static_cast<std::uint16_t>(in_members);
  }
  for (FssSums& sums : threshold.fss_of_mean)
    sums.add(scratch.mean_events, 1, scratch.observed_events, height_, width_);
  for (FssSums& sums : threshold.fss_of_probability)
    sums.add(scratch.member_events, members(), scratch.observed_events, height_, width_);
}

}  // namespace altocast
