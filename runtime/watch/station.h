// A station at work, one step at a time: it looks at the frames, verifies the forecasts that new ones make checkable,
// makes every forecast that is due and lacks its run (the newest first), and tells in status.json how it is. All that a
// step needs to know of earlier ones is on disk (station_folder.h) or follows from the frames, so a step may be cut off
// at any moment and the next one, by this process or another, goes on from there.
//
// What goes wrong (frames that do not come, a full disk, an adaptation that diverges) ends no step: it is told in the
// log and in status.json, and tried again when there is reason to.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "formats/status.h"
#include "runtime/kernels/kernels.h"
#include "runtime/station/station_forecast.h"
#include "runtime/watch/forecast_check.h"
#include "runtime/watch/slot_plan.h"
#include "runtime/watch/station_folder.h"
#include "runtime/watch/station_settings.h"
#include "runtime/watch/station_status.h"
#include "runtime/watch/station_weights.h"

namespace altocast {

struct StationHooks {
  std::function<void(const std::string&)> log;  // a line for people
  std::function<bool()> go_on;                  // asked between the parts of a step; false ends it early
};

// Not for concurrent use.
class Station {
 public:
  // Reads the prior and takes the output folder. Fails if either cannot be had.
  static Result<std::unique_ptr<Station>> open(const StationSettings& settings, std::unique_ptr<Kernels<float>> kernels,
                                               StationHooks hooks);

  // Goes on with other settings. If they are not fit, fails and keeps the former ones.
  Status change(const StationSettings& settings, std::unique_ptr<Kernels<float>> kernels);

  // Does what is due. Returns whether all of it could be done.
  bool step();

  // A problem that the caller found, told in status.json under `what` until an empty `status` takes its place.
  void report(const std::string& what, const Status& status);

  void stop();  // the last word in status.json

  const StationSettings& settings() const { return settings_; }
  const StationStatus& status() const { return status_; }

 private:
  Station(const StationSettings& settings, StationFolder folder, StationWeights weights,
          std::unique_ptr<Kernels<float>> kernels, StationHooks hooks);

  void take_up_folder();
  std::optional<std::int64_t> looks_back_to() const;
  Result<FrameCache> open_frames();
  void remember_bad_files(const FrameCache& opened, const FrameCache& cache);
  void look_at_feed(const FrameCache& cache);
  void tell_rejected(const FrameCache& cache);
  void check_forecasts(const FrameCache& cache);
  bool completes_input(const FrameCache& cache, std::size_t index) const;
  std::optional<std::int64_t> newest_input(const FrameCache& cache) const;
  std::optional<std::int64_t> next_due(const FrameCache& cache) const;
  bool inputs_decode(FrameCache& cache, std::int64_t slot);
  bool forecast_slot(FrameCache& cache, std::int64_t slot);
  bool publish(StationForecast& forecast, const SlotPlan& made, const SlotPlan& wanted);
  SlotPlan wanted_plan(const FrameCache& cache, std::int64_t slot) const;
  SlotPlan affordable(const SlotPlan& wanted, FrameCache& cache, std::int64_t slot);
  void write_status();

  StationSettings settings_;
  StationFolder folder_;
  StationWeights weights_;
  std::unique_ptr<Kernels<float>> kernels_;
  StationHooks hooks_;
  ForecastCheck check_;
  std::vector<CheckedForecast> history_;
  SlotCosts costs_;
  StationStatus status_;
  std::string written_status_;    // as it stands on disk, but for clock and disk
  double step_began_ = 0;         // seconds of a steady clock
  std::set<std::int64_t> unfit_;  // slots whose forecast cannot be made: not tried again by this process
  struct BadFile {
    std::string path;
    std::int64_t bytes = 0, changed = 0;
  };
  std::vector<BadFile> bad_files_;       // that did not decode: not tried again unless they change
  std::set<std::string> told_rejected_;  // paths of the frames that were left out last time
};

}  // namespace altocast
