// What the static program prints is what the C library would print, which is asked beside it.
#include "apps/altocast/static/print_format.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

namespace altocast {
namespace {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

std::string ours(const char* format, ...) {
  char text[2048];
  std::va_list arguments;
  va_start(arguments, format);
  const std::size_t length = print_format(text, sizeof text, format, arguments);
  va_end(arguments);
  EXPECT_EQ(length, std::char_traits<char>::length(text));
  return text;
}

template <class... Values>
void expect_same(const char* format, Values... values) {
  char text[2048];
  std::snprintf(text, sizeof text, format, values...);
  EXPECT_EQ(ours(format, values...), text) << format;
}

void expect_same_number(double value) {
  for (const char* format :
       {"%g", "%.6g", "%.9g", "%.17g",  "%.1g",    "%.0g",  "%11.4g|", "%-12.3g|", "%+010g", "% g",  "%G",
        "%f", "%.0f", "%.1f", "%8.3f|", "%010.2f", "%#.0f", "%.40f",   "%e",       "%.0e",   "%.3e", "%E"}) {
    expect_same(format, value);
  }
}

#pragma GCC diagnostic pop

TEST(PrintFormat, NumbersHaveTheDigitsOfTheCLibrary) {
  using Limits = std::numeric_limits<double>;
  for (const double value : {0.0,
                             0.5,
                             1.5,
                             2.5,
                             0.05,
                             0.15,
                             0.25,
                             9.5,
                             9.95,
                             99.5,
                             999999.5,
                             999999.4,
                             1e6,
                             9.9999995,
                             1e-4,
                             9.99999e-5,
                             99999.95,
                             1e15,
                             1e16,
                             1e21,
                             1e22,
                             1e23,
                             123456789.0,
                             0.1,
                             100.0,
                             1e300,
                             Limits::denorm_min(),
                             Limits::min(),
                             Limits::max(),
                             Limits::infinity(),
                             Limits::quiet_NaN()}) {
    expect_same_number(value);
    expect_same_number(-value);
  }
  const int count = 100;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t bits = i * 0x9e3779b97f4a7c15u ^ (i << 52);
    expect_same_number(std::bit_cast<double>(bits));                       // of every size
    expect_same_number(std::ldexp(static_cast<double>(bits >> 44), -12));  // ties
    expect_same_number(static_cast<double>(bits >> 50) / 1000.0);          // short decimals
  }
}

TEST(PrintFormat, WholeNumbersAndTextsAreThoseOfTheCLibrary) {
  for (const long long value : {0LL, 1LL, -1LL, 42LL, -1234567LL, std::numeric_limits<long long>::max(),
                                std::numeric_limits<long long>::min()}) {
    expect_same("%lld|%+lld|% lld|%-20lld|%020lld|%.5lld|%10.5lld|", value, value, value, value, value, value, value);
    expect_same("%llu|%llx|%016llx|%#llx|%#llX|%llo|%#llo", value, value, value, value, value, value, value);
    const int small = static_cast<int>(value);
    expect_same("%d|%5d|%-5d|%05d|%u|%x|%hd|%hhu|%c|%5c|", small, small, small, small, small, small, small, small, 'a',
                'b');
    expect_same("%zu|%ld|%td|%jd", static_cast<std::size_t>(value), static_cast<long>(value),
                static_cast<std::ptrdiff_t>(value), static_cast<std::intmax_t>(value));
  }
  expect_same("%.0d|%.0x|%#.0o|%5.0d|", 0, 0, 0, 0);
  expect_same("%s|%10s|%-10s|%.2s|%.*s|%*s|%-*s|%*d|100 %%", "abc", "abc", "abc", "abc", 1, "abc", 7, "abc", 7, "abc",
              -7, 5);
}

TEST(PrintFormat, WritesNoMoreThanThereIsRoomForAndSaysHowMuchItWouldBe) {
  char text[] = "xxxxxxxx";
  const auto print = [&](std::size_t size, const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    const std::size_t length = print_format(text, size, format, arguments);
    va_end(arguments);
    return length;
  };
  EXPECT_EQ(print(5, "%s", "abcdefgh"), 8u);
  EXPECT_EQ(std::string(text, 8), std::string("abcd\0xxx", 8));
  EXPECT_EQ(print(0, "%d", 123), 3u);
  EXPECT_EQ(text[0], 'a');
}

}  // namespace
}  // namespace altocast
