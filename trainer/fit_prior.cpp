#include "trainer/fit_prior.h"

#include <nlohmann/json.hpp>

namespace altocast {
namespace {

// Mean over the rows of [rows, tensors].
std::vector<float> mean_over_steps(const std::vector<float>& rates, std::size_t tensors) {
  std::vector<float> means(tensors);
  for (std::size_t t = 0; t < tensors; ++t) {
    double sum = 0;
    for (std::size_t i = t; i < rates.size(); i += tensors) sum += static_cast<double>(rates[i]);
    means[t] = static_cast<float>(sum * static_cast<double>(tensors) / static_cast<double>(rates.size()));
  }
  return means;
}

}  // namespace

Prior make_prior(const FitSettings& settings, const Archive& archive, const FitState& state,
                 const ValidationResult* validation) {
  Prior prior;
  prior.network = settings.network;
  const Learned& result = state.result();
  const std::size_t tensors = parameter_layout(settings.network).size();
  prior.mu = result.theta.mu;
  prior.rho = result.theta.rho;
  prior.log_noise = result.log_noise;
  prior.rate_mu = mean_over_steps(result.rates.mu, tensors);
  prior.rate_rho = mean_over_steps(result.rates.rho, tensors);
  if (state.rates > tensors) {
    prior.step_rate_mu = result.rates.mu;
    prior.step_rate_rho = result.rates.rho;
  }
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
