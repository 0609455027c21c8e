// Hours of the day, by which images that depend on the sun are alike.
#pragma once

#include <algorithm>
#include <cstdint>

namespace altocast {

inline constexpr std::int64_t kDaySeconds = 86400;
inline constexpr std::int64_t kSameHourSeconds = 3600;  // apart at most

// How far apart two times are on a clock: 0 … half a day. Seconds since 1970, as everywhere.
inline std::int64_t clock_distance(std::int64_t a, std::int64_t b) {
  const std::int64_t apart = (a > b ? a - b : b - a) % kDaySeconds;
  return std::min(apart, kDaySeconds - apart);
}

inline bool same_hour(std::int64_t a, std::int64_t b) { return clock_distance(a, b) <= kSameHourSeconds; }

// How many days before `now` a time of the same hour is; 0 if it is of today or of another hour.
inline int days_before(std::int64_t time, std::int64_t now) {
  return same_hour(time, now) ? static_cast<int>((now - time + kDaySeconds / 2) / kDaySeconds) : 0;
}

}  // namespace altocast
