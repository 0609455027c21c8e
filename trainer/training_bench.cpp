#include "trainer/training_bench.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>

#include "runtime/flop_count.h"
#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/peak.h"
#include "runtime/random.h"
#include "trainer/kernel_choice.h"
#include "trainer/meta_gradient.h"

namespace altocast {
namespace {

double peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

TimedPart time_part(const std::string& name, int repetitions, double flops, const std::function<void()>& body) {
  using Clock = std::chrono::steady_clock;
  body();  // warms caches and makes what is made at first use
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i) {
    const Clock::time_point start = Clock::now();
    body();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  return {name, median, (seconds.back() - seconds.front()) / median, flops};
}

}  // namespace

Result<TrainingBenchReport> run_training_bench(const TrainingBenchSettings& settings) {
  const NetworkSpec& spec = settings.network;
  Result<std::unique_ptr<Kernels<float>>> kernels = make_training_kernels(settings.kernels, settings.threads);
  if (!kernels.ok()) return kernels.status();
  const std::size_t size = parameter_count(spec);
  const std::size_t pixels = static_cast<std::size_t>(settings.height) * static_cast<std::size_t>(settings.width);
  const std::size_t inputs = static_cast<std::size_t>(spec.input_frames) * pixels;
  const std::size_t targets = static_cast<std::size_t>(spec.leads) * pixels;
  const auto pairs = static_cast<std::size_t>(settings.support + settings.query);

  std::vector<float> data(pairs * (inputs + targets));
  fill_normal(1, 0, 0, std::span<float>(data));
  Task<float> task;
  for (std::size_t i = 0; i < pairs; ++i) {
    const float* frames = data.data() + i * (inputs + targets);
    auto& samples = i < static_cast<std::size_t>(settings.support) ? task.support : task.query;
    samples.push_back(make_sample(spec, frames, frames + inputs, settings.height, settings.width));
  }
  Gaussian<float> theta(size), grad_theta(size);
  fill_normal(1, 1, 0, std::span<float>(theta.mu));
  for (float& mu : theta.mu) mu *= 0.05f;
  std::fill(theta.rho.begin(), theta.rho.end(), -5.0f);
  const std::vector<float> log_noise(static_cast<std::size_t>(spec.leads));
  std::vector<double> grad_log_noise(log_noise.size()), hessian_log_noise(log_noise.size());
  std::vector<float> out(targets), grad(size), hvp(size);

  UNet<float> network(spec, **kernels, settings.height, settings.width, Purpose::second_order);
  InnerLoopSettings inner;
  inner.steps = settings.inner_steps;
  inner.samples = settings.samples;
  const std::size_t tensors = parameter_layout(spec).size();
  InnerLoop<float> inner_loop(network, inner, {std::vector<float>(tensors, 1e-4f), std::vector<float>(tensors, 1e-4f)});
  OuterSettings outer;
  outer.samples = settings.samples;
  MetaGradient<float> meta_gradient(inner_loop, outer, mebibytes(settings.keep_mib));
  HessianVector<float> hessian_vector(network);
  network.set_weights(theta.mu.data());
  hessian_vector.set_direction(theta.mu.data());

  // Forward passes by count: a gradient is 3.
  const double forward = count_flops(spec, settings.height, settings.width).forward;
  const double per_step = forward * settings.support * settings.samples;
  const double outer_flops = 3 * forward * settings.query * settings.samples;
  const double first_order = 3 * per_step * settings.inner_steps + outer_flops;

  TrainingBenchReport report;
  report.settings = settings;
  const auto time = [&](const char* name, double flops, const std::function<void()>& body) {
    report.fma_peak_gflops = std::max(report.fma_peak_gflops, measure_fma_peak(best_table()));
    report.parts.push_back(time_part(name, settings.repetitions, flops, body));
  };
  const auto meta = [&](MetaOrder order) {
    CounterNoise<float> inner_noise(1, false), outer_noise(2, false);
    return meta_gradient.accumulate(theta, log_noise, task, inner_noise, outer_noise, order, grad_theta,
                                    grad_log_noise);
  };
  time("forward", forward, [&] {
    network.set_weights(theta.mu.data());
    network.forward(task.support[0], out.data());
  });
  time("gradient", 3 * forward * settings.support, [&] {
    nll_gradient(network, std::span<const float>(theta.mu), std::span<const float>(log_noise),
                 std::span<const Sample<float>>(task.support), std::span(grad), std::span(grad_log_noise));
  });
  time("hvp", HessianVector<float>::kForwardsAnew * forward * settings.support, [&] {
    for (const Sample<float>& sample : task.support) {
      hessian_vector.accumulate(sample, log_noise.data(), nullptr, hvp.data(), hessian_log_noise.data());
    }
  });
  const MetaReport products = meta(MetaOrder::second);
  report.products = products.products;
  report.products_kept = products.products_kept;
  const double second_order =
      forward * (HessianVector<float>::kForwardsKept * products.products_kept +
                 HessianVector<float>::kForwardsAnew * (products.products - products.products_kept));
  time("meta_gradient", first_order + second_order, [&] { meta(MetaOrder::second); });
  time("first_order", first_order, [&] { meta(MetaOrder::first); });
  report.peak_rss_mib = peak_rss_mib();
  return report;
}

std::string TrainingBenchReport::to_json() const {
  nlohmann::ordered_json line;
  line["kernels"] = settings.kernels;
  line["isa"] = best_table().isa;
  line["preset"] = settings.preset;
  line["height"] = settings.height;
  line["width"] = settings.width;
  line["support"] = settings.support;
  line["query"] = settings.query;
  line["inner_steps"] = settings.inner_steps;
  line["samples"] = settings.samples;
  line["threads"] = settings.threads;
  line["fma_peak_gflops"] = fma_peak_gflops;
  for (const TimedPart& part : parts) {
    const double rate = part.flops / part.seconds * 1e-9;
    line[part.name] = {{"seconds", part.seconds},
                       {"spread", part.spread},
                       {"gflop", part.flops * 1e-9},
                       {"gflops", rate},
                       {"share_of_peak", rate / (fma_peak_gflops * settings.threads)}};
  }
  line["products"] = products;
  line["products_kept"] = products_kept;
  line["peak_rss_mib"] = peak_rss_mib;
  return line.dump();
}

std::string TrainingBenchReport::to_text() const {
  char row[160];
  std::snprintf(row, sizeof row,
                "%s %dx%d, %d support and %d query pairs, %d inner steps, %d samples, %s (%s), %d threads\n",
                settings.preset.c_str(), settings.height, settings.width, settings.support, settings.query,
                settings.inner_steps, settings.samples, settings.kernels.c_str(), best_table().isa, settings.threads);
  std::string text = row;
  std::snprintf(row, sizeof row, "FMA peak of one core %.1f GFLOP/s\n%-14s %10s %8s %10s %9s\n", fma_peak_gflops, "",
                "ms", "spread", "GFLOP/s", "of peak");
  text += row;
  for (const TimedPart& part : parts) {
    const double rate = part.flops / part.seconds * 1e-9;
    std::snprintf(row, sizeof row, "%-14s %10.2f %7.0f%% %10.1f %8.0f%%\n", part.name.c_str(), part.seconds * 1e3,
                  part.spread * 100, rate, 100 * rate / (fma_peak_gflops * settings.threads));
    text += row;
  }
  std::snprintf(row, sizeof row, "peak RSS %.0f MiB\n", peak_rss_mib);
  return text + row;
}

}  // namespace altocast
