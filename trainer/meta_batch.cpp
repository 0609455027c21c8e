#include "trainer/meta_batch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/flop_count.h"
#include "runtime/random.h"
#include "trainer/clock.h"

namespace altocast {
namespace {

// Names of the noise streams of a task.
constexpr std::uint64_t kInnerNoise = 1;
constexpr std::uint64_t kOuterNoise = 2;
constexpr std::uint64_t kOrder = 3;
constexpr std::uint64_t kValidationSeed = 0x76616c69;

// Whether a task is differentiated to first or second order.
MetaOrder order_of(const FitSettings& settings, Phase phase, std::uint64_t step, std::uint64_t task) {
  if (phase == Phase::first_order) return MetaOrder::first;
  const double since = static_cast<double>(step) - settings.warmup_steps - settings.first_order_steps;
  const double share = (since + 1) / (settings.order_annealing_steps + 1.0);
  if (share >= 1) return MetaOrder::second;
  return random_uniform(derive_seed(settings.seed, kOrder, step, task), 0, 0) < share ? MetaOrder::second
                                                                                      : MetaOrder::first;
}

}  // namespace

GradientCost& GradientCost::operator+=(const GradientCost& other) {
  loading += other.loading;
  inner_loop += other.inner_loop;
  outer += other.outer;
  hessian_vector += other.hessian_vector;
  reduction += other.reduction;
  flops += other.flops;
  return *this;
}

std::vector<double> movement(const std::vector<ParameterTensor>& layout, std::span<const float> a,
                             std::span<const float> b) {
  std::vector<double> moved;
  for (const ParameterTensor& tensor : layout) {
    double sum = 0;
    for (std::size_t d = tensor.offset; d < tensor.offset + tensor.size; ++d) {
      const double change = static_cast<double>(b[d]) - static_cast<double>(a[d]);
      sum += change * change;
    }
    moved.push_back(std::sqrt(sum / static_cast<double>(tensor.size)));
  }
  return moved;
}

ValidationResult::ValidationResult(const NetworkSpec& network) {
  const auto leads = static_cast<std::size_t>(network.leads);
  mae_before.resize(leads);
  mae_after.resize(leads);
  mae_persistence.resize(leads);
  const std::size_t tensors = parameter_layout(network).size();
  moved_mu.resize(tensors);
  moved_rho.resize(tensors);
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::warmup:
      return "warmup";
    case Phase::first_order:
      return "first_order";
    case Phase::second_order:
      return "second_order";
  }
  return "";
}

// One thread's networks and scratch memory.
struct MetaBatch::Worker {
  Worker(const FitSettings& settings, std::unique_ptr<Kernels<float>> set, int keep_mib)
      : kernels(std::move(set)),
        warmup_network(settings.network, *kernels, settings.warmup_tile, settings.warmup_tile, Purpose::gradient),
        network(settings.network, *kernels, settings.tile, settings.tile, Purpose::second_order),
        inner_loop(network, settings.inner, {}),
        meta_gradient(inner_loop, settings.outer, mebibytes(keep_mib)),
        lambda(parameter_count(settings.network)),
        forecast(network.terms()) {
    warmup_network.set_likelihood(settings.inner.likelihood);
  }

  std::unique_ptr<Kernels<float>> kernels;
  UNet<float> warmup_network;
  UNet<float> network;
  InnerLoop<float> inner_loop;
  MetaGradient<float> meta_gradient;
  Episode episode;
  Gaussian<float> lambda;
  std::vector<float> forecast;
  GradientCost cost;  // sums over its tasks
};

MetaBatch::MetaBatch(const FitSettings& settings, Communicator& ranks)
    : settings_(settings),
      ranks_(ranks),
      warmup_forward_flops_(count_flops(settings.network, settings.warmup_tile, settings.warmup_tile).forward),
      forward_flops_(count_flops(settings.network, settings.tile, settings.tile).forward) {}
MetaBatch::~MetaBatch() = default;

Result<std::unique_ptr<MetaBatch>> MetaBatch::create(const FitSettings& settings, std::string_view kernels, int threads,
                                                     int keep_mib, Communicator& ranks) {
  std::unique_ptr<MetaBatch> batch(new MetaBatch(settings, ranks));
  const auto own = [&](int tasks) { return tasks_of_rank(tasks, ranks.size(), ranks.rank()).size(); };
  const int workers = std::clamp(own(settings.meta_batch), 1, threads);
  batch->pool_ = std::make_unique<ThreadPool>(workers);
  for (int w = 0; w < workers; ++w) {
    const int share = kernels == "native" ? threads / workers + (w < threads % workers ? 1 : 0) : 1;
    Result<std::unique_ptr<Kernels<float>>> set = make_training_kernels(kernels, share);
    if (!set.ok()) return set.status();
    batch->workers_.push_back(std::make_unique<Worker>(settings, std::move(*set), keep_mib));
  }
  const int slots = std::max({own(settings.warmup_batch), own(settings.meta_batch), 1});
  batch->slots_.assign(static_cast<std::size_t>(slots), BatchResult(settings));
  batch->batch_sum_ = std::make_unique<BatchSum>(ranks, *batch->pool_, batch->slots_.front());
  return batch;
}

// Worker w takes tasks w, w + W, … of this rank's; which worker computes a task does not matter to its result.
template <class Body>
void MetaBatch::for_each_own_task(int tasks, const Body& body) {
  own_ = tasks_of_rank(tasks, ranks_.size(), ranks_.rank());
  const int workers = static_cast<int>(workers_.size());
  pool_->parallel_for(workers, [&](int w) {
    for (int index = own_.first + w; index < own_.end; index += workers) {
      body(*workers_[static_cast<std::size_t>(w)], index);
    }
  });
}

const Task<float>& MetaBatch::task_of(Worker& worker, const EpisodeSampler& sampler, std::uint64_t step, int index) {
  const int at = index - fetched_.first;
  if (fetched_.sampler == &sampler && fetched_.step == step && at >= 0 &&
      at < static_cast<int>(fetched_.episodes.size())) {
    return fetched_.episodes[static_cast<std::size_t>(at)].task;
  }
  sampler.draw(settings_.seed, step, static_cast<std::uint64_t>(index), worker.episode);
  return worker.episode.task;
}

void MetaBatch::fetch_ahead(const EpisodeSampler& sampler, std::uint64_t step) {
  if (fetching_.valid()) fetching_.get();
  std::swap(fetched_, coming_);
  coming_.sampler = &sampler;
  coming_.step = step;
  coming_.first = own_.first;
  coming_.episodes.resize(static_cast<std::size_t>(own_.size()));
  fetching_ = std::async(std::launch::async, [this] {
    for (std::size_t i = 0; i < coming_.episodes.size(); ++i) {
      coming_.sampler->draw(settings_.seed, coming_.step,
                            static_cast<std::uint64_t>(coming_.first) + static_cast<std::uint64_t>(i),
                            coming_.episodes[i]);
    }
  });
}

// The NLL of one query pair at φ = μ_θ.
void MetaBatch::warmup_task(Worker& worker, const Learned& learned, const EpisodeSampler& sampler, std::uint64_t step,
                            int index) {
  BatchResult& result = slot(index);
  const Clock::time_point start = Clock::now();
  const Task<float>& task = task_of(worker, sampler, step, index);
  worker.cost.loading += seconds_since(start);
  const Clock::time_point gradient_start = Clock::now();
  const double terms = static_cast<double>(worker.warmup_network.terms());
  result.loss =
      nll_gradient(worker.warmup_network, std::span<const float>(learned.theta.mu),
                   std::span<const float>(learned.log_noise), std::span<const Sample<float>>(task.query).first(1),
                   std::span(result.grad_theta.mu), std::span(result.grad_log_noise)) /
      terms;
  for (float& g : result.grad_theta.mu) g *= static_cast<float>(1.0 / terms);
  for (double& g : result.grad_log_noise) g /= terms;
  worker.cost.outer += seconds_since(gradient_start);
  worker.cost.flops += 3 * warmup_forward_flops_;
}

void MetaBatch::meta_task(Worker& worker, const Learned& learned, const EpisodeSampler& sampler, Phase phase,
                          std::uint64_t step, int index) {
  BatchResult& result = slot(index);
  const auto task = static_cast<std::uint64_t>(index);
  const Clock::time_point start = Clock::now();
  const Task<float>& episode = task_of(worker, sampler, step, index);
  worker.cost.loading += seconds_since(start);
  CounterNoise<float> inner(derive_seed(settings_.seed, kInnerNoise, step, task), settings_.inner.antithetic);
  CounterNoise<float> outer(derive_seed(settings_.seed, kOuterNoise, step, task), settings_.inner.antithetic);
  worker.inner_loop.set_rates(learned.rates);
  const bool learns_rates = settings_.rate_learning_rate > 0;
  const MetaReport report = worker.meta_gradient.accumulate(
      learned.theta, learned.log_noise, episode, inner, outer, order_of(settings_, phase, step, task),
      result.grad_theta, result.grad_log_noise, learns_rates ? &result.grad_log_rates : nullptr);
  const InnerRates<float>& rates = worker.inner_loop.rates();
  for (std::size_t t = 0; t < rates.mu.size(); ++t) {
    result.grad_log_rates.mu[t] *= static_cast<double>(rates.mu[t]);
    result.grad_log_rates.rho[t] *= static_cast<double>(rates.rho[t]);
  }
  worker.cost.inner_loop += report.seconds.inner_loop;
  worker.cost.outer += report.seconds.outer;
  worker.cost.hessian_vector += report.seconds.hessian_vector;
  worker.cost.flops += report.forwards * forward_flops_;
  result.loss = report.outer_loss;
  result.kl = report.kl;
  if (!report.steps.empty()) {
    result.support_before = report.steps.front().nll;
    result.support_after = report.steps.back().nll;
  }
  for (const InnerStepReport& inner_step : report.steps) {
    if (inner_step.clipping.factor_mu < 1 || inner_step.clipping.factor_rho < 1) ++result.clipped_steps;
  }
}

void MetaBatch::gradient(const Learned& learned, const EpisodeSampler& sampler, Phase phase, std::uint64_t step,
                         BatchResult& result) {
  const int tasks = phase == Phase::warmup ? settings_.warmup_batch : settings_.meta_batch;
  own_ = tasks_of_rank(tasks, ranks_.size(), ranks_.rank());
  fetch_ahead(sampler, step + 1);
  for_each_own_task(tasks, [&](Worker& worker, int index) {
    slot(index).clear();
    if (phase == Phase::warmup) {
      warmup_task(worker, learned, sampler, step, index);
    } else {
      meta_task(worker, learned, sampler, phase, step, index);
    }
  });

  cost_ = {};
  for (const std::unique_ptr<Worker>& worker : workers_) cost_ += std::exchange(worker->cost, {});
  for (double* seconds : {&cost_.loading, &cost_.inner_loop, &cost_.outer, &cost_.hessian_vector}) {
    *seconds /= static_cast<double>(workers_.size());
  }

  const Clock::time_point start = Clock::now();
  batch_sum_->sum(tasks, slots_, result);
  result.divide(tasks);
  cost_.reduction = seconds_since(start);
}

double MetaBatch::largest_kl_stiffness(const Learned& learned) {
  Worker& worker = *workers_.front();
  worker.inner_loop.set_rates(learned.rates);
  return worker.inner_loop.largest_kl_stiffness(learned.theta, worker.network.terms());
}

void MetaBatch::limit_rates(Learned& learned) {
  Worker& worker = *workers_.front();
  worker.inner_loop.set_rates(learned.rates);
  const InnerRates<double> stiffness = worker.inner_loop.kl_stiffness(learned.theta, worker.network.terms());
  for (std::size_t t = 0; t < stiffness.mu.size(); ++t) {
    learned.rates.mu[t] /= static_cast<float>(std::max(1.0, stiffness.mu[t]));
    learned.rates.rho[t] /= static_cast<float>(std::max(1.0, stiffness.rho[t]));
  }
}

Status MetaBatch::kernel_status() const {
  for (const std::unique_ptr<Worker>& worker : workers_) ALTOCAST_RETURN_IF_ERROR(worker->kernels->status());
  return {};
}

ValidationResult MetaBatch::validate(const Learned& learned, const EpisodeSampler& sampler, int tasks) {
  const auto leads = static_cast<std::size_t>(settings_.network.leads);
  const auto pixels = static_cast<std::size_t>(settings_.tile) * static_cast<std::size_t>(settings_.tile);
  const std::vector<ParameterTensor> layout = parameter_layout(settings_.network);
  ValidationResult mean(settings_.network);
  mean.tasks = tasks;
  std::size_t numbers = 0;
  ValidationResult::for_each_number(mean, [&](double) { ++numbers; });
  const std::size_t row_blocks = (numbers * sizeof(double) + sizeof(Block) - 1) / sizeof(Block);
  std::vector<Block> rows(static_cast<std::size_t>(tasks) * row_blocks);  // each task's numbers
  const auto row_of = [&](int task) {
    return reinterpret_cast<double*>(rows.data() + static_cast<std::size_t>(task) * row_blocks);
  };

  // Mean absolute errors and the NLL a term of the forecasts that a network makes of the queries.
  const auto score = [&](Worker& worker, const std::vector<float>& mu, double& nll, std::vector<double>& mae) {
    const std::vector<Sample<float>>& queries = worker.episode.task.query;
    mae.assign(leads, 0.0);
    nll = 0;
    worker.network.set_weights(mu.data());
    for (const Sample<float>& query : queries) {
      nll += worker.network.nll(query, learned.log_noise.data(), worker.forecast.data());
      for (std::size_t l = 0; l < leads; ++l) {
        double absolute = 0;
        for (std::size_t i = l * pixels; i < (l + 1) * pixels; ++i) {
          absolute += std::abs(static_cast<double>(worker.forecast[i]) - static_cast<double>(query.target[i]));
        }
        mae[l] += absolute / static_cast<double>(pixels * queries.size());
      }
    }
    nll /= static_cast<double>(worker.network.terms() * queries.size());
  };

  for_each_own_task(tasks, [&](Worker& worker, int index) {
    ValidationResult result(settings_.network);
    const auto task = static_cast<std::uint64_t>(index);
    sampler.draw(kValidationSeed, 0, task, worker.episode);
    score(worker, learned.theta.mu, result.nll_before, result.mae_before);
    CounterNoise<float> noise(derive_seed(kValidationSeed, kInnerNoise, task), settings_.inner.antithetic);
    worker.lambda = learned.theta;
    worker.inner_loop.set_rates(learned.rates);
    worker.inner_loop.adapt(learned.theta, std::span<const float>(learned.log_noise),
                            std::span<const Sample<float>>(worker.episode.task.support), noise, worker.lambda, nullptr);
    score(worker, worker.lambda.mu, result.nll_after, result.mae_after);
    result.moved_mu = movement(layout, learned.theta.mu, worker.lambda.mu);
    result.moved_rho = movement(layout, learned.theta.rho, worker.lambda.rho);
    const std::vector<Sample<float>>& queries = worker.episode.task.query;
    for (const Sample<float>& query : queries) {
      const float* newest = query.frames + static_cast<std::size_t>(settings_.network.input_frames - 1) * pixels;
      for (std::size_t l = 0; l < leads; ++l) {
        double absolute = 0;
        for (std::size_t i = 0; i < pixels; ++i) {
          absolute += std::abs(static_cast<double>(newest[i]) - static_cast<double>(query.target[l * pixels + i]));
        }
        result.mae_persistence[l] += absolute / static_cast<double>(pixels * queries.size());
      }
    }
    ValidationResult::for_each_number(result, [row = row_of(index)](double number) mutable { *row++ = number; });
  });

  std::vector<std::size_t> counts;
  for (int r = 0; r < ranks_.size(); ++r) {
    counts.push_back(static_cast<std::size_t>(tasks_of_rank(tasks, ranks_.size(), r).size()) * row_blocks);
  }
  ranks_.all_gather(rows, counts);
  for (int task = 0; task < tasks; ++task) {
    ValidationResult::for_each_number(mean, [&, row = row_of(task)](double& sum) mutable { sum += *row++ / tasks; });
    ValidationResult one(settings_.network);
    ValidationResult::for_each_number(one, [row = row_of(task)](double& number) mutable { number = *row++; });
    mean.task_nll_before.push_back(one.nll_before);
    mean.task_nll_after.push_back(one.nll_after);
  }
  return mean;
}

}  // namespace altocast
