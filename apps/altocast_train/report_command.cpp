#include <cstdio>
#include <cxxopts.hpp>

#include "apps/altocast_train/command.h"
#include "apps/altocast_train/parse_options.h"
#include "formats/durable_file.h"
#include "trainer/folder_name.h"
#include "trainer/training_report.h"

namespace altocast {
namespace {

constexpr std::uint64_t kMaxLogBytes = std::uint64_t{1} << 30;

Result<std::string> read_text(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxLogBytes);
  if (!bytes.ok()) return bytes.status();
  return std::string(bytes->begin(), bytes->end());
}

Status write_report(const std::string& run, const std::string& out) {
  const Result<std::string> config = read_text(run + "/config.toml");
  if (!config.ok()) return config.status();
  const Result<std::string> log = read_text(run + "/log.jsonl");
  if (!log.ok()) return log.status();
  const Result<std::string> report = training_report(folder_name(run), *log, *config);
  if (!report.ok()) return report.status().within(run);
  return replace_file(out, {reinterpret_cast<const std::uint8_t*>(report->data()), report->size()});
}

}  // namespace

int run_report(std::span<char*> argv) {
  cxxopts::Options options("altocast-train report",
                           "Turns a run's log into one HTML page with plots, also while it runs.");
  options.add_options()("run", "the run's folder", cxxopts::value<std::string>())(
      "out", "the page (default RUN/report.html)", cxxopts::value<std::string>(), "FILE")("help", "this text");
  options.parse_positional("run");
  options.positional_help("RUN");
  const std::optional<cxxopts::ParseResult> result = parse_options(options, argv);
  if (!result) return kDone;
  const cxxopts::ParseResult& parsed = *result;
  if (!parsed.count("run") || !parsed.unmatched().empty()) {
    std::fprintf(stderr, "altocast-train report: give one run's folder; see altocast-train report --help\n");
    return kUsage;
  }
  const std::string run = parsed["run"].as<std::string>();
  const std::string out = parsed.count("out") ? parsed["out"].as<std::string>() : run + "/report.html";
  if (const Status status = write_report(run, out); !status.ok()) {
    std::fprintf(stderr, "altocast-train report: %s\n", status.message().c_str());
    return kUnfit;
  }
  std::puts(out.c_str());
  return kDone;
}

}  // namespace altocast
