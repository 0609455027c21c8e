#include "runtime/time.h"

#include <algorithm>

namespace altocast {
namespace {

constexpr int kMonthDays[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr std::int64_t kDaySeconds = 86400;

bool is_leap(std::int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(std::int64_t year, int month) { return month == 2 && is_leap(year) ? 29 : kMonthDays[month - 1]; }

// Days from 1970-01-01 to January 1st of `year` ≥ 1.
std::int64_t days_to_year(std::int64_t year) {
  const std::int64_t past = year - 1;  // whole years since 0001-01-01
  return past * 365 + past / 4 - past / 100 + past / 400 - 719162;
}

struct Fields {
  std::int64_t year = 1;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

Fields split(std::int64_t time) {
  time = std::clamp(time, kEarliestTime, kLatestTime);
  std::int64_t days = (time - kEarliestTime) / kDaySeconds;  // since 0001-01-01
  const auto rest = static_cast<int>((time - kEarliestTime) % kDaySeconds);
  Fields f;
  f.year = days / 366 + 1;  // at most the year sought
  days -= 719162;           // since 1970-01-01
  while (days_to_year(f.year + 1) <= days) ++f.year;
  auto day = static_cast<int>(days - days_to_year(f.year));
  while (day >= days_in_month(f.year, f.month)) day -= days_in_month(f.year, f.month++);
  f.day = day + 1;
  f.hour = rest / 3600;
  f.minute = rest / 60 % 60;
  f.second = rest % 60;
  return f;
}

std::string digits(std::int64_t value, int width) {
  std::string text(static_cast<std::size_t>(width), '0');
  for (int i = width - 1; i >= 0; --i, value /= 10)
    text[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  return text;
}

// Walks over the text; after the first mismatch every further step fails too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  int number(std::size_t width) {
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (i >= rest_.size() || rest_[i] < '0' || rest_[i] > '9') {
        good_ = false;
        return 0;
      }
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }
  bool accept(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) { good_ = accept(c) && good_; }
  bool complete() const { return good_ && rest_.empty(); }
  bool at(char c) const { return !rest_.empty() && rest_.front() == c; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

Result<std::int64_t> parse_time(std::string_view text) {
  Scanner scan(text);
  Fields f;
  f.year = scan.number(4);
  const bool extended = scan.accept('-');
  f.month = scan.number(2);
  if (extended) scan.expect('-');
  f.day = scan.number(2);
  scan.expect('T');
  f.hour = scan.number(2);
  if (extended) scan.expect(':');
  f.minute = scan.number(2);
  if (!scan.at('Z')) {
    if (extended) scan.expect(':');
    f.second = scan.number(2);
  }
  scan.expect('Z');

  const std::string quoted = "'" + std::string(text.substr(0, 40)) + "'";
  if (!scan.complete()) return Status::error(quoted + " is no time; write UTC as 2018-06-06T12:00Z");
  const auto out_of_range = [&](const char* what) { return Status::error(quoted + " is no time: no such " + what); };
  if (f.year < 1) return out_of_range("year");
  if (f.month < 1 || f.month > 12) return out_of_range("month");
  if (f.day < 1 || f.day > days_in_month(f.year, f.month)) return out_of_range("day");
  if (f.hour > 23) return out_of_range("hour");
  if (f.minute > 59) return out_of_range("minute");
  if (f.second > 59) return out_of_range("second");

  std::int64_t days = days_to_year(f.year) + f.day - 1;
  for (int month = 1; month < f.month; ++month) days += days_in_month(f.year, month);
  return days * kDaySeconds + f.hour * 3600 + f.minute * 60 + f.second;
}

std::string format_time(std::int64_t time) {
  const Fields f = split(time);
  std::string text = digits(f.year, 4) + "-" + digits(f.month, 2) + "-" + digits(f.day, 2) + "T" + digits(f.hour, 2) +
                     ":" + digits(f.minute, 2);
  if (f.second != 0) text += ":" + digits(f.second, 2);
  return text + "Z";
}

std::string format_compact_time(std::int64_t time) {
  const Fields f = split(time);
  std::string text =
      digits(f.year, 4) + digits(f.month, 2) + digits(f.day, 2) + "T" + digits(f.hour, 2) + digits(f.minute, 2);
  if (f.second != 0) text += digits(f.second, 2);
  return text + "Z";
}

std::string format_duration(std::int64_t seconds) {
  if (seconds < 0) return "-" + format_duration(-std::max(seconds, -kLatestTime));
  if (seconds % 60 != 0 || seconds == 0) return std::to_string(seconds) + " s";
  const std::int64_t hours = seconds / 3600;
  const std::int64_t minutes = seconds / 60 % 60;
  if (hours == 0) return std::to_string(minutes) + " min";
  if (minutes == 0) return std::to_string(hours) + " h";
  return std::to_string(hours) + " h " + std::to_string(minutes) + " min";
}

}  // namespace altocast
