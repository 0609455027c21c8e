#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/prior.h"

namespace altocast {

// The smallest and the largest number that a frame can hold, normalised.
struct FrameRangeLimits {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

// Within the limits, unless it is no finite number: that is an error, not a bright pixel.
inline float limited(float value, const FrameRangeLimits& limits) {
  return std::isfinite(value) ? std::clamp(value, limits.low, limits.high) : value;
}

// Of frames that hold raw numbers from 0 to `largest`.
inline FrameRangeLimits frame_range_limits(const Normalisation& normalisation, double largest) {
  const auto normalised = [&](double raw) {
    return static_cast<float>((raw - static_cast<double>(normalisation.offset)) /
                              static_cast<double>(normalisation.scale));
  };
  return {normalised(0.0), normalised(largest)};
}

}  // namespace altocast
