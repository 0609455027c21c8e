#pragma once

#include <limits>

#include "formats/prior.h"

namespace altocast {

// The smallest and the largest number that a frame can hold, normalised.
struct FrameRangeLimits {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

// Of frames that hold raw numbers from 0 to `largest`.
inline FrameRangeLimits frame_range_limits(const Normalisation& normalisation, double largest) {
  const auto normalised = [&](double raw) {
    return static_cast<float>((raw - static_cast<double>(normalisation.offset)) /
                              static_cast<double>(normalisation.scale));
  };
  return {normalised(0.0), normalised(largest)};
}

}  // namespace altocast
