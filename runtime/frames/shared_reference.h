// What is usual in a folder, as all caches made of it share it: found by the first that loads a frame.
#pragma once

#include <mutex>
#include <optional>

#include "runtime/frames/frame_cache.h"
#include "runtime/frames/frame_content.h"

namespace altocast {

struct FrameCache::SharedReference {
  std::mutex mutex;
  std::optional<FrameReference> reference;
};

}  // namespace altocast
