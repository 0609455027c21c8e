#include "runtime/memory_plan.h"

#include <algorithm>

namespace altocast {

MemoryPlan plan_memory(const UNetGraph& graph, Layout layout, int height, int width) {
  constexpr std::size_t kLine = kCacheLine / sizeof(float);
  MemoryPlan plan;
  const int steps = static_cast<int>(graph.steps.size());
  for (const Node& node : graph.nodes) {
    PlannedBuffer& buffer = plan.buffers.emplace_back();
    buffer.node = static_cast<int>(plan.buffers.size()) - 1;
    const std::size_t size = tensor_size<float>({node.channels, height >> node.level, width >> node.level}, layout);
    buffer.size = (size + kLine - 1) / kLine * kLine;
    plan.unshared_size += buffer.size;
  }
  const auto of = [&](int node) -> PlannedBuffer& { return plan.buffers[static_cast<std::size_t>(node)]; };
  for (int s = 0; s < steps; ++s) {
    const Step& step = graph.steps[static_cast<std::size_t>(s)];
    of(step.dst).written = of(step.dst).last_read = s;
    for (int i = 0; i < step.sources; ++i) of(step.src[static_cast<std::size_t>(i)]).last_read = s;
  }
  of(graph.steps.back().dst).last_read = steps;

  std::vector<PlannedBuffer*> order;
  for (PlannedBuffer& buffer : plan.buffers) order.push_back(&buffer);
  std::stable_sort(order.begin(), order.end(),
                   [](const PlannedBuffer* a, const PlannedBuffer* b) { return a->size > b->size; });
  std::vector<const PlannedBuffer*> placed;  // by offset
  for (PlannedBuffer* buffer : order) {
    std::size_t offset = 0;
    for (const PlannedBuffer* other : placed) {
      if (!buffer->lives_with(*other) || other->offset + other->size <= offset) continue;
      if (other->offset >= offset + buffer->size) break;
      offset = other->offset + other->size;
    }
    buffer->offset = offset;
    plan.size = std::max(plan.size, offset + buffer->size);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), buffer,
                         [](const PlannedBuffer* a, const PlannedBuffer* b) { return a->offset < b->offset; }),
        buffer);
  }
  return plan;
}

}  // namespace altocast
