// altocast watch: the station's loop. Waits for frames, signals and the watchdog; the work is in runtime/watch/.
#include <stdlib.h>
#include <sys/resource.h>
#if defined(__GLIBC__)
#  include <malloc.h>
#endif

#include <algorithm>
#include <chrono>
#include <memory>

#include "apps/altocast/arguments.h"
#include "apps/altocast/log.h"
#include "apps/altocast/service.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/time.h"
#include "runtime/watch/folder_watch.h"
#include "runtime/watch/station.h"

namespace altocast {
namespace {

constexpr double kSettle = 0.2;        // seconds: a receiver writes several files in a row
constexpr double kPatience = 2;        // with a receiver that does not stop
constexpr double kScan = 300;          // between looks at the folder while it is watched
constexpr double kRenewal = 6 * 3600;  // between renewals of the watches

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// --threads and --isa count more than the settings.
std::unique_ptr<Kernels<float>> kernels_for(const Arguments& arguments, const StationSettings& settings) {
  Result<std::unique_ptr<Kernels<float>>> kernels =
      make_kernels(arguments.text("isa", ""), arguments.integer("threads", 0, 1024, settings.threads));
  if (!kernels.ok()) fail_usage("--isa: " + kernels.message());
  return *std::move(kernels);
}

// Of this thread and of those that it starts from here on.
void lower_priority(int nice) { ::setpriority(PRIO_PROCESS, 0, nice); }

class Loop {
 public:
  Loop(const Arguments& arguments, std::string path) : arguments_(arguments), path_(std::move(path)) {}

  Status run(bool once) {
    Result<StationSettings> settings = load_station_settings(path_);
    if (!settings.ok()) return settings.status();
    lower_priority(settings->nice);
    catch_signals();
    StationHooks hooks{[](const std::string& line) { log_line(line); },
                       [] {
                         notify_service_manager("WATCHDOG=1");
                         return !end_asked();
                       }};
    Result<std::unique_ptr<Station>> station =
        Station::open(*settings, kernels_for(arguments_, *settings), std::move(hooks));
    if (!station.ok()) return station.status();
    station_ = *std::move(station);
    notify_service_manager("READY=1");
    watch_ = std::make_unique<FolderWatch>(settings->frames);  // before the first look: nothing comes in between
    bool good = step();
    while (!once && !end_asked()) {
      wait();
      if (reload_waits()) reload();
      if (!end_asked()) good = step();
    }
    notify_service_manager("STOPPING=1");
    station_->stop();
    if (once && !good)
      return Status::error("not all that is due could be done; status.json in " + station_->settings().output +
                           " says why");
    return {};
  }

 private:
  bool step() {
    const bool good = station_->step();
#if defined(__GLIBC__)
    malloc_trim(0);  // the receiver has more use for it until the next frame
#endif
    const StationStatus& status = station_->status();
    std::string words = "STATUS=";
    if (!status.problems.empty()) {
      words += status.problems.begin()->first + ": " + status.problems.begin()->second.message;
    } else if (status.forecast) {
      words += "last forecast from " + format_time(status.forecast->slot);
    } else {
      words += "waiting for frames";
    }
    notify_service_manager(words);
    return good;
  }

  // Until there is reason for a step: a frame, the time to look without being told, or a signal.
  void wait() {
    const double begin = now();
    double watchdog = watchdog_seconds() / 2;
    if (watchdog <= 0) watchdog = kScan;
    const bool blind = watch_->descriptor() < 0;
    if (blind || begin - renewed_ > kRenewal) {
      watch_->renew();
      renewed_ = begin;
      if (!blind || watch_->descriptor() >= 0) return;  // what came meanwhile was not told
    }
    const double scan = watch_->descriptor() >= 0 ? kScan : station_->settings().poll_seconds;
    while (!end_asked() && !reload_waits()) {
      const double left = begin + scan - now();
      if (left <= 0) return;
      if (wait_for(watch_->descriptor(), std::min(left, watchdog))) {
        const double told = now();
        while (watch_->take(), !end_asked() && now() - told < kPatience && wait_for(watch_->descriptor(), kSettle)) {
        }
        return;
      }
      notify_service_manager("WATCHDOG=1");
    }
  }

  bool reload_waits() {
    reload_ = reload_ || reload_asked();
    return reload_;
  }

  void reload() {
    reload_ = false;
    Result<StationSettings> settings = load_station_settings(path_);
    Status status = settings.status();
    if (settings.ok()) {
      lower_priority(settings->nice);
      status = station_->change(*settings, kernels_for(arguments_, *settings));
    }
    if (status.ok()) {
      watch_ = std::make_unique<FolderWatch>(settings->frames);
      log_line(path_ + " was read again");
    } else {
      status = Status::error(status.message() + "; the former settings stay in force");
    }
    station_->report("config", status);
  }

  const Arguments& arguments_;
  const std::string path_;
  std::unique_ptr<Station> station_;
  std::unique_ptr<FolderWatch> watch_;
  double renewed_ = now();
  bool reload_ = false;
};

}  // namespace

Status run_watch(std::span<char*> argv) {
  Arguments arguments("watch", "--config FILE [options]",
                      "Runs a station: forecasts whenever a new frame comes, verifies, adapts, publishes.");
  arguments.value("config", "FILE", "station.toml, which says what to do; read again on SIGHUP")
      .flag("once", "do what is due, then end; exit code 1 if something could not be done")
      .kernel_options();
  if (!arguments.parse(argv)) return {};
  const std::string path = arguments.text("config");
  return Loop(arguments, path).run(arguments.has("once"));
}

}  // namespace altocast
