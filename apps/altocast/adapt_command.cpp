// altocast adapt: a prior and the station's frames in, a posterior file out.
#include <chrono>
#include <cstdio>

#include "apps/altocast/arguments.h"
#include "apps/altocast/station_input.h"
#include "formats/durable_file.h"
#include "runtime/json_object.h"
#include "runtime/station/prior_search.h"
#include "runtime/time.h"

namespace altocast {
namespace {

std::string summary_line(const GuardedAdaptation& guarded, const std::string& path) {
  const Adaptation& adaptation = guarded.adaptation;
  const Posterior& posterior = adaptation.posterior;
  const std::string steps = json_array(adaptation.steps, [](const InnerStepReport& step) {
    return JsonObject()
        .number("objective", step.objective)
        .number("kl", step.kl)
        .number("nll", step.nll)
        .number("norm_mu", step.clipping.norm_mu)
        .number("norm_rho", step.clipping.norm_rho)
        .boolean("clipped", step.clipping.factor_mu < 1 || step.clipping.factor_rho < 1)
        .str();
  });
  JsonObject json;
  json.text("posterior", path)
      .text("prior_sha256", to_hex(posterior.prior_sha256))
      .raw("guard", guard_json(guarded.guard))
      .integer("seed", posterior.seed);
  if (!guarded.guard.adapted()) return json.str();
  return json.text("first_frame", format_time(adaptation.first_time))
      .text("last_frame", format_time(adaptation.last_time))
      .integer("pairs", posterior.support_pairs)
      .integer("hour_pairs", adaptation.hour_pairs)
      .number("nll_before", adaptation.nll_before)
      .number("nll_after", adaptation.nll_after)
      .number("kl", adaptation.kl)
      .raw("steps", steps)
      .str();
}

}  // namespace

Status run_adapt(std::span<char*> argv) {
  Arguments arguments("adapt", "--prior P --frames DIR --out Q [options]",
                      "Adapts a prior to a station's frames and writes the posterior.");
  arguments.value("prior", "P", "the prior file")
      .value("frames", "DIR", "folder of time-stamped frames, or a station.toml that names it")
      .value("out", "Q", "the posterior file to write")
      .value("at", "TIME", "use frames up to this time, UTC (default: the newest frame's)");
  add_adaptation_options(arguments);
  arguments.value("seed", "S", "seed of the weight samples (default 1)").memory_option().kernel_options();
  if (!arguments.parse(argv)) return {};
  const std::string prior_path = arguments.text("prior");
  const std::string frames = arguments.text("frames");
  const std::string out = arguments.text("out");
  AdaptationSettings settings = adaptation_settings(arguments);
  settings.at = arguments.time("at");
  settings.memory_limit = arguments.memory_limit();
  const std::unique_ptr<Kernels<float>> kernels = arguments.kernels();

  const Result<LoadedPrior> prior = load_prior(prior_path);
  if (!prior.ok()) return prior.status();
  Result<FrameCache> cache = open_frames(frames);
  if (!cache.ok()) return cache.status();
  ALTOCAST_RETURN_IF_ERROR(prepare_output_file(out));

  Result<GuardedAdaptation> adaptation = guarded_adaptation(*prior, *cache, settings, *kernels);
  log_frames(prior->prior, *cache);
  if (!adaptation.ok()) return adaptation.status();
  if (adaptation->guard.verdict == GuardVerdict::failed) return Status::error(adaptation->guard.reason);
  log_adaptation(*adaptation, settings.pairs.value_or(prior->prior.support_pairs));
  Posterior& posterior = adaptation->adaptation.posterior;
  posterior.created =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  posterior.facts = posterior_facts(prior_path, guard_json(adaptation->guard));
  ALTOCAST_RETURN_IF_ERROR(save_posterior(posterior, out));
  std::puts(summary_line(*adaptation, out).c_str());
  return {};
}

}  // namespace altocast
