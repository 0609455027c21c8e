// Consecutive frames of a cache, decoded and normalised into one block of memory, so that the windows which
// adaptation and forecast read overlap in it instead of being copied. Windows that lie apart are in blocks of their
// own.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_cache.h"

namespace altocast {

struct FrameBlock {
  std::size_t first = 0;  // index in the cache of the block's first frame
  int count = 0;
  int height = 0;
  int width = 0;
  std::vector<float> pixels;        // [count, height, width], normalised
  std::vector<std::int64_t> slots;  // nominal time of each
  std::vector<std::string> names;   // of each, relative to the cache's folder
  std::vector<bool> bridged;        // of each: made of its neighbours

  // Pixels of the frame with this index (in the cache it came from), and of those after it.
  const float* from(std::size_t index) const {
    return pixels.data() + (index - first) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  }
};

// Which frames are wanted: [first, first + count) of the cache it is called with.
struct FrameRange {
  std::size_t first = 0;
  int count = 0;
};
using SelectFrames = std::function<Result<FrameRange>(const FrameCache&)>;
using SelectRanges = std::function<Result<std::vector<FrameRange>>(const FrameCache&)>;

// The frames of windows that are given oldest first, those that overlap as one range: no frame is in two of them.
std::vector<FrameRange> ranges_of(std::span<const FrameWindow> windows);

// Decodes the frames that `select` picks. A frame that turns out not to decode is taken out of `cache` (and
// is then among its rejected()) and `select` is asked again. Fails if `select` does, or if the pixels are far
// outside of what `normalisation` is made for (another bit depth, another scaling).
Result<FrameBlock> load_frames(FrameCache& cache, const SelectFrames& select, const Normalisation& normalisation);

// The same of several ranges, a block each.
Result<std::vector<FrameBlock>> load_ranges(FrameCache& cache, const SelectRanges& select,
                                            const Normalisation& normalisation);

// Fails if the frames are too small for the network.
Status check_size(const NetworkSpec& spec, const FrameBlock& block, const std::string& folder);

// Fails if pixels are far outside of what `normalisation` is made for; `source` is named in the message.
Status check_scale(const FrameBlock& block, const std::string& source, const Normalisation& normalisation);

// What sets the frames apart from those that the prior was trained on, for people; empty if nothing does.
std::vector<std::string> differences(const Prior& prior, const FrameCache& cache);

// The time from one frame to the next: the cache's, else the prior's. Fails if neither knows it.
Result<int> cadence_of(const Prior& prior, const FrameCache& cache);

}  // namespace altocast
