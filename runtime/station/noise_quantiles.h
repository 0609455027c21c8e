// The table Q of a noise model (formats/noise_model.h) at one lead: errors in units of σ, and back to the normal
// number that gives an error.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/noise_model.h"

namespace altocast {

// A place among nodes: weight `fraction`, 0 … 1, for the node `first` + 1, the rest for `first`.
struct NodePlace {
  std::uint32_t first = 0;
  float fraction = 0;
};

// Before the first node and beyond the last it is that node.
inline NodePlace place_among(std::span<const float> nodes, float value) {
  std::uint32_t first = 0;
  while (first + 2 < nodes.size() && value >= nodes[first + 1]) ++first;
  const float fraction = (value - nodes[first]) / (nodes[first + 1] - nodes[first]);
  return {first, std::min(std::max(fraction, 0.0f), 1.0f)};
}

class NoiseQuantiles {
 public:
  // The model is borrowed.
  NoiseQuantiles(const NoiseModel& noise, int lead)
      : amplitude_nodes_(std::span(noise.amplitude_nodes).subspan(at(lead, kAmplitudeNodes), kAmplitudeNodes)),
        position_nodes_(std::span(noise.position_nodes).subspan(at(lead, kPositionNodes), kPositionNodes)),
        table_(noise.quantiles.data() + at(lead, kAmplitudeNodes * kPositionNodes * kNoiseQuantiles)) {}

  NodePlace amplitude_place(float log_sigma) const { return place_among(amplitude_nodes_, log_sigma); }
  NodePlace position_place(float position) const { return place_among(position_nodes_, position); }

  // The error, in σ, that z stands for.
  float error(NodePlace amplitude, NodePlace position, float z) const {
    const float steps = (z - kFirstNoiseKnot) * (1.0f / kNoiseKnotStep);
    const auto knot =
        static_cast<std::size_t>(std::min(std::max(steps, 0.0f), static_cast<float>(kNoiseQuantiles - 2)));
    const float low = knot_value(amplitude, position, knot), high = knot_value(amplitude, position, knot + 1);
    return low + (steps - static_cast<float>(knot)) * (high - low);
  }

  // The z of an error in σ, within the knots; the middle of all where the table is level.
  float score(NodePlace amplitude, NodePlace position, float error) const;

  float knot_value(NodePlace amplitude, NodePlace position, std::size_t knot) const {
    const float* row =
        table_ + (std::size_t{amplitude.first} * kPositionNodes + position.first) * kNoiseQuantiles + knot;
    const float* next = row + kPositionNodes * kNoiseQuantiles;
    const float here = row[0] + position.fraction * (row[kNoiseQuantiles] - row[0]);
    const float there = next[0] + position.fraction * (next[kNoiseQuantiles] - next[0]);
    return here + amplitude.fraction * (there - here);
  }

 private:
  static std::size_t at(int lead, int per_lead) {
    return static_cast<std::size_t>(lead) * static_cast<std::size_t>(per_lead);
  }
  std::span<const float> amplitude_nodes_, position_nodes_;
  const float* table_;
};

}  // namespace altocast
