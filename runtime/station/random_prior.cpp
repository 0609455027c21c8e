#include "runtime/station/random_prior.h"

#include <cmath>
#include <span>

#include "runtime/random.h"

namespace altocast {

Prior random_prior(const NetworkSpec& spec, std::uint64_t seed) {
  constexpr float kRho = -3.912f;  // log 0.02
  Prior prior;
  prior.network = spec;
  const std::vector<ParameterTensor> layout = parameter_layout(spec);
  const std::size_t count = parameter_count(spec);
  prior.mu.assign(count, 0.0f);
  prior.rho.assign(count, kRho);
  for (std::size_t t = 0; t < layout.size(); ++t) {
    const ParameterTensor& tensor = layout[t];
    const std::span<float> mu = std::span(prior.mu).subspan(tensor.offset, tensor.size);
    if (tensor.name.ends_with(".gamma")) {
      for (float& value : mu) value = 1.0f;
    }
    if (tensor.rank != 4) continue;
    const auto fan_in = static_cast<float>(tensor.shape[1] * tensor.shape[2] * tensor.shape[3]);
    const float scale = std::sqrt(2.0f / fan_in) * (tensor.name.starts_with("head.") ? 0.1f : 1.0f);
    fill_normal(seed, t, 0, mu);
    for (float& value : mu) value *= scale;
  }
  prior.log_noise.assign(static_cast<std::size_t>(spec.leads), -2.0f);
  prior.rate_mu.assign(layout.size(), 1e-3f);
  prior.rate_rho.assign(layout.size(), 1e-3f);
  prior.facts = "{\"data\":\"none: random weights\",\"seed\":" + std::to_string(seed) + "}";
  return prior;
}

}  // namespace altocast
