#include "runtime/station/station_bench.h"

#include <algorithm>
#include <chrono>

#include "runtime/flop_count.h"
#include "runtime/frames/synthetic.h"
#include "runtime/inner_loop.h"
#include "runtime/products/products.h"
#include "runtime/sample_set.h"
#include "runtime/station/ensemble.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

// Median and 95th percentile of repeated calls, after one that warms up.
template <class Body>
BenchFigure measure(const std::string& name, double flops, const BenchSettings& settings, const Body& body) {
  using Clock = std::chrono::steady_clock;
  const auto now = [] { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); };
  std::vector<double> times;
  const double begin = now();
  body();
  do {
    const double start = now();
    body();
    times.push_back(now() - start);
  } while (static_cast<int>(times.size()) < settings.repeats && now() - begin < settings.seconds);
  std::sort(times.begin(), times.end());
  BenchFigure figure;
  figure.name = name;
  figure.runs = static_cast<int>(times.size());
  figure.median = times[(times.size() - 1) / 2];
  figure.p95 = times[(times.size() * 95 + 99) / 100 - 1];
  figure.flops = flops;
  return figure;
}

}  // namespace

BenchReport bench_station(const Prior& prior, const BenchSettings& settings, Kernels<float>& kernels) {
  const FlushSubnormals flush;
  const NetworkSpec& spec = prior.network;
  const int pairs = std::max(1, prior.support_pairs);
  const std::size_t pixels = static_cast<std::size_t>(settings.height) * static_cast<std::size_t>(settings.width);
  SyntheticSettings clouds;
  clouds.height = settings.height;
  clouds.width = settings.width;
  clouds.frames = pairs - 1 + spec.input_frames + spec.leads;
  std::vector<float> frames;
  for (int i = 0; i < clouds.frames; ++i) {
    for (const std::uint8_t pixel : synthetic_frame(clouds, i)) {
      frames.push_back((static_cast<float>(pixel) - prior.normalisation.offset) / prior.normalisation.scale);
    }
  }
  SampleSet pair_set(spec, settings.height, settings.width, static_cast<std::size_t>(pairs));
  for (std::size_t i = 0; i < static_cast<std::size_t>(pairs); ++i) {
    const float* first = frames.data() + i * pixels;
    pair_set.add(first, first + static_cast<std::size_t>(spec.input_frames) * pixels, kernels.threads());
  }
  const std::span<const Sample<float>> support = pair_set.samples();
  Gaussian<float> theta;
  theta.mu = prior.mu;
  theta.rho = prior.rho;
  const FlopCount flops = count_flops(spec, settings.height, settings.width);
  BenchReport report;

  {
    UNet<float> network(spec, kernels, settings.height, settings.width, Purpose::gradient);
    std::vector<float> out(network.terms());
    std::vector<float> grad_phi(theta.size());
    std::vector<double> grad_log_noise(static_cast<std::size_t>(spec.leads));
    report.figures.push_back(measure("pack_weights", 0, settings, [&] { network.set_weights(theta.mu.data()); }));
    report.figures.push_back(
        measure("forward", flops.forward, settings, [&] { network.forward(support[0], out.data()); }));
    report.figures.push_back(measure("gradient", flops.gradient, settings, [&] {
      network.backward(support[0], prior.log_noise.data(), grad_phi.data(), grad_log_noise.data());
    }));
    InnerLoopSettings inner = prior.inner;
    inner.steps = 1;
    InnerLoop<float> loop(network, inner, inner_rates(prior));
    CounterNoise<float> noise(1, inner.antithetic);
    report.figures.push_back(measure("adaptation_step", flops.gradient * pairs * inner.samples, settings, [&] {
      Gaussian<float> lambda = theta;
      loop.adapt(theta, prior.log_noise, support, noise, lambda, nullptr);
    }));
  }

  EnsembleForecaster forecaster(prior, kernels, settings.height, settings.width);
  std::vector<float> values(forecaster.member_size() * static_cast<std::size_t>(settings.members));
  const EnsembleUnits units = ensemble_units({}, prior.normalisation, 255.0);
  report.figures.push_back(measure("forecast", flops.forward * settings.members, settings,
                                   [&] { forecaster.forecast(theta, support.back(), units, 1, values); }));
  ForecastProduct product;
  product.members = settings.members;
  product.leads = spec.leads;
  product.height = settings.height;
  product.width = settings.width;
  product.values = values;
  report.hash = forecast_hash(product);
  return report;
}

}  // namespace altocast
