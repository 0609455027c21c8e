#include <cstdio>
#include <cxxopts.hpp>
#include <nlohmann/json.hpp>

#include "apps/altocast_train/command.h"
#include "apps/altocast_train/parse_options.h"
#include "formats/durable_file.h"
#include "trainer/calibration.h"
#include "trainer/kernel_choice.h"

namespace altocast {
namespace {

constexpr int kMaxTasks = 100000, kMaxThreads = 1024;

int unfit(const Status& status) {
  std::fprintf(stderr, "altocast-train calibrate: %s\n", status.message().c_str());
  return kUnfit;
}

// The facts of the prior and those of the calibration.
std::string calibrated_facts(const std::string& facts, const FitSettings& data, const CalibrationSettings& settings) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(facts, nullptr, false);
  if (!json.is_object()) json = nlohmann::ordered_json::object();
  json["calibration"] = {{"seed", settings.seed}, {"tasks", settings.tasks}, {"data", data.data}};
  return json.dump();
}

void print(const NoiseModel& noise) {
  std::puts("lead  length  persistence");
  for (std::size_t lead = 0; lead < noise.length.size(); ++lead) {
    std::printf("+%-3zu  %6.2f  %11.3f\n", lead + 1, static_cast<double>(noise.length[lead]),
                static_cast<double>(noise.persistence[lead]));
  }
}

}  // namespace

int run_calibrate(std::span<char*> argv) {
  cxxopts::Options options("altocast-train calibrate",
                           "Learns a prior's observation noise from the errors that it makes on folders of frames.");
  options.add_options()("prior", "prior file", cxxopts::value<std::string>(), "P")(
      "data", "folder of frames; may be repeated", cxxopts::value<std::vector<std::string>>(), "DIR")(
      "validate", "folder, or DIR@TIME, whose frames (from TIME on) are left out; may be repeated",
      cxxopts::value<std::vector<std::string>>(),
      "DIR[@TIME]")("config", "a run's config.toml, for its data and validation", cxxopts::value<std::string>(),
                    "FILE.toml")("out", "prior file to write", cxxopts::value<std::string>(), "P2")(
      "tasks", "tiles to learn from", cxxopts::value<int>()->default_value("256"), "N")(
      "seed", "seed of their choice", cxxopts::value<std::uint64_t>()->default_value("1"), "S")(
      "threads", "worker threads; 0 = all cores", cxxopts::value<int>()->default_value("0"), "N")("help", "this text");
  const std::optional<cxxopts::ParseResult> result = parse_options(options, argv);
  if (!result) return kDone;
  const cxxopts::ParseResult& parsed = *result;
  const auto usage = [](const std::string& message) {
    std::fprintf(stderr, "altocast-train calibrate: %s; see altocast-train calibrate --help\n", message.c_str());
    return static_cast<int>(kUsage);
  };
  if (!parsed.unmatched().empty()) return usage("unexpected argument '" + parsed.unmatched().front() + "'");
  if (!parsed.count("prior")) return usage("--prior P is missing");
  if (!parsed.count("out")) return usage("--out P2 is missing");
  const CalibrationSettings settings{parsed["seed"].as<std::uint64_t>(), parsed["tasks"].as<int>()};
  if (settings.tasks < 1 || settings.tasks > kMaxTasks) return usage("--tasks must lie in 1 ... 100000");
  const int threads = parsed["threads"].as<int>();
  if (threads < 0 || threads > kMaxThreads) return usage("--threads must lie in 0 ... 1024");

  FitSettings data;
  data.validation_share = 0;
  if (parsed.count("config")) {
    const std::string path = parsed["config"].as<std::string>();
    const Result<std::vector<std::uint8_t>> text = read_file(path, 1u << 20);
    if (!text.ok()) return unfit(text.status());
    const Status status = read_fit_settings({reinterpret_cast<const char*>(text->data()), text->size()}, path, data);
    if (!status.ok()) return unfit(status);
  }
  if (parsed.count("data")) data.data = parsed["data"].as<std::vector<std::string>>();
  if (parsed.count("validate")) {
    data.validation.clear();
    for (const std::string& text : parsed["validate"].as<std::vector<std::string>>()) {
      const Result<ValidationFolder> folder = parse_validation_folder(text);
      if (!folder.ok()) return usage(folder.message());
      data.validation.push_back(*folder);
    }
  }
  if (data.data.empty()) return usage("no --data DIR to learn from");

  Result<LoadedPrior> prior = load_prior(parsed["prior"].as<std::string>());
  if (!prior.ok()) return unfit(prior.status());
  data.network = prior->prior.network;
  data.normalisation = prior->prior.normalisation;
  data.tile = data.warmup_tile = 1 << data.network.depth;
  const Result<Archive> archive =
      Archive::open(data, [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
  if (!archive.ok()) return unfit(archive.status());
  const Result<std::unique_ptr<Kernels<float>>> kernels = make_training_kernels("native", threads);
  if (!kernels.ok()) return unfit(kernels.status());
  Result<NoiseModel> noise = calibrate_noise(prior->prior, *archive, settings, **kernels);
  if (!noise.ok()) return unfit(noise.status());
  prior->prior.noise = *std::move(noise);
  prior->prior.facts = calibrated_facts(prior->prior.facts, data, settings);
  const std::string out = parsed["out"].as<std::string>();
  if (const Status status = save_prior(prior->prior, out); !status.ok()) return unfit(status);
  print(*prior->prior.noise);
  std::printf("%s\n", out.c_str());
  return kDone;
}

}  // namespace altocast
