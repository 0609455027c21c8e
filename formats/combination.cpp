#include "formats/combination.h"

#include <numeric>

#include "formats/shared_sections.h"

namespace altocast {

Combination default_combination(int leads) {
  Combination combination;
  for (int lead = 1; lead <= leads; ++lead) {
    combination.network.push_back(0.9f - 0.22f / static_cast<float>(lead));
    combination.advection.push_back(0.3f / static_cast<float>(lead * lead));
    combination.noise_scale.insert(combination.noise_scale.end(), kAmplitudeNodes, 1.0f);
    combination.noise_shift.insert(combination.noise_shift.end(), kAmplitudeNodes, 0.0f);
  }
  return combination;
}

std::vector<float> mean_noise_scale(const Combination& combination) {
  std::vector<float> means;
  const std::vector<float>& scale = combination.noise_scale;
  for (auto node = scale.begin(); node != scale.end(); node += kAmplitudeNodes)
    means.push_back(std::accumulate(node, node + kAmplitudeNodes, 0.0f) / kAmplitudeNodes);
  return means;
}

Status validate(const Combination& combination, std::size_t leads) {
  constexpr float kRounding = 1e-6f;
  const auto& [network, advection, noise_scale, noise_shift, diurnal] = combination;
  if (network.size() != leads || advection.size() != leads || noise_scale.size() != leads * kAmplitudeNodes ||
      noise_shift.size() != leads * kAmplitudeNodes ||
      (diurnal && (diurnal->slope.size() != leads || diurnal->intercept.size() != leads)))
    return Status::error("the combination must have " + std::to_string(leads) + " leads");
  ALTOCAST_RETURN_IF_ERROR(check_values("combination network", network, 0.0f, 1.0f));
  ALTOCAST_RETURN_IF_ERROR(check_values("combination advection", advection, 0.0f, 1.0f));
  ALTOCAST_RETURN_IF_ERROR(check_values("combination noise_scale", noise_scale, kLeastNoiseScale, kLargestNoiseScale));
  ALTOCAST_RETURN_IF_ERROR(check_values("combination noise_shift", noise_shift, 0.0f, kLargestNoiseShift));
  if (diurnal) {
    ALTOCAST_RETURN_IF_ERROR(check_values("combination slope", diurnal->slope, kLeastSlope, kLargestSlope));
    ALTOCAST_RETURN_IF_ERROR(
        check_values("combination intercept", diurnal->intercept, -kLargestIntercept, kLargestIntercept));
  }
  for (std::size_t lead = 0; lead < leads; ++lead) {
    if (network[lead] + advection[lead] > 1.0f + kRounding)
      return Status::error("combination: network and advection at lead " + std::to_string(lead + 1) + " exceed 1");
  }
  return {};
}

}  // namespace altocast
