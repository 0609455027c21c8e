// altocast forecast: the station's job. Frames and a prior (adapted on the way with --adapt) or a posterior
// in, a folder with the ensemble out.
#include <cstdio>

#include "apps/altocast/arguments.h"
#include "apps/altocast/station_input.h"
#include "formats/posterior.h"
#include "runtime/json_text.h"
#include "runtime/station/prior_search.h"
#include "runtime/station/station_forecast.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

// Those of one that the guard declined hold no frames.
void add_posterior_facts(const Posterior& posterior, Facts& facts) {
  if (posterior.frames.empty()) return;
  facts.emplace_back("adaptation_pairs", std::to_string(posterior.support_pairs));
  facts.emplace_back("adaptation_steps", std::to_string(posterior.inner.steps));
  facts.emplace_back("adaptation_seed", std::to_string(posterior.seed));
  facts.emplace_back("adaptation_first_frame", posterior.frames.front());
  facts.emplace_back("adaptation_last_frame", posterior.frames.back());
}

void add_guard_facts(const Guard& guard, Facts& facts) {
  facts.emplace_back("guard", name_of(guard.verdict));
  if (!guard.reason.empty()) facts.emplace_back("guard_reason", guard.reason);
  if (guard.trial_pairs == 0) return;
  facts.emplace_back("guard_held_back_frames", std::to_string(guard.held_back));
  facts.emplace_back("guard_prior_crps", plain_number(guard.prior_crps, 6));
  facts.emplace_back("guard_combined_crps", plain_number(guard.combined_crps, 6));
  facts.emplace_back("guard_adapted_crps", plain_number(guard.adapted_crps, 6));
}

// What the command line says about where the weights come from.
struct Source {
  std::string prior, posterior;  // paths, empty if not given
  bool adapt = false;
};

Source source_of(const Arguments& arguments) {
  Source source{arguments.text("prior", ""), arguments.text("posterior", ""), arguments.has("adapt")};
  if (source.prior.empty() && source.posterior.empty()) fail_usage("--prior or --posterior is missing");
  if (source.adapt && !source.posterior.empty()) {
    fail_usage("--adapt starts from --prior; leave out --posterior");
  }
  for (const char* name : {"pairs", "steps", "rate-scale", "no-guard"}) {
    if (!source.adapt && arguments.has(name)) fail_usage("--" + std::string(name) + " belongs to --adapt");
  }
  return source;
}

Result<AdaptedWeights> weights_of(const LoadedPrior& prior, const std::optional<Posterior>& posterior,
                                  const Source& source, const AdaptationSettings& settings, FrameCache& cache,
                                  Kernels<float>& kernels, ForecastProduct& about) {
  Facts& facts = about.settings;
  if (source.adapt) {
    Result<GuardedAdaptation> guarded = guarded_adaptation(prior, cache, settings, kernels);
    if (!guarded.ok()) return guarded.status();
    log_adaptation(*guarded, settings.pairs.value_or(prior.prior.support_pairs));
    add_guard_facts(guarded->guard, facts);
    add_posterior_facts(guarded->adaptation.posterior, facts);
    about.adapted = guarded->guard.adapted();
    about.adaptation = adaptation_facts(*guarded);
    return std::move(guarded->adaptation.weights);
  }
  if (posterior) {
    const FlushSubnormals flush;  // as adapt() adds the same numbers
    add_posterior_facts(*posterior, facts);
    about.adapted = !posterior->frames.empty();
    Result<AdaptedWeights> weights = adapted_weights(*posterior, prior);
    return weights.ok() ? std::move(weights) : weights.status().within(source.posterior);
  }
  return prior_weights(prior.prior);
}

std::optional<Palette> palette_of(const Arguments& arguments) {
  if (!arguments.has("palette")) return std::nullopt;
  const std::optional<Palette> palette = palette_named(arguments.text("palette"));
  if (!palette) fail_usage("--palette must be grey, enhanced, sea or ember");
  return palette;
}

}  // namespace

Status run_forecast(std::span<char*> argv) {
  Arguments arguments("forecast", "(--prior P [--adapt] | --posterior Q) --frames DIR --out DIR [options]",
                      "Forecasts an ensemble from a station's newest frames.");
  arguments.value("prior", "P", "the prior file; with --posterior: the one it was adapted from, if that has moved")
      .value("posterior", "Q", "the posterior file that altocast adapt wrote")
      .value("frames", "DIR", "folder of time-stamped frames, or a station.toml that names it")
      .value("out", "DIR", "folder of the forecast; earlier products in it are replaced at once")
      .value("at", "TIME", "now, UTC: the newest frame up to it is the last one known (default: the newest frame)")
      .value("members", "N", "ensemble members (default 16)")
      .value("seed", "S", "seed of all weight samples (default 1)")
      .flag("adapt", "first adapt the prior to the frames, as altocast adapt does");
  add_adaptation_options(arguments);
  arguments.value("member-pictures", "N", "members that get pictures; -1 = all (default -1)")
      .value("thresholds", "X,X,...",
             "of the probability, in the frames' units (default: cache.toml's, or the newest frame's brightest 10 %)")
      .value("palette", "NAME", "grey, enhanced, sea or ember (default: cache.toml's, or by the channel)")
      .flag("no-pictures", "forecast.nc and summary.json alone, in a fraction of the time")
      .memory_option()
      .kernel_options();
  if (!arguments.parse(argv)) return {};
  const Source source = source_of(arguments);
  const std::string frames = arguments.text("frames");
  const std::string out = arguments.text("out");
  AdaptationSettings adaptation = adaptation_settings(arguments);
  adaptation.at = arguments.time("at");
  adaptation.memory_limit = arguments.memory_limit();
  ForecastSettings settings;
  settings.at = adaptation.at;
  settings.seed = adaptation.seed;
  settings.memory_limit = adaptation.memory_limit;
  settings.members = arguments.integer("members", 1, 10000, settings.members);
  ProductOptions options;
  options.pictures = !arguments.has("no-pictures");
  options.member_pictures = arguments.integer("member-pictures", -1, 10000, options.member_pictures);
  const std::vector<double> thresholds = arguments.numbers("thresholds");
  if (thresholds.size() > kMaxThresholds) fail_usage("--thresholds takes at most 9 numbers");
  const std::optional<Palette> palette = palette_of(arguments);
  const std::unique_ptr<Kernels<float>> kernels = arguments.kernels();

  std::optional<Posterior> posterior;
  if (!source.posterior.empty()) {
    Result<Posterior> loaded = load_posterior(source.posterior);
    if (!loaded.ok()) return loaded.status();
    posterior = *std::move(loaded);
  }
  const Result<LoadedPrior> prior =
      posterior ? find_prior(*posterior, source.posterior, source.prior) : load_prior(source.prior);
  if (!prior.ok()) return prior.status();
  Result<FrameCache> cache = open_frames(frames);
  if (!cache.ok()) return cache.status();
  ALTOCAST_RETURN_IF_ERROR(prepare_parent(out));
  ALTOCAST_RETURN_IF_ERROR(check_products_folder(out));

  ForecastProduct about;  // `adapted`, `adaptation` and `settings` of it
  const Result<AdaptedWeights> weights = weights_of(*prior, posterior, source, adaptation, *cache, *kernels, about);
  Result<StationForecast> result =
      weights.ok() ? forecast(*prior, *weights, *cache, settings, *kernels) : weights.status();
  log_frames(prior->prior, *cache);
  if (!result.ok()) return result.status();
  ForecastProduct& product = result->product();
  product.adapted = about.adapted;
  product.adaptation = std::move(about.adaptation);
  product.settings = std::move(about.settings);
  product.palette = palette.value_or(product.palette);
  if (!thresholds.empty()) product.thresholds.assign(thresholds.begin(), thresholds.end());
  options.threads = &kernels->threads();
  const Result<std::string> hash = write_products(product, out, options);
  if (!hash.ok()) return hash.status();
  std::printf("%s  %s\n", hash->c_str(), out.c_str());
  return {};
}

}  // namespace altocast
