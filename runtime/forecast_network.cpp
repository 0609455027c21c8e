#include "runtime/forecast_network.h"

#include <algorithm>

#include "runtime/memory_plan.h"

namespace altocast {

ForecastNetwork::ForecastNetwork(const NetworkSpec& spec, Kernels<float>& kernels, int height, int width, int band)
    : spec_(spec),
      kernels_(kernels),
      height_(height),
      width_(width),
      terms_(static_cast<std::size_t>(spec.leads) * static_cast<std::size_t>(height) *
             static_cast<std::size_t>(width)) {
  if (band > 0) {
    bands_.emplace(spec, kernels, height, width, band);
  } else {
    whole_.emplace(spec, kernels, height, width, Purpose::forecast);
  }
}

std::uint64_t ForecastNetwork::bytes(const NetworkSpec& spec, const Kernels<float>& kernels, int height, int width,
                                     int band) {
  const UNetGraph graph = unet_graph(spec);
  const int padded_height = padded_side(spec, height), padded_width = padded_side(spec, width);
  std::uint64_t floats = 0;
  std::size_t scratch = 0;
  BandPlan bands;
  if (band > 0) {
    bands = plan_bands(graph, kernels.layout(), padded_height, padded_width, kernels.band_unit(), band);
    floats = bands.size;
  } else {
    floats = plan_memory(graph, kernels.layout(), padded_height, padded_width).size;
  }
  for (std::size_t s = 0; s < graph.steps.size(); ++s) {
    const Step& step = graph.steps[s];
    if (step.kind != StepKind::conv_block) continue;
    const int level = graph.nodes[static_cast<std::size_t>(step.dst)].level;
    const ConvBlockSpec& block = graph.blocks[static_cast<std::size_t>(step.block)];
    for (int i = 0; i < block.sources; ++i) {
      const WeightSlice& slice = block.slices[static_cast<std::size_t>(i)];
      floats += kernels.packed_size(slice, Direction::forward);
      scratch = std::max(scratch, kernels.scratch_size(slice, band > 0 ? bands.step_rows[s] : padded_height >> level,
                                                       padded_width >> level));
    }
  }
  return (floats + scratch) * sizeof(float);
}

void ForecastNetwork::set_weights(const float* phi) { whole_ ? whole_->set_weights(phi) : bands_->set_weights(phi); }

void ForecastNetwork::forward(const Sample<float>& sample, float* out) {
  whole_ ? whole_->forward(sample, out) : bands_->forward(sample, out);
}

}  // namespace altocast
