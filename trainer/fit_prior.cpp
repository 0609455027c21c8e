#include "trainer/fit_prior.h"

#include <nlohmann/json.hpp>

namespace altocast {

Prior make_prior(const FitSettings& settings, const Archive& archive, const FitState& state,
                 const ValidationResult* validation) {
  Prior prior;
  prior.network = settings.network;
  const Learned& result = state.result();
  prior.mu = result.theta.mu;
  prior.rho = result.theta.rho;
  prior.log_noise = result.log_noise;
  prior.rate_mu = result.rates.mu;
  prior.rate_rho = result.rates.rho;
  prior.inner = settings.inner;
  prior.support_pairs = settings.support_pairs;
  prior.normalisation = settings.normalisation;
  prior.cadence_seconds = archive.cadence_seconds();
  prior.channel = archive.channel();
  nlohmann::ordered_json facts;
  facts["trainer"] = "altocast-train fit";
  facts["seed"] = settings.seed;
  facts["steps"] = state.step;
  facts["data"] = settings.data;
  if (validation) {
    facts["validation"] = {{"tasks", validation->tasks},         {"nll_before", validation->nll_before},
                           {"nll_after", validation->nll_after}, {"mae_before", validation->mae_before},
                           {"mae_after", validation->mae_after}, {"mae_persistence", validation->mae_persistence}};
  }
  prior.facts = facts.dump();
  return prior;
}

}  // namespace altocast
