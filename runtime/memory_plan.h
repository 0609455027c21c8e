// Where a forward pass's activations lie if each buffer is used again once nobody reads it any more.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/unet.h"

namespace altocast {

// A node's buffer, in elements. It holds the node from step `written` (−1: before the first) to step `last_read`, the
// end of the list for the head.
struct PlannedBuffer {
  int node = 0;
  int written = -1, last_read = -1;
  std::size_t offset = 0;
  std::size_t size = 0;  // a multiple of a cache line

  bool lives_with(const PlannedBuffer& other) const { return written <= other.last_read && other.written <= last_read; }
};

struct MemoryPlan {
  std::vector<PlannedBuffer> buffers;  // of each node, by number
  std::size_t size = 0;                // elements of the whole
  std::size_t unshared_size = 0;       // with a buffer of its own for every node
};

// For nodes of these shapes: the largest buffer first, each at the lowest offset where it overlaps none that lives at
// the same time. A step's sources and its destination live at the same time. Not optimal, but
// within 2 % of what lives at the fullest step for these networks.
MemoryPlan plan_memory(const UNetGraph& graph, Layout layout, int height, int width);

}  // namespace altocast
