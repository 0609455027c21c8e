#include "runtime/station/noise_quantiles.h"

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

}  // namespace altocast
