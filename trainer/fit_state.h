// All that changes from step to step of a training run, as a checkpoint holds it and as ranks share it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/status.h"
#include "trainer/communicator.h"
#include "trainer/fit_settings.h"
#include "trainer/meta_batch.h"
#include "trainer/optimizer.h"

namespace altocast {

struct FitState {
  explicit FitState(const FitSettings& settings)
      : size(parameter_count(settings.network)),
        leads(static_cast<std::size_t>(settings.network.leads)),
        rates(parameter_layout(settings.network).size()),
        learned{Gaussian<float>(size),
                std::vector<float>(leads),
                {std::vector<float>(rates, settings.rate_mu), std::vector<float>(rates, settings.rate_rho)}},
        logged(size),
        adam_mu(size),
        adam_rho(size),
        adam_log_noise(leads),
        adam_log_rate_mu(rates),
        adam_log_rate_rho(rates),
        adam_spread_mu(settings.theta_posterior == ThetaPosterior::gaussian ? size : 0),
        adam_spread_rho(adam_spread_mu) {
    if (settings.average_decay > 0) average = learned;
    if (settings.theta_posterior == ThetaPosterior::gaussian) {
      const std::vector<float> start(size, static_cast<float>(settings.initial_theta_spread));
      spread.emplace().mu = start;
      spread->rho = start;
    }
  }

  // What validation and the prior file get.
  const Learned& result() const { return average ? *average : learned; }

  std::size_t size, leads, rates;
  int step = 0;
  std::uint64_t data = 0;  // fingerprint of the frames; 0: not known
  Learned learned;
  std::optional<Learned> average;                 // a moving one of what is learned, where it is asked for
  std::optional<Gaussian<float>> spread;          // of q(θ) about learned.theta, logarithms, where it is a Gaussian
  Gaussian<float> logged;                         // θ at the log's last line
  std::uint64_t clipped_mu = 0, clipped_rho = 0;  // steps since then whose gradient was clipped
  Adam adam_mu, adam_rho, adam_log_noise, adam_log_rate_mu, adam_log_rate_rho;
  Adam adam_spread_mu, adam_spread_rho;

  // Visits the planes of a checkpoint by name.
  template <class Visit>
  void for_each_plane(const Visit& visit) {
    visit("mu", learned.theta.mu);
    visit("rho", learned.theta.rho);
    visit("log_noise", learned.log_noise);
    visit("adam_mu.first", adam_mu.first_moment());
    visit("adam_mu.second", adam_mu.second_moment());
    visit("adam_rho.first", adam_rho.first_moment());
    visit("adam_rho.second", adam_rho.second_moment());
    visit("adam_log_noise.first", adam_log_noise.first_moment());
    visit("adam_log_noise.second", adam_log_noise.second_moment());
    visit("rate_mu", learned.rates.mu);
    visit("rate_rho", learned.rates.rho);
    visit("adam_log_rate_mu.first", adam_log_rate_mu.first_moment());
    visit("adam_log_rate_mu.second", adam_log_rate_mu.second_moment());
    visit("adam_log_rate_rho.first", adam_log_rate_rho.first_moment());
    visit("adam_log_rate_rho.second", adam_log_rate_rho.second_moment());
    if (spread) {
      visit("theta_spread_mu", spread->mu);
      visit("theta_spread_rho", spread->rho);
      visit("adam_theta_spread_mu.first", adam_spread_mu.first_moment());
      visit("adam_theta_spread_mu.second", adam_spread_mu.second_moment());
      visit("adam_theta_spread_rho.first", adam_spread_rho.first_moment());
      visit("adam_theta_spread_rho.second", adam_spread_rho.second_moment());
    }
    if (!average) return;
    visit("average.mu", average->theta.mu);
    visit("average.rho", average->theta.rho);
    visit("average.log_noise", average->log_noise);
    visit("average.rate_mu", average->rates.mu);
    visit("average.rate_rho", average->rates.rho);
  }
  template <class Visit>
  void for_each_counter(const Visit& visit) {
    visit("adam_mu.steps", adam_mu.steps());
    visit("adam_rho.steps", adam_rho.steps());
    visit("adam_log_noise.steps", adam_log_noise.steps());
    visit("adam_log_rate_mu.steps", adam_log_rate_mu.steps());
    visit("adam_log_rate_rho.steps", adam_log_rate_rho.steps());
    if (!spread) return;
    visit("adam_theta_spread_mu.steps", adam_spread_mu.steps());
    visit("adam_theta_spread_rho.steps", adam_spread_rho.steps());
  }

  // The same for what the log's next line needs; a checkpoint may lack it.
  template <class Visit>
  void for_each_log_plane(const Visit& visit) {
    visit("logged_mu", logged.mu);
    visit("logged_rho", logged.rho);
  }
  template <class Visit>
  void for_each_log_counter(const Visit& visit) {
    visit("clipped_mu", clipped_mu);
    visit("clipped_rho", clipped_rho);
  }
  void begin_log_line() {
    logged = learned.theta;
    clipped_mu = clipped_rho = 0;
  }
};

// A checkpoint tells by a counter of this name, followed by theirs, which kernels computed it.
inline constexpr std::string_view kKernelsCounter = "kernels.";

Checkpoint to_checkpoint(const FitSettings& settings, const std::string& kernels, FitState& state);

// Fails if a plane or a counter is missing or of another size.
Status from_checkpoint(const Checkpoint& checkpoint, FitState& state);

// Everybody takes over rank 0's state. Collective.
void broadcast(Communicator& ranks, FitState& state);

// Every rank updates its own copy of what is learned. They stay alike as long as the machines compute alike; fails on
// all ranks if they do not. Collective.
Status check_copies(Communicator& ranks, FitState& state);

}  // namespace altocast
