// altocast info: what a prior, posterior or checkpoint holds. Reading verifies all of it: structure,
// checksums, ranges.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "apps/altocast/arguments.h"
#include "formats/checkpoint.h"
#include "formats/container.h"
#include "formats/durable_file.h"
#include "formats/posterior.h"
#include "formats/prior.h"
#include "runtime/json_object.h"
#include "runtime/kernels/native/kernel_table.h"
#include "runtime/memory_plan.h"
#include "runtime/station/forecast_memory.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 36;

// The same facts as JSON and as lines for people.
struct Description {
  JsonObject json;
  std::string lines;

  void line(const std::string& label, const std::string& text) {
    lines += label + std::string(label.size() < 15 ? 15 - label.size() : 1, ' ') + text + '\n';
  }
};

std::string digits(float value) { return plain_number(static_cast<double>(value), 4); }

std::string a_lead_each(std::span<const float> values) {
  std::string text;
  for (const float value : values) text += plain_number(static_cast<double>(value), 3) + " ";
  return text + "  a lead each";
}

std::string json_numbers(std::span<const float> values) {
  return json_array(values, [](float value) { return json_number(static_cast<double>(value)); });
}

// e to the median of `values`.
double exp_median(std::span<const float> values) {
  std::vector<float> sorted(values.begin(), values.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return std::exp(static_cast<double>(*middle));
}

double root_mean_square(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::string hex_hash(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

void describe(const NetworkSpec& spec, Description& description) {
  description.line("network",
                   std::to_string(spec.input_frames) + " frames in, " + std::to_string(spec.leads) + " leads out, " +
                       std::to_string(spec.base_channels) + " channels, depth " + std::to_string(spec.depth) + ", " +
                       std::string(to_string(spec.activation)) + ", " +
                       (spec.norm_groups > 0 ? std::to_string(spec.norm_groups) + " norm groups" : "no norm") +
                       ", added to: " + std::string(to_string(spec.residual)));
  description.line("weights", std::to_string(parameter_count(spec)));
  description.json
      .raw("network", JsonObject()
                          .integer("input_frames", spec.input_frames)
                          .integer("leads", spec.leads)
                          .integer("base_channels", spec.base_channels)
                          .integer("depth", spec.depth)
                          .text("activation", to_string(spec.activation))
                          .integer("norm_groups", spec.norm_groups)
                          .text("residual", to_string(spec.residual))
                          .str())
      .integer("weights", parameter_count(spec))
      .text("architecture", hex_hash(architecture_hash(spec)));
}

void describe(const InnerLoopSettings& inner, int support_pairs, Description& description) {
  description.line("inner loop", std::to_string(support_pairs) + " pairs, " + std::to_string(inner.steps) + " steps, " +
                                     std::to_string(inner.samples) + (inner.antithetic ? " antithetic" : "") +
                                     (inner.flipout ? " Flipout" : "") + " samples, " +
                                     std::string(to_string(inner.likelihood)) + " likelihood, KL weight " +
                                     digits(inner.kl_weight) + ", clip " + digits(inner.clip_mu) + " (mu), " +
                                     digits(inner.clip_rho) + " (rho)");
  description.json.raw("inner", JsonObject()
                                    .integer("support_pairs", support_pairs)
                                    .integer("steps", inner.steps)
                                    .integer("samples", inner.samples)
                                    .boolean("antithetic", inner.antithetic)
                                    .boolean("flipout", inner.flipout)
                                    .text("likelihood", to_string(inner.likelihood))
                                    .number("kl_weight", static_cast<double>(inner.kl_weight))
                                    .number("clip_mu", static_cast<double>(inner.clip_mu))
                                    .number("clip_rho", static_cast<double>(inner.clip_rho))
                                    .str());
}

void describe(const NoiseModel& noise, Description& description) {
  const auto numbers = [](const std::vector<float>& values, int digits) {
    std::string text;
    for (const float value : values)
      text += (text.empty() ? "" : " ") + plain_number(static_cast<double>(value), digits);
    return text;
  };
  const auto array = [](const std::vector<float>& values) {
    return json_array(values, [](float value) { return json_number(static_cast<double>(value)); });
  };
  description.line("noise fields", "correlated over " + numbers(noise.length, 2) + " pixels, with the lead before by " +
                                       numbers(noise.persistence, 2));
  description.json.raw(
      "observation_noise",
      JsonObject().raw("length", array(noise.length)).raw("persistence", array(noise.persistence)).str());
}

void describe(const Prior& prior, Description& description) {
  describe(prior.network, description);
  describe(prior.inner, prior.support_pairs, description);
  const std::string cadence = prior.cadence_seconds > 0 ? format_duration(prior.cadence_seconds) : "several";
  description.line("frames", "(number - " + digits(prior.normalisation.offset) + ") / " +
                                 digits(prior.normalisation.scale) + ", cadence " + cadence +
                                 (prior.channel.empty() ? "" : ", " + prior.channel));
  std::vector<float> noise(prior.log_noise.size());
  std::ranges::transform(prior.log_noise, noise.begin(), [](float s) { return std::exp(s); });
  description.line("noise", a_lead_each(noise) + ", normalised numbers");
  if (prior.noise) describe(*prior.noise, description);
  description.line("facts", prior.facts);
  description.lines += "\ntensor               shape             median sigma  rate mu    rate rho\n";
  std::vector<std::string> tensors;
  const std::vector<ParameterTensor> layout = parameter_layout(prior.network);
  for (std::size_t t = 0; t < layout.size(); ++t) {
    const ParameterTensor& tensor = layout[t];
    const double sigma = exp_median(std::span(prior.rho).subspan(tensor.offset, tensor.size));
    std::string shape = std::to_string(tensor.shape[0]);
    for (int axis = 1; axis < tensor.rank; ++axis) shape += "x" + std::to_string(tensor.shape[axis]);
    char row[160];
    std::snprintf(row, sizeof row, "%-20s %-17s %-13s %-10s %s\n", tensor.name.c_str(), shape.c_str(),
                  plain_number(sigma, 4).c_str(), digits(prior.rate_mu[t]).c_str(), digits(prior.rate_rho[t]).c_str());
    description.lines += row;
    JsonObject json;
    json.text("name", tensor.name)
        .text("shape", shape)
        .number("median_sigma", sigma)
        .number("rate_mu", static_cast<double>(prior.rate_mu[t]))
        .number("rate_rho", static_cast<double>(prior.rate_rho[t]));
    tensors.push_back(json.str());
  }
  description.json.number("offset", static_cast<double>(prior.normalisation.offset))
      .number("scale", static_cast<double>(prior.normalisation.scale))
      .integer("cadence_seconds", prior.cadence_seconds)
      .text("channel", prior.channel)
      .raw("noise", json_array(prior.log_noise, [](float s) { return json_number(std::exp(static_cast<double>(s))); }))
      .text("facts", prior.facts)
      .raw("tensors", json_array(tensors, [](const std::string& tensor) { return tensor; }));
}

// Where a forward pass's activations lie, step by step.
void describe_plan(const NetworkSpec& spec, int height, int width, Description& description) {
  height = padded_side(spec, height);
  width = padded_side(spec, width);
  const UNetGraph graph = unet_graph(spec);
  const MemoryPlan plan = plan_memory(graph, {native::kBlock, 1}, height, width);
  const auto kib = [](std::size_t floats) { return static_cast<double>(floats * sizeof(float)) / 1024.0; };
  char row[160];
  std::snprintf(row, sizeof row, "\nactivations of a forward pass at %dx%d: %.0f KiB, without reuse %.0f\n", height,
                width, kib(plan.size), kib(plan.unshared_size));
  description.lines += row;
  description.lines += "step            reads    writes   channels  size           KiB    at KiB   until step\n";
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < plan.buffers.size(); ++i) {
    const PlannedBuffer& buffer = plan.buffers[i];
    const Node& node = graph.nodes[i];
    std::string what = "input", reads = "-";
    if (buffer.written >= 0) {
      const Step& step = graph.steps[static_cast<std::size_t>(buffer.written)];
      what = std::to_string(buffer.written + 1) + " " +
             (step.kind == StepKind::average_pool ? "pool"
              : step.kind == StepKind::upsample   ? "upsample"
                                                  : "block");
      reads = std::to_string(step.src[0]) + (step.sources == 2 ? " " + std::to_string(step.src[1]) : "");
    }
    const std::string size = std::to_string(height >> node.level) + "x" + std::to_string(width >> node.level);
    std::snprintf(row, sizeof row, "%-15s %-8s %-8zu %-9d %-10s %8.0f  %8.0f   %d\n", what.c_str(), reads.c_str(), i,
                  node.channels, size.c_str(), kib(buffer.size), kib(buffer.offset), buffer.last_read + 1);
    description.lines += row;
    rows.push_back(JsonObject()
                       .text("step", what)
                       .integer("bytes", buffer.size * sizeof(float))
                       .integer("offset", buffer.offset * sizeof(float))
                       .integer("last_read", buffer.last_read + 1)
                       .str());
  }
  description.json.raw("plan", JsonObject()
                                   .integer("height", height)
                                   .integer("width", width)
                                   .integer("bytes", plan.size * sizeof(float))
                                   .integer("unshared_bytes", plan.unshared_size * sizeof(float))
                                   .raw("buffers", json_array(rows, [](const std::string& json) { return json; }))
                                   .str());
}

std::string describe(const std::string& title, const ForecastMemory& memory, Description& description) {
  const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1048576.0; };
  const EnsembleThrift& thrift = memory.thrift;
  char row[160];
  std::snprintf(row, sizeof row, "\n%s: %.0f MiB\n", title.c_str(), mib(memory.bytes()));
  description.lines += row;
  for (const ForecastMemory::Part& part : memory.parts) {
    const bool network = part.what == std::string_view("network"), noise = part.what == std::string_view("noise");
    std::string note;
    if (network && thrift.band > 0) note = "   in bands of " + std::to_string(thrift.band) + " rows";
    if (noise && !thrift.noise_tables) note = "   without tables";
    std::snprintf(row, sizeof row, "  %-18s %8.1f%s\n", part.what, mib(part.bytes), note.c_str());
    description.lines += row;
  }
  JsonObject parts;
  for (const ForecastMemory::Part& part : memory.parts) parts.integer(part.what, part.bytes);
  return JsonObject()
      .integer("bytes", memory.bytes())
      .integer("band", thrift.band)
      .boolean("noise_tables", thrift.noise_tables)
      .raw("parts", parts.str())
      .str();
}

// What whole runs take.
Status describe_memory(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape,
                       std::uint64_t limit, Description& description) {
  const std::string of =
      std::to_string(shape.members) + " members at " + std::to_string(shape.height) + "x" + std::to_string(shape.width);
  JsonObject json;
  json.integer("members", shape.members).integer("threads", kernels.threads().size());
  json.raw("unlimited", describe("a forecast of " + of, count_memory(prior, kernels, shape, {}), description));
  if (limit > 0) {
    const Result<ForecastMemory> fit = fit_memory(prior, kernels, shape, limit);
    if (!fit.ok()) return fit.status();
    json.raw("limited", describe("with --memory-limit " + std::to_string(limit >> 20), *fit, description));
  } else {
    json.raw("least",
             describe("the least that --memory-limit can be", least_memory(prior, kernels, shape), description));
  }
  const std::uint64_t adaptation =
      adaptation_memory(prior, kernels, {prior.network, shape.height, shape.width, std::max(1, prior.support_pairs)});
  description.lines += "\nan adaptation: " + std::to_string((adaptation + 1048575) >> 20) + " MiB\n";
  json.integer("adaptation", adaptation);
  description.json.raw("memory", json.str());
  return {};
}

void describe(const Posterior& posterior, Description& description) {
  const double change_mu = root_mean_square(posterior.delta_mu);
  const double change_rho = root_mean_square(posterior.delta_rho);
  const std::vector<std::string>& frames = posterior.frames;
  description.line("of the prior", to_hex(posterior.prior_sha256));
  description.line("created", format_time(posterior.created));
  description.line("adapted to", std::to_string(frames.size()) + " frames" +
                                     (frames.empty() ? "" : ", " + frames.front() + " to " + frames.back()) +
                                     ", seed " + std::to_string(posterior.seed));
  describe(posterior.inner, posterior.support_pairs, description);
  description.line("weights", std::to_string(posterior.delta_mu.size()));
  description.line("change",
                   plain_number(change_mu, 4) + " (mu), " + plain_number(change_rho, 4) + " (rho), root mean square");
  if (posterior.combination) {
    const auto& [network, advection, noise_scale, noise_shift, diurnal] = *posterior.combination;
    const std::vector<float> noise = mean_noise_scale(*posterior.combination);
    description.line("combination", "network " + a_lead_each(network));
    description.line("", "advection " + a_lead_each(advection) + ", smoothed advection the rest");
    description.line("noise", "times " + a_lead_each(noise));
    JsonObject json;
    json.raw("network", json_numbers(network))
        .raw("advection", json_numbers(advection))
        .raw("noise", json_numbers(noise))
        .raw("noise_scale", json_numbers(noise_scale))
        .raw("noise_shift", json_numbers(noise_shift));
    if (diurnal) {
      description.line("correction", "at the hour of " + format_time(diurnal->time));
      description.line("", "times " + a_lead_each(diurnal->slope));
      description.line("", "plus " + a_lead_each(diurnal->intercept));
      json.raw("diurnal", JsonObject()
                              .text("time", format_time(diurnal->time))
                              .raw("slope", json_numbers(diurnal->slope))
                              .raw("intercept", json_numbers(diurnal->intercept))
                              .str());
    }
    description.json.raw("combination", json.str());
  }
  description.line("facts", posterior.facts);
  description.json.text("prior_sha256", to_hex(posterior.prior_sha256))
      .text("architecture", hex_hash(posterior.architecture))
      .text("created", format_time(posterior.created))
      .raw("frames", json_array(frames, [](const std::string& name) { return json_string(name); }))
      .integer("seed", posterior.seed)
      .integer("weights", posterior.delta_mu.size())
      .number("rms_delta_mu", change_mu)
      .number("rms_delta_rho", change_rho)
      .text("facts", posterior.facts);
}

void describe(const Checkpoint& checkpoint, Description& description) {
  describe(checkpoint.network, description);
  description.line("step", std::to_string(checkpoint.step));
  std::vector<std::string> planes, counters;
  for (const NamedPlane& plane : checkpoint.planes) {
    const std::string type = plane.values.index() == 0 ? "f32" : "f64";
    const std::size_t count = std::visit([](const auto& values) { return values.size(); }, plane.values);
    description.line("plane", plane.name + ", " + std::to_string(count) + " " + type);
    planes.push_back(JsonObject().text("name", plane.name).text("type", type).integer("count", count).str());
  }
  for (const auto& [name, value] : checkpoint.counters) {
    description.line("counter", name + " = " + std::to_string(value));
    counters.push_back(JsonObject().text("name", name).integer("value", value).str());
  }
  const auto same = [](const std::string& json) { return json; };
  description.json.integer("step", checkpoint.step)
      .raw("planes", json_array(planes, same))
      .raw("counters", json_array(counters, same))
      .text("config", checkpoint.config);
  description.lines += "\n" + checkpoint.config + (checkpoint.config.ends_with('\n') ? "" : "\n");
}

template <class File>
Status describe_result(const Result<File>& file, Description& description) {
  if (!file.ok()) return file.status();
  describe(*file, description);
  return {};
}

}  // namespace

Status run_info(std::span<char*> argv) {
  Arguments arguments("info", "FILE [--plan [--size HxW] [--members N]] [options]",
                      "Verifies a prior, posterior or checkpoint file and prints what it holds.");
  arguments.file()
      .flag("plan", "of a prior: what memory a forecast takes, and where a forward pass's activations lie")
      .value("size", "HxW", "frames' height and width for --plan (default 192x192)")
      .value("members", "N", "ensemble members for --plan (default 16)")
      .memory_option()
      .kernel_options()
      .flag("json", "one JSON object instead of text");
  if (!arguments.parse(argv)) return {};
  for (const char* name : {"size", "members", "memory-limit", "threads", "isa", "cpu-mask"}) {
    if (arguments.has(name) && !arguments.has("plan")) fail_usage("--" + std::string(name) + " belongs to --plan");
  }
  ForecastShape shape;
  std::tie(shape.height, shape.width) = arguments.size(192);
  shape.members = arguments.integer("members", 1, 10000, 16);
  const std::string path = arguments.text("file");
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.status();
  const Result<FileKind> kind = identify(*bytes);
  if (!kind.ok()) return kind.status().within(path);

  if (*kind != FileKind::prior && arguments.has("plan")) {
    return Status::error(path + ": only a prior has a --plan, and this is a " + std::string(to_string(*kind)));
  }

  Description description;
  const std::string kind_name(to_string(*kind));
  const std::string digest = to_hex(sha256(*bytes));
  description.line("file", path + ": " + kind_name + ", " + std::to_string(bytes->size()) + " bytes");
  description.line("SHA-256", digest);
  description.line("verified", "structure, checksums and every value");
  description.json.text("file", path)
      .text("kind", kind_name)
      .integer("bytes", bytes->size())
      .text("sha256", digest)
      .boolean("verified", true);
  Status status;
  switch (*kind) {
    case FileKind::prior: {
      const Result<Prior> prior = parse_prior(*bytes);
      status = describe_result(prior, description);
      if (status.ok() && arguments.has("plan")) {
        describe_plan(prior->network, shape.height, shape.width, description);
        status = describe_memory(*prior, *arguments.kernels(), shape, arguments.memory_limit(), description);
      }
      break;
    }
    case FileKind::posterior:
      status = describe_result(parse_posterior(*bytes), description);
      break;
    case FileKind::checkpoint:
      status = describe_result(parse_checkpoint(*bytes), description);
      break;
  }
  if (!status.ok()) return status.within(path);
  if (arguments.has("json")) description.lines = description.json.str() + "\n";
  std::fputs(description.lines.c_str(), stdout);
  return {};
}

}  // namespace altocast
