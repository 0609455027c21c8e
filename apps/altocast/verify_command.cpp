// altocast verify: how good the forecasts of a prior would have been over an archive of frames, with and
// without adaptation, against persistence and advection.
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
#include "runtime/station/verification_page.h"
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
    if (!started_) {
      first_ = done;
      if (done > 0) text += " done before, going on";
    } else if (done > first_) {
      const double left = seconds / static_cast<double>(done - first_) * static_cast<double>(cases - done);
      text += done < cases ? ", " + plain_number(left, 3) + " s left" : ", " + plain_number(seconds, 3) + " s";
    }
    if (terminal_) {
      std::fprintf(stderr, "\raltocast: %s\033[K%s", text.c_str(), done == cases ? "\n" : "");
    } else if (!started_ || done == cases || now - shown_ >= std::chrono::minutes(1)) {
      log_line(text);
      shown_ = now;
    }
    open_ = terminal_ && done < cases;
    started_ = true;
  }
  // What is said next starts a line of its own.
  void end() {
    if (open_) std::fputc('\n', stderr);
    open_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
  std::size_t first_ = 0;  // cases that an earlier run had done
  bool terminal_ = isatty(STDERR_FILENO) != 0, open_ = false, started_ = false;
};

double share_of_persistence(const LeadScores& scores, double persistence) {
  return scores.errors().mae() / persistence;
}
double fair_crps(const LeadScores& scores, double) { return scores.ensemble().crps().fair; }
double spread_skill(const LeadScores& scores, double) { return scores.ensemble().spread_skill(); }

void print_table(const FrameCache& cache, const Verification& result) {
  const std::string& units = cache.settings().units;
  std::printf("%zu cases, %s to %s; scores in %s\n\n", result.case_count, format_time(result.first_time).c_str(),
              format_time(result.last_time).c_str(), units.empty() ? "the images' numbers" : units.c_str());
  struct Column {
    SystemIndex system;
    const char* name;
  };
  constexpr Column kOfMae[] = {{kAdvection, "advection"},
                               {kSmoothedAdvection, "smoothed"},
                               {kPriorEnsemble, "prior"},
                               {kAdaptedEnsemble, "adapted"}};
  constexpr Column kOfEnsembles[] = {
      {kAdvectionEnsemble, "advection"}, {kPriorEnsemble, "prior"}, {kAdaptedEnsemble, "adapted"}};
  // Every score of every system that there is, in order.
  const auto each = [&](const auto& visit) {
    for (const Column& column : kOfMae)
      if (result.has(column.system)) visit(column, "MAE share", &share_of_persistence);
    for (const Column& column : kOfEnsembles)
      if (result.has(column.system)) visit(column, "fair CRPS", &fair_crps);
    for (const Column& column : kOfEnsembles)
      if (result.has(column.system)) visit(column, "sprd/skill", &spread_skill);
  };
  std::printf("%-14s %11s", "", "MAE");
  each([](const Column&, const char* score, const auto&) { std::printf(" %10s", score); });
  std::printf("\n%-14s %11s", "lead", "persistence");
  each([](const Column& column, const char*, const auto&) { std::printf(" %10s", column.name); });
  for (int lead = 0; lead < result.leads; ++lead) {
    const auto at = static_cast<std::size_t>(lead);
    const double persistence = result.systems[kPersistence][at].errors().mae();
    std::printf("\n+%-2d %10s %11.4g", lead + 1,
                format_duration(std::int64_t{lead + 1} * result.cadence_seconds).c_str(), persistence);
    each([&](const Column& column, const char*, const auto& score) {
      std::printf(" %10.4g", score(result.systems[column.system][at], persistence));
    });
  }
  std::puts("");
}

VerificationSettings settings_of(const Arguments& arguments) {
  VerificationSettings settings;
  settings.from = arguments.time("from");
  settings.to = arguments.time("to");
  if (settings.from && settings.to && *settings.to < *settings.from) fail_usage("--to is before --from");
  settings.every = arguments.integer("every", 1, 1000000, settings.every);
  settings.members = arguments.integer("members", 2, 10000, settings.members);
  if (arguments.has("prior")) {
    if (arguments.has("leads")) fail_usage("--leads is the prior's own; leave it out beside --prior");
  } else {
    for (const char* option : {"pairs", "steps", "rate-scale", "no-guard"}) {
      if (arguments.has(option)) fail_usage("--" + std::string(option) + " takes a --prior to adapt");
    }
  }
  settings.leads = arguments.integer("leads", 1, 64, settings.leads);
  settings.adaptation = adaptation_settings(arguments);
  settings.thresholds = arguments.numbers("thresholds");
  return settings;
}

// scores.json's is scores.html.
std::string page_path(const std::string& path) {
  return (path.ends_with(".json") ? path.substr(0, path.size() - 5) : path) + ".html";
}

// FILE, and beside it the page.
Status write_results(const LoadedPrior* prior, FrameCache& cache, const VerificationSettings& settings,
                     const Verification& result, Kernels<float>& kernels, VerificationJournal& journal,
                     const std::string& path) {
  const Result<CaseSummary> cases = summarise(result, journal);
  if (!cases.ok()) return cases.status();
  Result<DurableFile> json = DurableFile::create(path);
  if (!json.ok()) return json.status();
  ALTOCAST_RETURN_IF_ERROR(
      write_scores_json(prior, cache, settings, result, *cases, journal, [&](std::string_view text) {
        return json->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
      }));
  ALTOCAST_RETURN_IF_ERROR(json->commit());
  const Result<std::vector<Example>> examples = choose_examples(result, journal);
  if (!examples.ok()) return examples.status();
  std::vector<ExampleCase> maps;
  for (const Example& example : *examples) {
    Result<ExampleCase> map = example_case(prior, cache, settings, kernels, example.time);
    if (!map.ok()) return map.status();
    maps.push_back(*std::move(map));
  }
  const std::string page = verification_page(prior, cache, settings, result, *cases, *examples, maps);
  return replace_file(page_path(path), {reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
}

}  // namespace

Status run_verify(std::span<char*> argv) {
  Arguments arguments("verify", "[--prior P] --frames DIR --out scores.json [options]",
                      "Scores a prior over an archive as a station would have used it, against persistence and\n"
                      "advection; without a prior these references alone.");
  arguments.value("prior", "P", "the prior file")
      .value("leads", "N", "without a prior: steps to forecast (default 8)")
      .value("frames", "DIR", "folder of time-stamped frames, or a station.toml that names it")
      .value("out", "FILE", "the JSON file to write")
      .value("from", "TIME", "first time to forecast from, UTC (default: the first possible)")
      .value("to", "TIME", "last time to forecast from (default: the last possible)")
      .value("every", "N", "every N-th possible time (default 1)")
      .value("members", "N", "ensemble members, at least 2 (default 16)");
  add_adaptation_options(arguments);
  arguments.value("thresholds", "X,X,…", "events are beyond these, in the frames' units (default: percentiles)")
      .value("seed", "S", "seed of all weight samples (default 1)")
      .kernel_options();
  if (!arguments.parse(argv)) return {};
  const std::string frames = arguments.text("frames");
  const std::string out = arguments.text("out");
  const VerificationSettings settings = settings_of(arguments);
  const std::unique_ptr<Kernels<float>> kernels = arguments.kernels();

  std::optional<LoadedPrior> prior;
  if (arguments.has("prior")) {
    Result<LoadedPrior> loaded = load_prior(arguments.text("prior"));
    if (!loaded.ok()) return loaded.status();
    prior = *std::move(loaded);
  }
  Result<FrameCache> cache = open_frames(frames);
  if (!cache.ok()) return cache.status();
  ALTOCAST_RETURN_IF_ERROR(prepare_output_file(out));
  const LoadedPrior* const loaded = prior ? &*prior : nullptr;
  ProgressLine line;
  Result<VerificationJournal> journal = VerificationJournal::open(out + ".progress");
  if (!journal.ok()) return journal.status();
  const Result<Verification> result = verify(loaded, *cache, settings, *kernels, *journal,
                                             [&](std::size_t done, std::size_t cases) { line.show(done, cases); });
  line.end();
  if (prior) {
    log_frames(prior->prior, *cache);
  } else {
    log_rejected(*cache);
  }
  if (!result.ok()) {
    if (!journal->empty()) return result.status();
    ALTOCAST_RETURN_IF_ERROR(journal->remove());
    return result.status();
  }
  ALTOCAST_RETURN_IF_ERROR(write_results(loaded, *cache, settings, *result, *kernels, *journal, out));
  print_table(*cache, *result);
  return journal->remove();
}

}  // namespace altocast
