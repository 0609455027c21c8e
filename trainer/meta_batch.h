// The gradient of one training step: tasks are computed side by side by ranks and their worker threads, and their
// gradients summed in a fixed binary tree over the task's index, so that the number of neither changes a bit.
#pragma once

#include <future>
#include <memory>
#include <span>
#include <vector>

#include "trainer/batch_result.h"
#include "trainer/batch_sum.h"
#include "trainer/communicator.h"
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

// What gradients take.
struct GradientCost {
  // Wall-clock seconds of the tasks' parts, mean over the workers. A warm-up's gradient is outer.
  double loading = 0, inner_loop = 0, outer = 0, hessian_vector = 0;
  double reduction = 0;  // seconds of summing the tasks' gradients
  double flops = 0;      // of the convolutions, by count

  GradientCost& operator+=(const GradientCost& other);
};

// How a prior does on a fixed set of tasks. Errors are of the mean forecast, in normalised units.
struct ValidationResult {
  ValidationResult() = default;
  explicit ValidationResult(const NetworkSpec& network);  // all zero

  double nll_before = 0, nll_after = 0;  // query NLL a term, at μ_θ and at μ_λ
  std::vector<double> task_nll_before, task_nll_after;
  std::vector<double> mae_before, mae_after;  // by lead
  std::vector<double> mae_persistence;        // by lead
  // How far adaptation moves μ and ρ: root mean square over a parameter tensor's weights, mean over the tasks.
  std::vector<double> moved_mu, moved_rho;
  int tasks = 0;

  // Visits each number that is averaged over tasks.
  template <class Self, class Visit>
  static void for_each_number(Self& self, Visit&& visit) {
    visit(self.nll_before);
    visit(self.nll_after);
    for (auto* numbers : {&self.mae_before, &self.mae_after, &self.mae_persistence, &self.moved_mu, &self.moved_rho}) {
      for (auto& number : *numbers) visit(number);
    }
  }
};

// Root mean square of b − a by parameter tensor.
std::vector<double> movement(const std::vector<ParameterTensor>& layout, std::span<const float> a,
                             std::span<const float> b);

class MetaBatch {
 public:
  // Makes a worker a task of this rank's in a step, at most one a thread, each with a kernel set of the given name and
  // room to keep `keep_mib` MiB of inner passes. Threads that are left over work within the tasks, with native kernels.
  // The ranks are borrowed. Not collective: a rank may fail alone.
  static Result<std::unique_ptr<MetaBatch>> create(const FitSettings& settings, std::string_view kernels, int threads,
                                                   int keep_mib, Communicator& ranks);
  ~MetaBatch();

  // Collective; the same result on every rank. Deterministic in (settings, learned, sampler, phase, step), whatever
  // the number of ranks and workers.
  void gradient(const Learned& learned, const EpisodeSampler& sampler, Phase phase, std::uint64_t step,
                BatchResult& result);

  // Of the last gradient.
  const GradientCost& cost() const { return cost_; }

  // The largest α w_in / (n_S σ_θ²) of an inner step on a single support pair: inner steps are stable only below 2.
  double largest_kl_stiffness(const Learned& learned);

  // Lowers the rates for which that is above 1, where a step would overshoot the KL divergence's minimum.
  void limit_rates(Learned& learned);

  // The first failure of a worker's kernel set: why a gradient may not be finite. Only oneDNN's can fail.
  Status kernel_status() const;

  // Collective, as gradient. Adapts to each of the first `tasks` tasks of the sampler's step 0 and scores its queries.
  ValidationResult validate(const Learned& learned, const EpisodeSampler& sampler, int tasks);

 private:
  struct Worker;

  MetaBatch(const FitSettings& settings, Communicator& ranks);
  void warmup_task(Worker& worker, const Learned& learned, const EpisodeSampler& sampler, std::uint64_t step,
                   int index);
  void meta_task(Worker& worker, const Learned& learned, const EpisodeSampler& sampler, Phase phase, std::uint64_t step,
                 int index);
  BatchResult& slot(int index) { return slots_[static_cast<std::size_t>(index - own_.first)]; }
  template <class Body>
  void for_each_own_task(int tasks, const Body& body);
  // This rank's task `index` of a step: fetched while the step before was computed, or drawn now.
  const Task<float>& task_of(Worker& worker, const EpisodeSampler& sampler, std::uint64_t step, int index);
  // Draws this rank's tasks of a step in the background, which brings their frames into memory.
  void fetch_ahead(const EpisodeSampler& sampler, std::uint64_t step);

  FitSettings settings_;
  Communicator& ranks_;
  double warmup_forward_flops_, forward_flops_;  // of one image
  GradientCost cost_;
  std::vector<std::unique_ptr<Worker>> workers_;
  TaskRange own_;                   // this rank's tasks of the batch at hand
  std::vector<BatchResult> slots_;  // their gradients and reports, until they are summed
  struct Ahead {
    const EpisodeSampler* sampler = nullptr;
    std::uint64_t step = 0;
    int first = 0;
    std::vector<Episode> episodes;
  };
  Ahead fetched_, coming_;
  std::future<void> fetching_;  // of coming_
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<BatchSum> batch_sum_;
};

}  // namespace altocast
