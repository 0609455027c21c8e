// altocast verify: how good the forecasts of a prior would have been over an archive of frames, with and
// without adaptation, against persistence.
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "apps/altocast/arguments.h"
#include "apps/altocast/log.h"
#include "apps/altocast/station_input.h"
#include "formats/durable_file.h"
#include "runtime/json_text.h"
#include "runtime/station/verification.h"
#include "runtime/station/verification_json.h"
#include "runtime/time.h"

namespace altocast {
namespace {

// On a terminal one line that is written over; in a log a line a minute.
class ProgressLine {
 public:
  void show(std::size_t done, std::size_t cases) {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - start_).count();
    std::string text = std::to_string(done) + " of " + std::to_string(cases) + " cases";
    if (done > 0) {
      const double left = seconds / static_cast<double>(done) * static_cast<double>(cases - done);
      text += done < cases ? ", " + plain_number(left, 3) + " s left" : ", " + plain_number(seconds, 3) + " s";
    }
    if (terminal_) {
      std::fprintf(stderr, "\raltocast: %s\033[K%s", text.c_str(), done == cases ? "\n" : "");
    } else if (done == 0 || done == cases || now - shown_ >= std::chrono::minutes(1)) {
      log_line(text);
      shown_ = now;
    }
    open_ = terminal_ && done < cases;
  }
  // What is said next starts a line of its own.
  void end() {
    if (open_) std::fputc('\n', stderr);
    open_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
  bool terminal_ = isatty(STDERR_FILENO) != 0, open_ = false;
};

void print_table(const FrameCache& cache, const Verification& result) {
  const std::string& units = cache.settings().units;
  std::printf("%zu cases, %s to %s; scores in %s\n\n", result.cases.size(),
              format_time(result.cases.front().time).c_str(), format_time(result.cases.back().time).c_str(),
              units.empty() ? "the images' numbers" : units.c_str());
  std::puts("                    MAE of               MAE / persistence     fair CRPS        spread/skill");
  std::puts("lead      persistence  prior adapted     prior adapted     prior adapted     prior adapted");
  for (int lead = 0; lead < result.leads; ++lead) {
    const auto scores = [&](SystemIndex system) -> const LeadScores& {
      return result.systems[system][static_cast<std::size_t>(lead)];
    };
    const LeadScores& prior = scores(kPriorEnsemble);
    const LeadScores& adapted = scores(kAdaptedEnsemble);
    const double persistence = scores(kPersistence).errors().mae();
    std::printf("+%-2d %6s  %10.4g %6.4g %7.4g    %6.3f %7.3f    %6.4g %7.4g    %6.3f %7.3f\n", lead + 1,
                format_duration(std::int64_t{lead + 1} * result.cadence_seconds).c_str(), persistence,
                prior.errors().mae(), adapted.errors().mae(), prior.errors().mae() / persistence,
                adapted.errors().mae() / persistence, prior.ensemble().crps().fair, adapted.ensemble().crps().fair,
                prior.ensemble().spread_skill(), adapted.ensemble().spread_skill());
  }
}

VerificationSettings settings_of(const Arguments& arguments) {
  VerificationSettings settings;
  settings.from = arguments.time("from");
  settings.to = arguments.time("to");
  if (settings.from && settings.to && *settings.to < *settings.from) throw UsageError("--to is before --from");
  settings.every = arguments.integer("every", 1, 1000000, settings.every);
  settings.members = arguments.integer("members", 2, 10000, settings.members);
  settings.adaptation = adaptation_settings(arguments);
  settings.thresholds = arguments.numbers("threshold");
  return settings;
}

}  // namespace

Status run_verify(std::span<char*> argv) {
  Arguments arguments("verify", "--prior P --frames DIR --out scores.json [options]",
                      "Scores a prior over an archive as a station would have used it, against persistence.");
  arguments.value("prior", "P", "the prior file")
      .value("frames", "DIR", "folder of time-stamped frames")
      .value("out", "FILE", "the JSON file to write")
      .value("from", "TIME", "first time to forecast from, UTC (default: the first possible)")
      .value("to", "TIME", "last time to forecast from (default: the last possible)")
      .value("every", "N", "every N-th possible time (default 1)")
      .value("members", "N", "ensemble members, at least 2 (default 16)");
  add_adaptation_options(arguments);
  arguments.value("threshold", "X,X,…", "events are beyond these, in the frames' units (default: percentiles)")
      .value("seed", "S", "seed of all weight samples (default 1)")
      .kernel_options();
  if (!arguments.parse(argv)) return {};
  const std::string prior_path = arguments.text("prior");
  const std::string folder = arguments.text("frames");
  const std::string out = arguments.text("out");
  const VerificationSettings settings = settings_of(arguments);
  const std::unique_ptr<Kernels<float>> kernels = arguments.kernels();

  const Result<LoadedPrior> prior = load_prior(prior_path);
  if (!prior.ok()) return prior.status();
  Result<FrameCache> cache = FrameCache::open(folder);
  if (!cache.ok()) return cache.status();
  ALTOCAST_RETURN_IF_ERROR(prepare_output_file(out));
  ProgressLine line;
  const Result<Verification> result =
      verify(*prior, *cache, settings, *kernels, [&](std::size_t done, std::size_t cases) { line.show(done, cases); });
  line.end();
  log_frames(prior->prior, *cache);
  if (!result.ok()) return result.status();
  const std::string json = scores_json(*prior, *cache, settings, *result);
  ALTOCAST_RETURN_IF_ERROR(replace_file(out, {reinterpret_cast<const std::uint8_t*>(json.data()), json.size()}));
  print_table(*cache, *result);
  return {};
}

}  // namespace altocast
