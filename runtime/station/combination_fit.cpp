#include "runtime/station/combination_fit.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/station/absolute_errors_fit.h"
#include "runtime/station/diurnal_fit.h"
#include "runtime/station/noise_fit.h"

namespace altocast {
namespace {

constexpr double kRidge = 0.03;  // towards the default, in mean squares of the differences
constexpr int kIterations = 6;

}  // namespace

CombinationFit::CombinationFit(int height, int width, int leads, int pairs, const NoiseModel* noise,
                               const FrameRangeLimits& limits)
    : height_(height),
      width_(width),
      step_((std::max(height, width) + kGrid - 1) / kGrid),
      limits_(limits),
      default_(default_combination(leads)),
      points_(static_cast<std::size_t>(leads)) {
  const auto along = [&](int side) { return static_cast<std::size_t>((side - step_ / 2 + step_ - 1) / step_); };
  pair_points_ = along(height) * along(width);
  for (std::vector<Point>& points : points_) points.reserve(pair_points_ * static_cast<std::size_t>(pairs));
  for (int lead = 0; noise && lead < leads; ++lead) quantiles_.emplace_back(*noise, lead);
}

void CombinationFit::add(std::span<const float> network, const float* target, const CombinedForecast& advection,
                         const ObservationNoise* noise, int day, bool combined) {
  if (!advection.has_advection()) return;
  assert(!combined || points_.front().size() == combined_pairs_ * pair_points_);
  combined_pairs_ += combined;
  const std::size_t pixels = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  for (std::size_t lead = 0; lead < points_.size(); ++lead) {
    for (int y = step_ / 2; y < height_; y += step_) {
      for (int x = step_ / 2; x < width_; x += step_) {
        const std::size_t pixel =
            static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
        const std::size_t i = lead * pixels + pixel;
        const float smoothed = advection.smoothed()[i];
        Point point{network[i] - smoothed, advection.advected()[i] - smoothed, target[i] - smoothed, smoothed, {}, day};
        if (noise) {
          point.noise = noise->state(lead, pixel, point.forecast(default_.network[lead], default_.advection[lead]));
        }
        points_[lead].push_back(point);
      }
    }
  }
}

// Minimises Σ |t − w·x| + ridge |w − default|² over w = (network, advection) by reweighted least squares, then brings w
// into its range.
void CombinationFit::fit_weights(std::span<const Point> points, float& network, float& advection) const {
  const double network_0 = static_cast<double>(network), advection_0 = static_cast<double>(advection);
  double w_network = network_0, w_advection = advection_0;
  const auto error = [&](const Point& p) {
    return std::fabs(static_cast<double>(p.target) - w_network * static_cast<double>(p.network) -
                     w_advection * static_cast<double>(p.advection));
  };
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    double mean = 0;
    for (const Point& p : points) mean += error(p) / static_cast<double>(points.size());
    if (!(mean > 0) || !std::isfinite(mean)) return;
    NormalEquations equations;  // of the weights of network and advection
    for (const Point& p : points) {
      equations.add(static_cast<double>(p.network), static_cast<double>(p.advection), static_cast<double>(p.target),
                    error(p) / mean);
    }
    const double ridge = kRidge * 0.5 * (equations.uu + equations.vv);
    equations.uu += ridge;
    equations.vv += ridge;
    equations.ut += ridge * network_0;
    equations.vt += ridge * advection_0;
    const auto solution = equations.solve();
    if (!solution) return;
    w_network = std::clamp(solution->a, 0.0, 1.0);
    w_advection = std::clamp(solution->b, 0.0, 1.0);
    const double sum = std::max(1.0, w_network + w_advection);
    w_network /= sum;
    w_advection /= sum;
  }
  network = static_cast<float>(w_network);
  advection = static_cast<float>(w_advection);
}

float CombinationFit::forecast_of(const Point& point, const Combination& combination, std::size_t lead) {
  const float forecast = point.forecast(combination.network[lead], combination.advection[lead]);
  const std::optional<DiurnalCorrection>& diurnal = combination.diurnal;
  return diurnal && point.day > 0 ? diurnal->line(lead).at(forecast) : forecast;
}

double CombinationFit::gain(const Combination& combination) const {
  const auto error = [&](const Combination& with) {
    double sum = 0;
    for (std::size_t lead = 0; lead < points_.size(); ++lead) {
      for (const Point& p : combined(lead))
        sum += static_cast<double>(std::fabs(p.truth() - forecast_of(p, with, lead)));
    }
    return sum;
  };
  const double before = error(default_);
  return before > 0 ? 1.0 - error(combination) / before : 0.0;
}

void CombinationFit::fit_diurnal(std::size_t lead, Combination& combination) const {
  DiurnalFit diurnal;
  const std::vector<Point>& points = points_[lead];
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& p = points[i];
    if (p.day == 0) continue;
    if (i % pair_points_ == 0) diurnal.begin_pair(p.day);
    diurnal.add(p.forecast(combination.network[lead], combination.advection[lead]), p.truth());
  }
  const DiurnalFit::Line line = diurnal.fit();
  combination.diurnal->slope[lead] = line.slope;
  combination.diurnal->intercept[lead] = line.intercept;
}

void CombinationFit::fit_noise(std::size_t lead, Combination& combination) const {
  const std::span<const Point> points = combined(lead);
  const bool floor =
      std::any_of(points.begin(), points.end(), [&](const Point& p) { return NoiseFit::on_floor(p.truth(), limits_); });
  NoiseFit noise(quantiles_[lead], limits_, floor);
  for (const Point& p : points) noise.add(p.noise, forecast_of(p, combination, lead), p.truth());
  const auto of_lead = [&](std::vector<float>& values) {
    return std::span(values).subspan(lead * kAmplitudeNodes, kAmplitudeNodes);
  };
  noise.fit(of_lead(combination.noise_scale), of_lead(combination.noise_shift));
}

Combination CombinationFit::fit(ThreadPool& threads, std::int64_t now) const {
  Combination result = default_;
  const std::vector<Point>& any = points_.front();
  if (any.empty()) return result;
  if (std::any_of(any.begin(), any.end(), [](const Point& p) { return p.day > 0; }))
    result.diurnal = {now, std::vector<float>(points_.size()), std::vector<float>(points_.size())};
  threads.parallel_for(static_cast<int>(points_.size()), [&](int number) {
    const auto lead = static_cast<std::size_t>(number);
    fit_weights(combined(lead), result.network[lead], result.advection[lead]);
    if (result.diurnal) fit_diurnal(lead, result);
    if (!quantiles_.empty()) fit_noise(lead, result);
  });
  return result;
}

}  // namespace altocast
