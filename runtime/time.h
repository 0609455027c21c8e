// Points in time as whole seconds since 1970-01-01T00:00:00 UTC without leap seconds, and their ISO 8601
// text. Nothing here asks the C library for a time zone or a locale, so that a station's settings cannot
// shift a forecast.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/status.h"

namespace altocast {

// Years 1 … 9999 of the proleptic Gregorian calendar.
inline constexpr std::int64_t kEarliestTime = -62135596800;  // 0001-01-01T00:00:00Z
inline constexpr std::int64_t kLatestTime = 253402300799;    // 9999-12-31T23:59:59Z

// Reads exactly one of 2018-06-06T12:00Z, 2018-06-06T12:00:30Z, 20180606T1200Z, 20180606T120030Z. Fails on
// anything before, between or after, on fields out of range (a 30th of February, an hour 24, a leap second)
// and on other zones.
Result<std::int64_t> parse_time(std::string_view text);

// 2018-06-06T12:00Z; with seconds (12:00:30) only where they are not zero. `time` is clamped to the years 1 …
// 9999.
std::string format_time(std::int64_t time);

// 20180606T1200Z; with seconds only where they are not zero.
std::string format_compact_time(std::int64_t time);

// A span of time for people: "30 min", "2 h", "1 h 15 min", "90 s".
std::string format_duration(std::int64_t seconds);

}  // namespace altocast
