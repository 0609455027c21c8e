// Small valid files of each kind, and the tools to damage them: what the tests of bad input start from.
#pragma once

#include <algorithm>
#include <vector>

#include "formats/byte_order.h"
#include "formats/checkpoint.h"
#include "formats/container.h"
#include "formats/container_layout.h"
#include "formats/crc32c.h"
#include "formats/posterior.h"
#include "formats/prior.h"

namespace altocast {

// A deterministic number in [0, 1) for each index.
inline float noise(std::size_t index) {
  std::uint64_t x = (index + 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return static_cast<float>(x >> 40) / 16777216.0f;
}

inline Prior sample_prior(NetworkSpec network) {
  Prior prior;
  prior.network = network;
  const std::size_t count = parameter_count(network), tensors = parameter_layout(network).size();
  for (std::size_t i = 0; i < count; ++i) {
    prior.mu.push_back(noise(i) - 0.5f);
    prior.rho.push_back(-7.0f + 4.0f * noise(i + count));
  }
  for (int lead = 0; lead < network.leads; ++lead) {
    prior.log_noise.push_back(-3.0f + 0.1f * static_cast<float>(lead));
  }
  for (std::size_t t = 0; t < tensors; ++t) {
    prior.rate_mu.push_back(0.01f * static_cast<float>(t + 1));
    prior.rate_rho.push_back(0.1f);
  }
  prior.inner.steps = 5;
  prior.inner.samples = 2;
  prior.inner.antithetic = true;
  prior.inner.clip_mu = 10.0f;
  prior.support_pairs = 6;
  prior.normalisation = {2.0f, 250.0f};
  prior.cadence_seconds = 900;
  prior.channel = "infrared 10.7 µm";
  prior.facts = R"({"seed": 7})";
  return prior;
}

inline NetworkSpec smallest_network() {
  NetworkSpec network;
  network.input_frames = 2;
  network.leads = 2;
  network.base_channels = 2;
  network.depth = 1;
  return network;
}

inline Posterior sample_posterior() {
  Posterior posterior;
  posterior.prior_sha256 = sha256(std::vector<std::uint8_t>(3, 'x'));
  posterior.architecture = architecture_hash(smallest_network());
  posterior.created = 1528286400;
  posterior.frames = {"2018-06-06T1145Z.png", "2018-06-06T1200Z.png"};
  posterior.inner.steps = 4;
  posterior.inner.flipout = true;
  posterior.support_pairs = 6;
  posterior.seed = ~std::uint64_t{0} - 5;
  for (std::size_t i = 0; i < parameter_count(smallest_network()); ++i) {
    posterior.delta_mu.push_back(0.01f * noise(i));
    posterior.delta_rho.push_back(-0.1f * noise(i + 7));
  }
  posterior.combination = default_combination(2);
  posterior.facts = R"({"loss": 0.25})";
  return posterior;
}

inline Checkpoint sample_checkpoint() {
  Checkpoint checkpoint;
  checkpoint.network = smallest_network();
  checkpoint.step = 12345;
  checkpoint.planes = {{"mu", std::vector<float>{1.0f, -0.0f, 1e-40f}},
                       {"adam.mu.second", std::vector<double>{1e-300, 2.0, -1.0 / 3.0}},
                       {"empty", std::vector<float>{}}};
  checkpoint.counters = {{"adam.steps", ~std::uint64_t{0}}, {"episodes", 0}};
  checkpoint.config = "[fit]\nsteps = 100\n";
  return checkpoint;
}

// Puts the checksums right again after the bytes of a container were changed, as an attacker would, so that
// the checks behind them are reached. Sections whose place lies outside of the file keep theirs.
inline void reseal(std::vector<std::uint8_t>& file) {
  const auto all = [&] { return std::span<const std::uint8_t>(file); };
  const std::size_t count = load_little<std::uint32_t>(file.data() + layout::kSectionCount);
  const std::size_t room = (file.size() - kContainerHeaderBytes - layout::kTrailerBytes) / kSectionRecordBytes;
  for (std::size_t i = 0; i < std::min(count, room); ++i) {
    std::uint8_t* record = file.data() + kContainerHeaderBytes + i * kSectionRecordBytes;
    const auto type = load_little<std::uint32_t>(record + layout::kRecordType);
    if (type > 6) continue;
    std::uint64_t bytes = element_bytes(static_cast<ElementType>(type));
    for (std::size_t d = 0; d < 4; ++d) bytes *= load_little<std::uint64_t>(record + layout::kRecordDims + 8 * d);
    const auto offset = load_little<std::uint64_t>(record + layout::kRecordOffset);
    if (offset > file.size() || bytes > file.size() - offset) continue;
    const auto plane = all().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes));
    store_little(record + layout::kRecordCrc, crc32c(plane));
  }
  const std::size_t records = std::min(count, room) * kSectionRecordBytes;
  store_little(file.data() + layout::kRecordsCrc, crc32c(all().subspan(kContainerHeaderBytes, records)));
  store_little(file.data() + layout::kHeaderCrc, crc32c(all().first(layout::kHeaderCrc)));
  const Sha256Digest digest = sha256(all().first(file.size() - layout::kTrailerBytes));
  std::copy(digest.begin(), digest.end(), file.end() - layout::kTrailerBytes);
}

}  // namespace altocast
