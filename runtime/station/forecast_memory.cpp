#include "runtime/station/forecast_memory.h"

#include <algorithm>
#include <string>

#include "runtime/advection/smoothed_advection.h"
#include "runtime/forecast_network.h"
#include "runtime/memory_plan.h"
#include "runtime/station/guarded_adaptation.h"
#include "runtime/station/host.h"
#include "runtime/station/observation_noise.h"

namespace altocast {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kFloat = sizeof(float);

// The program's own pages, stacks, and what it reads and writes that does not grow with the frames.
constexpr std::uint64_t kProgramBytes = 10 * kMiB;
// What a frame cache keeps of all frames (frame_content.h).
constexpr std::uint64_t kReferenceBytesPerPixel = 4;
// Report, pictures and encoders.
constexpr std::uint64_t kPagesBytes = 24 * kMiB;
constexpr std::uint64_t kPictureBytesPerPixel = 12;

constexpr int kBands[] = {128, 64, 32, 16, 8};

struct Sizes {
  Sizes(const Prior& prior, const ForecastShape& shape)
      : pixels(static_cast<std::uint64_t>(shape.height) * static_cast<std::uint64_t>(shape.width)),
        lead_values(pixels * static_cast<std::uint64_t>(prior.network.leads)),
        frames(pixels * (static_cast<std::uint64_t>(prior.network.input_frames) * kFloat + kReferenceBytesPerPixel)),
        members(lead_values * static_cast<std::uint64_t>(shape.members) * kFloat),
        weights(parameter_count(prior.network)),
        bases(prior.network.residual == ResidualBase::advected ? lead_values * kFloat : 0) {}
  std::uint64_t pixels, lead_values;
  std::uint64_t frames, members;  // bytes
  std::uint64_t weights;          // D
  std::uint64_t bases;            // bytes of an advected base
};

std::uint64_t sum(const std::vector<ForecastMemory::Part>& parts) {
  std::uint64_t bytes = 0;
  for (const ForecastMemory::Part& part : parts) bytes += part.bytes;
  return bytes;
}

std::string in_mebibytes(std::uint64_t bytes) { return std::to_string((bytes + kMiB - 1) / kMiB) + " MiB"; }

}  // namespace

std::uint64_t ForecastMemory::bytes() const { return sum(parts); }

ForecastMemory count_memory(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape,
                            const EnsembleThrift& thrift) {
  const Sizes sizes(prior, shape);
  const NetworkSpec& spec = prior.network;
  const auto workers =
      static_cast<std::uint64_t>(EnsembleForecaster::workers(spec, kernels, shape.height, shape.width, thrift));
  const std::uint64_t network = ForecastNetwork::bytes(spec, kernels, shape.height, shape.width, thrift.band);
  // The prior's, those in use and those as a Gaussian, each twice; a member's.
  const std::uint64_t weights = sizes.weights * kFloat * (7 + workers);
  const std::vector<ForecastMemory::Part> always = {
      {"program", kProgramBytes}, {"weights", weights}, {"frames", sizes.frames}, {"members", sizes.members}};

  // What the network's forecast is combined with, and may start from; the memory of the flow is free again then.
  const std::uint64_t advected = 2 * sizes.lead_values * kFloat;
  std::vector<ForecastMemory::Part> advection = always;
  advection.insert(advection.end(), {{"advected frames", 2 * sizes.bases + advected},
                                     {"flow", SmoothedAdvection::bytes(shape.height, shape.width, spec.leads)}});
  std::vector<ForecastMemory::Part> ensemble = always;
  ensemble.push_back({"advected frames", sizes.bases + advected});
  ensemble.push_back({"mean", sizes.lead_values * (sizeof(double) + kFloat)});
  if (prior.noise) {
    ensemble.push_back({"noise", ObservationNoise::bytes(spec.leads, shape.height, shape.width, thrift.noise_tables)});
  }
  ensemble.push_back({"network", network * (1 + workers)});
  std::vector<ForecastMemory::Part> products = always;
  products.insert(products.end(), {{"mean and spread", 4 * sizes.lead_values * kFloat},
                                   {"pictures and report", kPagesBytes + kPictureBytesPerPixel * sizes.pixels}});

  ForecastMemory memory;
  memory.thrift = thrift;
  memory.parts =
      std::max({advection, ensemble, products}, [](const auto& a, const auto& b) { return sum(a) < sum(b); });
  return memory;
}

ForecastMemory least_memory(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape) {
  EnsembleThrift thrift{false, false, 0};
  ForecastMemory least = count_memory(prior, kernels, shape, thrift);
  if (prior.network.norm_groups > 0 || kernels.band_unit() == 0) return least;
  for (const int band : kBands) {
    thrift.band = band;
    ForecastMemory memory = count_memory(prior, kernels, shape, thrift);
    if (memory.bytes() < least.bytes()) least = std::move(memory);
  }
  return least;
}

Result<ForecastMemory> fit_memory(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape,
                                  std::uint64_t limit) {
  std::vector<EnsembleThrift> ways = {{}, {false, true, 0}};
  const bool bands = prior.network.norm_groups == 0 && kernels.band_unit() > 0;
  // Bands cost less time than doing without tables, as long as they are not narrow.
  for (const bool tables : {true, false}) {
    if (!tables) ways.push_back({false, false, 0});
    for (const int band : kBands) {
      if (bands) ways.push_back({false, tables, band});
    }
  }
  for (const EnsembleThrift& way : ways) {
    ForecastMemory memory = count_memory(prior, kernels, shape, way);
    if (limit == 0 || memory.bytes() <= limit) return memory;
  }
  const ForecastMemory least = least_memory(prior, kernels, shape);
  std::string message = "a forecast of " + std::to_string(shape.members) + " members at " +
                        std::to_string(shape.height) + " x " + std::to_string(shape.width) + " pixels takes at least " +
                        in_mebibytes(least.bytes()) + " (";
  for (const ForecastMemory::Part& part : least.parts)
    message += (message.back() == '(' ? "" : ", ") + std::string(part.what) + " " + in_mebibytes(part.bytes);
  message += "), and the memory limit is " + std::to_string(limit / kMiB) + " MiB";
  if (prior.network.norm_groups > 0)
    message += "; the network's group norm depends on the whole image, so it cannot be computed in bands";
  return Status::error(message + "; give more, take fewer members, or crop or scale down the frames in cache.toml");
}

Result<EnsembleThrift> thrift_for(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape,
                                  std::uint64_t limit) {
  const Result<ForecastMemory> memory = fit_memory(prior, kernels, shape, limit > 0 ? limit : memory_bytes() / 4 * 3);
  if (memory.ok()) return memory->thrift;
  if (limit > 0) return memory.status();
  return least_memory(prior, kernels, shape).thrift;
}

std::uint64_t adaptation_memory(const Prior& prior, const Kernels<float>& kernels, const AdaptationShape& shape) {
  const int height = shape.height, width = shape.width;
  const ForecastShape trial{height, width, kGuardMembers};
  const Sizes sizes(prior, trial);
  const NetworkSpec& spec = prior.network;
  const UNetGraph graph = unet_graph(spec);
  const Layout layout = kernels.layout();
  const int padded_height = padded_side(spec, height), padded_width = padded_side(spec, width);
  // Values of all nodes; of blocks' outputs what they were before activation, and gradients; two of the largest.
  std::uint64_t floats = plan_memory(graph, layout, padded_height, padded_width).unshared_size, largest = 0;
  for (const Step& step : graph.steps) {
    const Node& node = graph.nodes[static_cast<std::size_t>(step.dst)];
    const std::uint64_t size =
        tensor_size<float>({node.channels, padded_height >> node.level, padded_width >> node.level}, layout);
    if (step.kind == StepKind::conv_block) floats += (spec.norm_groups > 0 ? 3 : 2) * size;
    largest = std::max(largest, size);
  }
  floats += 2 * largest;
  const auto count = static_cast<std::uint64_t>(shape.pairs);
  const std::uint64_t frames =  // of the pairs and of the trial
      static_cast<std::uint64_t>(shape.frames + spec.input_frames + spec.leads) * sizes.pixels * kFloat;
  // Of the pairs' bases, and what a combination is learned with.
  const std::uint64_t flow = SmoothedAdvection::bytes(height, width, spec.leads);
  std::uint64_t advection = flow + 4 * sizes.lead_values * kFloat;
  if (sizes.bases > 0) advection += (count + 1) * sizes.bases + flow;
  const std::uint64_t scratch = ForecastNetwork::bytes(spec, kernels, height, width, 0) -
                                plan_memory(graph, layout, padded_height, padded_width).size * kFloat;
  const std::uint64_t adaptation =
      kProgramBytes + 16 * sizes.weights * kFloat + frames + advection + floats * kFloat + scratch;
  return std::max(adaptation, count_memory(prior, kernels, trial, {}).bytes() + frames);
}

Status check_adaptation_memory(const Prior& prior, const Kernels<float>& kernels, const AdaptationShape& shape,
                               std::uint64_t limit) {
  if (limit == 0) return {};
  const std::uint64_t needed = adaptation_memory(prior, kernels, shape);
  if (needed <= limit) return {};
  return Status::error("adapting to " + std::to_string(shape.pairs) + " pairs at " + std::to_string(shape.height) +
                       " x " + std::to_string(shape.width) + " pixels takes " + in_mebibytes(needed) +
                       ", and the memory limit is " + std::to_string(limit / kMiB) +
                       " MiB; give more, forecast without adaptation, or crop or scale down the frames in cache.toml");
}

}  // namespace altocast
