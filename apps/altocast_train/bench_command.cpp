#include <algorithm>
#include <cstdio>
#include <cxxopts.hpp>

#include "apps/altocast_train/command.h"
#include "apps/altocast_train/parse_options.h"
#include "runtime/thread_pool.h"
#include "trainer/kernel_choice.h"
#include "trainer/training_bench.h"

namespace altocast {

int run_bench(std::span<char*> argv) {
  cxxopts::Options options("altocast-train bench", "Times gradients, Hessian-vector products and meta-gradients.");
  const TrainingBenchSettings defaults;
  const auto number = [](int value) { return cxxopts::value<int>()->default_value(std::to_string(value)); };
  options.add_options()("preset", "tiny, small or base", cxxopts::value<std::string>()->default_value("small"), "P")(
      "size", "height and width of the frames", cxxopts::value<std::string>()->default_value("128x128"), "HxW")(
      "support", "support pairs", number(defaults.support), "N")("query", "query pairs", number(defaults.query), "N")(
      "inner-steps", "inner steps", number(defaults.inner_steps), "M")("samples", "weight samples",
                                                                       number(defaults.samples), "S")(
      "flipout", "meta-gradients with signs of its own for each pair on a sample's noise")(
      "kernels", "native, onednn or reference; several are timed in turns",
      cxxopts::value<std::vector<std::string>>()->default_value("native"), "K,…")(
      "parts",
      "what to time: forward, gradient, hvp, meta_gradient, first_order, reduction (all); peak RSS is that of all",
      cxxopts::value<std::vector<std::string>>(),
      "P,…")("threads", "threads within the task; 0 = all cores", number(defaults.threads), "N")(
      "keep-mib", "memory for inner passes that spares their recomputation", number(defaults.keep_mib), "MIB")(
      "repetitions", "timed runs of each part", number(defaults.repetitions), "N")(
      "json", "print a line of JSON a kernel set")("help", "this text");
  const std::optional<cxxopts::ParseResult> result = parse_options(options, argv);
  if (!result) return kDone;
  const cxxopts::ParseResult& parsed = *result;
  const auto usage = [](const std::string& message) {
    std::fprintf(stderr, "altocast-train bench: %s; see altocast-train bench --help\n", message.c_str());
    return static_cast<int>(kUsage);
  };
  TrainingBenchSettings settings;
  settings.preset = parsed["preset"].as<std::string>();
  const Result<NetworkSpec> network = preset(settings.preset);
  if (!network.ok()) return usage(network.message());
  settings.network = *network;
  const std::string size = parsed["size"].as<std::string>();
  char rest = 0;
  if (std::sscanf(size.c_str(), "%dx%d%c", &settings.height, &settings.width, &rest) != 2 || settings.height < 1 ||
      settings.width < 1 || settings.height > 8192 || settings.width > 8192) {
    return usage("--size must be HxW in pixels, 1 … 8192 each, such as 128x128");
  }
  const auto positive = [&](const char* name, int low, int& value) {
    value = parsed[name].as<int>();
    return value >= low && value <= 4096;
  };
  if (!positive("support", 1, settings.support) || !positive("query", 1, settings.query) ||
      !positive("inner-steps", 0, settings.inner_steps) || !positive("samples", 1, settings.samples) ||
      !positive("repetitions", 1, settings.repetitions) || !positive("threads", 0, settings.threads)) {
    return usage("a number is out of range (1 … 4096)");
  }
  settings.flipout = parsed.count("flipout") > 0;
  settings.keep_mib = parsed["keep-mib"].as<int>();
  if (settings.keep_mib < 0) return usage("--keep-mib must not be negative");
  if (settings.threads == 0) settings.threads = available_cores();
  settings.kernels = parsed["kernels"].as<std::vector<std::string>>();
  for (const std::string& kernels : settings.kernels) {
    if (const Status status = check_kernel_set(kernels); !status.ok()) return usage("--kernels: " + status.message());
  }
  if (parsed.count("parts")) settings.parts = parsed["parts"].as<std::vector<std::string>>();
  for (const std::string& part : settings.parts) {
    if (std::find(kTrainingBenchParts.begin(), kTrainingBenchParts.end(), part) == kTrainingBenchParts.end()) {
      return usage("unknown --parts '" + part +
                   "'; choose from forward, gradient, hvp, meta_gradient, first_order, reduction");
    }
  }
  const Result<std::unique_ptr<Communicator>> joined = join_ranks();
  if (!joined.ok()) {
    std::fprintf(stderr, "altocast-train bench: %s\n", joined.message().c_str());
    return kUnfit;
  }
  const Result<TrainingBenchReport> report = run_training_bench(settings, **joined);
  if (!report.ok()) {
    std::fprintf(stderr, "altocast-train bench: %s\n", report.message().c_str());
    return kUnfit;
  }
  if ((*joined)->rank() != 0) return kDone;
  std::printf("%s\n", parsed.count("json") ? report->to_json().c_str() : report->to_text().c_str());
  return kDone;
}

}  // namespace altocast
