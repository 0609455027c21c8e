#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cxxopts.hpp>
#include <optional>
#include <utility>

#include "apps/altocast_train/command.h"
#include "apps/altocast_train/parse_options.h"
#include "formats/durable_file.h"
#include "trainer/fit.h"
#include "trainer/kernel_choice.h"

namespace altocast {
namespace {

constexpr int kMaxThreads = 1024;

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void request_stop(int) { stop_requested.store(true); }

// One line that is rewritten on a terminal, a line every half minute elsewhere.
class ProgressLine {
 public:
  void show(const FitProgress& p) {
    const auto now = std::chrono::steady_clock::now();
    const bool last = p.step == p.steps;
    if (!last && now - shown_ < (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(30000))) return;
    shown_ = now;
    const int minutes = static_cast<int>(p.seconds_left / 60);
    const int seconds = static_cast<int>(p.seconds_left) % 60;
    std::fprintf(stderr, "%sstep %d of %d  %s  loss %.4f  %.2f tasks/s  %d:%02d left%s", terminal_ ? "\r\033[K" : "",
                 p.step, p.steps, std::string(to_string(p.phase)).c_str(), p.loss, p.tasks_per_second, minutes, seconds,
                 terminal_ ? "" : "\n");
    open_ = terminal_;
    if (last) close();
  }
  void note(const std::string& line) {
    close();
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  void close() {
    if (open_) std::fputc('\n', stderr);
    open_ = false;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool open_ = false;
  std::chrono::steady_clock::time_point shown_{};
};

int unfit(const Status& status) {
  std::fprintf(stderr, "altocast-train fit: %s\n", status.message().c_str());
  return kUnfit;
}

int usage(const std::string& message) {
  std::fprintf(stderr, "altocast-train fit: %s; see altocast-train fit --help\n", message.c_str());
  return kUsage;
}

// The settings, and the run's folder made ready. Says itself what is wrong; returns the exit code.
int prepare(const cxxopts::ParseResult& parsed, FitSettings& settings, std::optional<RunDirectory>& run) {
  const std::string out = parsed["out"].as<std::string>();
  const bool resume = parsed.count("resume") > 0;
  if (resume) {
    Result<FitSettings> before = RunDirectory::read_config(out);
    if (!before.ok()) return unfit(before.status());
    settings = *before;
  }
  if (parsed.count("config")) {
    const std::string path = parsed["config"].as<std::string>();
    const Result<std::vector<std::uint8_t>> text = read_file(path, 1u << 20);
    if (!text.ok()) return unfit(text.status());
    const Status status =
        read_fit_settings({reinterpret_cast<const char*>(text->data()), text->size()}, path, settings);
    if (!status.ok()) return unfit(status);
  }
  if (parsed.count("preset")) {
    const Result<NetworkSpec> network = preset(parsed["preset"].as<std::string>());
    if (!network.ok()) return usage(network.message());
    settings.network.base_channels = network->base_channels;
    settings.network.depth = network->depth;
  }
  if (parsed.count("data")) settings.data = parsed["data"].as<std::vector<std::string>>();
  if (parsed.count("validate")) {
    settings.validation.clear();
    for (const std::string& text : parsed["validate"].as<std::vector<std::string>>()) {
      const Result<ValidationFolder> folder = parse_validation_folder(text);
      if (!folder.ok()) return usage(folder.message());
      settings.validation.push_back(*folder);
    }
  }
  if (parsed.count("init")) settings.initial = parsed["init"].as<std::string>();
  if (parsed.count("steps")) settings.steps = parsed["steps"].as<int>();
  if (parsed.count("seed")) settings.seed = parsed["seed"].as<std::uint64_t>();
  if (settings.data.empty()) return usage("no --data DIR to train on");
  if (const Status status = validate(settings); !status.ok()) return usage(status.message());

  Result<RunDirectory> opened = RunDirectory::open(out, resume);
  if (!opened.ok()) return unfit(opened.status());
  run.emplace(std::move(*opened));
  return kDone;
}

// SIGUSR1 is what mpirun passes on to all ranks, and what batch systems send before a job's time is up.
void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second Ctrl-C ends at once
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
}

}  // namespace

int run_fit(std::span<char*> argv) {
  cxxopts::Options options("altocast-train fit", "Meta-trains a prior on folders of frames.");
  options.add_options()("data", "folder of frames to train on; may be repeated",
                        cxxopts::value<std::vector<std::string>>(),
                        "DIR")("validate",
                               "folder to validate on, DIR or DIR@TIME: its frames from TIME on; may be "
                               "repeated. Without it the last part of "
                               "each data folder is held out",
                               cxxopts::value<std::vector<std::string>>(), "DIR[@TIME]")(
      "out", "run folder: model.prior, checkpoint, log.jsonl, config.toml", cxxopts::value<std::string>(), "RUN")(
      "config", "settings; options on the command line override it", cxxopts::value<std::string>(), "FILE.toml")(
      "preset", "network: tiny, small or base", cxxopts::value<std::string>(), "P")(
      "init", "prior file to start from instead of random weights; one with fewer base_channels is widened",
      cxxopts::value<std::string>(), "P.prior")("resume", "go on from RUN's checkpoint, with its settings")(
      "steps", "steps in all", cxxopts::value<int>(), "N")("seed", "seed of all random numbers",
                                                           cxxopts::value<std::uint64_t>(), "S")(
      "threads", "worker threads; 0 = all cores", cxxopts::value<int>()->default_value("0"), "N")(
      "keep-mib", "memory a thread for inner passes that spares their recomputation; changes no bit",
      cxxopts::value<int>()->default_value(std::to_string(kDefaultKeepMib)),
      "MIB")("store",
             "folder where decoded frames are kept, mapped into memory, for this and later runs; none = in memory "
             "(default: RUN/frames)",
             cxxopts::value<std::string>(),
             "DIR")("kernels", "native, onednn or reference", cxxopts::value<std::string>()->default_value("native"),
                    "K")("help", "this text");
  const std::optional<cxxopts::ParseResult> result = parse_options(options, argv);
  if (!result) return kDone;
  const cxxopts::ParseResult& parsed = *result;
  if (!parsed.unmatched().empty()) return usage("unexpected argument '" + parsed.unmatched().front() + "'");
  if (!parsed.count("out")) return usage("--out RUN is missing");
  FitOptions fit_options{parsed["kernels"].as<std::string>(), parsed["threads"].as<int>(), parsed.count("resume") > 0,
                         parsed["keep-mib"].as<int>(), parsed["out"].as<std::string>() + "/frames"};
  if (parsed.count("store")) fit_options.store = parsed["store"].as<std::string>();
  if (fit_options.store == "none") fit_options.store.clear();
  if (fit_options.keep_mib < 0) return usage("--keep-mib must not be negative");
  if (fit_options.threads < 0 || fit_options.threads > kMaxThreads) return usage("--threads must lie in 0 ... 1024");
  if (const Status status = check_kernel_set(fit_options.kernels); !status.ok()) {
    return usage("--kernels: " + status.message());
  }

  const Result<std::unique_ptr<Communicator>> joined = join_ranks();
  if (!joined.ok()) return unfit(joined.status());
  Communicator& ranks = **joined;
  const bool leads = ranks.rank() == 0;

  FitSettings settings;
  std::optional<RunDirectory> run;
  if (const int code = ranks.broadcast_number(leads ? prepare(parsed, settings, run) : kDone); code != kDone) {
    return code;
  }
  catch_stop_signals();

  ProgressLine line;
  FitCallbacks callbacks;
  callbacks.stop = &stop_requested;
  if (leads) {
    callbacks.notice = [&](const std::string& text) { line.note(text); };
    callbacks.progress = [&](const FitProgress& progress) { line.show(progress); };
  }
  const Result<FitOutcome> outcome = fit(settings, fit_options, run ? &*run : nullptr, ranks, callbacks);
  line.close();
  if (!outcome.ok()) return leads ? unfit(outcome.status()) : kUnfit;
  if (leads) std::printf("%s\n", run->prior_path().c_str());
  return kDone;
}

}  // namespace altocast
