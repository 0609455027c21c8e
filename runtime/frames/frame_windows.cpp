// Which frames of a cache go into a forecast or an adaptation: FrameCache's part that knows about time only.
#include <algorithm>
#include <cassert>

#include "runtime/frames/frame_cache.h"
#include "runtime/time.h"

namespace altocast {

const FrameRun& FrameCache::run_of(std::size_t index) const {
  assert(index < frames_.size());
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                      [](std::size_t i, const FrameRun& run) { return i < run.first; });
  return *(after - 1);
}

Result<std::size_t> FrameCache::newest_frame(std::optional<std::int64_t> at) const {
  if (!at) return frames_.size() - 1;  // no run ends in a bridged frame
  // A frame is there from its nominal or its true time on, whichever is earlier: asking for 07:50 finds
  // 07:50:06.
  std::size_t index = frames_.size();
  while (index > 0 &&
         (frames_[index - 1].bridged || std::min(frames_[index - 1].time, frames_[index - 1].slot) > *at)) {
    --index;
  }
  if (index == 0) {
    return Status::error(folder_ + ": no frame up to " + format_time(*at) + "; the first is of " +
                         format_time(frames_.front().time));
  }
  const FrameEntry& newest = frames_[--index];
  if (cadence_ > 0 && 2 * (*at - newest.slot) > 3 * std::int64_t{cadence_}) {
    return Status::error(folder_ + ": no frame shortly before " + format_time(*at) + "; the newest up to then is of " +
                         format_time(newest.time));
  }
  return index;
}

// The newest frame's index, if its run holds `needed` frames up to it.
Result<std::size_t> FrameCache::frames_up_to(int needed, std::optional<std::int64_t> at) const {
  Result<std::size_t> newest = newest_frame(at);
  if (!newest.ok()) return newest;
  const std::size_t first = run_of(*newest).first;
  const std::size_t count = *newest - first + 1;
  if (count >= static_cast<std::size_t>(needed)) return newest;
  return Status::error(folder_ + ": needs " + std::to_string(needed) + " frames in one run up to " +
                       format_time(at ? *at : frames_[*newest].slot) + "; the run starting " +
                       format_time(frames_[first].slot) + " has " + std::to_string(count));
}

Result<FrameWindow> FrameCache::newest_input(int inputs, std::optional<std::int64_t> at) const {
  assert(inputs > 0);
  const Result<std::size_t> newest = frames_up_to(inputs, at);
  if (!newest.ok()) return newest.status();
  return FrameWindow{*newest + 1 - static_cast<std::size_t>(inputs), inputs, 0};
}

Result<std::vector<FrameWindow>> FrameCache::support_pairs(int inputs, int targets, int max_pairs,
                                                           std::optional<std::int64_t> at) const {
  assert(inputs > 0 && targets > 0 && max_pairs > 0);
  const Result<std::size_t> newest = frames_up_to(inputs + targets, at);
  if (!newest.ok()) return newest.status();
  const std::size_t first = run_of(*newest).first;
  std::vector<FrameWindow> pairs = windows({first, *newest + 1 - first}, inputs, targets);
  std::erase_if(pairs, [&](const FrameWindow& pair) {
    return !observed(pair.first + static_cast<std::size_t>(inputs), static_cast<std::size_t>(targets));
  });
  if (pairs.empty()) {
    return Status::error(folder_ + ": the run up to " + format_time(frames_[*newest].slot) + " has no " +
                         std::to_string(targets) + " frames in a row to adapt to, after " + std::to_string(inputs) +
                         " others, without a missing one");
  }
  const auto kept = std::min(pairs.size(), static_cast<std::size_t>(max_pairs));
  pairs.erase(pairs.begin(), pairs.end() - static_cast<std::ptrdiff_t>(kept));
  return pairs;
}

std::vector<FrameWindow> FrameCache::windows(const FrameRun& run, int inputs, int targets) {
  std::vector<FrameWindow> all;
  const auto length = static_cast<std::size_t>(inputs + targets);
  for (std::size_t start = 0; start + length <= run.count; ++start) all.push_back({run.first + start, inputs, targets});
  return all;
}

}  // namespace altocast
