#include "trainer/fit.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/peak.h"
#include "runtime/thread_pool.h"
#include "trainer/clock.h"
#include "trainer/fit_log.h"
#include "trainer/fit_prior.h"
#include "trainer/fit_start.h"
#include "trainer/fit_state.h"
#include "trainer/fit_update.h"
#include "trainer/hyper_prior.h"
#include "trainer/run_facts.h"

namespace altocast {
namespace {

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
  ALTOCAST_RETURN_IF_ERROR(on_rank_0([&] { return start(settings, options, *run, callbacks, state); }));
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
    return EpisodeShape{tile,         support, query, settings.contrast, settings.brightness, settings.calibration_step,
                        settings.zoom};
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
    if (const double stiffness = warmup ? 0.0 : (*batch)->largest_kl_stiffness(learned); stiffness >= 2.0) {
      return Status::error(path + ": the inner loop is unstable at step " + std::to_string(state.step) +
                           ": rate · KL weight / (terms · σ²) reaches " + std::to_string(stiffness) +
                           ", at most 2 is stable. Lower inner.rate_mu or inner.kl_weight, or raise "
                           "prior.rho_low");
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
    if (!warmup && settings.rate_learning_rate > 0) (*batch)->limit_rates(state.learned);
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
