#include "apps/altocast/station_input.h"

#include <errno.h>
#include <unistd.h>

#include <map>

#include "apps/altocast/log.h"
#include "formats/durable_file.h"
#include "formats/file_system.h"
#include "runtime/frames/frame_block.h"
#include "runtime/json_text.h"
#include "runtime/time.h"
#include "runtime/watch/station_frames.h"

namespace altocast {

void add_adaptation_options(Arguments& arguments) {
  arguments.value("pairs", "N", "support pairs, the newest ones (default: as the prior was trained)");
  arguments.value("steps", "M", "inner steps (default: as the prior was trained)");
  arguments.value("rate-scale", "X", "multiplies the prior's inner rates (default 1)");
  arguments.flag("no-guard",
                 "use the adapted weights untested; else only where they forecast no worse than the prior's");
}

AdaptationSettings adaptation_settings(const Arguments& arguments) {
  AdaptationSettings settings;
  if (const auto pairs = arguments.integer("pairs", 1, 4096)) settings.pairs = static_cast<int>(*pairs);
  if (const auto steps = arguments.integer("steps", 0, 1000)) settings.steps = static_cast<int>(*steps);
  settings.rate_scale = arguments.number("rate-scale", 0.0f, 1e6f, 1.0f);
  settings.seed = arguments.seed();
  settings.guard = !arguments.has("no-guard");
  return settings;
}

Result<FrameCache> open_frames(const std::string& folder_or_settings) {
  if (!folder_or_settings.ends_with(".toml")) return FrameCache::open(folder_or_settings);
  const Result<StationSettings> settings = load_station_settings(folder_or_settings);
  return settings.ok() ? open_station_frames(*settings) : settings.status();
}

void log_frames(const Prior& prior, const FrameCache& cache) {
  for (const std::string& difference : differences(prior, cache)) log_line("warning: " + difference);
  log_rejected(cache);
}

void log_rejected(const FrameCache& cache) {
  constexpr std::size_t kShown = 3;  // of each fault
  std::map<FrameFault, std::size_t> counts;
  for (const RejectedFrame& frame : cache.rejected()) {
    if (++counts[frame.fault] <= kShown) log_line("not used: " + frame.path + ": " + frame.reason);
  }
  for (const auto& [fault, count] : counts) {
    if (count <= kShown) continue;
    log_line("not used: " + std::to_string(count - kShown) + " more files (" + std::string(fault_name(fault)) + ")");
  }
  std::size_t bridged = 0;
  std::string newest;
  for (const FrameEntry& frame : cache.frames()) {
    if (!frame.bridged) continue;
    ++bridged;
    newest = format_time(frame.slot);
  }
  if (bridged > 0) {
    log_line("made from the frames before and after, for want of one: " + std::to_string(bridged) +
             (bridged > 1 ? " frames, the newest of " : " frame, of ") + newest);
  }
}

void log_adaptation(const GuardedAdaptation& guarded, int wanted_pairs) {
  const auto text = [](double value) { return plain_number(value, 6); };
  const Guard& guard = guarded.guard;
  const Adaptation& adaptation = guarded.adaptation;
  if (guard.trial_pairs > 0) {
    log_line("guard: the " + std::to_string(guard.held_back) + " frames after " + format_time(guard.trial_from) +
             " held back, " + std::to_string(guard.trial_pairs) + " pairs before them; CRPS there " +
             text(guard.prior_crps) + " with the prior, " + text(guard.combined_crps) + " combined anew, " +
             text(guard.adapted_crps) + " adapted");
  }
  if (!guard.adapted()) {
    log_line("not adapted, the prior is used: " + guard.reason);
    return;
  }
  if (!guard.reason.empty()) log_line("only the combination with advection is learned: " + guard.reason);
  const int pairs = adaptation.posterior.support_pairs;
  const int earlier = adaptation.earlier_pairs;
  log_line("adapted to " + std::to_string(pairs) + " pairs" +
           (pairs < wanted_pairs ? " (of " + std::to_string(wanted_pairs) + "; there are no more)" : "") + ", " +
           format_time(adaptation.first_time) + " to " + format_time(adaptation.last_time) +
           (earlier == pairs ? ", before the last gap"
            : earlier > 0    ? ", " + std::to_string(earlier) + " of them before the last gap"
                             : ""));
  if (adaptation.hour_pairs > 0) {
    log_line("corrected by what " + std::to_string(adaptation.hour_pairs) +
             " forecasts from this hour of the days before were off by");
  }
  for (std::size_t m = 0; m < adaptation.steps.size(); ++m) {
    const InnerStepReport& step = adaptation.steps[m];
    const Clipping& clipping = step.clipping;
    log_line("step " + std::to_string(m + 1) + ": objective " + text(step.objective) + ", KL " + text(step.kl) +
             ", NLL " + text(step.nll) + ", gradient norms " + text(clipping.norm_mu) +
             (clipping.factor_mu < 1 ? " (clipped), " : ", ") + text(clipping.norm_rho) +
             (clipping.factor_rho < 1 ? " (clipped)" : ""));
  }
  log_line("NLL of the support pairs at the mean weights: " + text(adaptation.nll_before) + " before, " +
           text(adaptation.nll_after) + " after; KL " + text(adaptation.kl));
  if (adaptation.nll_after > adaptation.nll_before) {
    log_line("warning: the weights fit these pairs worse than before; lower --rate-scale or take fewer --steps");
  }
}

Status prepare_parent(const std::string& path) {
  std::string parent = parent_path(without_end_slash(path));
  if (parent.empty()) parent = ".";
  const std::error_code error = make_folders(parent);
  if (error) return Status::error(parent + ": cannot be made: " + error.message());
  if (::access(parent.c_str(), W_OK | X_OK) != 0) {
    return Status::error(parent +
                         ": no file can be made there: " + std::error_code(errno, std::generic_category()).message());
  }
  return {};
}

Status prepare_output_file(const std::string& path) {
  ALTOCAST_RETURN_IF_ERROR(prepare_parent(path));
  if (is_folder(path)) return Status::error(path + ": is a folder; name the file to write");
  return DurableFile::create(path).status();
}

}  // namespace altocast
