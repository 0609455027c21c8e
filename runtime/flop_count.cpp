#include "runtime/flop_count.h"

#include "runtime/unet.h"

namespace altocast {

FlopCount count_flops(const NetworkSpec& spec, int height, int width) {
  const auto padded = [&](int size) { return (size + (1 << spec.depth) - 1) >> spec.depth << spec.depth; };
  const UNetGraph graph = unet_graph(spec);
  FlopCount count;
  for (const Step& step : graph.steps) {
    if (step.kind != StepKind::conv_block) continue;
    const ConvBlockSpec& block = graph.blocks[static_cast<std::size_t>(step.block)];
    const int level = graph.nodes[static_cast<std::size_t>(step.dst)].level;
    const double pixels = static_cast<double>(padded(height) >> level) * static_cast<double>(padded(width) >> level);
    for (int i = 0; i < step.sources; ++i) {
      const auto source = static_cast<std::size_t>(i);
      const WeightSlice& slice = block.slices[source];
      const double flops = 2.0 * pixels * slice.out * slice.in_count * slice.kernel * slice.kernel;
      count.forward += flops;
      count.gradient += (step.src[source] == 0 ? 2.0 : 3.0) * flops;
    }
  }
  return count;
}

}  // namespace altocast
