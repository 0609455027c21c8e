#include "runtime/flop_count.h"

namespace altocast {
namespace {

// Of the convolution over one of a block's sources.
double source_flops(const UNetGraph& graph, const Step& step, std::size_t source, int padded_height, int padded_width) {
  const int level = graph.nodes[static_cast<std::size_t>(step.dst)].level;
  const double pixels = static_cast<double>(padded_height >> level) * static_cast<double>(padded_width >> level);
  const WeightSlice& slice = graph.blocks[static_cast<std::size_t>(step.block)].slices[source];
  return 2.0 * pixels * slice.out * slice.in_count * slice.kernel * slice.kernel;
}

}  // namespace

double count_step_flops(const UNetGraph& graph, const Step& step, int padded_height, int padded_width) {
  double flops = 0;
  if (step.kind != StepKind::conv_block) return flops;
  for (int i = 0; i < step.sources; ++i) {
    flops += source_flops(graph, step, static_cast<std::size_t>(i), padded_height, padded_width);
  }
  return flops;
}

FlopCount count_flops(const NetworkSpec& spec, int height, int width) {
  const auto padded = [&](int size) { return (size + (1 << spec.depth) - 1) >> spec.depth << spec.depth; };
  const UNetGraph graph = unet_graph(spec);
  FlopCount count;
  for (const Step& step : graph.steps) {
    if (step.kind != StepKind::conv_block) continue;
    for (std::size_t i = 0; i < static_cast<std::size_t>(step.sources); ++i) {
      const double flops = source_flops(graph, step, i, padded(height), padded(width));
      count.forward += flops;
      count.gradient += (step.src[i] == 0 ? 2.0 : 3.0) * flops;
    }
  }
  return count;
}

}  // namespace altocast
