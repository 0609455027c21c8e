#include "runtime/station/ensemble.h"

#include <cassert>

#include "runtime/random.h"
#include "runtime/station/host.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

constexpr std::uint64_t kEnsemblePurpose = 0x656e7365;  // "ense": of the seed's streams

}  // namespace

Status check_ensemble_memory(std::uint64_t member_values, int members) {
  const std::uint64_t bytes = member_values * static_cast<std::uint64_t>(members) * sizeof(float);
  const std::uint64_t available = memory_bytes();
  if (available == 0 || bytes < available / 2) return {};
  return Status::error("an ensemble of " + std::to_string(members) + " members takes " + std::to_string(bytes >> 20) +
                       " MiB, and this machine has " + std::to_string(available >> 20) + "; take fewer --members");
}

EnsembleForecaster::EnsembleForecaster(const NetworkSpec& spec, Kernels<float>& kernels, int height, int width)
    : network_(spec, kernels, height, width, Purpose::forecast), phi_(parameter_count(spec)) {}

void EnsembleForecaster::forecast_member(const Gaussian<float>& weights, const Sample<float>& input,
                                         const ValueScale& units, std::uint64_t seed, int member,
                                         std::span<float> out) {
  assert(out.size() == member_size() && weights.size() == phi_.size());
  const FlushSubnormals flush;
  // phi_ holds ε_i first; sample_weights works element by element.
  fill_normal(derive_seed(seed, kEnsemblePurpose), static_cast<std::uint64_t>(member), 0, std::span(phi_));
  sample_weights(weights, std::span<const float>(phi_), std::span(phi_), network_.threads());
  network_.set_weights(phi_.data());
  network_.forward(input, out.data());
  for (float& value : out) value = static_cast<float>(units.offset + units.scale * static_cast<double>(value));
}

void EnsembleForecaster::forecast(const Gaussian<float>& weights, const Sample<float>& input, const ValueScale& units,
                                  std::uint64_t seed, std::span<float> out) {
  const std::size_t size = member_size();
  assert(out.size() % size == 0);
  for (std::size_t member = 0; member * size < out.size(); ++member) {
    forecast_member(weights, input, units, seed, static_cast<int>(member), out.subspan(member * size, size));
  }
}

}  // namespace altocast
