#include "formats/noise_model.h"

namespace altocast {
namespace {

constexpr float kMaxCoefficient = 100.0f, kMaxNode = 1e6f, kMaxQuantile = 1e6f;
constexpr float kMaxLength = 4096.0f, kMaxPersistence = 0.9999f;

struct Part {
  const char* name;
  std::vector<float> NoiseModel::*values;
  int per_lead;
  float low, high;
};

constexpr Part kParts[] = {
    {"noise.amplitude", &NoiseModel::amplitude, kNoiseTerms, -kMaxCoefficient, kMaxCoefficient},
    {"noise.amplitude_nodes", &NoiseModel::amplitude_nodes, kAmplitudeNodes, -kMaxNode, kMaxNode},
    {"noise.position_nodes", &NoiseModel::position_nodes, kPositionNodes, -kMaxNode, kMaxNode},
    {"noise.quantiles", &NoiseModel::quantiles, kAmplitudeNodes* kPositionNodes* kNoiseQuantiles, -kMaxQuantile,
     kMaxQuantile},
    {"noise.length", &NoiseModel::length, 1, 0.0f, kMaxLength},
    {"noise.persistence", &NoiseModel::persistence, 1, 0.0f, kMaxPersistence}};

// Within each row of `row` numbers.
Status check_order(const char* name, const std::vector<float>& values, int row, bool strictly) {
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (i % static_cast<std::size_t>(row) == 0) continue;
    if (strictly ? values[i - 1] < values[i] : values[i - 1] <= values[i]) continue;
    return Status::error(std::string(name) + "[" + std::to_string(i) + "] is " + (strictly ? "not above" : "below") +
                         " the number before it");
  }
  return {};
}

}  // namespace

Status validate(const NoiseModel& noise, int leads) {
  for (const Part& part : kParts) {
    const std::vector<float>& values = noise.*part.values;
    const std::size_t wanted = static_cast<std::size_t>(leads) * static_cast<std::size_t>(part.per_lead);
    if (values.size() != wanted) {
      return Status::error(std::string(part.name) + " has " + std::to_string(values.size()) +
                           " elements, but the network needs " + std::to_string(wanted));
    }
    ALTOCAST_RETURN_IF_ERROR(check_values(part.name, values, part.low, part.high));
  }
  ALTOCAST_RETURN_IF_ERROR(check_order("noise.amplitude_nodes", noise.amplitude_nodes, kAmplitudeNodes, true));
  ALTOCAST_RETURN_IF_ERROR(check_order("noise.position_nodes", noise.position_nodes, kPositionNodes, true));
  return check_order("noise.quantiles", noise.quantiles, kNoiseQuantiles, false);
}

void add_noise_model(ContainerWriter& writer, const NoiseModel& noise) {
  for (const Part& part : kParts) writer.add_f32(part.name, noise.*part.values);
}

Result<std::optional<NoiseModel>> read_noise_model(const Container& container, int leads) {
  bool any = false;
  for (const Part& part : kParts) any = any || container.find(part.name) != nullptr;
  if (!any) return std::optional<NoiseModel>();
  NoiseModel noise;
  for (const Part& part : kParts) {
    const std::size_t count = static_cast<std::size_t>(leads) * static_cast<std::size_t>(part.per_lead);
    Result<std::vector<float>> values = container.f32(part.name, count, part.low, part.high);
    if (!values.ok()) return values.status();
    noise.*part.values = *std::move(values);
  }
  ALTOCAST_RETURN_IF_ERROR(validate(noise, leads).within("section 'noise'"));
  return std::optional<NoiseModel>(std::move(noise));
}

}  // namespace altocast
