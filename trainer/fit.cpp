#include "trainer/fit.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <thread>
#include <utility>

#include "formats/crc32c.h"
#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/peak.h"
#include "runtime/random.h"
#include "runtime/thread_pool.h"
#include "trainer/clock.h"
#include "trainer/hyper_prior.h"
#include "trainer/mean.h"
#include "trainer/optimizer.h"
#include "trainer/run_facts.h"

namespace altocast {
namespace {

using nlohmann::ordered_json;

// All that changes from step to step.
struct FitState {
  explicit FitState(const FitSettings& settings)
      : size(parameter_count(settings.network)),
        leads(static_cast<std::size_t>(settings.network.leads)),
        rates(rate_count(settings)),
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

// He initialisation of convolutions (variance 2 / fan-in), zero biases, unit gammas; the head starts at zero,
// so that the first forecast is persistence.
void initialise(const FitSettings& settings, FitState& state) {
  constexpr std::uint64_t kInitialisation = 0x696e6974;
  std::vector<float>& mu = state.learned.theta.mu;
  fill_normal(derive_seed(settings.seed, kInitialisation), 0, 0, std::span<float>(mu));
  for (const ParameterTensor& tensor : parameter_layout(settings.network)) {
    const bool weight = tensor.rank == 4 && !tensor.name.starts_with("head");
    const double fan_in = tensor.shape[1] * tensor.shape[2] * tensor.shape[3];
    const auto scale = static_cast<float>(weight ? std::sqrt(2.0 / fan_in) : 0.0);
    const float offset = tensor.name.ends_with(".gamma") ? 1.0f : 0.0f;
    for (std::size_t d = tensor.offset; d < tensor.offset + tensor.size; ++d) mu[d] = scale * mu[d] + offset;
  }
  std::fill(state.learned.theta.rho.begin(), state.learned.theta.rho.end(), static_cast<float>(settings.initial_rho));
  std::fill(state.learned.log_noise.begin(), state.learned.log_noise.end(),
            static_cast<float>(settings.initial_log_noise));
}

// `rows` rows of rates from those of a prior, whose last row goes on for steps beyond it.
std::vector<float> with_rows(const std::vector<float>& rates, std::size_t tensors, std::size_t rows) {
  std::vector<float> result;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto first = rates.begin() + static_cast<std::ptrdiff_t>(std::min(row * tensors, rates.size() - tensors));
    result.insert(result.end(), first, first + static_cast<std::ptrdiff_t>(tensors));
  }
  return result;
}

Status start_from_prior(const FitSettings& settings, FitState& state) {
  Result<LoadedPrior> loaded = load_prior(settings.initial);
  if (!loaded.ok()) return loaded.status();
  Prior& prior = loaded->prior;
  if (prior.network != settings.network || prior.normalisation != settings.normalisation) {
    return Status::error(settings.initial +
                         ": its network or normalisation differs from the settings'; a run can only start "
                         "from a prior of its own kind");
  }
  state.learned.theta.mu = std::move(prior.mu);
  state.learned.theta.rho = std::move(prior.rho);
  state.learned.log_noise = std::move(prior.log_noise);
  if (settings.rate_learning_rate > 0) {
    const std::size_t tensors = prior.rate_mu.size();
    const std::size_t rows = state.rates / tensors;
    const InnerRates<float> rates = rows > 1 ? inner_rates(prior) : InnerRates<float>{prior.rate_mu, prior.rate_rho};
    state.learned.rates = {with_rows(rates.mu, tensors, rows), with_rows(rates.rho, tensors, rows)};
  }
  return {};
}

constexpr std::string_view kKernelsCounter = "kernels.";  // followed by their name

Checkpoint to_checkpoint(const FitSettings& settings, const std::string& kernels, FitState& state) {
  Checkpoint checkpoint;
  checkpoint.network = settings.network;
  checkpoint.step = static_cast<std::uint64_t>(state.step);
  checkpoint.config = write_fit_settings(settings);
  const auto add_plane = [&](const char* name, std::vector<float>& values) {
    checkpoint.planes.push_back({name, values});
  };
  const auto add_counter = [&](const char* name, std::uint64_t& value) {
    checkpoint.counters.emplace_back(name, value);
  };
  state.for_each_plane(add_plane);
  state.for_each_counter(add_counter);
  const bool between_lines = state.logged.mu != state.learned.theta.mu || state.logged.rho != state.learned.theta.rho;
  if (between_lines) state.for_each_log_plane(add_plane);
  state.for_each_log_counter(add_counter);
  add_counter("data", state.data);
  checkpoint.counters.emplace_back(std::string(kKernelsCounter) + kernels, 1);
  return checkpoint;
}

Status from_checkpoint(const Checkpoint& checkpoint, FitState& state) {
  Status status;
  state.for_each_plane([&](const char* name, std::vector<float>& values) {
    const std::vector<float>* plane = checkpoint.find_f32(name);
    if (!plane || plane->size() != values.size()) {
      status = Status::error(std::string("checkpoint: plane '") + name + "' is missing or of another size");
    } else {
      values = *plane;
    }
  });
  state.for_each_counter([&](const char* name, std::uint64_t& value) {
    if (const std::uint64_t* counter = checkpoint.find_counter(name)) {
      value = *counter;
    } else {
      status = Status::error(std::string("checkpoint: counter '") + name + "' is missing");
    }
  });
  state.step = static_cast<int>(checkpoint.step);
  if (const std::uint64_t* data = checkpoint.find_counter("data")) state.data = *data;
  state.begin_log_line();
  state.for_each_log_plane([&](const char* name, std::vector<float>& values) {
    const std::vector<float>* plane = checkpoint.find_f32(name);
    if (plane && plane->size() == values.size()) values = *plane;
  });
  state.for_each_log_counter([&](const char* name, std::uint64_t& value) {
    if (const std::uint64_t* counter = checkpoint.find_counter(name)) value = *counter;
  });
  return status;
}

// What must not change between the parts of a run.
FitSettings without_intervals(FitSettings settings) {
  const FitSettings defaults;
  settings.steps = defaults.steps;
  settings.checkpoint_every = defaults.checkpoint_every;
  settings.report_every = defaults.report_every;
  settings.validate_every = defaults.validate_every;
  return settings;
}

Phase phase_of(const FitSettings& settings, int step) {
  if (step < settings.warmup_steps) return Phase::warmup;
  return step < settings.warmup_steps + settings.first_order_steps ? Phase::first_order : Phase::second_order;
}

// From 1 at the start of the warm-up, and of what follows it, by a cosine to a twentieth at its end.
double annealing(const FitSettings& settings, int step) {
  const bool warmup = step < settings.warmup_steps;
  const int first = warmup ? 0 : settings.warmup_steps;
  const int end = warmup ? settings.warmup_steps : std::max(settings.steps, first + 1);
  const double part = std::min(1.0, static_cast<double>(step - first) / static_cast<double>(end - first));
  return 0.05 + 0.95 * 0.5 * (1.0 + std::cos(std::numbers::pi * part));
}

// Of the draw of θ for a step's meta-batch.
std::uint64_t theta_seed(const FitSettings& settings, int step) {
  constexpr std::uint64_t kTheta = 0x74686574;
  return derive_seed(settings.seed, kTheta, static_cast<std::uint64_t>(step));
}

// Norms of a step's gradient before clipping.
struct StepNorms {
  double mu = 0, rho = 0;
};

StepNorms update(const FitSettings& settings, Phase phase, BatchResult& batch, FitState& state) {
  const bool warmup = phase == Phase::warmup;
  Gaussian<float>& theta = state.learned.theta;
  const double terms = static_cast<double>(settings.query_pairs) * static_cast<double>(settings.network.leads) *
                       static_cast<double>(settings.tile) * static_cast<double>(settings.tile);
  Gaussian<float> grad_spread;
  if (!warmup && state.spread) {
    spread_gradient(*state.spread, theta_seed(settings, state.step), batch.grad_theta, grad_spread);
    add_theta_divergence_gradient(theta, *state.spread, settings.hyper_prior_weight / terms, batch.grad_theta,
                                  grad_spread);
  } else if (!warmup && settings.hyper_prior_weight > 0) {
    add_hyper_prior_gradient(theta, settings.hyper_prior_weight / terms, batch.grad_theta);
  }
  StepNorms norms;
  norms.mu = clip_norm(batch.grad_theta.mu, settings.gradient_clip);
  norms.rho = clip_norm(batch.grad_theta.rho, settings.gradient_clip);
  if (settings.gradient_clip > 0) {
    state.clipped_mu += norms.mu > settings.gradient_clip;
    state.clipped_rho += norms.rho > settings.gradient_clip;
  }
  const double annealed = annealing(settings, state.step);
  const double rate = annealed * (warmup ? settings.warmup_learning_rate : settings.learning_rate);
  state.adam_mu.step(theta.mu, batch.grad_theta.mu, rate);
  const std::vector<float> grad_log_noise(batch.grad_log_noise.begin(), batch.grad_log_noise.end());
  state.adam_log_noise.step(state.learned.log_noise, grad_log_noise, 3.0 * rate);
  if (!warmup) {
    state.adam_rho.step(theta.rho, batch.grad_theta.rho, annealed * settings.rho_learning_rate);
    const auto low = static_cast<float>(settings.rho_low);
    const auto high = static_cast<float>(settings.rho_high);
    for (float& rho : theta.rho) rho = std::clamp(rho, low, high);
  }
  if (!grad_spread.mu.empty()) {
    const auto learn = [&](Adam& adam, std::vector<float>& spread, std::vector<float>& gradient) {
      clip_norm(gradient, settings.gradient_clip);
      adam.step(spread, gradient, annealed * settings.rho_learning_rate);
      for (float& value : spread) value = std::clamp(value, -20.0f, 0.0f);
    };
    learn(state.adam_spread_mu, state.spread->mu, grad_spread.mu);
    learn(state.adam_spread_rho, state.spread->rho, grad_spread.rho);
  }
  if (!warmup && settings.rate_learning_rate > 0) {
    const auto learn = [&](Adam& adam, std::vector<float>& rates, const std::vector<double>& gradient) {
      std::vector<float> narrow(gradient.begin(), gradient.end());
      clip_norm(narrow, settings.gradient_clip);
      std::vector<float> log_change(rates.size());
      adam.step(log_change, narrow, annealed * settings.rate_learning_rate);
      for (std::size_t t = 0; t < rates.size(); ++t) rates[t] = std::min(rates[t] * std::exp(log_change[t]), 1e6f);
    };
    learn(state.adam_log_rate_mu, state.learned.rates.mu, batch.grad_log_rates.mu);
    learn(state.adam_log_rate_rho, state.learned.rates.rho, batch.grad_log_rates.rho);
  }
  for (float& s : state.learned.log_noise) s = std::clamp(s, -8.0f, 4.0f);
  return norms;
}

// average ← decay · average + (1 − decay) · learned. The decay rises to its setting from 1/10 at the start and after
// the warm-up, so that the average covers about the last ninth of what was learned there, until that is longer than its
// span.
void update_average(const FitSettings& settings, FitState& state) {
  if (!state.average) return;
  const int first = state.step < settings.warmup_steps ? 0 : settings.warmup_steps;
  const double since = state.step - first;
  const auto share = static_cast<float>(1.0 - std::min(settings.average_decay, (1 + since) / (10 + since)));
  const auto follow = [share](std::vector<float>& average, const std::vector<float>& learned) {
    for (std::size_t i = 0; i < average.size(); ++i) average[i] += share * (learned[i] - average[i]);
  };
  follow(state.average->theta.mu, state.learned.theta.mu);
  follow(state.average->theta.rho, state.learned.theta.rho);
  follow(state.average->log_noise, state.learned.log_noise);
  follow(state.average->rates.mu, state.learned.rates.mu);
  follow(state.average->rates.rho, state.learned.rates.rho);
}

// Mean over the rows of [rows, tensors].
std::vector<float> mean_over_steps(const std::vector<float>& rates, std::size_t tensors) {
  std::vector<float> means(tensors);
  for (std::size_t t = 0; t < tensors; ++t) {
    double sum = 0;
    for (std::size_t i = t; i < rates.size(); i += tensors) sum += static_cast<double>(rates[i]);
    means[t] = static_cast<float>(sum * static_cast<double>(tensors) / static_cast<double>(rates.size()));
  }
  return means;
}

Prior make_prior(const FitSettings& settings, const Archive& archive, const FitState& state,
                 const ValidationResult* validation) {
  Prior prior;
  prior.network = settings.network;
  const Learned& result = state.result();
  const std::size_t tensors = parameter_layout(settings.network).size();
  prior.mu = result.theta.mu;
  prior.rho = result.theta.rho;
  prior.log_noise = result.log_noise;
  prior.rate_mu = mean_over_steps(result.rates.mu, tensors);
  prior.rate_rho = mean_over_steps(result.rates.rho, tensors);
  if (state.rates > tensors) {
    prior.step_rate_mu = result.rates.mu;
    prior.step_rate_rho = result.rates.rho;
  }
  prior.inner = settings.inner;
  prior.support_pairs = settings.support_pairs;
  prior.normalisation = settings.normalisation;
  prior.cadence_seconds = archive.cadence_seconds();
  prior.channel = archive.channel();
  ordered_json facts;
  facts["trainer"] = "altocast-train fit";
  facts["seed"] = settings.seed;
  facts["steps"] = state.step;
  facts["data"] = settings.data;
  if (validation) {
    facts["validation"] = {{"tasks", validation->tasks},         {"nll_before", validation->nll_before},
                           {"nll_after", validation->nll_after}, {"mae_before", validation->mae_before},
                           {"mae_after", validation->mae_after}, {"mae_persistence", validation->mae_persistence}};
  }
  prior.facts = facts.dump();
  return prior;
}

// Where the time went since the line before.
struct Spent {
  double gradient = 0, update = 0, validation = 0, checkpoint = 0;  // seconds
  GradientCost cost;                                                // of the gradients
};

// What a step's line in the log tells beside the last batch.
struct StepRecord {
  Phase phase = Phase::warmup;
  StepNorms norms;
  double tasks_per_second = 0;
  Spent spent;
  double peak_gflops = 0;  // of the cores in use
};

std::string log_line(const FitSettings& settings, const FitState& state, const StepRecord& record,
                     const BatchResult& batch, const ValidationResult* validation, const std::string& facts) {
  const std::vector<ParameterTensor> layout = parameter_layout(settings.network);
  ordered_json line;
  line["step"] = state.step;
  line["phase"] = to_string(record.phase);
  line["loss"] = batch.loss;
  if (record.phase != Phase::warmup) {
    line["support_nll_before"] = batch.support_before;
    line["support_nll_after"] = batch.support_after;
    line["kl"] = batch.kl;
    line["clipped_inner_steps"] = batch.clipped_steps;
    line["gradient_norm_rho"] = record.norms.rho;
    line["clipped_gradients_rho"] = state.clipped_rho;
    line["moved_rho"] = movement(layout, state.logged.rho, state.learned.theta.rho);
    if (state.spread) {
      const auto deviations = [&](std::vector<float> spread) {
        for (float& value : spread) value = std::exp(value);
        return movement(layout, std::vector<float>(state.size), spread);
      };
      line["theta_deviation_mu"] = deviations(state.spread->mu);
      line["theta_deviation_rho"] = deviations(state.spread->rho);
    }
    if (settings.rate_learning_rate > 0) {
      line["rate_mu"] = state.learned.rates.mu;
      line["rate_rho"] = state.learned.rates.rho;
    }
  }
  line["gradient_norm_mu"] = record.norms.mu;
  line["clipped_gradients_mu"] = state.clipped_mu;
  line["moved_mu"] = movement(layout, state.logged.mu, state.learned.theta.mu);
  line["log_noise"] = state.learned.log_noise;
  line["tasks_per_second"] = record.tasks_per_second;
  const Spent& spent = record.spent;
  const double gflops = spent.cost.flops / spent.gradient * 1e-9;
  line["gflops"] = gflops;
  line["share_of_peak"] = gflops / record.peak_gflops;
  line["seconds"] = {{"gradient", spent.gradient},
                     {"loading", spent.cost.loading},
                     {"inner_loop", spent.cost.inner_loop},
                     {"outer", spent.cost.outer},
                     {"hessian_vector", spent.cost.hessian_vector},
                     {"reduction", spent.cost.reduction},
                     {"update", spent.update},
                     {"validation", spent.validation},
                     {"checkpoint", spent.checkpoint}};
  if (validation) {
    ordered_json& v = line["validation"];
    v["nll_before"] = validation->nll_before;
    v["nll_after"] = validation->nll_after;
    v["task_nll_before"] = validation->task_nll_before;
    v["task_nll_after"] = validation->task_nll_after;
    v["mae_before"] = validation->mae_before;
    v["mae_after"] = validation->mae_after;
    v["mae_persistence"] = validation->mae_persistence;
    v["moved_mu"] = validation->moved_mu;
    v["moved_rho"] = validation->moved_rho;
  }
  if (!facts.empty()) line["run"] = ordered_json::parse(facts);
  return line.dump();
}

std::string validation_line(int step, const ValidationResult& v) {
  char text[256];
  std::snprintf(text, sizeof text,
                "step %d: validation on %d tasks: MAE / persistence %.3f before and %.3f after adaptation, "
                "NLL %.4f and %.4f",
                step, v.tasks, mean(v.mae_before) / mean(v.mae_persistence),
                mean(v.mae_after) / mean(v.mae_persistence), v.nll_before, v.nll_after);
  return text;
}

// The settings as config.toml will hold them.
Status check_settings(const FitSettings& settings, const RunDirectory& run) {
  ALTOCAST_RETURN_IF_ERROR(validate(settings));
  if (FitSettings back;
      !read_fit_settings(write_fit_settings(settings), run.config_path(), back).ok() || back != settings) {
    return Status::error(
        "a path cannot be written to " + run.config_path() +
        ": names must be UTF-8, and folders to validate on without '@'; rename or link what has another");
  }
  return {};
}

Status resume(const FitSettings& settings, const std::string& kernels, const RunDirectory& run, FitState& state) {
  Result<Checkpoint> checkpoint = run.read_checkpoint();
  if (!checkpoint.ok()) return checkpoint.status();
  FitSettings before;
  ALTOCAST_RETURN_IF_ERROR(
      read_fit_settings(checkpoint->config, run.path() + "/checkpoint (its configuration)", before));
  if (without_intervals(before) != without_intervals(settings)) {
    return Status::error(run.path() + ": the settings differ from those the run was started with (" +
                         run.config_path() + "); only training.steps and the intervals may change on --resume");
  }
  for (const auto& [name, value] : checkpoint->counters) {
    if (!name.starts_with(kKernelsCounter)) continue;
    const std::string before_kernels = name.substr(kKernelsCounter.size());
    if (before_kernels != kernels) {
      return Status::error(run.path() + ": was computed by the kernels '" + before_kernels +
                           "', whose bits differ from '" + kernels + "'; add --kernels " + before_kernels);
    }
  }
  if (checkpoint->step > static_cast<std::uint64_t>(settings.steps)) {
    return Status::error(run.path() + ": the run is at step " + std::to_string(checkpoint->step) +
                         " already; give --steps " + std::to_string(checkpoint->step) + " or more");
  }
  return from_checkpoint(*checkpoint, state).within(run.path());
}

// From a checkpoint, a prior or random weights; leaves the run's folder as it was at the state's step.
Status start(const FitSettings& settings, const FitOptions& options, const RunDirectory& run, FitState& state) {
  if (options.resume) {
    ALTOCAST_RETURN_IF_ERROR(resume(settings, options.kernels, run, state));
  } else if (settings.initial.empty()) {
    initialise(settings, state);
  } else {
    ALTOCAST_RETURN_IF_ERROR(start_from_prior(settings, state));
  }
  if (state.average && !options.resume) state.average = state.learned;
  if (!options.resume) state.begin_log_line();
  // Without a checkpoint, a log is that of a run which ended before its first.
  ALTOCAST_RETURN_IF_ERROR(run.cut_log(static_cast<std::uint64_t>(state.step)));
  return run.write_config(settings);
}

// Everybody takes over rank 0's state.
void broadcast(Communicator& ranks, FitState& state) {
  const auto share = [&](auto* values, std::size_t count) {
    ranks.broadcast({reinterpret_cast<std::uint8_t*>(values), count * sizeof *values});
  };
  share(&state.step, 1);
  state.for_each_plane([&](const char*, std::vector<float>& values) { share(values.data(), values.size()); });
  state.for_each_counter([&](const char*, std::uint64_t& value) { share(&value, 1); });
}

// Every rank updates its own copy of what is learned. They stay alike as long as the machines compute alike.
Status check_copies(Communicator& ranks, FitState& state) {
  if (ranks.size() == 1) return {};
  std::uint32_t check = 0;
  state.for_each_plane([&](const char*, std::vector<float>& values) {
    check = crc32c({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)}, check);
  });
  std::uint32_t rank_0 = check;
  ranks.broadcast({reinterpret_cast<std::uint8_t*>(&rank_0), sizeof rank_0});
  if (check == rank_0) return ranks.agree({});
  return ranks.agree(
      Status::error("its weights have come to differ from those of rank 0: its machine computes "
                    "otherwise (another C library?); start on machines that are alike with --resume"));
}

std::string ranks_line(const FitSettings& settings, const Communicator& ranks, int threads) {
  std::string line = std::to_string(ranks.size()) + " ranks, " + std::to_string(threads) + " threads on this one";
  if (threads > available_cores()) {
    line += ", which may use " + std::to_string(available_cores()) + " cores (mpirun's --bind-to none frees it)";
  }
  if (ranks.size() > settings.meta_batch) {
    line += "; with training.meta_batch = " + std::to_string(settings.meta_batch) + ", only so many have work";
  }
  return line;
}

// This rank's share of the machine's cores, if nothing else is said.
int threads_of(const FitOptions& options, const Communicator& ranks) {
  if (options.threads > 0) return options.threads;
  const int machine = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::clamp(machine / ranks.ranks_here(), 1, available_cores());
}

}  // namespace

Result<FitOutcome> fit(const FitSettings& rank_0_settings, const FitOptions& options, RunDirectory* run,
                       Communicator& ranks, const FitCallbacks& callbacks) {
  const auto on_rank_0 = [&](auto&& action) { return ranks.agree(ranks.rank() == 0 ? action() : Status()); };
  ALTOCAST_RETURN_IF_ERROR(on_rank_0([&] { return check_settings(rank_0_settings, *run); }));
  FitSettings settings = rank_0_settings;
  const std::string text = ranks.broadcast_text(write_fit_settings(settings));
  ALTOCAST_RETURN_IF_ERROR(ranks.agree(read_fit_settings(text, "rank 0's settings", settings)));
  const std::string path = run ? run->path() : "";  // only rank 0's messages are shown

  FitState state(settings);
  ALTOCAST_RETURN_IF_ERROR(on_rank_0([&] { return start(settings, options, *run, state); }));
  broadcast(ranks, state);
  if (options.resume) callbacks.notice("resuming at step " + std::to_string(state.step));

  RunFacts facts;
  const Clock::time_point open_start = Clock::now();
  // Rank 0 first: what it leaves in the store spares the others the work and the memory.
  const ArchiveStore store{ranks.broadcast_text(options.store), ranks.rank() == 0};
  Result<Archive> archive = Status::error("");
  const auto open_archive = [&] {
    archive = Archive::open(settings, callbacks.notice, store);
    return archive.status();
  };
  ALTOCAST_RETURN_IF_ERROR(on_rank_0(open_archive));
  const Status opened = ranks.rank() == 0 ? Status() : open_archive();
  facts.archive_seconds = seconds_since(open_start);
  ALTOCAST_RETURN_IF_ERROR(ranks.agree(opened));
  std::uint64_t fingerprint = archive->fingerprint();
  ranks.broadcast({reinterpret_cast<std::uint8_t*>(&fingerprint), sizeof fingerprint});
  ALTOCAST_RETURN_IF_ERROR(
      ranks.agree(fingerprint == archive->fingerprint()
                      ? Status()
                      : Status::error("its frames are not those of rank 0; give every machine the same data folders")));
  if (options.resume && state.data != 0 && state.data != fingerprint) {
    callbacks.notice(
        "the frames are not those that the run was started on: some were added, removed or changed; it goes "
        "on with those that are there");
  }
  state.data = fingerprint;
  // Whatever a prior file cannot hold is better known now than at the first checkpoint.
  ALTOCAST_RETURN_IF_ERROR(
      on_rank_0([&] { return validate(make_prior(settings, *archive, state, nullptr)).within(run->prior_path()); }));
  const auto shape = [&](int tile, int support, int query) {
    return EpisodeShape{tile, support, query, settings.contrast, settings.brightness, settings.calibration_step};
  };
  const EpisodeSampler warmup_sampler(*archive, archive->training(), settings.network,
                                      shape(settings.warmup_tile, 1, 1));
  const EpisodeSampler sampler(*archive, archive->training(), settings.network,
                               shape(settings.tile, settings.support_pairs, settings.query_pairs));
  const EpisodeSampler validation_sampler(*archive, archive->validation(), settings.network,
                                          {settings.tile, settings.support_pairs, settings.query_pairs});
  if (sampler.empty()) {
    return Status::error("no run of frames is long enough for a task: one support and one query pair take " +
                         std::to_string(settings.network.input_frames + 2 * settings.network.leads) +
                         " consecutive frames");
  }
  const int validation_tasks = validation_sampler.empty() ? 0 : settings.validation_tasks;
  if (validation_tasks == 0) callbacks.notice("no validation: none was asked for, or its runs of frames are too short");
  callbacks.notice(std::to_string(archive->frame_count()) + " frames; " + std::to_string(state.size) + " weights");

  const int threads = threads_of(options, ranks);
  if (ranks.size() > 1) callbacks.notice(ranks_line(settings, ranks, threads));
  Result<std::unique_ptr<MetaBatch>> batch =
      MetaBatch::create(settings, options.kernels, threads, options.keep_mib, ranks);
  ALTOCAST_RETURN_IF_ERROR(ranks.agree(batch.status()));

  facts.kernels = options.kernels;
  facts.threads = threads;
  facts.ranks = ranks.size();
  facts.keep_mib = options.keep_mib;
  facts.fma_peak_gflops = measure_fma_peak(best_table());
  std::string facts_to_log = to_json(facts, settings, *archive);
  const double peak_gflops = facts.fma_peak_gflops * std::min(threads, available_cores());

  BatchResult gradient(settings);
  Learned drawn;  // what a step starts from, where q(θ) is a Gaussian
  std::optional<ValidationResult> validation;
  // The prior goes first: should the process end between the two, resuming from the older checkpoint writes
  // it again.
  const auto save = [&]() -> Status {
    ALTOCAST_RETURN_IF_ERROR(check_copies(ranks, state));
    return on_rank_0([&]() -> Status {
      ALTOCAST_RETURN_IF_ERROR(
          run->write_prior(make_prior(settings, *archive, state, validation ? &*validation : nullptr)));
      return run->write_checkpoint(to_checkpoint(settings, options.kernels, state));
    });
  };
  const auto stopped = [&] { return ranks.any(callbacks.stop && callbacks.stop->load()); };

  Clock::time_point mark = Clock::now();
  int steps_since_mark = 0;
  Spent spent;
  Phase marked_phase = phase_of(settings, state.step);
  while (state.step < settings.steps && !stopped()) {
    StepRecord record;
    record.phase = phase_of(settings, state.step);
    if (record.phase != marked_phase) {
      marked_phase = record.phase;
      mark = Clock::now();
      steps_since_mark = 0;
    }
    const bool warmup = record.phase == Phase::warmup;
    const Clock::time_point step_start = Clock::now();
    if (state.spread && !warmup) {
      drawn.log_noise = state.learned.log_noise;
      drawn.rates = state.learned.rates;
      draw_theta(state.learned.theta, *state.spread, theta_seed(settings, state.step), drawn.theta);
    }
    const Learned& learned = state.spread && !warmup ? drawn : state.learned;
    if (const double stiffness = warmup ? 0.0 : (*batch)->kl_stiffness(learned); stiffness >= 2.0) {
      return Status::error(path + ": the inner loop is unstable at step " + std::to_string(state.step) +
                           ": rate · KL weight / (terms · σ²) reaches " + std::to_string(stiffness) +
                           ", at most 2 is stable. Lower inner.rate_mu, training.rate_learning_rate or "
                           "inner.kl_weight, or raise prior.rho_low");
    }
    (*batch)->gradient(learned, warmup ? warmup_sampler : sampler, record.phase, static_cast<std::uint64_t>(state.step),
                       gradient);
    if (!gradient.is_finite()) {
      ALTOCAST_RETURN_IF_ERROR(
          ranks.agree((*batch)->kernel_status()).within(path + ": step " + std::to_string(state.step)));
      return Status::error(
          path + ": training diverged at step " + std::to_string(state.step) +
          " (a loss or gradient is not finite); the checkpoint before it stands. Lower inner.rate_mu or "
          "training.learning_rate, or set inner.clip_mu and inner.clip_rho");
    }
    spent.gradient += seconds_since(step_start);
    spent.cost += (*batch)->cost();
    const Clock::time_point update_start = Clock::now();
    record.norms = update(settings, record.phase, gradient, state);
    update_average(settings, state);
    spent.update += seconds_since(update_start);
    ++state.step;
    ++steps_since_mark;

    const double seconds = seconds_since(mark);
    const int tasks = warmup ? settings.warmup_batch : settings.meta_batch;
    record.tasks_per_second = steps_since_mark * tasks / seconds;
    const bool last = state.step == settings.steps;
    const bool validate_now = validation_tasks > 0 && (last || state.step % settings.validate_every == 0);
    if (validate_now) {
      const Clock::time_point start = Clock::now();
      validation = (*batch)->validate(state.result(), validation_sampler, validation_tasks);
      spent.validation += seconds_since(start);
      callbacks.notice(validation_line(state.step, *validation));
    }
    if (validate_now || last || state.step % settings.report_every == 0) {
      record.spent = std::exchange(spent, {});
      record.peak_gflops = peak_gflops;
      ALTOCAST_RETURN_IF_ERROR(on_rank_0([&] {
        return run->append_log(log_line(settings, state, record, gradient, validate_now ? &*validation : nullptr,
                                        std::exchange(facts_to_log, {})));
      }));
      state.begin_log_line();
    }
    if (last || state.step % settings.checkpoint_every == 0) {
      const Clock::time_point start = Clock::now();
      ALTOCAST_RETURN_IF_ERROR(save());
      spent.checkpoint += seconds_since(start);
    }
    callbacks.progress({state.step, settings.steps, record.phase, gradient.loss, record.tasks_per_second,
                        seconds / steps_since_mark * (settings.steps - state.step)});
  }
  const bool finished = state.step == settings.steps;
  if (!finished) {
    ALTOCAST_RETURN_IF_ERROR(save());
    callbacks.notice("stopped at step " + std::to_string(state.step) + "; --resume goes on");
  }
  return FitOutcome{finished, state.step};
}

}  // namespace altocast
