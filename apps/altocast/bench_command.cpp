// altocast bench: latency on this platform, with a random network unless a prior is given.
#include <cstdio>
#include <tuple>

#include "apps/altocast/arguments.h"
#include "runtime/json_object.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/peak.h"
#include "runtime/station/host.h"
#include "runtime/station/random_prior.h"
#include "runtime/station/station_bench.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

Result<Prior> prior_of(const Arguments& arguments) {
  if (arguments.has("prior")) {
    if (arguments.has("preset")) throw UsageError("give --prior or --preset, not both");
    Result<LoadedPrior> loaded = load_prior(arguments.text("prior"));
    if (!loaded.ok()) return loaded.status();
    return std::move(loaded->prior);
  }
  const Result<NetworkSpec> spec = preset(arguments.text("preset", "small"));
  if (!spec.ok()) throw UsageError("--preset: " + spec.message());
  return random_prior(*spec, 1);
}

struct Host {
  std::string cpu, isa, available, build;
  int cores = 0, threads = 0;
  double peak_gflops = 0;  // of all threads used, from the peak of one
};

double share_of_peak(const BenchFigure& figure, const Host& host) { return figure.gflops() / host.peak_gflops; }

void print_text(const Host& host, const Prior& prior, const BenchSettings& settings, const BenchReport& report) {
  std::printf("host      %s, %d cores, kernels %s of %s\n", host.cpu.c_str(), host.cores, host.isa.c_str(),
              host.available.c_str());
  std::printf("build     altocast %s, %s\n", version(), host.build.c_str());
  std::printf("job       %dx%d, %zu weights, %d members, %d support pairs, %d threads; peak %.0f GFLOP/s\n\n",
              settings.height, settings.width, prior.mu.size(), settings.members, prior.support_pairs, host.threads,
              host.peak_gflops);
  std::printf("%-17s %5s %12s %12s %10s %8s\n", "", "runs", "median ms", "p95 ms", "GFLOP/s", "of peak");
  for (const BenchFigure& figure : report.figures) {
    std::printf("%-17s %5d %12.2f %12.2f", figure.name.c_str(), figure.runs, 1e3 * figure.median, 1e3 * figure.p95);
    if (figure.flops > 0) std::printf(" %10.1f %7.0f%%", figure.gflops(), 100 * share_of_peak(figure, host));
    std::putchar('\n');
  }
  std::printf("\npeak RSS  %.1f MiB\nhash      %s\n", static_cast<double>(peak_rss_bytes()) / 1048576.0,
              report.hash.c_str());
}

void print_json(const Host& host, const Prior& prior, const BenchSettings& settings, const BenchReport& report) {
  const std::string figures = json_array(report.figures, [&](const BenchFigure& figure) {
    JsonObject json;
    json.text("name", figure.name)
        .integer("runs", figure.runs)
        .number("median_s", figure.median)
        .number("p95_s", figure.p95);
    if (figure.flops > 0) {
      json.number("flops", figure.flops)
          .number("gflops_per_s", figure.gflops())
          .number("share_of_peak", share_of_peak(figure, host));
    }
    return json.str();
  });
  std::puts(JsonObject()
                .text("cpu", host.cpu)
                .integer("cores", host.cores)
                .text("isa", host.isa)
                .text("available_isas", host.available)
                .text("version", version())
                .text("build", host.build)
                .integer("threads", host.threads)
                .number("peak_gflops_per_s", host.peak_gflops)
                .integer("height", settings.height)
                .integer("width", settings.width)
                .integer("weights", prior.mu.size())
                .integer("members", settings.members)
                .integer("support_pairs", prior.support_pairs)
                .raw("figures", figures)
                .integer("peak_rss_bytes", peak_rss_bytes())
                .text("hash", report.hash)
                .str()
                .c_str());
}

}  // namespace

Status run_bench(std::span<char*> argv) {
  Arguments arguments("bench", "[--prior P | --preset P] [options]",
                      "Measures how fast this machine adapts and forecasts. Needs no files.");
  BenchSettings settings;
  arguments.value("prior", "P", "a prior file")
      .value("preset", "P", "a random network: tiny, small or base (default small)")
      .value("size", "HxW", "frames' height and width (default 192x192)")
      .value("members", "N", "ensemble members (default 16)")
      .value("repeats", "N", "runs of each figure at most; slow ones stop after 3 s (default 20)")
      .kernel_options()
      .flag("json", "one JSON object instead of text");
  if (!arguments.parse(argv)) return {};
  std::tie(settings.height, settings.width) = arguments.size(settings.height);
  settings.members = arguments.integer("members", 1, 1000, settings.members);
  settings.repeats = arguments.integer("repeats", 1, 100000, settings.repeats);
  const bool json = arguments.has("json");
  const Result<Prior> prior = prior_of(arguments);
  if (!prior.ok()) return prior.status();
  const std::unique_ptr<Kernels<float>> kernels = arguments.kernels();

  Host host{cpu_name(),
            arguments.text("isa", best_table().isa),
            available_isas(),
            build_description(),
            available_cores(),
            kernels->threads().size(),
            0};
  host.peak_gflops = measure_fma_peak(*find_table(host.isa)) * host.threads;
  const BenchReport report = bench_station(*prior, settings, *kernels);
  (json ? print_json : print_text)(host, *prior, settings, report);
  return {};
}

}  // namespace altocast
