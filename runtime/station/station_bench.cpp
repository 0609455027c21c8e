#include "runtime/station/station_bench.h"

#include <algorithm>
#include <chrono>

#include "runtime/flop_count.h"
#include "runtime/forecast_network.h"
#include "runtime/frames/synthetic.h"
#include "runtime/inner_loop.h"
#include "runtime/products/products.h"
#include "runtime/sample_set.h"
#include "runtime/station/ensemble.h"
#include "runtime/station/host.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

BenchFigure statistics(const std::string& name, double flops, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto quantile = [&](std::size_t percent) { return times[((times.size() - 1) * percent + 50) / 100]; };
  BenchFigure figure;
  figure.name = name;
  figure.runs = static_cast<int>(times.size());
  figure.fastest = times.front();
  figure.median = quantile(50);
  figure.p95 = quantile(95);
  figure.spread = quantile(75) - quantile(25);
  figure.flops = flops;
  return figure;
}

// Calls body() once to warm up, and then until it was repeated or lasted enough; body returns nothing.
template <class Body>
std::vector<double> repeat(const BenchSettings& settings, const Body& body) {
  std::vector<double> times;
  const double begin = now();
  body();
  do {
    const double start = now();
    body();
    times.push_back(now() - start);
  } while (static_cast<int>(times.size()) < settings.repeats && now() - begin < settings.seconds);
  return times;
}

class Bench {
 public:
  Bench(const Prior& prior, const BenchSettings& settings, Kernels<float>& kernels)
      : prior_(prior),
        spec_(prior.network),
        settings_(settings),
        kernels_(kernels),
        flops_(count_flops(spec_, settings.height, settings.width)) {}

  BenchReport run() {
    if (wants("load")) load();
    if (wants("pack_weights") || wants("forward") || wants("layers")) forward();
    if (wants("gradient") || wants("adaptation_step")) adaptation();
    if (wants("forecast")) forecast();
    return std::move(report_);
  }

 private:
  bool wants(const char* part) const {
    return settings_.parts.empty() ||
           std::find(settings_.parts.begin(), settings_.parts.end(), part) != settings_.parts.end();
  }

  Gaussian<float> weights() const {
    Gaussian<float> theta;
    theta.mu = prior_.mu;
    theta.rho = prior_.rho;
    return theta;
  }

  // Made anew for each part, so that none pays for another's memory.
  struct Pairs {
    std::vector<float> frames;
    SampleSet set;
    std::span<const Sample<float>> samples() const { return set.samples(); }
  };

  // Pairs first … first + count − 1 of the made-up frames; with targets, if `leads` is theirs, or without, if it is 0.
  Pairs make_pairs(std::size_t first, std::size_t count, int leads) const {
    const std::size_t pixels = static_cast<std::size_t>(settings_.height) * static_cast<std::size_t>(settings_.width);
    const auto inputs = static_cast<std::size_t>(spec_.input_frames);
    const std::size_t frames = count - 1 + inputs + static_cast<std::size_t>(leads);
    SyntheticSettings clouds;
    clouds.height = settings_.height;
    clouds.width = settings_.width;
    Pairs pairs{{}, SampleSet(spec_, settings_.height, settings_.width, count)};
    pairs.frames.reserve(frames * pixels);
    for (std::size_t i = first; i < first + frames; ++i) {
      for (const std::uint8_t pixel : synthetic_frame(clouds, static_cast<int>(i))) {
        pairs.frames.push_back((static_cast<float>(pixel) - prior_.normalisation.offset) / prior_.normalisation.scale);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      const float* oldest = pairs.frames.data() + i * pixels;
      pairs.set.add(oldest, leads > 0 ? oldest + inputs * pixels : nullptr, kernels_.threads());
    }
    return pairs;
  }
  std::size_t support_pairs() const { return static_cast<std::size_t>(std::max(1, prior_.support_pairs)); }

  template <class Body>
  void measure(const char* part, double flops, std::size_t activation_bytes, const Body& body) {
    if (!wants(part)) return;
    BenchFigure& figure = report_.figures.emplace_back(statistics(part, flops, repeat(settings_, body)));
    figure.activation_bytes = activation_bytes;
    figure.peak_rss_bytes = peak_rss_bytes();
  }

  void load() {
    reset_peak_rss();
    const std::vector<std::uint8_t> file = serialize_prior(prior_);
    measure("load", 0, 0, [&] { static_cast<void>(parse_prior(file)); });
  }

  void forward() {
    reset_peak_rss();
    const Pairs pairs = make_pairs(0, 1, 0);
    const Sample<float>& sample = pairs.samples()[0];
    ForecastNetwork network(spec_, kernels_, settings_.height, settings_.width, settings_.thrift.band);
    std::vector<float> out(network.terms());
    network.set_weights(prior_.mu.data());
    measure("pack_weights", 0, 0, [&] { network.set_weights(prior_.mu.data()); });
    measure("forward", flops_.forward, network.activation_bytes(), [&] { network.forward(sample, out.data()); });
    if (wants("layers")) layers(sample, out);
  }

  void layers(const Sample<float>& sample, std::vector<float>& out) {
    UNet<float> network(spec_, kernels_, settings_.height, settings_.width, Purpose::forecast);
    network.set_weights(prior_.mu.data());
    const UNetGraph& graph = network.graph();
    const std::size_t steps = graph.steps.size();
    std::vector<double> seconds(steps);
    std::vector<std::vector<double>> times(steps);
    repeat(settings_, [&] {
      network.forward(sample, out.data(), seconds.data());
      for (std::size_t s = 0; s < steps; ++s) times[s].push_back(seconds[s]);
    });
    const int multiple = 1 << spec_.depth;
    const int height = (settings_.height + multiple - 1) / multiple * multiple;
    const int width = (settings_.width + multiple - 1) / multiple * multiple;
    for (std::size_t s = 0; s < steps; ++s) {
      const Step& step = graph.steps[s];
      times[s].erase(times[s].begin());  // it warmed up
      report_.layers.push_back(statistics(layer_name(graph, step, height, width),
                                          count_step_flops(graph, step, height, width), std::move(times[s])));
    }
  }

  static std::string layer_name(const UNetGraph& graph, const Step& step, int height, int width) {
    const Node& dst = graph.nodes[static_cast<std::size_t>(step.dst)];
    const std::string size = std::to_string(height >> dst.level) + "x" + std::to_string(width >> dst.level);
    if (step.kind == StepKind::average_pool) return "pool " + std::to_string(dst.channels) + " " + size;
    if (step.kind == StepKind::upsample) return "upsample " + std::to_string(dst.channels) + " " + size;
    const WeightSlice& slice = graph.blocks[static_cast<std::size_t>(step.block)].slices[0];
    return "conv" + std::to_string(slice.kernel) + " " + std::to_string(slice.in_total) + ">" +
           std::to_string(slice.out) + " " + size;
  }

  void adaptation() {
    reset_peak_rss();
    const Pairs pairs = make_pairs(0, support_pairs(), spec_.leads);
    UNet<float> network(spec_, kernels_, settings_.height, settings_.width, Purpose::gradient);
    const Gaussian<float> theta = weights();
    std::vector<float> grad_phi(theta.size());
    std::vector<double> grad_log_noise(static_cast<std::size_t>(spec_.leads));
    network.set_weights(theta.mu.data());
    measure("gradient", flops_.gradient, network.activation_bytes(), [&] {
      network.backward(pairs.samples()[0], prior_.log_noise.data(), grad_phi.data(), grad_log_noise.data());
    });
    InnerLoopSettings inner = prior_.inner;
    inner.steps = 1;
    InnerLoop<float> loop(network, inner, inner_rates(prior_));
    CounterNoise<float> noise(1, inner.antithetic);
    measure("adaptation_step", flops_.gradient * static_cast<double>(pairs.samples().size()) * inner.samples,
            network.activation_bytes(), [&] {
              Gaussian<float> lambda = theta;
              loop.adapt(theta, prior_.log_noise, pairs.samples(), noise, lambda, nullptr);
            });
  }

  void forecast() {
    reset_peak_rss();
    const AdaptedWeights weights = prior_weights(prior_);
    const Pairs pairs = make_pairs(support_pairs() - 1, 1, 0);
    EnsembleForecaster forecaster(prior_, kernels_, settings_.height, settings_.width, settings_.thrift);
    std::vector<float> values(forecaster.member_size() * static_cast<std::size_t>(settings_.members));
    const EnsembleUnits units = ensemble_units({}, prior_.normalisation, 255.0);
    measure("forecast", flops_.forward * settings_.members, forecaster.activation_bytes(),
            [&] { forecaster.forecast(weights, pairs.samples()[0], units, 1, values); });
    ForecastProduct product;
    product.members = settings_.members;
    product.leads = spec_.leads;
    product.height = settings_.height;
    product.width = settings_.width;
    product.values = values;
    report_.hash = forecast_hash(product);
  }

  const Prior& prior_;
  const NetworkSpec& spec_;
  const BenchSettings& settings_;
  Kernels<float>& kernels_;
  FlopCount flops_;
  BenchReport report_;
};

}  // namespace

BenchReport bench_station(const Prior& prior, const BenchSettings& settings, Kernels<float>& kernels) {
  const FlushSubnormals flush;
  return Bench(prior, settings, kernels).run();
}

}  // namespace altocast
