#include "trainer/training_bench.h"

#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/flop_count.h"
#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/peak.h"
#include "runtime/random.h"
#include "trainer/batch_sum.h"
#include "trainer/clock.h"
#include "trainer/kernel_choice.h"
#include "trainer/meta_gradient.h"

namespace altocast {
namespace {

double peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

double time(const std::function<void()>& body) {
  const Clock::time_point start = Clock::now();
  body();
  return seconds_since(start);
}

// The task and the prior that every part works on, and room for results.
struct BenchData {
  explicit BenchData(const TrainingBenchSettings& settings);

  std::vector<float> frames;
  Task<float> task;
  Gaussian<float> theta, grad_theta;
  std::vector<float> log_noise, forecast;
  std::vector<double> grad_log_noise;
};

BenchData::BenchData(const TrainingBenchSettings& settings)
    : theta(parameter_count(settings.network)),
      grad_theta(theta),
      log_noise(static_cast<std::size_t>(settings.network.leads)),
      grad_log_noise(log_noise.size()) {
  const NetworkSpec& spec = settings.network;
  const std::size_t pixels = static_cast<std::size_t>(settings.height) * static_cast<std::size_t>(settings.width);
  const std::size_t inputs = static_cast<std::size_t>(spec.input_frames) * pixels;
  const std::size_t targets = static_cast<std::size_t>(spec.leads) * pixels;
  const auto pairs = static_cast<std::size_t>(settings.support + settings.query);
  forecast.resize(targets);
  frames.resize(pairs * (inputs + targets));
  fill_normal(1, 0, 0, std::span<float>(frames));
  for (std::size_t i = 0; i < pairs; ++i) {
    const float* first = frames.data() + i * (inputs + targets);
    auto& samples = i < static_cast<std::size_t>(settings.support) ? task.support : task.query;
    samples.push_back(make_sample(spec, first, nullptr, first + inputs, settings.height, settings.width));
  }
  fill_normal(1, 1, 0, std::span<float>(theta.mu));
  for (float& mu : theta.mu) mu *= 0.05f;
  std::fill(theta.rho.begin(), theta.rho.end(), -5.0f);
}

InnerLoopSettings inner_settings(const TrainingBenchSettings& settings) {
  InnerLoopSettings inner;
  inner.steps = settings.inner_steps;
  inner.samples = settings.samples;
  inner.flipout = settings.flipout;
  return inner;
}

OuterSettings outer_settings(const TrainingBenchSettings& settings) {
  OuterSettings outer;
  outer.samples = settings.samples;
  return outer;
}

InnerRates<float> equal_rates(const NetworkSpec& spec) {
  const std::vector<float> rates(parameter_layout(spec).size(), 1e-4f);
  return {rates, rates};
}

// The sum of the gradients of two tasks on each rank, as fit makes it.
class Reduction {
 public:
  Reduction(const TrainingBenchSettings& settings, Communicator& ranks)
      : tasks_(2 * ranks.size()),
        pool_(settings.threads),
        slots_(2),
        result_(like(settings)),
        sum_(ranks, pool_, result_) {
    std::fill(slots_.begin(), slots_.end(), result_);
  }
  void run() { sum_.sum(tasks_, slots_, result_); }

 private:
  static BatchResult like(const TrainingBenchSettings& settings) {
    FitSettings fit;
    fit.network = settings.network;
    return BatchResult(fit);
  }

  int tasks_;
  ThreadPool pool_;
  std::vector<BatchResult> slots_;
  BatchResult result_;
  BatchSum sum_;
};

// All parts on one kernel set.
class Subject {
 public:
  Subject(const TrainingBenchSettings& settings, BenchData& data, std::unique_ptr<Kernels<float>> kernels,
          Communicator& ranks)
      : settings_(settings),
        data_(data),
        ranks_(ranks),
        kernels_(std::move(kernels)),
        network_(settings.network, *kernels_, settings.height, settings.width, purpose(settings)) {}

  void run(std::string_view part) {
    network_.set_weights(data_.theta.mu.data());
    if (part == "forward") network_.forward(data_.task.support[0], data_.forecast.data());
    if (part == "gradient") gradient();
    if (part == "hvp") hvp();
    if (part == "meta_gradient") second_order_ = meta(MetaOrder::second);
    if (part == "first_order") first_order_ = meta(MetaOrder::first);
    if (part == "reduction") reduction();
    ranks_.any(false);
  }

  // Of the last meta_gradient.
  const MetaReport& meta_report() const { return second_order_; }

  // Forward passes of one image that a part costs by count, once it has run.
  double forwards(std::string_view part) const {
    if (part == "forward") return 1;
    if (part == "gradient") return 3 * settings_.support;
    if (part == "reduction") return 0;
    if (part == "hvp") return HessianVector<float>::kForwardsAnew * settings_.support;
    return (part == "first_order" ? first_order_ : second_order_).forwards;
  }

 private:
  void gradient() {
    nll_gradient(network_, std::span<const float>(data_.theta.mu), std::span<const float>(data_.log_noise),
                 std::span<const Sample<float>>(data_.task.support), std::span(data_.grad_theta.mu),
                 std::span(data_.grad_log_noise));
  }

  void hvp() {
    if (!hessian_vector_) hessian_vector_.emplace(network_);
    hessian_vector_->set_direction(data_.theta.mu.data());
    for (const Sample<float>& sample : data_.task.support) {
      hessian_vector_->accumulate(sample, data_.log_noise.data(), nullptr, data_.grad_theta.rho.data(),
                                  data_.grad_log_noise.data());
    }
  }

  void reduction() {
    if (!reduction_) reduction_.emplace(settings_, ranks_);
    reduction_->run();
  }

  // What the parts need that are timed.
  static Purpose purpose(const TrainingBenchSettings& settings) {
    const auto timed = [&](std::string_view part) {
      return std::find(settings.parts.begin(), settings.parts.end(), part) != settings.parts.end();
    };
    return timed("hvp") || timed("meta_gradient") ? Purpose::second_order : Purpose::gradient;
  }

  MetaReport meta(MetaOrder order) {
    if (!inner_loop_) {
      inner_loop_.emplace(network_, inner_settings(settings_), equal_rates(settings_.network));
      meta_gradient_.emplace(*inner_loop_, outer_settings(settings_), mebibytes(settings_.keep_mib));
    }
    CounterNoise<float> inner_noise(1, false), outer_noise(2, false);
    return meta_gradient_->accumulate(data_.theta, data_.log_noise, data_.task, inner_noise, outer_noise, order,
                                      data_.grad_theta, data_.grad_log_noise);
  }

  const TrainingBenchSettings& settings_;
  BenchData& data_;
  Communicator& ranks_;
  std::unique_ptr<Kernels<float>> kernels_;
  UNet<float> network_;
  // Made when they are first timed: a part's buffers are in the way of the others' peak memory.
  std::optional<InnerLoop<float>> inner_loop_;
  std::optional<MetaGradient<float>> meta_gradient_;
  std::optional<HessianVector<float>> hessian_vector_;
  std::optional<Reduction> reduction_;
  MetaReport first_order_, second_order_;
};

TimedPart summarize(const std::string& name, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  return {name, median, (seconds.back() - seconds.front()) / median};
}

// Seconds of the gradient part, 0 where it was not timed.
double gradient_seconds(const TimedKernels& set) {
  for (const TimedPart& part : set.parts) {
    if (part.name == "gradient") return part.seconds;
  }
  return 0;
}

}  // namespace

Result<TrainingBenchReport> run_training_bench(const TrainingBenchSettings& settings, Communicator& ranks) {
  TrainingBenchReport report;
  report.settings = settings;
  report.ranks = ranks.size();
  BenchData data(settings);
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const std::string& name : settings.kernels) {
    Result<std::unique_ptr<Kernels<float>>> kernels = make_training_kernels(name, settings.threads);
    if (!kernels.ok()) return kernels.status();
    subjects.push_back(std::make_unique<Subject>(settings, data, std::move(*kernels), ranks));
    report.sets.push_back({name, {}});
  }

  const double forward = count_flops(settings.network, settings.height, settings.width).forward;
  for (const std::string& part : settings.parts) {
    report.fma_peak_gflops = std::max(report.fma_peak_gflops, measure_fma_peak(best_table()));
    // Warms caches and makes what is made at first use.
    for (const std::unique_ptr<Subject>& subject : subjects) subject->run(part);
    std::vector<std::vector<double>> seconds(subjects.size());
    for (int i = 0; i < settings.repetitions; ++i) {
      for (std::size_t k = 0; k < subjects.size(); ++k) {
        seconds[k].push_back(time([&] { subjects[k]->run(part); }));
      }
    }
    for (std::size_t k = 0; k < subjects.size(); ++k) {
      TimedKernels& set = report.sets[k];
      const double forwards = subjects[k]->forwards(part);
      set.parts.push_back(summarize(part, seconds[k]));
      set.parts.back().flops = forwards * forward;
      set.parts.back().gradients = forwards / subjects[k]->forwards("gradient");
      set.products = subjects[k]->meta_report().products;
      set.products_kept = subjects[k]->meta_report().products_kept;
    }
  }
  report.peak_rss_mib = peak_rss_mib();
  return report;
}

std::string TrainingBenchReport::to_json() const {
  std::string lines;
  for (const TimedKernels& set : sets) {
    nlohmann::ordered_json line;
    line["kernels"] = set.kernels;
    line["isa"] = best_table().isa;
    line["preset"] = settings.preset;
    line["height"] = settings.height;
    line["width"] = settings.width;
    line["support"] = settings.support;
    line["query"] = settings.query;
    line["inner_steps"] = settings.inner_steps;
    line["samples"] = settings.samples;
    line["flipout"] = settings.flipout;
    line["threads"] = settings.threads;
    line["ranks"] = ranks;
    line["fma_peak_gflops"] = fma_peak_gflops;
    const double own = gradient_seconds(set);
    for (const TimedPart& part : set.parts) {
      const double rate = part.flops / part.seconds * 1e-9;
      line[part.name] = {{"seconds", part.seconds},
                         {"spread", part.spread},
                         {"gflop", part.flops * 1e-9},
                         {"gflops", rate},
                         {"share_of_peak", rate / (fma_peak_gflops * settings.threads)},
                         {"gradients_by_count", part.gradients}};
      if (own > 0) line[part.name]["gradients_by_time"] = part.seconds / own;
    }
    line["products"] = set.products;
    line["products_kept"] = set.products_kept;
    line["peak_rss_mib"] = peak_rss_mib;
    lines += (lines.empty() ? "" : "\n") + line.dump();
  }
  return lines;
}

std::string TrainingBenchReport::to_text() const {
  char row[400];
  std::snprintf(row, sizeof row,
                "%s %dx%d, %d support and %d query pairs, %d inner steps, %d samples%s, %s, %d threads, %d ranks\n"
                "FMA peak of one core %.1f GFLOP/s; a part in gradients of the support set, by time and by count\n"
                "%-10s %-14s %10s %8s %10s %9s %8s %9s\n",
                settings.preset.c_str(), settings.height, settings.width, settings.support, settings.query,
                settings.inner_steps, settings.samples, settings.flipout ? " with Flipout" : "", best_table().isa,
                settings.threads, ranks, fma_peak_gflops, "kernels", "part", "ms", "spread", "GFLOP/s", "of peak",
                "by time", "by count");
  std::string text = row;
  for (const std::string& name : settings.parts) {
    for (const TimedKernels& set : sets) {
      const double own = gradient_seconds(set);
      for (const TimedPart& part : set.parts) {
        if (part.name != name) continue;
        const double rate = part.flops / part.seconds * 1e-9;
        std::snprintf(row, sizeof row, "%-10s %-14s %10.2f %7.0f%% %10.1f %8.0f%% ", set.kernels.c_str(), name.c_str(),
                      part.seconds * 1e3, part.spread * 100, rate, 100 * rate / (fma_peak_gflops * settings.threads));
        text += row;
        std::snprintf(row, sizeof row, "%8.2f ", part.seconds / own);
        text += own > 0 ? row : "       – ";
        std::snprintf(row, sizeof row, "%9.2f\n", part.gradients);
        text += row;
      }
    }
  }
  std::snprintf(row, sizeof row, "peak RSS %.0f MiB\n", peak_rss_mib);
  return text + row;
}

}  // namespace altocast
