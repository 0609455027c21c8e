// Rows of an image as the items of a loop, on a pool of threads or without one.
#pragma once

#include "runtime/thread_pool.h"

namespace altocast {

// Calls body(y) for y = 0 … height − 1; `pool` may be null.
template <class Body>
void for_rows(int height, ThreadPool* pool, const Body& body) {
  if (pool) {
    pool->parallel_for(height, body);
  } else {
    for (int y = 0; y < height; ++y) body(y);
  }
}

}  // namespace altocast
