// The gradient of one training step: tasks are computed side by side on worker threads and their gradients
// summed in a fixed binary tree over the task's index, so that the number of threads never changes a bit.
#pragma once

#include <memory>
#include <vector>

#include "trainer/episodes.h"
#include "trainer/fit_settings.h"
#include "trainer/kernel_choice.h"
#include "trainer/meta_gradient.h"

namespace altocast {

enum class Phase { warmup, first_order, second_order };
std::string_view to_string(Phase phase);

// What is learned: θ, s, and the inner rates α.
struct Learned {
  Gaussian<float> theta;
  std::vector<float> log_noise;
  InnerRates<float> rates;
};

struct BatchResult {
  Gaussian<float> grad_theta;          // mean over tasks
  std::vector<double> grad_log_noise;  // [L]
  InnerRates<double> grad_log_rates;   // ∂/∂ log α, zeros in the warm-up and where rates are not learned
  double loss = 0;                     // mean over tasks: outer loss, or the NLL a term in the warm-up
  double support_before = 0;           // NLL a term on the support set at λ = θ …
  double support_after = 0;            // … and at the last inner step
  double kl = 0;
  int clipped_steps = 0;  // inner steps whose gradient was limited
};

// How a prior does on a fixed set of tasks. Errors are of the mean forecast, in normalised units.
struct ValidationResult {
  double nll_before = 0, nll_after = 0;  // query NLL a term, at μ_θ and at μ_λ
  std::vector<double> task_nll_before, task_nll_after;
  std::vector<double> mae_before, mae_after;  // by lead
  std::vector<double> mae_persistence;        // by lead
  // How far adaptation moves μ and ρ: root mean square over a parameter tensor's weights, mean over the tasks.
  std::vector<double> moved_mu, moved_rho;
  int tasks = 0;
};

class MetaBatch {
 public:
  // Makes a worker a task of a step, at most one a thread (0 = all cores), each with a kernel set of the given name and
  // room to keep `keep_mib` MiB of inner passes. Threads that are left over work within the tasks, with native kernels.
  static Result<std::unique_ptr<MetaBatch>> create(const FitSettings& settings, std::string_view kernels, int threads,
                                                   int keep_mib);
  ~MetaBatch();

  // Deterministic in (settings, learned, sampler, phase, step), whatever the number of workers.
  void gradient(const Learned& learned, const EpisodeSampler& sampler, Phase phase, std::uint64_t step,
                BatchResult& result);

  // The largest α w_in / (n_S σ_θ²) of an inner step on a single support pair: inner steps are stable only
  // below 2.
  double kl_stiffness(const Learned& learned);

  // The first failure of a worker's kernel set: why a gradient may not be finite. Only oneDNN's can fail.
  Status kernel_status() const;

  // Adapts to each of the first `tasks` tasks of the sampler's step 0 and scores its queries.
  ValidationResult validate(const Learned& learned, const EpisodeSampler& sampler, int tasks);

 private:
  struct Worker;

  explicit MetaBatch(const FitSettings& settings);
  void warmup_task(Worker& worker, const Learned& learned, const EpisodeSampler& sampler, std::uint64_t step,
                   int index);
  void meta_task(Worker& worker, const Learned& learned, const EpisodeSampler& sampler, Phase phase, std::uint64_t step,
                 int index);
  template <class Body>
  void for_each_task(int tasks, const Body& body);

  FitSettings settings_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<BatchResult> slots_;  // a task's gradient and report, until they are summed
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace altocast
