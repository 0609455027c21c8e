#include "runtime/station/diurnal_fit.h"

#include <algorithm>
#include <cmath>

#include "runtime/station/absolute_errors_fit.h"

namespace altocast {
namespace {

constexpr int kIterations = 8;
constexpr double kRidge = 0.1;  // draws a line's rise to 0: of an error per deviation of the forecasts

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

void DiurnalFit::add(float forecast, float target) {
  const auto of_forecast = static_cast<double>(forecast);
  pairs_.back().points.push_back({of_forecast, static_cast<double>(target) - of_forecast});
}

DiurnalFit::Line DiurnalFit::fit() const {
  double count = 0, mean = 0, deviation = 0;
  for (const Pair& pair : pairs_) {
    count += static_cast<double>(pair.points.size());
    for (const Point& p : pair.points) mean += p.forecast;
  }
  if (count == 0) return {};
  mean /= count;
  for (const Pair& pair : pairs_) {
    for (const Point& p : pair.points) deviation += (p.forecast - mean) * (p.forecast - mean) / count;
  }
  deviation = std::sqrt(deviation);
  if (!(deviation > 0) || !std::isfinite(deviation)) return {};

  std::size_t days = 0;
  for (auto pair = pairs_.begin(); pair != pairs_.end(); ++pair)
    days += std::none_of(pairs_.begin(), pair, [&](const Pair& other) { return other.day == pair->day; });
  const std::size_t a_day = (pairs_.size() + days - 1) / days;
  // Corrections a deviation below the mean forecast, and above it; none, as often as a day has pairs.
  std::vector<double> low(a_day), high(a_day);
  for (const Pair& pair : pairs_) {
    double offset = 0, rise = 0;
    const auto error = [&](const Point& p, double x) { return std::fabs(p.error - offset - rise * x); };
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      double size = 0;
      for (const Point& p : pair.points) size += error(p, (p.forecast - mean) / deviation);
      size /= static_cast<double>(pair.points.size());
      if (!std::isfinite(size)) return {};
      if (size == 0) break;
      NormalEquations equations;  // of the offset and the rise
      for (const Point& p : pair.points) {
        const double x = (p.forecast - mean) / deviation;
        equations.add(1.0, x, p.error, error(p, x) / size);
      }
      equations.vv += kRidge * equations.uu;
      const auto solution = equations.solve();
      if (!solution) return {};
      offset = solution->a;
      rise = solution->b;
    }
    low.push_back(offset - rise);
    high.push_back(offset + rise);
  }
  const double at_low = median(low), at_high = median(high);
  const double rise = std::clamp((at_high - at_low) / (2 * deviation), static_cast<double>(kLeastSlope) - 1.0,
                                 static_cast<double>(kLargestSlope) - 1.0);
  const double intercept = (at_low + at_high) / 2 - rise * mean;
  if (!(std::fabs(intercept) <= static_cast<double>(kLargestIntercept))) return {};
  return {static_cast<float>(1.0 + rise), static_cast<float>(intercept)};
}

}  // namespace altocast
