#include "runtime/watch/station_weights.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "runtime/frames/frame_name.h"
#include "runtime/station/prior_search.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

SlotAdaptation adapt_to_slot(const LoadedPrior& prior, FrameCache& cache, const AdaptationSettings& settings,
                             Kernels<float>& kernels) {
  SlotAdaptation result;
  AdaptationRecord& record = result.record;
  record.slot = *settings.at;
  record.seed = settings.seed;
  record.nll_before = record.nll_after = record.kl = kUnknown;
  Result<GuardedAdaptation> made = guarded_adaptation(prior, cache, settings, kernels);
  if (!made.ok()) {
    record.reason = made.message();
    return result;
  }
  result.adaptation = std::move(made->adaptation);
  const Adaptation& adaptation = result.adaptation;
  record.guard = made->guard;
  record.used = made->guard.adapted();
  record.reason = made->guard.reason;
  record.pairs = record.used ? adaptation.posterior.support_pairs : made->guard.trial_pairs;
  record.steps = *settings.steps;
  record.earlier_pairs = adaptation.earlier_pairs;
  record.hour_pairs = adaptation.hour_pairs;
  record.first_time = record.used ? adaptation.first_time : *settings.at;
  record.last_time = record.used ? adaptation.last_time : *settings.at;
  record.nll_before = adaptation.nll_before;
  record.nll_after = adaptation.nll_after;
  record.kl = record.used ? adaptation.kl : kUnknown;
  return result;
}

StationWeights::StationWeights(LoadedPrior prior, std::string prior_path, std::string posterior_path)
    : prior_(std::move(prior)),
      prior_path_(std::move(prior_path)),
      posterior_path_(std::move(posterior_path)),
      prior_weights_(prior_weights(prior_.prior)) {
  const Result<Posterior> posterior = load_posterior(posterior_path_);
  if (!posterior.ok() || posterior->frames.empty()) return;
  const FrameName first = parse_frame_name(posterior->frames.front());
  const FrameName last = parse_frame_name(posterior->frames.back());
  if (first.kind != FrameName::Kind::frame || last.kind != FrameName::Kind::frame) return;
  const FlushSubnormals flush;  // as adapt() adds the same numbers
  Result<AdaptedWeights> weights = adapted_weights(*posterior, prior_);
  if (!weights.ok()) return;
  AdaptationRecord record;
  record.slot = adapted_at(*posterior).value_or(last.time);
  record.first_time = first.time;
  record.last_time = last.time;
  record.pairs = posterior->support_pairs;
  record.steps = posterior->inner.steps;
  record.seed = posterior->seed;
  record.nll_before = record.nll_after = record.kl = kUnknown;
  record.used = true;
  newest_ = record;
  current_ = Adapted{record, *std::move(weights)};
}

const StationWeights::Adapted* StationWeights::find(std::int64_t slot) const {
  const Adapted* best = nullptr;
  for (const std::optional<Adapted>* one : {&current_, &past_}) {
    if (*one && (*one)->record.slot <= slot && (!best || (*one)->record.slot > best->record.slot)) best = &**one;
  }
  return best;
}

bool StationWeights::due(const StationSettings& settings, const FrameCache& cache, std::int64_t slot) const {
  if (!settings.adapt) return false;
  const Adapted* last = find(slot);
  // An older posterior's slot is told by a frame's name, which may be off by up to half a cadence.
  const std::int64_t slack = cache.cadence_seconds() / 2;
  if (last && slot - last->record.slot < std::max<std::int64_t>(settings.adapt_every_seconds - slack, 1)) return false;
  const NetworkSpec& network = prior_.prior.network;
  return cache.support_pairs(network.input_frames, network.leads, 1, slot).ok();
}

void StationWeights::adapt(const StationSettings& settings, FrameCache& cache, std::int64_t slot, int steps,
                           Kernels<float>& kernels) {
  AdaptationSettings wanted;
  wanted.at = slot;
  wanted.pairs = settings.pairs;
  wanted.steps = steps;
  wanted.rate_scale = settings.rate_scale;
  wanted.seed = settings.seed;
  wanted.guard = settings.guard;
  wanted.memory_limit = settings.memory_limit;
  const std::size_t frames = cache.frames().size();
  SlotAdaptation made = adapt_to_slot(prior_, cache, wanted, kernels);
  if (!made.record.used && cache.frames().size() != frames) return;
  const bool newer = !newest_ || slot >= newest_->slot;
  if (newer) newest_ = made.record;
  std::optional<Adapted>& place = newer ? current_ : past_;
  place = Adapted{made.record, std::move(made.adaptation.weights)};
  if (!newer || !made.record.used) return;
  unsaved_ = std::move(made.adaptation.posterior);
  unsaved_->created = now();
  unsaved_->facts = posterior_facts(prior_path_, guard_json(*made.record.guard), slot);
}

Status StationWeights::save() {
  if (!unsaved_) return {};
  ALTOCAST_RETURN_IF_ERROR(save_posterior(*unsaved_, posterior_path_));
  unsaved_.reset();
  return {};
}

const AdaptedWeights& StationWeights::weights_for(std::int64_t slot) const {
  const Adapted* adapted = find(slot);
  return adapted && adapted->record.used ? adapted->weights : prior_weights_;
}

const AdaptationRecord* StationWeights::used_for(std::int64_t slot) const {
  const Adapted* adapted = find(slot);
  return adapted && adapted->record.used ? &adapted->record : nullptr;
}

}  // namespace altocast
