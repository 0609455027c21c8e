// The posterior file: what a station's adaptation made of a prior, as the change against it, so that it is
// bound to that one prior file by its SHA-256. The byte layout is in docs/formats.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/combination.h"
#include "formats/prior.h"
#include "formats/sha256.h"
#include "formats/status.h"

namespace altocast {

struct Posterior {
  Sha256Digest prior_sha256{};
  std::uint64_t architecture = 0;   // architecture_hash of the prior's network
  std::int64_t created = 0;         // seconds since 1970-01-01T00:00Z
  std::vector<std::string> frames;  // names of the frames it was adapted to, oldest first; no line breaks
  InnerLoopSettings inner;          // as used, which may differ from the prior's
  int support_pairs = 0;            // as used
  std::uint64_t seed = 0;
  std::vector<float> delta_mu;             // μ_λ − μ_θ [D]
  std::vector<float> delta_rho;            // ρ_λ − ρ_θ [D]
  std::optional<Combination> combination;  // none in files of minor version 0: the default
  std::string facts;                       // JSON object: losses, verification at the station
};

// What a forecast takes: λ of the file, (μ_θ + δ_μ, ρ_θ + δ_ρ), rounded once, and how it is combined with advection.
struct AdaptedWeights {
  std::vector<float> mu, rho;
  Combination combination;
};

// The prior's own.
AdaptedWeights prior_weights(const Prior& prior);

// The posterior of an adaptation of `prior` that ended at λ = (mu, rho), each [D]; the caller fills in the
// rest. θ + (λ − θ) need not be λ to the last bit: a forecast that must equal one from the saved file uses
// adapted_weights() in both cases.
Posterior make_posterior(const LoadedPrior& prior, std::span<const float> mu, std::span<const float> rho);

// Fails if the posterior belongs to another prior or leads out of the range that a prior's values may have.
Result<AdaptedWeights> adapted_weights(const Posterior& posterior, const LoadedPrior& prior);

// Caps as in a prior's file; 1 … 2^28 finite changes, as many of mu as of rho; at most 65536 frames.
Status validate(const Posterior& posterior);

// `posterior` must be valid.
std::vector<std::uint8_t> serialize_posterior(const Posterior& posterior);

// Pure function over untrusted bytes, as parse_prior.
Result<Posterior> parse_posterior(std::span<const std::uint8_t> bytes);

Result<Posterior> load_posterior(const std::string& path);

// Durable, as save_prior.
Status save_posterior(const Posterior& posterior, const std::string& path);

}  // namespace altocast
