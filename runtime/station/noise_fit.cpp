#include "runtime/station/noise_fit.h"

#include <algorithm>

namespace altocast {
namespace {

constexpr double kLeastOnFloor = 0.1;  // share of truths for which a shift is tried
constexpr double kOfAll = 0.02;        // of all nodes' losses in each one's, which may have few truths or none
constexpr double kShrinkage = 0.3;     // of the scale 1 to one of the best
constexpr float kRounding = 2e-6f;

}  // namespace

bool NoiseFit::on_floor(float target, const FrameRangeLimits& limits) { return target <= limits.low + kRounding; }

void NoiseFit::Losses::add(const Losses& other, double share) {
  if (share == 0) return;
  for (std::size_t change = 0; change < of.size(); ++change) of[change] += share * other.of[change];
  count += share * other.count;
  on_floor += share * other.on_floor;
}

// CRPS as the mean loss over quantiles: those of z = −3, −2 … 3, each for the normal numbers that are nearest to it.
NoiseFit::Losses NoiseFit::losses(const ObservationNoise::State& state, float forecast, float target) const {
  static_assert(kNoiseQuantiles == 13 && kFirstNoiseKnot == -3.0f && kNoiseKnotStep == 0.5f);
  constexpr std::array<float, 7> level = {0.00134990f, 0.0227501f, 0.158655f, 0.5f, 0.841345f, 0.977250f, 0.998650f};
  constexpr std::array<float, 7> weight = {0.00620967f, 0.0605975f, 0.241730f,  0.382925f,
                                           0.241730f,   0.0605975f, 0.00620967f};
  constexpr std::size_t first = kShifts - 1;
  std::array<float, first + kNoiseQuantiles> errors;  // from z = −6 on: below the table its first step goes on
  for (std::size_t knot = 0; knot < kNoiseQuantiles; ++knot)
    errors[first + knot] = state.sigma * quantiles_.knot_value(state.amplitude, state.position, knot);
  for (std::size_t k = first; k-- > 0;) errors[k] = 2 * errors[k + 1] - errors[k + 2];
  Losses losses{.of = {}, .count = 1, .on_floor = on_floor(target, limits_) ? 1.0 : 0.0};
  const auto [low, high] = limits_;
  for (std::size_t shift = 0; shift < shifts_; ++shift) {
    std::array<float, kScales.size()> loss{};
    for (std::size_t j = 0; j < level.size(); ++j) {
      const float error = errors[first + 2 * j - shift];
      for (std::size_t k = 0; k < kScales.size(); ++k) {
        const float value = std::min(std::max(forecast + kScales[k] * error, low), high);
        const float over = value - target;
        loss[k] += weight[j] * std::max((1.0f - level[j]) * over, -level[j] * over);
      }
    }
    std::copy(loss.begin(), loss.end(), losses.of.begin() + static_cast<std::ptrdiff_t>(shift * kScales.size()));
  }
  return losses;
}

void NoiseFit::add(const ObservationNoise::State& state, float forecast, float target) {
  const Losses of_pixel = losses(state, forecast, target);
  const auto fraction = static_cast<double>(state.amplitude.fraction);
  nodes_[state.amplitude.first].add(of_pixel, 1.0 - fraction);
  nodes_[state.amplitude.first + 1].add(of_pixel, fraction);
}

void NoiseFit::fit(std::span<float> scale, std::span<float> shift) const {
  Losses all;
  for (const Losses& node : nodes_) all.add(node, 1.0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Losses node = nodes_[i];
    node.add(all, kOfAll);
    const bool may_shift = node.on_floor > kLeastOnFloor * node.count;
    const auto end = node.of.begin() + static_cast<std::ptrdiff_t>(may_shift ? kChanges : kScales.size());
    const auto best = static_cast<std::size_t>(std::min_element(node.of.begin(), end) - node.of.begin());
    const auto best_scale = static_cast<double>(kScales[best % kScales.size()]);
    scale[i] = static_cast<float>((best_scale + kShrinkage) / (1.0 + kShrinkage));
    shift[i] = kNoiseKnotStep * static_cast<float>(best / kScales.size());
  }
}

}  // namespace altocast
