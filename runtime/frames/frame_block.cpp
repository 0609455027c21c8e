#include "runtime/frames/frame_block.h"

#include <cmath>

#include "formats/file_system.h"
#include "runtime/json_text.h"
#include "runtime/sample_set.h"
#include "runtime/time.h"

namespace altocast {
namespace {

// Normalised numbers of fitting frames lie in about −1 … 1; a wrong bit depth is off by a factor of 257.
constexpr float kLargestNormalised = 16.0f;

// Adds those that do not decode to `bad`.
FrameBlock load_block(const FrameCache& cache, const FrameRange& range, const Normalisation& normalisation,
                      std::vector<RejectedFrame>& bad) {
  FrameBlock block{range.first, range.count, cache.height(), cache.width(), {}, {}, {}, {}};
  block.pixels.reserve(static_cast<std::size_t>(range.count) * static_cast<std::size_t>(block.height) *
                       static_cast<std::size_t>(block.width));
  for (std::size_t i = range.first; i < range.first + static_cast<std::size_t>(range.count); ++i) {
    const FrameEntry& entry = cache.frames()[i];
    Frame frame;
    if (std::optional<RejectedFrame> fault = cache.load(i, normalisation, frame)) {
      bad.push_back(*std::move(fault));
      continue;
    }
    block.pixels.insert(block.pixels.end(), frame.pixels.begin(), frame.pixels.end());
    block.slots.push_back(entry.slot);
    block.bridged.push_back(entry.bridged);
    block.names.push_back(entry.path.substr(join_path(cache.folder(), "").size()));
  }
  return block;
}

}  // namespace

Status check_scale(const FrameBlock& block, const std::string& source, const Normalisation& normalisation) {
  for (const float value : block.pixels) {
    if (std::fabs(value) <= kLargestNormalised) continue;
    const double raw = static_cast<double>(value) * static_cast<double>(normalisation.scale) +
                       static_cast<double>(normalisation.offset);
    return Status::error(source + ": a pixel has the number " + plain_number(raw, 6) +
                         ", but the prior was trained on (number − " +
                         plain_number(static_cast<double>(normalisation.offset), 6) + ") / " +
                         plain_number(static_cast<double>(normalisation.scale), 6) +
                         " within about −1 … 1; give frames of the kind that it was trained on");
  }
  return {};
}

std::vector<FrameRange> ranges_of(std::span<const FrameWindow> windows) {
  std::vector<FrameRange> ranges;
  for (const FrameWindow& window : windows) {
    const int length = window.inputs + window.targets;
    if (!ranges.empty() && window.first < ranges.back().first + static_cast<std::size_t>(ranges.back().count)) {
      ranges.back().count = static_cast<int>(window.first - ranges.back().first) + length;
    } else {
      ranges.push_back({window.first, length});
    }
  }
  return ranges;
}

Result<std::vector<FrameBlock>> load_ranges(FrameCache& cache, const SelectRanges& select,
                                            const Normalisation& normalisation) {
  while (true) {
    const Result<std::vector<FrameRange>> ranges = select(cache);
    if (!ranges.ok()) return ranges.status();
    std::vector<FrameBlock> blocks;
    std::vector<RejectedFrame> bad;
    for (const FrameRange& range : *ranges) blocks.push_back(load_block(cache, range, normalisation, bad));
    if (bad.empty()) {
      for (const FrameBlock& block : blocks)
        ALTOCAST_RETURN_IF_ERROR(check_scale(block, cache.folder(), normalisation));
      return blocks;
    }
    Result<FrameCache> rest = cache.without(bad);
    if (!rest.ok()) return rest.status();
    cache = *std::move(rest);
  }
}

Result<FrameBlock> load_frames(FrameCache& cache, const SelectFrames& select, const Normalisation& normalisation) {
  Result<std::vector<FrameBlock>> blocks = load_ranges(
      cache,
      [&](const FrameCache& frames) -> Result<std::vector<FrameRange>> {
        const Result<FrameRange> range = select(frames);
        if (!range.ok()) return range.status();
        return std::vector<FrameRange>{*range};
      },
      normalisation);
  if (!blocks.ok()) return blocks.status();
  return std::move(blocks->front());
}

Status check_size(const NetworkSpec& spec, const FrameBlock& block, const std::string& folder) {
  const int least = least_side(spec);
  if (block.height >= least && block.width >= least) return {};
  return Status::error(folder + ": the frames have " + std::to_string(block.height) + " x " +
                       std::to_string(block.width) + " pixels; this prior takes at least " + std::to_string(least) +
                       " a side: crop or scale down less");
}

std::vector<std::string> differences(const Prior& prior, const FrameCache& cache) {
  std::vector<std::string> found;
  if (prior.cadence_seconds > 0 && cache.cadence_seconds() > 0 && prior.cadence_seconds != cache.cadence_seconds()) {
    found.push_back("the frames are " + format_duration(cache.cadence_seconds()) +
                    " apart, those that the prior was trained on " + format_duration(prior.cadence_seconds));
  }
  const std::string& channel = cache.settings().channel;
  if (!prior.channel.empty() && !channel.empty() && prior.channel != channel) {
    found.push_back("the frames show '" + channel + "', those that the prior was trained on '" + prior.channel +
                    "'; if that is the same, write channel = \"" + prior.channel + "\" into " +
                    cache.settings().source);
  }
  return found;
}

Result<int> cadence_of(const Prior& prior, const FrameCache& cache) {
  if (cache.cadence_seconds() > 0) return cache.cadence_seconds();
  if (prior.cadence_seconds > 0) return prior.cadence_seconds;
  return Status::error(cache.folder() +
                       ": one frame does not tell the time between frames; write `cadence = MINUTES` into " +
                       cache.settings().source);
}

}  // namespace altocast
