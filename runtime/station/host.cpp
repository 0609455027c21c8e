#include "runtime/station/host.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>
#if defined(__GLIBC__)
#  include <malloc.h>
#endif

#include "formats/durable_file.h"

namespace altocast {
namespace {

// The part of the file up to a NUL; empty if it cannot be read.
std::string small_file(const char* path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, 1 << 22);
  if (!bytes.ok()) return {};
  return std::string(bytes->begin(), std::find(bytes->begin(), bytes->end(), std::uint8_t{0}));
}

// The value of the first "key : value" line of /proc/cpuinfo.
std::string cpuinfo_field(std::string_view cpuinfo, std::string_view key) {
  std::size_t line = 0;
  while (line < cpuinfo.size()) {
    const std::size_t end = std::min(cpuinfo.find('\n', line), cpuinfo.size());
    const std::string_view text = cpuinfo.substr(line, end - line);
    const std::size_t colon = text.find(':');
    if (text.starts_with(key) && colon != std::string_view::npos && colon + 2 <= text.size()) {
      return std::string(text.substr(colon + 2));
    }
    line = end + 1;
  }
  return {};
}

constexpr std::string_view kBlanks = " \t\n\r";

std::string trimmed(const std::string& text) { return text.substr(0, text.find_last_not_of(kBlanks) + 1); }

// The whole number that `text` begins with, after blanks; 0 if it is none.
std::int64_t leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

const char* version() { return ALTOCAST_VERSION; }

std::string host_name() {
  char name[256];
  if (gethostname(name, sizeof name) != 0) return "unknown";
  name[sizeof name - 1] = 0;
  return name;
}

std::string cpu_name() {
  const std::string cpuinfo = small_file("/proc/cpuinfo");
  for (const std::string_view key : {"model name", "Model", "Hardware", "uarch"}) {
    if (std::string name = cpuinfo_field(cpuinfo, key); !name.empty()) return name;
  }
  const std::string board = small_file("/proc/device-tree/model");
  return board.empty() ? "unknown" : board;
}

std::uint64_t memory_bytes() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

std::string cpu_governor() {
  const std::string name = trimmed(small_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  return name.empty() ? "unknown" : name;
}

double cpu_temperature() {
  constexpr int kMaxSensors = 64;
  double hottest = std::numeric_limits<double>::quiet_NaN();
  for (int sensor = 0; sensor < kMaxSensors; ++sensor) {
    const std::string text = small_file(("/sys/class/thermal/thermal_zone" + std::to_string(sensor) + "/temp").c_str());
    if (text.empty()) break;
    const double celsius = static_cast<double>(leading_number(text)) / 1000.0;
    if (!(hottest >= celsius)) hottest = celsius;
  }
  return hottest;
}

void return_freed_memory() {
#if defined(__GLIBC__)
  constexpr int kKept = 4 << 20;
  mallopt(M_MMAP_THRESHOLD, kKept);
  mallopt(M_TRIM_THRESHOLD, kKept);
#endif
}

void reset_peak_rss() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = write(file, "5", 1);
  close(file);
}

std::uint64_t peak_rss_bytes() {
  // getrusage() would also count what stood in the process before the program was started in it.
  const std::string status = small_file("/proc/self/status");
  if (const std::size_t line = status.find("VmHWM:"); line != std::string::npos) {
    return static_cast<std::uint64_t>(leading_number(std::string_view(status).substr(line + 6))) * 1024;
  }
  struct rusage usage {};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string build_description() {
  std::string text =
#if defined(__x86_64__)
      "x86_64";
#elif defined(__aarch64__)
      "aarch64";
#elif defined(__arm__)
      "armv7";
#elif defined(__riscv)
      "riscv64";
#else
      "unknown processor";
#endif
#if defined(__clang__)
  text += ", clang " __clang_version__;
#else
  text += ", gcc " __VERSION__;
#endif
  text = trimmed(text);
#if defined(NDEBUG)
  return text + ", release";
#else
  return text + ", with assertions";
#endif
}

}  // namespace altocast
