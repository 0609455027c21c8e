#include "trainer/reference_check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "formats/durable_file.h"
#include "formats/npy.h"
#include "trainer/folder_name.h"
#include "trainer/meta_gradient.h"

namespace altocast {
namespace {

using nlohmann::json;
constexpr std::uint64_t kMaxSpecBytes = 16u << 20;

struct ReferenceCase {
  NetworkSpec network;
  InnerLoopSettings inner;
  OuterSettings outer;
  double rate_mu = 0, rate_rho = 0;
  int height = 0, width = 0;
  std::map<std::string, NpyArray> arrays;

  const std::vector<double>& values(const std::string& name) const { return arrays.at(name).values; }
};

// The arrays that every case holds and the number of values each must have.
std::vector<std::pair<std::string, std::size_t>> expected_sizes(const ReferenceCase& c, std::size_t parameters) {
  const auto leads = static_cast<std::size_t>(c.network.leads);
  const auto steps = static_cast<std::size_t>(c.inner.steps);
  const auto samples = static_cast<std::size_t>(c.inner.samples);
  return {{"mu", parameters},
          {"rho", parameters},
          {"log_noise", leads},
          {"v", parameters},
          {"eps", steps * samples * parameters},
          {"eps_q", static_cast<std::size_t>(c.outer.samples) * parameters},
          {"out_nll", 1},
          {"out_grad", parameters},
          {"out_hvp", parameters},
          {"out_inner_objective", steps},
          {"out_lambda_mu", parameters},
          {"out_lambda_rho", parameters},
          {"out_outer", 1},
          {"out_meta_mu", parameters},
          {"out_meta_rho", parameters},
          {"out_meta_log_noise", leads},
          {"out_first_order_mu", parameters},
          {"out_first_order_rho", parameters},
          {"out_first_order_log_noise", leads}};
}

Status read_spec(const json& spec, ReferenceCase& c) {
  const json& network = spec.at("network");
  c.network.input_frames = network.at("input_frames");
  c.network.leads = network.at("leads");
  c.network.base_channels = network.at("base_channels");
  c.network.depth = network.at("depth");
  c.network.norm_groups = network.at("norm_groups");
  c.network.residual = network.at("residual").get<bool>() ? ResidualBase::last_frame : ResidualBase::none;
  const Result<ActivationKind> activation = activation_from_string(network.at("activation").get<std::string>());
  if (!activation.ok()) return activation.status();
  c.network.activation = *activation;
  const json& loop = spec.at("loop");
  c.inner.steps = loop.at("inner_steps");
  c.inner.samples = loop.at("inner_samples");
  c.inner.kl_weight = loop.at("inner_kl_weight");
  c.outer.samples = loop.at("outer_samples");
  c.outer.kl_weight = loop.at("outer_kl_weight");
  c.rate_mu = loop.at("inner_lr_mu");
  c.rate_rho = loop.at("inner_lr_rho");
  return validate(c.network);
}

Result<ReferenceCase> load_case(const std::string& folder) {
  ReferenceCase c;
  const Result<std::vector<std::uint8_t>> text = read_file(folder + "/spec.json", kMaxSpecBytes);
  if (!text.ok()) return text.status();
  try {
    ALTOCAST_RETURN_IF_ERROR(read_spec(json::parse(text->begin(), text->end()), c).within(folder + "/spec.json"));
  } catch (const json::exception& error) {
    return Status::error(folder + "/spec.json: " + error.what());
  }
  const auto load = [&](const std::string& name) -> Status {
    Result<NpyArray> array = load_npy(folder + "/" + name + ".npy");
    if (!array.ok()) return array.status();
    c.arrays[name] = std::move(*array);
    return {};
  };
  for (const auto& [name, size] : expected_sizes(c, parameter_count(c.network))) {
    ALTOCAST_RETURN_IF_ERROR(load(name));
    if (c.values(name).size() != size) {
      return Status::error(folder + "/" + name + ".npy: holds " + std::to_string(c.values(name).size()) +
                           " values where spec.json asks for " + std::to_string(size));
    }
  }
  for (const std::string name : {"xs", "ys", "xq", "yq", "out_forward"}) {
    ALTOCAST_RETURN_IF_ERROR(load(name));
    const std::vector<std::size_t>& shape = c.arrays[name].shape;
    const std::size_t channels = static_cast<std::size_t>(name[0] == 'x' ? c.network.input_frames : c.network.leads);
    const std::vector<std::size_t>& first = c.arrays["xs"].shape;
    if (shape.size() != 4 || shape[1] != channels || shape[2] != first[2] || shape[3] != first[3]) {
      return Status::error(folder + "/" + name + ".npy: its shape does not fit spec.json's network and xs.npy");
    }
  }
  const auto pairs = [&](const std::string& name) { return c.arrays[name].shape[0]; };
  if (pairs("ys") != pairs("xs") || pairs("out_forward") != pairs("xs") || pairs("yq") != pairs("xq")) {
    return Status::error(folder + ": inputs, targets and out_forward.npy differ in their number of pairs");
  }
  if (c.values("xs").empty() || c.values("xq").empty() || c.inner.samples < 1 || c.outer.samples < 1) {
    return Status::error(folder + ": a case needs support and query pairs and at least one weight sample");
  }
  c.height = static_cast<int>(c.arrays["xs"].shape[2]);
  c.width = static_cast<int>(c.arrays["xs"].shape[3]);
  return c;
}

template <class T>
std::vector<T> convert(const std::vector<double>& values) {
  return std::vector<T>(values.begin(), values.end());
}

// The noise stored with the case, [steps][samples][size].
template <class T>
class StoredNoise final : public NoiseSource<T> {
 public:
  StoredNoise(const std::vector<double>& values, int samples, std::size_t size)
      : values_(values), samples_(samples), size_(size) {}
  void draw(int step, int sample, std::size_t first, std::span<T> epsilon) override {
    const double* from = &values_[static_cast<std::size_t>(step * samples_ + sample) * size_ + first];
    std::transform(from, from + epsilon.size(), epsilon.begin(), [](double value) { return static_cast<T>(value); });
  }

 private:
  const std::vector<double>& values_;
  int samples_;
  std::size_t size_;
};

template <class T>
std::vector<Sample<T>> make_samples(const ReferenceCase& c, const std::vector<T>& frames,
                                    const std::vector<T>& targets) {
  const auto pixels = static_cast<std::size_t>(c.height) * static_cast<std::size_t>(c.width);
  const std::size_t frame_stride = static_cast<std::size_t>(c.network.input_frames) * pixels;
  const std::size_t target_stride = static_cast<std::size_t>(c.network.leads) * pixels;
  std::vector<Sample<T>> samples;
  for (std::size_t i = 0; i < frames.size() / frame_stride; ++i) {
    samples.push_back(make_sample(c.network, frames.data() + i * frame_stride, nullptr,
                                  targets.data() + i * target_stride, c.height, c.width));
  }
  return samples;
}

template <class T>
double relative_error(const std::vector<T>& values, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = static_cast<double>(values[i]) - expected[i];
    difference += d * d;
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

}  // namespace

double ReferenceReport::largest_error() const {
  double largest = 0;
  for (const auto& [name, error] : errors) largest = std::isnan(error) ? error : std::max(largest, error);
  return largest;
}

std::string ReferenceReport::to_json() const {
  nlohmann::ordered_json line;
  line["case"] = case_name;
  for (const auto& [name, error] : errors) line[name] = error;
  return line.dump();
}

template <class T>
Result<ReferenceReport> check_reference(const std::string& folder, Kernels<T>& kernels) {
  Result<ReferenceCase> loaded = load_case(folder);
  if (!loaded.ok()) return loaded.status();
  const ReferenceCase& c = *loaded;
  const std::size_t size = parameter_count(c.network);
  const auto leads = static_cast<std::size_t>(c.network.leads);

  ReferenceReport report;
  report.case_name = folder_name(folder);
  const auto add = [&](const std::string& name, const auto& values) {
    report.errors.emplace_back(name, relative_error(values, c.values("out_" + name)));
  };

  const std::vector<T> xs = convert<T>(c.values("xs")), ys = convert<T>(c.values("ys"));
  const std::vector<T> xq = convert<T>(c.values("xq")), yq = convert<T>(c.values("yq"));
  const std::vector<T> log_noise = convert<T>(c.values("log_noise"));
  Gaussian<T> theta;
  theta.mu = convert<T>(c.values("mu"));
  theta.rho = convert<T>(c.values("rho"));
  Task<T> task{make_samples(c, xs, ys), make_samples(c, xq, yq)};

  UNet<T> network(c.network, kernels, c.height, c.width, Purpose::second_order);
  HessianVector<T> hessian_vector(network);
  const std::vector<T> v = convert<T>(c.values("v"));
  std::vector<T> out(c.values("out_forward").size()), grad(size), hvp(size);
  std::vector<double> grad_log_noise(leads), hessian_log_noise(leads);
  network.set_weights(theta.mu.data());
  hessian_vector.set_direction(v.data());
  double nll = 0;
  for (std::size_t i = 0; i < task.support.size(); ++i) {
    network.forward(task.support[i], out.data() + i * network.terms());
    nll += network.backward(task.support[i], log_noise.data(), grad.data(), grad_log_noise.data());
    hessian_vector.accumulate(task.support[i], log_noise.data(), nullptr, hvp.data(), hessian_log_noise.data());
  }
  add("forward", out);
  add("nll", std::vector<double>{nll});
  add("grad", grad);
  add("hvp", hvp);

  const std::size_t tensors = parameter_layout(c.network).size();
  InnerLoop<T> inner_loop(
      network, c.inner,
      {std::vector<T>(tensors, static_cast<T>(c.rate_mu)), std::vector<T>(tensors, static_cast<T>(c.rate_rho))});
  MetaGradient<T> meta(inner_loop, c.outer, 0);
  StoredNoise<T> inner_noise(c.values("eps"), c.inner.samples, size);
  StoredNoise<T> outer_noise(c.values("eps_q"), c.outer.samples, size);
  for (const MetaOrder order : {MetaOrder::second, MetaOrder::first}) {
    Gaussian<T> grad_theta(size), adapted(size);
    std::vector<double> grad_s(leads);
    const MetaReport meta_report =
        meta.accumulate(theta, log_noise, task, inner_noise, outer_noise, order, grad_theta, grad_s, nullptr, &adapted);
    if (order == MetaOrder::second) {
      std::vector<double> objectives;
      for (const InnerStepReport& step : meta_report.steps) objectives.push_back(step.objective);
      add("inner_objective", objectives);
      add("lambda_mu", adapted.mu);
      add("lambda_rho", adapted.rho);
      add("outer", std::vector<double>{meta_report.outer_loss});
    }
    const std::string prefix = order == MetaOrder::second ? "meta_" : "first_order_";
    add(prefix + "mu", grad_theta.mu);
    add(prefix + "rho", grad_theta.rho);
    add(prefix + "log_noise", grad_s);
  }
  return report;
}

template Result<ReferenceReport> check_reference(const std::string&, Kernels<float>&);
template Result<ReferenceReport> check_reference(const std::string&, Kernels<double>&);

}  // namespace altocast
