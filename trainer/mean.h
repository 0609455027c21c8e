#pragma once

#include <span>

namespace altocast {

// Of at least one value.
inline double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace altocast
