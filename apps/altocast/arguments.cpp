#include "apps/altocast/arguments.h"

#include <charconv>
#include <cstdio>
#include <limits>

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

[[noreturn]] void reject(const std::string& name, const std::string& takes, const std::string& given) {
  throw UsageError("--" + name + " takes " + takes + ", not '" + given + "'");
}

}  // namespace

Arguments::Arguments(const std::string& command, const std::string& synopsis, const std::string& summary)
    : options_("altocast " + command, summary + "\n") {
  options_.custom_help(synopsis);
  options_.set_width(110);
  flag("help", "this text");
}

Arguments& Arguments::flag(const std::string& name, const std::string& help) {
  options_.add_options()(name, help);
  return *this;
}

Arguments& Arguments::value(const std::string& name, const std::string& placeholder, const std::string& help) {
  options_.add_options()(name, help, cxxopts::value<std::string>(), placeholder);
  return *this;
}

Arguments& Arguments::file() {
  options_.add_options("positional")("file", "", cxxopts::value<std::string>());
  options_.parse_positional({"file"});
  return *this;
}

Arguments& Arguments::kernel_options() {
  value("threads", "N", "threads; 0 = all cores (default 0)");
  return value("isa", "ISA", "instruction set: " + available_isas() + " (default: the first)");
}

bool Arguments::parse(std::span<char*> argv) {
  result_ = options_.parse(static_cast<int>(argv.size()), argv.data());
  if (has("help")) {
    std::fputs(options_.help({""}).c_str(), stdout);
    return false;
  }
  if (!result_.unmatched().empty()) throw UsageError("unexpected argument '" + result_.unmatched().front() + "'");
  return true;
}

bool Arguments::has(const std::string& name) const {
  const std::size_t count = result_.count(name);
  if (count > 1) throw UsageError((name == "file" ? "more than one file" : "--" + name + " more than once"));
  return count == 1;
}

std::string Arguments::text(const std::string& name) const {
  if (!has(name)) throw UsageError(name == "file" ? "name the file" : "--" + name + " is missing");
  std::string value = result_[name].as<std::string>();
  if (value.empty()) throw UsageError(name == "file" ? "the file's name is empty" : "--" + name + " is empty");
  return value;
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
  const std::optional<float> number = parse_whole<float>(given);
  if (!number || !(*number >= low && *number <= high)) {
    reject(name, "a number from " + plain_number(static_cast<double>(low), 3) + " to " +
                     plain_number(static_cast<double>(high), 3), given);
  }
  return *number;
}

std::optional<std::int64_t> Arguments::time(const std::string& name) const {
  if (!has(name)) return std::nullopt;
  const std::string given = text(name);
  const Result<std::int64_t> time = parse_time(given);
  if (!time.ok()) reject(name, "a time in UTC like 2018-06-06T12:00Z", given);
  return *time;
}

std::pair<int, int> Arguments::size(int fallback) const {
  if (!has("size")) return {fallback, fallback};
  constexpr int kMaxSide = 8192;
  const std::string given = text("size");
  const std::size_t cross = given.find('x');
  if (cross != std::string::npos) {
    const std::optional<int> height = parse_whole<int>(given.substr(0, cross));
    const std::optional<int> width = parse_whole<int>(given.substr(cross + 1));
    const auto fits = [](std::optional<int> side) { return side && *side >= 8 && *side <= kMaxSide; };
    if (fits(height) && fits(width)) return {*height, *width};
  }
  reject("size", "HEIGHTxWIDTH, each from 8 to " + std::to_string(kMaxSide), given);
}

std::unique_ptr<Kernels<float>> Arguments::kernels() const {
  Result<std::unique_ptr<Kernels<float>>> kernels = make_kernels(text("isa", ""), integer("threads", 0, kMaxThreads, 0));
  if (!kernels.ok()) throw UsageError("--isa: " + kernels.message());
  return *std::move(kernels);
}

}  // namespace altocast
