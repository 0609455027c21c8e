// The prior file: what altocast-train learns and a station starts from. A Gaussian over the network's
// weights, p(φ|θ) = N(μ_θ, diag e^{2ρ_θ}), with all that is needed to adapt it and to forecast with it. The
// byte layout is in docs/formats.md; the container's rules (checksums, caps, validation before allocation)
// are in formats/container.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/network_spec.h"
#include "formats/noise_model.h"
#include "formats/sha256.h"
#include "formats/status.h"

namespace altocast {

// What any file may hold. σ = e^ρ from 1e-13 to 2e4 and noise from 1e-13 to 1e13 leave 1/σ² finite in float.
inline constexpr float kMinRho = -30.0f, kMaxRho = 10.0f;
inline constexpr float kMaxAbsLogNoise = 30.0f;

// Frames enter the network as (raw − offset) / scale, raw in the image's own numbers (0 … 255 or 0 … 65535).
struct Normalisation {
  float offset = 0.0f;
  float scale = 255.0f;
  bool operator==(const Normalisation&) const = default;
};

// How a target is taken to be distributed about the network's forecast (runtime/layers/observation_nll.h): normally, or
// with Huber's density, whose tails fall off like a Laplace distribution's, so that the loss is close to the absolute
// error.
enum class Likelihood : std::uint8_t { gaussian = 0, huber = 1 };
std::string_view to_string(Likelihood likelihood);
Result<Likelihood> likelihood_from_string(std::string_view name);

// One inner step is λ ← λ − rate ⊙ clip(∇_λ [kl_weight · KL(q_λ ‖ p_θ) + mean over samples of NLL] / n_S);
// rates are a tensor's, or a step's and tensor's, and stand in the prior.
struct InnerLoopSettings {
  Likelihood likelihood = Likelihood::gaussian;
  int steps = 3;            // M
  int samples = 1;          // weight samples a step, S
  bool antithetic = false;  // draw samples in pairs (ε, −ε)
  bool flipout = false;     // give each pair of frames signs of its own on ε (runtime/flipout.h)
  float kl_weight = 1e-3f;  // w_in
  float clip_mu = 0.0f;     // largest Euclidean norm of the step's gradient for μ; 0 = no limit
  float clip_rho = 0.0f;    // the same for ρ
  bool operator==(const InnerLoopSettings&) const = default;
};

struct Prior {
  NetworkSpec network;
  std::vector<float> mu;            // μ_θ [D], canonical order of parameter_layout(network)
  std::vector<float> rho;           // ρ_θ = log σ_θ [D]
  std::vector<float> log_noise;     // s_ℓ, log of the observation noise at each lead [L]
  std::vector<float> rate_mu;       // inner rate of μ for each tensor of parameter_layout(network)
  std::vector<float> rate_rho;      // inner rate of ρ for each tensor
  std::optional<NoiseModel> noise;  // observation noise of members; without it they differ by their weights alone
  InnerLoopSettings inner;
  int support_pairs = 8;  // how many pairs it was trained to adapt on
  Normalisation normalisation;
  int cadence_seconds = 0;  // 0 = trained on several cadences
  std::string channel;      // for people: "infrared 10.7 um"
  std::string facts;        // JSON object: how it was trained (data, seed, steps, losses)
};

enum class PlaneType : std::uint8_t { f32 = 0, f16 = 1, u8 = 2 };

// How the two large planes are stored. u8 is affine with one range a tensor, for rho only.
struct PriorEncoding {
  PlaneType mu = PlaneType::f16;
  PlaneType rho = PlaneType::u8;
};

// What a prior must satisfy to be written with `encoding`: a valid network, planes of its sizes, every value
// finite and in range, mu within ±65504 for f16. parse_prior accepts exactly what satisfies it.
Status validate(const Prior& prior, PriorEncoding encoding = {});

// Serialises; `prior` must be valid. The result of parsing the bytes is `prior` up to the encoding's
// rounding.
std::vector<std::uint8_t> serialize_prior(const Prior& prior, PriorEncoding encoding = {});

// Pure function over untrusted bytes: every count, offset and checksum is verified, and all values are
// finite, or it fails and says where.
Result<Prior> parse_prior(std::span<const std::uint8_t> bytes);

struct LoadedPrior {
  Prior prior;
  Sha256Digest sha256;  // of the whole file: what a posterior is bound to
  std::uint64_t file_bytes = 0;
};
Result<LoadedPrior> load_prior(const std::string& path);

// Replaces `path` durably (formats/durable_file.h): after a power cut the old or the new file stands, never a
// part.
Status save_prior(const Prior& prior, const std::string& path, PriorEncoding encoding = {});

}  // namespace altocast
