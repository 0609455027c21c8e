#include "runtime/station/verification_json.h"

#include <algorithm>
#include <map>

#include "runtime/json_object.h"
#include "runtime/random.h"
#include "runtime/scores/block_bootstrap.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr std::uint64_t kBlockPurpose = 0x626c6f63;  // "bloc": of the seed's streams

std::string numbers(const std::vector<double>& values) { return json_array(values, json_number); }
template <class Integers>
std::string integers(const Integers& values) {
  return json_array(values, [](auto value) { return std::to_string(value); });
}

std::string fss_json(const std::vector<FssSums>& all) {
  return json_array(all, [](const FssSums& sums) {
    return JsonObject().integer("window", sums.window()).number("fss", sums.fss()).str();
  });
}

std::string threshold_json(const LeadScores::Threshold& threshold) {
  const ContingencyTable& table = threshold.of_mean;
  const ProbabilityTable& probability = threshold.probability;
  const std::string of_mean = JsonObject()
                                  .integer("hits", table.hits)
                                  .integer("false_alarms", table.false_alarms)
                                  .integer("misses", table.misses)
                                  .integer("correct_negatives", table.correct_negatives)
                                  .number("csi", table.csi())
                                  .number("pod", table.pod())
                                  .number("far", table.far())
                                  .number("frequency_bias", table.frequency_bias())
                                  .number("hss", table.hss())
                                  .number("ets", table.ets())
                                  .raw("fss", fss_json(threshold.fss_of_mean))
                                  .str();
  const std::string of_probability = JsonObject()
                                         .number("brier", probability.brier())
                                         .number("fair_brier", probability.fair_brier())
                                         .number("reliability", probability.reliability())
                                         .number("resolution", probability.resolution())
                                         .number("uncertainty", probability.uncertainty())
                                         .number("roc_area", probability.roc_area())
                                         .raw("fss", fss_json(threshold.fss_of_probability))
                                         .raw("forecasts", integers(probability.forecasts()))
                                         .raw("observed_frequency", numbers(probability.observed_frequency()))
                                         .str();
  return JsonObject()
      .number("threshold", threshold.value)
      .number("base_rate", probability.base_rate())
      .raw("mean", of_mean)
      .raw("probability", of_probability)
      .str();
}

std::string lead_json(const Verification& result, int system, int lead) {
  const auto at = static_cast<std::size_t>(lead);
  const LeadScores& scores = result.systems[system][at];
  const ErrorSums& errors = scores.errors();
  const EnsembleSums& ensemble = scores.ensemble();
  JsonObject json;
  json.integer("lead", lead + 1)
      .integer("lead_seconds", std::int64_t{lead + 1} * result.cadence_seconds)
      .integer("pixels", errors.count())
      .number("mae", errors.mae())
      .number("rmse", errors.rmse())
      .number("bias", errors.bias())
      .number("correlation", errors.correlation())
      .number("mae_over_persistence", errors.mae() / result.systems[kPersistence][at].errors().mae())
      .number("crps", ensemble.crps().plain)
      .number("fair_crps", ensemble.crps().fair);
  if (scores.members() > 1) {
    json.number("spread", ensemble.spread())
        .number("spread_skill", ensemble.spread_skill())
        .raw("rank_histogram", integers(ensemble.rank_histogram()));
  }
  return json.raw("thresholds", json_array(scores.thresholds(), threshold_json)).str();
}

std::vector<int> lead_numbers(const Verification& result) {
  std::vector<int> leads;
  for (int lead = 0; lead < result.leads; ++lead) leads.push_back(lead);
  return leads;
}

std::string systems_json(const Verification& result) {
  JsonObject json;
  for (int system = 0; system < kSystems; ++system) {
    if (result.systems[system].empty()) continue;
    json.raw(
        kSystemNames[system],
        JsonObject()
            .integer("members", result.systems[system].front().members())
            .raw("leads", json_array(lead_numbers(result), [&](int lead) { return lead_json(result, system, lead); }))
            .str());
  }
  return json.str();
}

std::string case_json(const VerifiedCase& record) {
  JsonObject mae, crps;
  for (int system = 0; system < kSystems; ++system) {
    if (record.scores[system].empty()) continue;
    std::vector<double> of_mae, of_crps;
    for (const CaseScores& scores : record.scores[system]) {
      of_mae.push_back(scores.mae);
      of_crps.push_back(scores.crps);
    }
    mae.raw(kSystemNames[system], numbers(of_mae));
    crps.raw(kSystemNames[system], numbers(of_crps));
  }
  JsonObject json;
  json.text("time", format_time(record.time));
  if (!record.scores[kAdaptedEnsemble].empty()) {
    json.raw("guard", guard_json(record.guard))
        .integer("support_pairs", record.support_pairs)
        .number("nll_before", record.nll_before)
        .number("nll_after", record.nll_after)
        .number("kl", record.kl);
  }
  return json.raw("mae", mae.str()).raw("crps", crps.str()).str();
}

// How often the prior was used in the place of adapted weights, and why.
std::string guard_summary(const Verification& result) {
  JsonObject verdicts;
  int adapted = 0;
  for (const GuardVerdict verdict : {GuardVerdict::off, GuardVerdict::passed, GuardVerdict::declined,
                                     GuardVerdict::untested, GuardVerdict::failed}) {
    verdicts.integer(name_of(verdict),
                     std::count_if(result.cases.begin(), result.cases.end(),
                                   [&](const VerifiedCase& record) { return record.guard.verdict == verdict; }));
  }
  for (const VerifiedCase& record : result.cases) adapted += record.guard.adapted();
  return JsonObject().integer("cases_adapted", adapted).raw("verdicts", verdicts.str()).str();
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Sums of a score of two systems at a lead, a block of time each, oldest first.
std::vector<PairedBlock> paired_blocks(const Verification& result, SystemIndex a, SystemIndex b,
                                       double CaseScores::*score, std::size_t lead) {
  std::map<std::int64_t, PairedBlock> blocks;
  for (const VerifiedCase& record : result.cases) {
    PairedBlock& block = blocks[floor_divide(record.time, block_seconds(result))];
    block.a += record.scores[a][lead].*score;
    block.b += record.scores[b][lead].*score;
  }
  std::vector<PairedBlock> sums;
  for (const auto& [number, block] : blocks) sums.push_back(block);
  return sums;
}

std::string comparisons_json(const VerificationSettings& settings, const Verification& result) {
  struct Pair {
    SystemIndex system, reference;
    double CaseScores::*score;
    const char* name;
  };
  std::vector<Pair> pairs{{kPriorEnsemble, kPersistence, &CaseScores::mae, "mae"},
                          {kAdaptedEnsemble, kPersistence, &CaseScores::mae, "mae"},
                          {kAdaptedEnsemble, kPriorEnsemble, &CaseScores::mae, "mae"},
                          {kPriorEnsemble, kPersistence, &CaseScores::crps, "crps"},
                          {kAdaptedEnsemble, kPersistence, &CaseScores::crps, "crps"},
                          {kAdaptedEnsemble, kPriorEnsemble, &CaseScores::crps, "crps"},
                          {kAdvection, kPersistence, &CaseScores::mae, "mae"},
                          {kSmoothedAdvection, kPersistence, &CaseScores::mae, "mae"},
                          {kAdvectionEnsemble, kPersistence, &CaseScores::crps, "crps"},
                          {kAdaptedEnsemble, kAdvection, &CaseScores::mae, "mae"},
                          {kAdaptedEnsemble, kSmoothedAdvection, &CaseScores::mae, "mae"},
                          {kAdaptedEnsemble, kAdvectionEnsemble, &CaseScores::crps, "crps"}};
  std::erase_if(pairs, [&](const Pair& pair) { return !result.has(pair.system) || !result.has(pair.reference); });
  const std::uint64_t seed = derive_seed(settings.adaptation.seed, kBlockPurpose);
  return json_array(pairs, [&](const Pair& pair) {
    const std::string leads = json_array(lead_numbers(result), [&](int lead) {
      const std::vector<PairedBlock> blocks =
          paired_blocks(result, pair.system, pair.reference, pair.score, static_cast<std::size_t>(lead));
      const BlockComparison comparison = compare_blocks(blocks, seed);
      return JsonObject()
          .integer("lead", lead + 1)
          .number("ratio", comparison.ratio)
          .number("low", comparison.low)
          .number("high", comparison.high)
          .integer("blocks", blocks.size())
          .number("blocks_won", comparison.blocks_won)
          .str();
    });
    return JsonObject()
        .text("system", kSystemNames[pair.system])
        .text("reference", kSystemNames[pair.reference])
        .text("score", pair.name)
        .raw("leads", leads)
        .str();
  });
}

std::string settings_json(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                          const Verification& result) {
  const AdaptationSettings& adaptation = settings.adaptation;
  JsonObject json;
  if (prior) json.text("prior_sha256", to_hex(prior->sha256));
  json.text("frames", cache.folder());
  if (settings.from) json.text("from", format_time(*settings.from));
  if (settings.to) json.text("to", format_time(*settings.to));
  json.integer("every", settings.every).integer("members", settings.members);
  if (prior) {
    json.integer("pairs", adaptation.pairs.value_or(prior->prior.support_pairs))
        .integer("steps", adaptation.steps.value_or(prior->prior.inner.steps))
        .number("rate_scale", static_cast<double>(adaptation.rate_scale))
        .boolean("guard", adaptation.guard);
  }
  return json.integer("seed", adaptation.seed)
      .raw("thresholds", numbers(result.rules.thresholds))
      .text("event", result.rules.below ? "below" : "above")
      .raw("fss_windows", integers(result.rules.windows))
      .text("fss_padding", "none")
      .integer("block_seconds", block_seconds(result))
      .number("interval", 0.95)
      .integer("bootstrap_draws", kBootstrapDraws)
      .str();
}

}  // namespace

std::int64_t block_seconds(const Verification& result) {
  return std::max<std::int64_t>(6 * 3600, std::int64_t{result.leads} * result.cadence_seconds);
}

std::string scores_json(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                        const Verification& result) {
  JsonObject json;
  json.raw("settings", settings_json(prior, cache, settings, result))
      .integer("leads", result.leads)
      .integer("cadence_seconds", result.cadence_seconds)
      .integer("height", result.height)
      .integer("width", result.width)
      .text("units", cache.settings().units)
      .integer("case_count", result.cases.size());
  if (prior) json.raw("guard", guard_summary(result));
  return json.raw("systems", systems_json(result))
             .raw("comparisons", comparisons_json(settings, result))
             .raw("cases", json_array(result.cases, case_json))
             .str() +
         "\n";
}

}  // namespace altocast
