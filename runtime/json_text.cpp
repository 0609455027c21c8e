#include "runtime/json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace altocast {
namespace {

// printf's %.{digits}g, whose decimal point is the locale's; std::to_chars would bring 140 kB of tables into the edge
// program.
std::string general(double value, int digits) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%.*g", digits, value);
  std::string number(text, static_cast<std::size_t>(length));
  const std::size_t point = number.find_first_not_of("0123456789+-e");
  if (point == std::string::npos) return number;
  return number.replace(point, number.find_first_of("0123456789", point) - point, ".");
}

}  // namespace

std::string json_string(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (code < 32 || code == 127) {
      quoted += "\\u00";
      quoted += kHex[code >> 4];
      quoted += kHex[code & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  constexpr int kAlwaysEnough = 17;
  int digits = 1;
  for (; digits < kAlwaysEnough; ++digits) {
    const std::string number = general(value, digits);
    double read = 0;
    std::from_chars(number.data(), number.data() + number.size(), read);  // strtod would be 45 kB more
    if (read == value) break;
  }
  // With fewer digits than stand before the point, %g would write 10 as 1e+01.
  int before_point = 0;
  for (double rest = std::fabs(value); rest >= 1 && before_point < kAlwaysEnough; rest /= 10) ++before_point;
  return general(value, before_point < kAlwaysEnough ? std::max(digits, before_point) : digits);
}

std::string plain_number(double value, int digits) { return std::isfinite(value) ? general(value, digits) : "-"; }

}  // namespace altocast
