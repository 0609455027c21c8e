#include "formats/combination.h"

#include "formats/shared_sections.h"

namespace altocast {

Combination default_combination(int leads) {
  Combination combination;
  for (int lead = 1; lead <= leads; ++lead) {
    combination.network.push_back(0.9f - 0.22f / static_cast<float>(lead));
    combination.advection.push_back(0.3f / static_cast<float>(lead * lead));
    combination.noise.push_back(1.0f);
  }
  return combination;
}

Status validate(const Combination& combination, std::size_t leads) {
  constexpr float kRounding = 1e-6f;
  const auto& [network, advection, noise] = combination;
  if (network.size() != leads || advection.size() != leads || noise.size() != leads)
    return Status::error("the combination must have " + std::to_string(leads) + " leads");
  ALTOCAST_RETURN_IF_ERROR(check_values("combination network", network, 0.0f, 1.0f));
  ALTOCAST_RETURN_IF_ERROR(check_values("combination advection", advection, 0.0f, 1.0f));
  ALTOCAST_RETURN_IF_ERROR(check_values("combination noise", noise, kLeastNoiseScale, kLargestNoiseScale));
  for (std::size_t lead = 0; lead < leads; ++lead) {
    if (network[lead] + advection[lead] > 1.0f + kRounding)
      return Status::error("combination: network and advection at lead " + std::to_string(lead + 1) + " exceed 1");
  }
  return {};
}

}  // namespace altocast
