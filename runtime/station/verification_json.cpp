#include "runtime/station/verification_json.h"

#include <algorithm>

#include "runtime/json_object.h"
#include "runtime/random.h"
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
            .number("energy_score", result.energy[system].score().plain)
            .number("fair_energy_score", result.energy[system].score().fair)
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
std::string guard_summary(const CaseSummary& cases) {
  JsonObject verdicts;
  for (const auto& [verdict, count] : cases.verdicts) verdicts.integer(name_of(verdict), count);
  return JsonObject().integer("cases_adapted", cases.adapted).raw("verdicts", verdicts.str()).str();
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::string comparison_json(const Comparison& comparison, std::size_t blocks) {
  int number = 0;
  const std::string leads = json_array(comparison.leads, [&](const BlockComparison& lead) {
    return JsonObject()
        .integer("lead", ++number)
        .number("ratio", lead.ratio)
        .number("low", lead.low)
        .number("high", lead.high)
        .integer("blocks", blocks)
        .number("blocks_won", lead.blocks_won)
        .str();
  });
  return JsonObject()
      .text("system", kSystemNames[comparison.system])
      .text("reference", kSystemNames[comparison.reference])
      .text("score", comparison.name)
      .raw("leads", leads)
      .str();
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

Result<CaseSummary> summarise(const Verification& result, VerificationJournal& journal) {
  CaseSummary summary;
  ALTOCAST_RETURN_IF_ERROR(journal.for_each_case([&](const VerifiedCase& record) {
    ++summary.verdicts[record.guard.verdict];
    summary.adapted += record.guard.adapted();
    CaseSummary::BlockScores& block = summary.blocks[floor_divide(record.time, block_seconds(result))];
    for (int system = 0; system < kSystems; ++system) {
      const std::vector<CaseScores>& scores = record.scores[system];
      block.scores[system].resize(scores.size());
      for (std::size_t lead = 0; lead < scores.size(); ++lead) {
        block.scores[system][lead].mae += scores[lead].mae;
        block.scores[system][lead].crps += scores[lead].crps;
      }
    }
    return Status();
  }));
  return summary;
}

std::vector<Comparison> comparisons(const Verification& result, const CaseSummary& cases, std::uint64_t seed) {
  constexpr auto kMae = &CaseScores::mae, kCrps = &CaseScores::crps;
  std::vector<Comparison> all{{kPriorEnsemble, kPersistence, kMae, "mae", {}},
                              {kAdaptedEnsemble, kPersistence, kMae, "mae", {}},
                              {kAdaptedEnsemble, kPriorEnsemble, kMae, "mae", {}},
                              {kPriorEnsemble, kPersistence, kCrps, "crps", {}},
                              {kAdaptedEnsemble, kPersistence, kCrps, "crps", {}},
                              {kAdaptedEnsemble, kPriorEnsemble, kCrps, "crps", {}},
                              {kAdvection, kPersistence, kMae, "mae", {}},
                              {kSmoothedAdvection, kPersistence, kMae, "mae", {}},
                              {kAdvectionEnsemble, kPersistence, kCrps, "crps", {}},
                              {kAdaptedEnsemble, kAdvection, kMae, "mae", {}},
                              {kAdaptedEnsemble, kSmoothedAdvection, kMae, "mae", {}},
                              {kAdaptedEnsemble, kAdvectionEnsemble, kCrps, "crps", {}}};
  std::erase_if(all, [&](const Comparison& pair) { return !result.has(pair.system) || !result.has(pair.reference); });
  for (Comparison& pair : all) {
    for (std::size_t lead = 0; lead < static_cast<std::size_t>(result.leads); ++lead) {
      std::vector<PairedBlock> sums;
      for (const auto& [time, block] : cases.blocks) {
        sums.push_back({block.scores[pair.system][lead].*pair.score, block.scores[pair.reference][lead].*pair.score});
      }
      pair.leads.push_back(compare_blocks(sums, derive_seed(seed, kBlockPurpose)));
    }
  }
  return all;
}

Status write_scores_json(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                         const Verification& result, const CaseSummary& cases, VerificationJournal& journal,
                         const TextSink& sink) {
  JsonObject json;
  json.raw("settings", settings_json(prior, cache, settings, result))
      .integer("leads", result.leads)
      .integer("cadence_seconds", result.cadence_seconds)
      .integer("height", result.height)
      .integer("width", result.width)
      .text("units", cache.settings().units)
      .integer("case_count", result.case_count);
  if (prior) json.raw("guard", guard_summary(cases));
  const std::vector<Comparison> compared = comparisons(result, cases, settings.adaptation.seed);
  json.raw("systems", systems_json(result)).raw("comparisons", json_array(compared, [&](const Comparison& comparison) {
                                                  return comparison_json(comparison, cases.blocks.size());
                                                }));
  const std::string head = json.str();
  ALTOCAST_RETURN_IF_ERROR(sink(std::string_view(head).substr(0, head.size() - 1)));
  ALTOCAST_RETURN_IF_ERROR(sink(",\"cases\":["));
  bool first = true;
  ALTOCAST_RETURN_IF_ERROR(journal.for_each_case([&](const VerifiedCase& record) {
    const Status written = sink((first ? "" : ",") + case_json(record));
    first = false;
    return written;
  }));
  return sink("]}\n");
}

}  // namespace altocast
