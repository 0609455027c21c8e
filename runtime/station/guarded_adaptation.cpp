#include "runtime/station/guarded_adaptation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/frames/frame_block.h"
#include "runtime/json_object.h"
#include "runtime/sample_set.h"
#include "runtime/scores/ensemble_scores.h"
#include "runtime/station/ensemble.h"
#include "runtime/thread_pool.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What an untested combination must save of the error on its own pairs: those of kinds that the prior knows save about
// 2 %, a radar's a third.
constexpr double kSureGain = 0.1;

// Of the combination for the prior's weights, learned as it is beside adapted ones.
AdaptationSettings combined_only(AdaptationSettings settings) {
  settings.steps = 0;
  return settings;
}

// The inputs of the trial's forecast, and after them the frames held back.
struct HeldBack {
  FrameBlock block;
  int count = 0;  // 0: there is none
};

Result<HeldBack> load_held_back(const LoadedPrior& loaded, FrameCache& cache, const AdaptationSettings& settings) {
  const int inputs = loaded.prior.network.input_frames, leads = loaded.prior.network.leads;
  HeldBack held;
  Result<FrameBlock> block = load_frames(
      cache,
      [&](const FrameCache& frames) -> Result<FrameRange> {
        const std::optional<FrameWindow> trial = frames.trial_window(inputs, leads, settings.at);
        held.count = trial ? trial->targets : 0;
        return trial ? FrameRange{trial->first, inputs + held.count} : FrameRange{};
      },
      loaded.prior.normalisation);
  if (!block.ok()) return block.status();
  ALTOCAST_RETURN_IF_ERROR(check_size(loaded.prior.network, *block, cache.folder()));
  held.block = *std::move(block);
  return held;
}

// The forecasts of frames that are known already.
class Trial {
 public:
  Trial(const LoadedPrior& loaded, const FrameCache& cache, const HeldBack& held, std::uint64_t seed,
        Kernels<float>& kernels)
      : network_(loaded.prior.network),
        held_(held),
        seed_(seed),
        kernels_(kernels),
        units_(ensemble_units(cache.settings(), loaded.prior.normalisation, cache.largest_number())),
        forecaster_(loaded.prior, kernels, held.block.height, held.block.width, {},
                    CombinedForecast::of(held.block.from(held.block.first), network_.input_frames, held.block.height,
                                         held.block.width, network_.leads, kernels.threads())),
        input_(network_, held.block.height, held.block.width, 1),
        members_(forecaster_.member_size() * kGuardMembers) {
    input_.add(held.block.from(held.block.first), nullptr, kernels.threads());
  }

  // NaN if a member is not finite.
  double crps(const AdaptedWeights& weights) {
    forecaster_.forecast(weights, input_.samples().front(), units_, seed_, members_);
    if (!std::all_of(members_.begin(), members_.end(), [](float value) { return std::isfinite(value); })) return kNaN;
    std::vector<double> of_lead(static_cast<std::size_t>(held_.count));
    kernels_.threads().parallel_for(held_.count, [&](int lead) {
      const auto at = static_cast<std::size_t>(lead);
      const auto inputs = static_cast<std::size_t>(network_.input_frames);
      of_lead[at] = lead_crps(at, held_.block.from(held_.block.first + inputs + at));
    });
    double sum = 0;
    for (const double crps : of_lead) sum += crps;
    return sum / static_cast<double>(held_.count);
  }

 private:
  double lead_crps(std::size_t lead, const float* observed) const {
    const std::size_t size = forecaster_.member_size();
    const std::size_t pixels = size / static_cast<std::size_t>(network_.leads);
    EnsembleSums sums(kGuardMembers, seed_, lead);
    std::vector<double> values(kGuardMembers);
    for (std::size_t i = 0; i < pixels; ++i) {
      for (std::size_t k = 0; k < values.size(); ++k)
        values[k] = static_cast<double>(members_[k * size + lead * pixels + i]);
      // Rounded to float as members are.
      sums.add(values,
               static_cast<float>(units_.values.offset + units_.values.scale * static_cast<double>(observed[i])));
    }
    return sums.crps().fair;
  }

  const NetworkSpec& network_;
  const HeldBack& held_;
  std::uint64_t seed_;
  Kernels<float>& kernels_;
  EnsembleUnits units_;
  EnsembleForecaster forecaster_;
  SampleSet input_;
  std::vector<float> members_;  // [member, leads, height, width], in the frames' units
};

// The prior in the place of an adaptation.
Adaptation unadapted(const LoadedPrior& loaded, const AdaptationSettings& settings) {
  Adaptation result;
  result.posterior = make_posterior(loaded, loaded.prior.mu, loaded.prior.rho);
  result.posterior.inner = loaded.prior.inner;
  result.posterior.inner.steps = 0;
  result.posterior.support_pairs = 0;
  result.posterior.seed = settings.seed;
  result.weights = prior_weights(loaded.prior);
  result.nll_before = result.nll_after = kNaN;
  return result;
}

}  // namespace

const char* name_of(GuardVerdict verdict) {
  switch (verdict) {
    case GuardVerdict::passed:
      return "passed";
    case GuardVerdict::declined:
      return "declined";
    case GuardVerdict::untested:
      return "untested";
    case GuardVerdict::failed:
      return "failed";
    case GuardVerdict::combined:
      return "combined";
    case GuardVerdict::off:
      break;
  }
  return "off";
}

std::string guard_json(const Guard& guard) {
  JsonObject json;
  json.text("verdict", name_of(guard.verdict))
      .text("used", guard.verdict == GuardVerdict::combined ? "combination"
                    : guard.adapted()                       ? "adapted"
                                                            : "prior");
  if (guard.verdict == GuardVerdict::off) return json.str();
  return json.integer("held_back_frames", guard.held_back)
      .integer("trial_pairs", guard.trial_pairs)
      .raw("trial_from", guard.trial_pairs > 0 ? "\"" + format_time(guard.trial_from) + "\"" : "null")
      .number("prior_crps", guard.prior_crps)
      .number("combined_crps", guard.combined_crps)
      .number("adapted_crps", guard.adapted_crps)
      .text("reason", guard.reason)
      .str();
}

Result<GuardedAdaptation> guarded_adaptation(const LoadedPrior& loaded, FrameCache& cache,
                                             const AdaptationSettings& settings, Kernels<float>& kernels) {
  const FlushSubnormals flush;
  ALTOCAST_RETURN_IF_ERROR(check_memory(loaded, cache, settings, kernels));
  GuardedAdaptation result;
  Guard& guard = result.guard;
  if (!settings.guard) {
    Result<Adaptation> adaptation = adapt(loaded, cache, settings, kernels);
    if (!adaptation.ok()) return adaptation.status();
    result.adaptation = *std::move(adaptation);
    return result;
  }
  const auto use = [&](Adaptation adaptation, GuardVerdict verdict, const std::string& reason) {
    guard.verdict = verdict;
    guard.reason = reason;
    result.adaptation = std::move(adaptation);
    return std::move(result);
  };
  const auto use_prior = [&](GuardVerdict verdict, const std::string& reason) {
    return use(unadapted(loaded, settings), verdict, reason);
  };
  guard.prior_crps = guard.combined_crps = guard.adapted_crps = kNaN;
  const Result<HeldBack> held = load_held_back(loaded, cache, settings);
  if (!held.ok()) return held.status();
  if (held->count == 0) {
    const std::string reason = "the runs up to now are too short to test an adaptation on frames held back";
    Result<Adaptation> combined = adapt(loaded, cache, combined_only(settings), kernels);
    if (!combined.ok() || combined->combination_gain < kSureGain) return use_prior(GuardVerdict::untested, reason);
    return use(*std::move(combined), GuardVerdict::combined, reason);
  }
  guard.held_back = held->count;
  guard.trial_from = held->block.slots[static_cast<std::size_t>(loaded.prior.network.input_frames - 1)];
  const std::uint64_t member_values = static_cast<std::uint64_t>(held->block.height) *
                                      static_cast<std::uint64_t>(held->block.width) *
                                      static_cast<std::uint64_t>(loaded.prior.network.leads);
  if (!check_ensemble_memory(member_values, kGuardMembers).ok()) {
    return Status::error(cache.folder() +
                         ": the frames are too large for the guard's trial in this machine's memory; " +
                         "crop them or scale them down in cache.toml, or give --no-guard");
  }

  AdaptationSettings before = settings;
  before.at = guard.trial_from;
  {
    const Result<Adaptation> adapted = adapt(loaded, cache, before, kernels);
    if (!adapted.ok()) return use_prior(GuardVerdict::failed, adapted.message());
    const Result<Adaptation> combined = adapt(loaded, cache, combined_only(before), kernels);
    if (!combined.ok()) return combined.status();
    guard.trial_pairs = adapted->posterior.support_pairs;
    Trial trial(loaded, cache, *held, settings.seed, kernels);
    guard.prior_crps = trial.crps(prior_weights(loaded.prior));
    guard.combined_crps = trial.crps(combined->weights);
    guard.adapted_crps = trial.crps(adapted->weights);
  }
  const bool combination_helps = guard.combined_crps < guard.prior_crps;
  const double best_without = combination_helps ? guard.combined_crps : guard.prior_crps;
  const char* reason = "adapted weights forecast the frames held back worse than the prior's";
  if (guard.adapted_crps < best_without) {
    Result<Adaptation> adaptation = adapt(loaded, cache, settings, kernels);
    if (!adaptation.ok()) return use_prior(GuardVerdict::failed, adaptation.message());
    if (adaptation->nll_after <= adaptation->nll_before) return use(*std::move(adaptation), GuardVerdict::passed, "");
    reason = "the adapted weights fit their own pairs worse than the prior's";
  }
  if (!combination_helps) return use_prior(GuardVerdict::declined, reason);
  Result<Adaptation> combination = adapt(loaded, cache, combined_only(settings), kernels);
  if (!combination.ok()) return combination.status();
  return use(*std::move(combination), GuardVerdict::combined, reason);
}

std::string decision_of(const Guard& guard) {
  if (guard.verdict == GuardVerdict::off) return "The guard is off.";
  const bool combined = guard.verdict == GuardVerdict::combined;
  std::string text = combined ? "Only the combination with advection is learned: " : "";
  if (!guard.reason.empty()) text += guard.reason + ".";
  if (guard.trial_pairs == 0) return text;
  return text + (text.empty() ? "" : " ") + "Forecasts of the " + std::to_string(guard.held_back) + " frames after " +
         format_time(guard.trial_from) + ", held back: CRPS " +
         plain_number(combined ? guard.combined_crps : guard.adapted_crps, 4) + ", the prior's " +
         plain_number(guard.prior_crps, 4) + ".";
}

AdaptationFacts adaptation_facts(const GuardedAdaptation& guarded) {
  const auto& [guard, adaptation] = guarded;
  AdaptationFacts facts;
  facts.used = guard.adapted();
  facts.decision = decision_of(guard);
  facts.first_time = adaptation.first_time;
  facts.last_time = adaptation.last_time;
  facts.pairs = facts.used ? adaptation.posterior.support_pairs : 0;
  facts.earlier_pairs = adaptation.earlier_pairs;
  facts.hour_pairs = adaptation.hour_pairs;
  facts.steps = static_cast<int>(adaptation.steps.size());
  facts.nll_before = adaptation.nll_before;
  facts.nll_after = adaptation.nll_after;
  return facts;
}

}  // namespace altocast
