// All that decides what altocast-train fit computes, as it stands in RUN/config.toml. Together with the data
// they determine every bit of the prior; the number of threads is not among them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "trainer/hyper_prior.h"
#include "trainer/meta_gradient.h"

namespace altocast {

// A folder of frames to validate on. With `from`, its frames before that time may be trained on (if it is
// also a data folder), up to validation_gap_hours before it.
struct ValidationFolder {
  std::string path;
  std::string from;  // ISO 8601, or empty: the whole folder
  bool operator==(const ValidationFolder&) const = default;
};

// From "FOLDER" or "FOLDER@2018-06-06T12:00Z".
Result<ValidationFolder> parse_validation_folder(const std::string& text);

struct FitSettings {
  NetworkSpec network;
  Normalisation normalisation{128.0f, 64.0f};
  std::vector<std::string> data;
  std::vector<ValidationFolder> validation;  // none: the last validation_share of each data folder
  double validation_share = 0.15;
  double validation_gap_hours = 6;
  int validation_tasks = 16;
  int longest_stride = 1;  // training also takes every second … this many-th frame, as if the cadence were slower
  double contrast = 0;     // a task's normalised numbers are multiplied by e^u, u even in ± contrast …
  double brightness = 0;   // … and moved by a number even in ± brightness
  // Half of the tasks are moved by a number even in ± this from some frame on, as by a satellite's new calibration.
  double calibration_step = 0;
  double zoom = 0;  // a task covers e^u times a tile's side, u even in ± this, scaled to a tile
  std::uint64_t seed = 1;

  // Phases: `warmup_steps` of plain gradient descent on μ, then `first_order_steps` with the first-order, then the
  // exact second-order meta-gradient up to `steps`.
  int steps = 2000;
  int warmup_steps = 1000;
  int first_order_steps = 500;
  int warmup_batch = 8;   // samples a warm-up step
  int warmup_tile = 96;   // side of a warm-up sample, pixels
  int meta_batch = 4;     // tasks a step
  int tile = 64;          // side of a task's region, pixels
  int support_pairs = 4;  // at most; short runs give fewer
  int query_pairs = 2;    // at most

  InnerLoopSettings inner{.kl_weight = 1.0f};
  float rate_mu = 1e-3f;   // α for μ, every tensor, at the start
  float rate_rho = 1e-2f;  // α for ρ
  OuterSettings outer{.kl_weight = 1.0};
  // A prior file to start μ, ρ and s from, widened (trainer/widening.h) if its network is narrower; empty: random
  // weights and the two values below.
  std::string initial;
  double initial_rho = -5.0;
  double initial_log_noise = -1.0;
  double rho_low = -7.0, rho_high = -1.0;  // ρ is clamped to this range after every step
  // What the meta-batches' θ is: a point, or drawn anew for each after the warm-up from a Gaussian whose log deviation,
  // learned too, starts as initial_theta_spread.
  ThetaPosterior theta_posterior = ThetaPosterior::dirac;
  double initial_theta_spread = -7.0;
  double hyper_prior_weight = 0.0;  // of KL(q(θ) ‖ p(θ)); 1 = one task's own weight. A Gaussian q(θ) needs one

  double warmup_learning_rate = 1.5e-3;  // Adam; falls by a cosine to a twentieth, and anew after the warm-up
  double learning_rate = 3e-4;
  double rho_learning_rate = 3e-3;
  double rate_learning_rate = 0;  // of log α; 0: the rates stay what they are
  double gradient_clip = 10.0;    // norm of the meta-gradient, that for μ, ρ and their rates apart; 0 = none

  // Steps over which, from the first second-order one, the share of second-order tasks rises from 0 to 1.
  int order_annealing_steps = 0;
  // Of the moving average of all that is learned, which is what the prior file holds; 0: its last values.
  double average_decay = 0;

  int checkpoint_every = 100;  // steps
  int report_every = 10;
  int validate_every = 200;

  bool operator==(const FitSettings&) const = default;
};

Status validate(const FitSettings& settings);

// Reads a config.toml over `settings`; keys that are absent keep their value. Syntax errors, unknown keys,
// wrong types and values out of range fail with file and line.
Status read_fit_settings(std::string_view text, const std::string& path, FitSettings& settings);

// The text that read_fit_settings turns back into the same settings.
std::string write_fit_settings(const FitSettings& settings);

}  // namespace altocast
