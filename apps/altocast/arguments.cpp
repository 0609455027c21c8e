#include "apps/altocast/arguments.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "runtime/cores.h"
#include "runtime/json_text.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr int kMaxThreads = 1024;

// The whole text as a number.
template <class Number>
std::optional<Number> parse_whole(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end ? std::optional(number) : std::nullopt;
}

std::string said(const std::string& name) { return name == "file" ? "the file's name" : "--" + name; }

[[noreturn]] void reject(const std::string& name, const std::string& takes, const std::string& given) {
  fail_usage("--" + name + " takes " + takes + ", not '" + given + "'");
}

}  // namespace

Arguments::Arguments(std::string command, std::string synopsis, std::string summary)
    : command_(std::move(command)), synopsis_(std::move(synopsis)), summary_(std::move(summary)) {}

Arguments& Arguments::flag(const std::string& name, const std::string& help) { return value(name, "", help); }

Arguments& Arguments::value(const std::string& name, const std::string& placeholder, const std::string& help) {
  options_.push_back({name, placeholder, help, false, std::nullopt});
  return *this;
}

Arguments& Arguments::file() {
  options_.push_back({"file", "FILE", "", true, std::nullopt});
  return *this;
}

Arguments& Arguments::kernel_options() {
  value("threads", "N", "threads; 0 = all cores (default 0)");
  value("isa", "ISA", "instruction set: " + available_isas() + " (default: the first)");
  return value("cpu-mask", "CORES", "cores to run on: a list like 4-7,0, or a mask like 0xf0 (default: all)");
}

Arguments& Arguments::kernel_lists() {
  value("threads", "N,N,...", "numbers of threads; 0 = all cores (default 0)");
  value("isa", "ISA,...", "instruction sets: " + available_isas() + " (default: the first)");
  return value("cpu-mask", "CORES", "cores to run on: a list like 4-7,0, or a mask like 0xf0 (default: all)");
}

Arguments& Arguments::memory_option() {
  return value("memory-limit", "MIB", "memory that the program may take: a large image is computed in bands of rows");
}

Arguments::Option* Arguments::find(const std::string& name) {
  const auto found =
      std::find_if(options_.begin(), options_.end(), [&](const Option& option) { return option.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

const Arguments::Option& Arguments::get(const std::string& name) const {
  const Option* option = const_cast<Arguments*>(this)->find(name);
  assert(option != nullptr);
  return *option;
}

void Arguments::give(Option& option, const std::string& value) {
  if (option.given) fail_usage(said(option.name) + " is given twice");
  option.given = value;
}

bool Arguments::parse(std::span<char*> argv) {
  bool only_files = false;  // after "--"
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string argument = argv[i];
    if (!only_files && argument == "--") {
      only_files = true;
      continue;
    }
    if (!only_files && (argument == "--help" || argument == "-h")) {
      print_help();
      return false;
    }
    if (only_files || !argument.starts_with("-")) {
      Option* option = find("file");
      if (option == nullptr) fail_usage("'" + argument + "' is no option");
      give(*option, argument);
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    Option* option = name.starts_with("--") ? find(name.substr(2)) : nullptr;
    if (option == nullptr || option->positional) fail_usage("there is no option '" + name + "'");
    if (option->placeholder.empty()) {
      if (equals != std::string::npos) fail_usage(name + " takes no value");
      give(*option, "");
    } else if (equals != std::string::npos) {
      give(*option, argument.substr(equals + 1));
    } else if (i + 1 < argv.size()) {
      give(*option, argv[++i]);
    } else {
      fail_usage(name + " needs a value, " + option->placeholder);
    }
  }
  return true;
}

void Arguments::print_help() const {
  std::printf("%s\n\nusage: altocast %s %s\n\n", summary_.c_str(), command_.c_str(), synopsis_.c_str());
  for (const Option& option : options_) {
    if (option.positional) continue;
    std::printf("  --%-20s %s\n", (option.name + " " + option.placeholder).c_str(), option.help.c_str());
  }
}

bool Arguments::has(const std::string& name) const { return get(name).given.has_value(); }

std::string Arguments::text(const std::string& name) const {
  const Option& option = get(name);
  if (!option.given) fail_usage(said(name) + " is missing");
  if (option.given->empty()) fail_usage(said(name) + " is empty");
  return *option.given;
}

std::string Arguments::text(const std::string& name, const std::string& fallback) const {
  return has(name) ? text(name) : fallback;
}

std::optional<std::int64_t> Arguments::integer(const std::string& name, std::int64_t low, std::int64_t high) const {
  if (!has(name)) return std::nullopt;
  const std::string given = text(name);
  const std::optional<std::int64_t> number = parse_whole<std::int64_t>(given);
  if (!number || *number < low || *number > high) {
    reject(name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high), given);
  }
  return number;
}

int Arguments::integer(const std::string& name, std::int64_t low, std::int64_t high, int fallback) const {
  return static_cast<int>(integer(name, low, high).value_or(fallback));
}

std::uint64_t Arguments::memory_limit() const {
  return static_cast<std::uint64_t>(integer("memory-limit", 1, 1 << 24).value_or(0)) << 20;
}

std::uint64_t Arguments::seed() const {
  if (!has("seed")) return 1;
  const std::string given = text("seed");
  const std::optional<std::uint64_t> number = parse_whole<std::uint64_t>(given);
  if (!number) reject("seed", "a whole number from 0 to 2^64 - 1", given);
  return *number;
}

float Arguments::number(const std::string& name, float low, float high, float fallback) const {
  if (!has(name)) return fallback;
  const std::string given = text(name);
  const std::optional<double> number = parse_whole<double>(given);
  if (!number || !(*number >= static_cast<double>(low) && *number <= static_cast<double>(high))) {
    reject(name,
           "a number from " + plain_number(static_cast<double>(low), 3) + " to " +
               plain_number(static_cast<double>(high), 3),
           given);
  }
  return static_cast<float>(*number);
}

std::vector<double> Arguments::numbers(const std::string& name) const {
  std::vector<double> all;
  if (!has(name)) return all;
  const std::string given = text(name);
  for (std::size_t first = 0; first <= given.size();) {
    const std::size_t comma = std::min(given.find(',', first), given.size());
    const std::optional<double> number = parse_whole<double>(given.substr(first, comma - first));
    if (!number || !std::isfinite(*number)) reject(name, "numbers with commas between them", given);
    all.push_back(*number);
    first = comma + 1;
  }
  return all;
}

std::optional<std::int64_t> Arguments::time(const std::string& name) const {
  if (!has(name)) return std::nullopt;
  const std::string given = text(name);
  const Result<std::int64_t> time = parse_time(given);
  if (!time.ok()) reject(name, "a time in UTC like 2018-06-06T12:00Z", given);
  return *time;
}

std::vector<std::string> Arguments::list(const std::string& name, const std::string& fallback) const {
  if (!has(name)) return {fallback};
  std::vector<std::string> all;
  const std::string given = text(name);
  for (std::size_t first = 0; first <= given.size();) {
    const std::size_t comma = std::min(given.find(',', first), given.size());
    all.push_back(given.substr(first, comma - first));
    first = comma + 1;
  }
  return all;
}

std::vector<std::pair<int, int>> Arguments::sizes(int fallback) const {
  constexpr int kMaxSide = 8192;
  std::vector<std::pair<int, int>> all;
  for (const std::string& given : list("size", std::to_string(fallback) + "x" + std::to_string(fallback))) {
    const std::size_t cross = std::min(given.find('x'), given.size());
    const std::optional<int> height = parse_whole<int>(given.substr(0, cross));
    const std::optional<int> width = parse_whole<int>(given.substr(std::min(cross + 1, given.size())));
    const auto fits = [](std::optional<int> side) { return side && *side >= 8 && *side <= kMaxSide; };
    if (!fits(height) || !fits(width)) {
      reject("size", "HEIGHTxWIDTH, each from 8 to " + std::to_string(kMaxSide), given);
    }
    all.emplace_back(*height, *width);
  }
  return all;
}

std::pair<int, int> Arguments::size(int fallback) const {
  const std::vector<std::pair<int, int>> all = sizes(fallback);
  if (all.size() > 1) fail_usage("--size takes one size here");
  return all.front();
}

std::unique_ptr<Kernels<float>> Arguments::kernels() const {
  return kernels(text("isa", ""), thread_count(text("threads", "0")));
}

int Arguments::thread_count(const std::string& given) const {
  const std::optional<int> number = parse_whole<int>(given);
  if (!number || *number < 0 || *number > kMaxThreads) {
    reject("threads", "a whole number from 0 to " + std::to_string(kMaxThreads), given);
  }
  return *number;
}

std::unique_ptr<Kernels<float>> Arguments::kernels(const std::string& isa, int threads) const {
  if (has("cpu-mask")) {
    const Result<std::vector<int>> cores = parse_cores(text("cpu-mask"));
    if (!cores.ok()) fail_usage("--cpu-mask: " + cores.message());
    const Status status = run_on_cores(*cores);
    if (!status.ok()) fail_usage("--cpu-mask: " + status.message());
  }
  Result<std::unique_ptr<Kernels<float>>> kernels = make_kernels(isa, threads);
  if (!kernels.ok()) fail_usage("--isa: " + kernels.message());
  return *std::move(kernels);
}

}  // namespace altocast
