#include "runtime/station/verification_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "formats/image.h"
#include "runtime/json_text.h"
#include "runtime/products/chart.h"
#include "runtime/products/html.h"
#include "runtime/products/page.h"
#include "runtime/products/picture.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr int kMapSide = 200;  // largest, pixels
// In the order, and so the colours, in which systems stand in every figure.
constexpr SystemIndex kShown[] = {kAdaptedEnsemble,   kPriorEnsemble, kAdvectionEnsemble,
                                  kSmoothedAdvection, kAdvection,     kPersistence};
constexpr const char* kLabels[kSystems] = {"persistence",       "prior", "adapted", "advection", "smoothed advection",
                                           "advection ensemble"};

std::size_t index(int number) { return static_cast<std::size_t>(number); }

// A line a system over leads, of those that have the score.
template <class Score>
std::string chart_by_lead(const std::string& title, const Verification& result, bool ensembles_only, const Score& score,
                          std::vector<Series> more = {}) {
  std::vector<Series> all;
  for (const SystemIndex system : kShown) {
    Series series{kLabels[system], {}};
    for (int lead = 0; lead < result.leads && result.has(system); ++lead) {
      const LeadScores& scores = result.systems[system][index(lead)];
      if (ensembles_only && scores.members() < 2) break;
      const double value = score(scores, index(lead));
      if (std::isfinite(value)) series.points.push_back({static_cast<double>(lead + 1), value});
    }
    all.push_back(std::move(series));  // an empty one keeps the others' colours
  }
  for (Series& series : more) all.push_back(std::move(series));
  return line_figure(title, "lead", all);
}

// A ratio of scores with its interval.
std::string comparison_chart(const Comparison& comparison) {
  Series ratio{"ratio", {}}, low{"2.5 %", {}}, high{"97.5 %", {}};
  for (std::size_t lead = 0; lead < comparison.leads.size(); ++lead) {
    const auto x = static_cast<double>(lead + 1);
    const BlockComparison& found = comparison.leads[lead];
    for (const auto& [series, value] :
         {std::pair(&ratio, found.ratio), std::pair(&low, found.low), std::pair(&high, found.high)}) {
      if (std::isfinite(value)) series->points.push_back({x, value});
    }
  }
  return line_figure(std::string(comparison.score == &CaseScores::crps ? "CRPS" : "MAE") + " of " +
                         kLabels[comparison.system] + " over " + kLabels[comparison.reference],
                     "lead", {ratio, low, high});
}

std::string lead_name(const Verification& result, int lead) {
  return "+" + format_duration(std::int64_t{lead + 1} * result.cadence_seconds);
}

// The first, a middle and the last lead.
std::vector<int> some_leads(const Verification& result) {
  std::vector<int> leads{0, (result.leads - 1) / 2, result.leads - 1};
  leads.erase(std::unique(leads.begin(), leads.end()), leads.end());
  return leads;
}

std::string reliability_chart(const Verification& result, int lead, std::size_t threshold, const std::string& event) {
  std::vector<Series> all;
  for (const SystemIndex system : kShown) {
    Series series{kLabels[system], {}};
    if (result.has(system) && result.systems[system].front().members() > 1) {
      const LeadScores& scores = result.systems[system][index(lead)];
      const std::vector<double> frequency = scores.thresholds()[threshold].probability.observed_frequency();
      for (std::size_t i = 0; i < frequency.size(); ++i) {
        if (std::isfinite(frequency[i]))
          series.points.push_back({static_cast<double>(i) / scores.members(), frequency[i]});
      }
    }
    all.push_back(std::move(series));
  }
  all.push_back({"reliable", {{0, 0}, {1, 1}}});
  return line_figure("Observed frequency of numbers " + event + ", " + lead_name(result, lead), "forecast probability",
                     all);
}

std::string rank_chart(const Verification& result, int lead) {
  std::vector<Series> all;
  for (const SystemIndex system : kShown) {
    Series series{kLabels[system], {}};
    if (result.has(system) && result.systems[system].front().members() > 1) {
      const EnsembleSums& sums = result.systems[system][index(lead)].ensemble();
      const std::vector<std::uint64_t>& ranks = sums.rank_histogram();
      for (std::size_t i = 0; i < ranks.size() && sums.count() > 0; ++i) {
        series.points.push_back(
            {static_cast<double>(i),
             static_cast<double>(ranks[i]) * static_cast<double>(ranks.size()) / static_cast<double>(sums.count())});
      }
    }
    all.push_back(std::move(series));
  }
  all.push_back({"flat", {{0, 1}, {static_cast<double>(result.systems[kAdvectionEnsemble].front().members()), 1}}});
  return line_figure("Rank histogram, over a flat one's, " + lead_name(result, lead), "members below the observation",
                     all);
}

// A map as large as a page needs, cold or bright white.
void append_map(std::string& text, std::span<const float> field, int height, int width, const ColourScale& colours) {
  const double shrink = std::min(1.0, static_cast<double>(kMapSide) / std::max(height, width));
  const int h = std::max(1, static_cast<int>(height * shrink)), w = std::max(1, static_cast<int>(width * shrink));
  Picture picture(w, h, {});
  picture.field(0, 0, w, h, field, height, width, colours);
  std::vector<std::uint8_t> grey;
  for (std::size_t i = 0; i < picture.rgb().size(); i += 3) grey.push_back(picture.rgb()[i]);
  if (const Result<std::vector<std::uint8_t>> png = encode_png(w, h, 1, grey); png.ok()) {
    text += "<img alt=\"\" src=\"";
    append_data_uri(text, *png);
    text += "\">";
  }
}

// A row a system, a column a lead, with the mean absolute error below each map.
std::string maps_table(const Verification& result, bool bright_is_low, const ExampleCase& example) {
  std::vector<int> leads;
  for (const int lead : {1, 2, 4, 8, 16, 32}) {
    if (lead <= result.leads) leads.push_back(lead - 1);
  }
  const std::size_t pixels = example.newest.size();
  const auto [low, high] = std::minmax_element(example.newest.begin(), example.newest.end());
  const float end = *high > *low ? *high : *low + 1;
  const ColourScale colours{Palette::grey, bright_is_low ? end : *low, bright_is_low ? *low : end};
  std::string text = "<div class=\"wide maps\"><table><tr><th></th>";
  for (const int lead : leads) text += "<th>" + lead_name(result, lead) + "</th>";
  const auto row = [&](const char* name, const std::vector<float>& fields, bool errors) {
    text += "</tr><tr><td>" + std::string(name) + "</td>";
    for (const int lead : leads) {
      const std::size_t first = index(lead) * pixels;
      text += "<td>";
      append_map(text, std::span(fields).subspan(first, pixels), result.height, result.width, colours);
      double absolute = 0;
      for (std::size_t i = first; i < first + pixels; ++i)
        absolute += std::fabs(static_cast<double>(fields[i]) - static_cast<double>(example.observed[i]));
      if (errors) text += "MAE " + plain_number(absolute / static_cast<double>(pixels), 3);
      text += "</td>";
    }
  };
  row("observed", example.observed, false);
  for (const SystemIndex system : kShown) {
    if (!example.forecasts[system].empty()) row(kLabels[system], example.forecasts[system], true);
  }
  return text + "</tr></table></div>";
}

std::string score_table(const Verification& result) {
  std::string text = "<div class=\"wide\"><table><tr><th>MAE</th>";
  for (int lead = 0; lead < result.leads; ++lead) text += "<th>" + lead_name(result, lead) + "</th>";
  for (const SystemIndex system : kShown) {
    if (!result.has(system)) continue;
    text += "</tr><tr><td>" + std::string(kLabels[system]) + "</td>";
    for (const LeadScores& scores : result.systems[system])
      text += "<td>" + plain_number(scores.errors().mae(), 4) + "</td>";
  }
  text += "</tr><tr><th>CRPS</th></tr>";
  for (const SystemIndex system : kShown) {
    if (!result.has(system)) continue;
    text += "<tr><td>" + std::string(kLabels[system]) + "</td>";
    for (const LeadScores& scores : result.systems[system]) {
      const Crps crps = scores.ensemble().crps();
      text += "<td>" + plain_number(scores.members() > 1 ? crps.fair : crps.plain, 4) + "</td>";
    }
    text += "</tr>";
  }
  return text + "</table></div>";
}

std::string guard_sentence(const Verification& result, const CaseSummary& cases) {
  std::string text = "<p>Adapted weights were used in " + std::to_string(cases.adapted) + " of " +
                     std::to_string(result.case_count) + " cases. Verdicts of the guard: ";
  bool first = true;
  for (const auto& [verdict, count] : cases.verdicts) {
    text += (first ? "" : ", ") + std::string(name_of(verdict)) + " " + std::to_string(count);
    first = false;
  }
  return text + ".</p>";
}

}  // namespace

Result<std::vector<Example>> choose_examples(const Verification& result, VerificationJournal& journal) {
  const SystemIndex system = result.has(kAdaptedEnsemble) ? kAdaptedEnsemble : kSmoothedAdvection;
  std::vector<std::pair<double, std::int64_t>> order;
  ALTOCAST_RETURN_IF_ERROR(journal.for_each_case([&](const VerifiedCase& record) {
    double share = 0;
    for (std::size_t lead = 0; lead < record.scores[system].size(); ++lead)
      share += record.scores[system][lead].mae / record.scores[kPersistence][lead].mae;
    if (std::isfinite(share)) order.emplace_back(share, record.time);
    return Status();
  }));
  std::sort(order.begin(), order.end());
  std::vector<Example> examples;
  if (order.empty()) return examples;
  examples.push_back({"The best case", order.front().second});
  if (order.size() > 2) examples.push_back({"A middling case", order[order.size() / 2].second});
  if (order.size() > 1) examples.push_back({"The worst case", order.back().second});
  return examples;
}

std::string verification_page(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                              const Verification& result, const CaseSummary& cases,
                              const std::vector<Example>& examples, const std::vector<ExampleCase>& maps) {
  const std::string units = cache.settings().units.empty() ? "the images' numbers" : cache.settings().units;
  std::string text = page_start("Verification", "Verification");
  text += "<p>" + std::to_string(result.case_count) + " forecasts from " + format_time(result.first_time) + " to " +
          format_time(result.last_time) + " over " + html(cache.folder()) + ", scores in " + html(units) + "; " +
          std::to_string(settings.members) + " members" +
          (prior ? ", prior " + to_hex(prior->sha256).substr(0, 16) + "…" : "") + "</p>";
  if (prior) text += guard_sentence(result, cases);
  text += "<main>";
  text += chart_by_lead("Mean absolute error as a share of persistence's", result, false,
                        [&](const LeadScores& scores, std::size_t lead) {
                          return scores.errors().mae() / result.systems[kPersistence][lead].errors().mae();
                        });
  text += chart_by_lead("Fair CRPS (of single forecasts: MAE), " + units, result, false,
                        [](const LeadScores& scores, std::size_t) {
                          const Crps crps = scores.ensemble().crps();
                          return scores.members() > 1 ? crps.fair : crps.plain;
                        });
  for (const Comparison& comparison : comparisons(result, cases, settings.adaptation.seed)) {
    const bool chosen = comparison.score == &CaseScores::crps
                            ? comparison.reference == kPriorEnsemble || comparison.reference == kAdvectionEnsemble
                            : comparison.reference == kSmoothedAdvection;
    if (chosen) text += comparison_chart(comparison);
  }
  text += chart_by_lead("Spread over skill", result, true,
                        [](const LeadScores& scores, std::size_t) { return scores.ensemble().spread_skill(); });
  text += chart_by_lead("Bias of the mean, " + units, result, false,
                        [](const LeadScores& scores, std::size_t) { return scores.errors().bias(); });
  for (const int lead : some_leads(result)) text += rank_chart(result, lead);
  for (std::size_t k = 0; k < result.rules.thresholds.size(); ++k) {
    const std::string event = (result.rules.below ? "below " : "above ") + plain_number(result.rules.thresholds[k], 4);
    text += reliability_chart(result, some_leads(result)[some_leads(result).size() / 2], k, event);
    text += chart_by_lead("CSI of the mean, numbers " + event, result, false,
                          [&](const LeadScores& scores, std::size_t) { return scores.thresholds()[k].of_mean.csi(); });
    text += chart_by_lead("Brier score, numbers " + event, result, false, [&](const LeadScores& scores, std::size_t) {
      return scores.thresholds()[k].probability.brier();
    });
    text += chart_by_lead(
        "FSS of the probability, " + std::to_string(result.rules.windows.front()) + " pixels, numbers " + event, result,
        false,
        [&](const LeadScores& scores, std::size_t) { return scores.thresholds()[k].fss_of_probability.front().fss(); });
  }
  text += "</main><h2>By lead time</h2>" + score_table(result);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    text += "<h2>" + examples[i].name + ": from " + format_time(maps[i].time) + "</h2>";
    if (prior) {
      text += "<p>" +
              std::string(maps[i].guard.reason.empty()
                              ? "Adapted."
                              : (maps[i].guard.adapted() ? "Combination alone: " : "Not adapted: ") +
                                    html(maps[i].guard.reason)) +
              "</p>";
    }
    text += maps_table(result, cache.settings().values.scale < 0, maps[i]);
  }
  return text + "</body></html>\n";
}

}  // namespace altocast
