// Wall-clock time of the trainer's parts.
#pragma once

#include <chrono>

namespace altocast {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace altocast
