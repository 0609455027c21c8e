#include "runtime/cores.h"

#include <algorithm>
#include <charconv>

#if defined(__linux__)
#  include <sched.h>
#endif

namespace altocast {
namespace {

constexpr int kMaxCores = 1024;

Status malformed(const std::string& text) {
  return Status::error("'" + text + "' is neither a list of cores like 4-7,0 nor a mask like 0xf0, each below " +
                       std::to_string(kMaxCores));
}

}  // namespace

Result<std::vector<int>> parse_cores(const std::string& text) {
  std::vector<int> cores;
  if (text.starts_with("0x")) {
    for (std::size_t digit = text.size(); digit-- > 2;) {
      int value = 0;
      const char* at = text.data() + digit;
      if (std::from_chars(at, at + 1, value, 16).ptr != at + 1) return malformed(text);
      for (int bit = 0; bit < 4; ++bit) {
        if (value >> bit & 1) cores.push_back(static_cast<int>(text.size() - 1 - digit) * 4 + bit);
      }
    }
  } else {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (true) {
      int first = 0;
      std::from_chars_result number = std::from_chars(at, end, first);
      if (number.ec != std::errc() || first < 0) return malformed(text);
      int last = first;
      if (number.ptr != end && *number.ptr == '-') {
        number = std::from_chars(number.ptr + 1, end, last);
        if (number.ec != std::errc()) return malformed(text);
      }
      if (last < first || last >= kMaxCores) return malformed(text);
      for (int core = first; core <= last; ++core) cores.push_back(core);
      if (number.ptr == end) break;
      if (*number.ptr != ',') return malformed(text);
      at = number.ptr + 1;
    }
  }
  std::sort(cores.begin(), cores.end());
  cores.erase(std::unique(cores.begin(), cores.end()), cores.end());
  if (cores.empty() || cores.back() >= kMaxCores) return malformed(text);
  return cores;
}

Status run_on_cores(const std::vector<int>& cores) {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  if (sched_setaffinity(0, sizeof set, &set) == 0) return {};
  return Status::error("this machine lets the program run on none of these cores");
#else
  static_cast<void>(cores);
  return Status::error("this system does not choose cores");
#endif
}

}  // namespace altocast
