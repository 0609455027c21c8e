#include "trainer/fit_start.h"

#include <algorithm>
#include <cmath>

#include "formats/prior.h"
#include "runtime/json_text.h"
#include "runtime/random.h"
#include "trainer/widening.h"

namespace altocast {
namespace {

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

Status start_from_prior(const FitSettings& settings, const FitCallbacks& callbacks, FitState& state) {
  Result<LoadedPrior> loaded = load_prior(settings.initial);
  if (!loaded.ok()) return loaded.status();
  Prior& prior = loaded->prior;
  if (const Normalisation& its = prior.normalisation, &run = settings.normalisation; its != run) {
    return Status::error(settings.initial + ": its normalisation is data.offset = " + plain_number(its.offset, 9) +
                         ", data.scale = " + plain_number(its.scale, 9) + " (the run " + plain_number(run.offset, 9) +
                         ", " + plain_number(run.scale, 9) +
                         "). Set both as the prior has them, or start from another prior");
  }
  Gaussian<float> theta;
  theta.mu = std::move(prior.mu);
  theta.rho = std::move(prior.rho);
  Result<Gaussian<float>> widened = widen(std::move(theta), prior.network, settings.network, settings.seed);
  if (!widened.ok()) return widened.status().within(settings.initial);
  if (prior.network != settings.network) {
    callbacks.notice("widened " + settings.initial + " from " + std::to_string(prior.network.base_channels) + " to " +
                     std::to_string(settings.network.base_channels) + " base channels; its forecasts stay the same");
  }
  state.learned.theta = *std::move(widened);
  state.learned.log_noise = std::move(prior.log_noise);
  if (settings.rate_learning_rate > 0) state.learned.rates = {std::move(prior.rate_mu), std::move(prior.rate_rho)};
  return {};
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

}  // namespace

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

Status start(const FitSettings& settings, const FitOptions& options, const RunDirectory& run,
             const FitCallbacks& callbacks, FitState& state) {
  if (options.resume) {
    ALTOCAST_RETURN_IF_ERROR(resume(settings, options.kernels, run, state));
  } else if (settings.initial.empty()) {
    initialise(settings, state);
  } else {
    ALTOCAST_RETURN_IF_ERROR(start_from_prior(settings, callbacks, state));
  }
  if (state.average && !options.resume) state.average = state.learned;
  if (!options.resume) state.begin_log_line();
  // Without a checkpoint, a log is that of a run which ended before its first.
  ALTOCAST_RETURN_IF_ERROR(run.cut_log(static_cast<std::uint64_t>(state.step)));
  return run.write_config(settings);
}

}  // namespace altocast
