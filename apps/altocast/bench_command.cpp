// altocast bench: latency and memory on this platform, with a random network unless a prior is given.
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "apps/altocast/arguments.h"
#include "apps/altocast/bench_report.h"
#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/peak.h"
#include "runtime/station/forecast_memory.h"
#include "runtime/station/random_prior.h"

namespace altocast {
namespace {

struct Network {
  std::string name;
  Prior prior;
};

Result<std::vector<Network>> networks_of(const Arguments& arguments) {
  std::vector<Network> networks;
  if (arguments.has("prior")) {
    if (arguments.has("preset")) fail_usage("give --prior or --preset, not both");
    Result<LoadedPrior> loaded = load_prior(arguments.text("prior"));
    if (!loaded.ok()) return loaded.status();
    networks.push_back({"prior", std::move(loaded->prior)});
    return networks;
  }
  for (const std::string& name : arguments.list("preset", "small")) {
    const Result<NetworkSpec> spec = preset(name);
    if (!spec.ok()) fail_usage("--preset: " + spec.message());
    NetworkSpec network = *spec;
    if (arguments.has("activation")) {
      const Result<ActivationKind> kind = activation_from_string(arguments.text("activation"));
      if (!kind.ok()) fail_usage("--activation: " + kind.message());
      network.activation = *kind;
    }
    networks.push_back({name, random_prior(network, 1)});
  }
  return networks;
}

const BenchFormat& format_of(const Arguments& arguments) {
  const BenchFormat* chosen = nullptr;
  for (const auto& [flag, format] :
       {std::pair{"json", &kBenchJson}, {"csv", &kBenchCsv}, {"markdown", &kBenchMarkdown}}) {
    if (!arguments.has(flag)) continue;
    if (chosen != nullptr) fail_usage("give one of --json, --csv and --markdown");
    chosen = format;
  }
  return chosen != nullptr ? *chosen : kBenchText;
}

std::vector<std::string> parts_of(const Arguments& arguments) {
  if (!arguments.has("parts")) return {};
  std::vector<std::string> parts = arguments.list("parts", "");
  for (const std::string& part : parts) {
    if (std::find(std::begin(kBenchParts), std::end(kBenchParts), part) != std::end(kBenchParts)) continue;
    std::string known;
    for (const char* name : kBenchParts) known += (known.empty() ? "" : ", ") + std::string(name);
    fail_usage("--parts: '" + part + "' is none of " + known);
  }
  return parts;
}

}  // namespace

Status run_bench(std::span<char*> argv) {
  Arguments arguments("bench", "[--prior P | --preset P,...] [options]",
                      "Measures how fast this machine adapts and forecasts. Needs no files.");
  BenchSettings settings;
  arguments.value("prior", "P", "a prior file")
      .value("preset", "P,...", "random networks: tiny, small, base (default small)")
      .value("activation", "A", "of the random networks: relu or silu (default silu)")
      .value("size", "HxW,...", "frames' heights and widths (default 192x192)")
      .value("members", "N", "ensemble members (default 16)")
      .value("repeats", "N", "runs of each figure at most; slow ones stop after 3 s (default 20)")
      .value("parts", "PART,...",
             "load, pack_weights, forward, gradient, adaptation_step, forecast, layers (default: all)")
      .memory_option()
      .kernel_lists()
      .flag("json", "a JSON object a line instead of text")
      .flag("csv", "a table for programs instead of text")
      .flag("markdown", "a table for a page instead of text");
  if (!arguments.parse(argv)) return {};
  settings.members = arguments.integer("members", 1, 1000, settings.members);
  settings.repeats = arguments.integer("repeats", 1, 100000, settings.repeats);
  settings.parts = parts_of(arguments);
  const BenchFormat& format = format_of(arguments);
  const std::vector<std::pair<int, int>> sizes = arguments.sizes(settings.height);
  std::vector<int> thread_counts;
  for (const std::string& given : arguments.list("threads", "0")) {
    thread_counts.push_back(arguments.thread_count(given));
  }
  const Result<std::vector<Network>> networks = networks_of(arguments);
  if (!networks.ok()) return networks.status();

  bool first = true;
  for (const std::string& isa : arguments.list("isa", best_table().isa)) {
    for (const int threads : thread_counts) {
      const std::unique_ptr<Kernels<float>> kernels = arguments.kernels(isa, threads);
      const BenchHost host = bench_host();
      if (first) std::fputs(format.header(host).c_str(), stdout);
      first = false;
      for (const Network& network : *networks) {
        for (const auto& [height, width] : sizes) {
          settings.height = height;
          settings.width = width;
          const Result<EnsembleThrift> thrift =
              thrift_for(network.prior, *kernels, {height, width, settings.members}, arguments.memory_limit());
          if (!thrift.ok()) return thrift.status();
          settings.thrift = *thrift;
          BenchJob job{network.name, &network.prior, settings, isa, kernels->threads().size(), 0};
          job.peak_gflops = measure_fma_peak(*find_table(isa)) * job.threads;
          const BenchReport report = bench_station(network.prior, settings, *kernels);
          std::fputs(format.job(host, job, report).c_str(), stdout);
          std::fflush(stdout);
        }
      }
    }
  }
  return {};
}

}  // namespace altocast
