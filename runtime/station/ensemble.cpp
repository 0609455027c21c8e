#include "runtime/station/ensemble.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "runtime/gaussian.h"
#include "runtime/memory_plan.h"
#include "runtime/random.h"
#include "runtime/station/host.h"
#include "runtime/symmetry.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

constexpr std::uint64_t kEnsemblePurpose = 0x656e7365;  // "ense": of the seed's streams

// Buffers of a network that may exist once a thread: a `small` one's up to about 300 × 300 pixels.
constexpr std::size_t kMaxWorkerBytes = std::size_t{24} << 20;

}  // namespace

Status check_ensemble_memory(std::uint64_t member_values, int members) {
  const std::uint64_t bytes = member_values * static_cast<std::uint64_t>(members) * sizeof(float);
  const std::uint64_t available = memory_bytes();
  if (available == 0 || bytes < available / 2) return {};
  return Status::error("an ensemble of " + std::to_string(members) + " members takes " + std::to_string(bytes >> 20) +
                       " MiB, and this machine has " + std::to_string(available >> 20) + "; take fewer --members");
}

EnsembleUnits ensemble_units(const FrameCacheSettings& settings, const Normalisation& normalisation, double largest) {
  return {settings.from_normalised(normalisation), frame_range_limits(normalisation, largest)};
}

int EnsembleForecaster::workers(const NetworkSpec& spec, const Kernels<float>& kernels, int height, int width,
                                const EnsembleThrift& thrift) {
  const int threads = kernels.threads().size();
  if (threads == 1 || !thrift.side_by_side || thrift.band > 0) return 0;
  const std::size_t floats =
      plan_memory(unet_graph(spec), kernels.layout(), padded_side(spec, height), padded_side(spec, width)).size;
  return floats * sizeof(float) <= kMaxWorkerBytes ? threads : 0;
}

EnsembleForecaster::EnsembleForecaster(const Prior& prior, Kernels<float>& kernels, int height, int width,
                                       const EnsembleThrift& thrift)
    : EnsembleForecaster(prior, kernels, height, width, thrift, CombinedForecast(height, width, prior.network.leads)) {}

EnsembleForecaster::EnsembleForecaster(const Prior& prior, Kernels<float>& kernels, int height, int width,
                                       const EnsembleThrift& thrift, CombinedForecast combined)
    : network_(prior.network, kernels, height, width, thrift.band),
      leads_(static_cast<std::size_t>(prior.network.leads)),
      phi_(parameter_count(prior.network)),
      symmetry_(prior.network),
      combined_(std::move(combined)),
      centre_{std::vector<float>(member_size()), std::vector<double>(leads_)},
      sums_(member_size()),
      squares_(leads_) {
  if (prior.noise) noise_.emplace(*prior.noise, height, width, thrift.noise_tables);
  const int count = workers(prior.network, kernels, height, width, thrift);
  workers_.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    std::unique_ptr<Kernels<float>> own = kernels.single_threaded();
    if (!own) return;
    Kernels<float>& borrowed = *own;
    workers_.push_back({std::move(own), UNet<float>(prior.network, borrowed, height, width, Purpose::forecast),
                        std::vector<float>(phi_.size())});
  }
}

template <class Network>
void EnsembleForecaster::compute(Network& network, std::vector<float>& phi, const AdaptedWeights& weights,
                                 const Sample<float>& input, const FrameRangeLimits& limits, std::uint64_t seed,
                                 std::size_t member, std::span<float> out) {
  // phi holds ε first; sample_weights works element by element.
  fill_normal(derive_seed(seed, kEnsemblePurpose), member, 0, std::span(phi));
  sample_weights(std::span(weights.mu), std::span(weights.rho), std::span<const float>(phi), std::span(phi),
                 network.threads());
  symmetry_.turn(static_cast<int>(member % kSymmetries), phi);
  network.set_weights(phi.data());
  network.forward(input, out.data());
  combined_.combine(weights.combination, limits, out, network.threads());
}

const EnsembleCentre& EnsembleForecaster::forecast(const AdaptedWeights& weights, const Sample<float>& input,
                                                   const EnsembleUnits& units, std::uint64_t seed,
                                                   std::span<float> members) {
  const std::size_t size = member_size();
  assert(members.size() % size == 0 && weights.mu.size() == phi_.size());
  const FlushSubnormals flush;
  combined_.prepare(input.frames, network_.spec().input_frames, network_.threads());
  if (noise_) noise_->prepare(input.frames, network_.spec().input_frames, weights.combination, network_.threads());
  std::fill(sums_.begin(), sums_.end(), 0.0);
  std::fill(squares_.begin(), squares_.end(), 0.0);
  const std::size_t count = members.size() / size;
  const auto member = [&](std::size_t i) { return members.subspan(i * size, size); };
  for (std::size_t first = 0; first < count;) {
    std::size_t together = workers_.size();
    if (together > 0 && first + together <= count) {
      network_.threads().parallel_for(static_cast<int>(together), [&](int index) {
        Worker& worker = workers_[static_cast<std::size_t>(index)];
        const std::size_t i = first + static_cast<std::size_t>(index);
        compute(worker.network, worker.phi, weights, input, units.limits, seed, i, member(i));
      });
    } else {
      together = 1;
      compute(network_, phi_, weights, input, units.limits, seed, first, member(first));
    }
    for (const std::size_t end = first + together; first < end; ++first) {
      add_to_centre(member(first));
      if (noise_) noise_->add(seed, static_cast<int>(first), units.limits, member(first), network_.threads());
      for (float& value : member(first))
        value = static_cast<float>(units.values.offset + units.values.scale * static_cast<double>(value));
    }
  }
  finish_centre(count, units);
  return centre_;
}

void EnsembleForecaster::add_to_centre(std::span<const float> member) {
  const std::size_t pixels = member.size() / leads_;
  network_.threads().parallel_for(static_cast<int>(leads_), [&](int lead) {
    const std::size_t first = static_cast<std::size_t>(lead) * pixels;
    double squares = 0;
    for (std::size_t i = first; i < first + pixels; ++i) {
      const float centre = noise_ ? noise_->median(static_cast<std::size_t>(lead), i - first, member[i]) : member[i];
      const auto value = static_cast<double>(centre);
      sums_[i] += value;
      squares += value * value;
    }
    squares_[static_cast<std::size_t>(lead)] += squares;
  });
}

void EnsembleForecaster::finish_centre(std::size_t members, const EnsembleUnits& units) {
  const std::size_t pixels = sums_.size() / leads_;
  const auto count = static_cast<double>(members);
  network_.threads().parallel_for(static_cast<int>(leads_), [&](int lead_number) {
    const auto lead = static_cast<std::size_t>(lead_number);
    double of_sums = 0;
    for (std::size_t i = lead * pixels; i < (lead + 1) * pixels; ++i) {
      of_sums += sums_[i] * sums_[i] / count;
      double mean = sums_[i] / count;
      if (noise_)
        mean = std::clamp(mean, static_cast<double>(units.limits.low), static_cast<double>(units.limits.high));
      centre_.mean[i] = static_cast<float>(units.values.offset + units.values.scale * mean);
    }
    const double variance = members > 1 ? (squares_[lead] - of_sums) / (count - 1) / static_cast<double>(pixels) : 0.0;
    centre_.weight_variance[lead] = std::max(0.0, variance) * units.values.scale * units.values.scale;
  });
}

}  // namespace altocast
