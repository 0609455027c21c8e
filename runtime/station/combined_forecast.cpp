#include "runtime/station/combined_forecast.h"

#include <algorithm>
#include <cassert>

namespace altocast {

CombinedForecast::CombinedForecast(int height, int width, int leads)
    : leads_(static_cast<std::size_t>(leads)),
      pixels_(static_cast<std::size_t>(height) * static_cast<std::size_t>(width)) {
  if (height < OpticalFlow::kLeastSide || width < OpticalFlow::kLeastSide) return;
  advection_.emplace(height, width, leads);
  advected_.resize(leads_ * pixels_);
  smoothed_.resize(leads_ * pixels_);
}

CombinedForecast CombinedForecast::of(const float* frames, int count, int height, int width, int leads,
                                      ThreadPool& threads) {
  CombinedForecast combined(height, width, leads);
  combined.prepare(frames, count, threads);
  combined.advection_.reset();
  return combined;
}

void CombinedForecast::prepare(const float* frames, int count, ThreadPool& threads) {
  if (!advection_) return;
  advection_->forecast({frames, static_cast<std::size_t>(count) * pixels_}, count, advected_, smoothed_, &threads);
}

void CombinedForecast::combine(const Combination& combination, const FrameRangeLimits& limits,
                               std::span<float> forecast, ThreadPool& threads) const {
  assert(forecast.size() == leads_ * pixels_);
  threads.parallel_for(static_cast<int>(leads_), [&](int number) {
    const auto lead = static_cast<std::size_t>(number);
    const float network = combination.network[lead], advection = combination.advection[lead];
    std::optional<DiurnalCorrection::Line> correction;
    if (combination.diurnal) correction = combination.diurnal->line(lead);
    for (std::size_t i = lead * pixels_; i < (lead + 1) * pixels_; ++i) {
      const float of_network = limited(forecast[i], limits);
      forecast[i] =
          has_advection()
              ? smoothed_[i] + (network * (of_network - smoothed_[i]) + advection * (advected_[i] - smoothed_[i]))
              : of_network;
      if (correction) forecast[i] = limited(correction->at(forecast[i]), limits);
    }
  });
}

}  // namespace altocast
