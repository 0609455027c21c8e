#include "runtime/station/noise_quantiles.h"

#include <cmath>

namespace altocast {

float NoiseQuantiles::score(NodePlace amplitude, NodePlace position, float error) const {
  std::array<float, kNoiseQuantiles> values;
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = knot_value(amplitude, position, k);
  const auto z_at = [&](float knot) { return kFirstNoiseKnot + kNoiseKnotStep * knot; };
  const auto above = std::upper_bound(values.begin(), values.end(), error);
  const auto from = std::lower_bound(values.begin(), values.end(), error);
  if (above != from) return z_at(0.5f * static_cast<float>((above - values.begin()) - 1 + (from - values.begin())));
  if (above == values.begin()) return z_at(0.0f);
  if (above == values.end()) return z_at(static_cast<float>(kNoiseQuantiles - 1));
  const float low = *(above - 1), high = *above;
  return z_at(static_cast<float>(above - values.begin()) - 1.0f + (error - low) / (high - low));
}

// Each knot stands for the normal numbers that are nearest to it.
float NoiseQuantiles::deviation(NodePlace amplitude, NodePlace position) const {
  static_assert(kNoiseQuantiles == 13 && kFirstNoiseKnot == -3.0f && kNoiseKnotStep == 0.5f);
  constexpr float kProbability[] = {0.0029797632f, 0.0092447094f, 0.0278346842f, 0.0655906168f, 0.1209775787f,
                                    0.1746663219f, 0.1974126514f, 0.1746663219f, 0.1209775787f, 0.0655906168f,
                                    0.0278346842f, 0.0092447094f, 0.0029797632f};
  const float middle = median(amplitude, position);
  float sum = 0;
  for (std::size_t knot = 0; knot < kNoiseQuantiles; ++knot)
    sum += kProbability[knot] * std::fabs(knot_value(amplitude, position, knot) - middle);
  return sum;
}

}  // namespace altocast
