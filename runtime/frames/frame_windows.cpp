// Which frames of a cache go into a forecast or an adaptation: FrameCache's part that knows about time only.
#include <algorithm>
#include <cassert>
#include <utility>

#include "runtime/frames/frame_cache.h"
#include "runtime/frames/time_of_day.h"
#include "runtime/time.h"

namespace altocast {
namespace {

// Hours of age that put a pair from before a gap as far off as an hour of the day between its time and now: two hours
// ago is as near as yesterday.
constexpr std::int64_t kAgePerHourOfDay = 12;

bool older(const FrameWindow& a, const FrameWindow& b) { return a.first < b.first; }

}  // namespace

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

// Of the run that frame `newest` ends, which lacks some of `needed` frames; `earlier` says what no earlier run has.
Status FrameCache::too_few(int needed, std::size_t newest, const std::string& earlier) const {
  const std::size_t first = run_of(newest).first;
  const std::size_t count = newest - first + 1;
  const auto wanted = static_cast<std::size_t>(needed);
  std::string message = folder_ + ": needs " + std::to_string(needed) + " frames in one run up to " +
                        format_time(frames_[newest].slot) + "; the run starting " + format_time(frames_[first].slot) +
                        " has " + std::to_string(count) + earlier;
  if (cadence_ > 0) {
    const std::int64_t enough = count < wanted ? frames_[first].slot + static_cast<std::int64_t>(wanted - 1) * cadence_
                                               : frames_[newest].slot + static_cast<std::int64_t>(wanted) * cadence_;
    message += "; if no frame is missed, it has enough from " + format_time(enough) + " on";
  }
  return Status::error(message);
}

Result<FrameWindow> FrameCache::newest_input(int inputs, std::optional<std::int64_t> at) const {
  assert(inputs > 0);
  const Result<std::size_t> newest = newest_frame(at);
  if (!newest.ok()) return newest.status();
  const auto count = static_cast<std::size_t>(inputs);
  if (*newest + 1 - run_of(*newest).first < count) return too_few(inputs, *newest, "");
  return FrameWindow{*newest + 1 - count, inputs, 0};
}

// Calls visit(run, end) for each frame `end` at which `length` frames of a run end, from frame `newest` on backwards as
// far as anything is looked back, until it returns false.
template <typename Visit>
void FrameCache::each_end(std::size_t newest, int length, Visit visit) const {
  const auto frames = static_cast<std::size_t>(length);
  const std::int64_t oldest = frames_[newest].slot - kLookBackSeconds;
  const std::size_t newest_run = static_cast<std::size_t>(&run_of(newest) - runs_.data());
  for (std::size_t number = newest_run + 1; number-- > 0;) {
    const FrameRun& run = runs_[number];
    const bool earlier = number < newest_run;
    for (std::size_t after = earlier ? run.first + run.count : newest + 1; after >= run.first + frames; --after) {
      if (earlier && frames_[after - frames].slot < oldest) return;
      if (!visit(run, after - 1)) return;
    }
    if (frames_[run.first].slot < oldest) return;
  }
}

// What support_pairs() takes for frame `newest`.
std::vector<FrameWindow> FrameCache::pairs_up_to(std::size_t newest, int inputs, int targets, std::size_t most) const {
  std::vector<FrameWindow> pairs, earlier;
  const auto past = static_cast<std::size_t>(inputs), future = static_cast<std::size_t>(targets);
  const std::size_t own_first = run_of(newest).first;
  each_end(newest, inputs + targets, [&](const FrameRun& run, std::size_t end) {
    if (observed(end + 1 - future, future))
      (run.first == own_first ? pairs : earlier).push_back({end + 1 - future - past, inputs, targets});
    return pairs.size() < most;
  });
  const auto distance = [&](const FrameWindow& pair) {
    const std::int64_t now = frames_[newest].slot, slot = frames_[pair.first + past - 1].slot;
    return kAgePerHourOfDay * clock_distance(slot, now) + now - slot;
  };
  std::sort(earlier.begin(), earlier.end(), [&](const FrameWindow& a, const FrameWindow& b) {
    return std::pair(distance(a), b.first) < std::pair(distance(b), a.first);
  });
  earlier.resize(std::min(earlier.size(), most - pairs.size()));
  pairs.insert(pairs.end(), earlier.begin(), earlier.end());
  std::sort(pairs.begin(), pairs.end(), older);
  return pairs;
}

Result<std::vector<FrameWindow>> FrameCache::support_pairs(int inputs, int targets, int max_pairs,
                                                           std::optional<std::int64_t> at) const {
  assert(inputs > 0 && targets > 0 && max_pairs > 0);
  const Result<std::size_t> newest = newest_frame(at);
  if (!newest.ok()) return newest.status();
  std::vector<FrameWindow> pairs = pairs_up_to(*newest, inputs, targets, static_cast<std::size_t>(max_pairs));
  if (!pairs.empty()) return pairs;
  const bool long_enough = *newest + 1 - run_of(*newest).first >= static_cast<std::size_t>(inputs + targets);
  const std::string hours = std::to_string(kLookBackSeconds / 3600);
  const std::string without =
      long_enough ? ", none of them without a missing one among the last " + std::to_string(targets) : std::string();
  return too_few(inputs + targets, *newest, without + ", and none of the " + hours + " hours before it has as many");
}

std::vector<FrameWindow> FrameCache::same_hour_pairs(int inputs, int targets, std::optional<std::int64_t> at) const {
  assert(inputs > 0 && targets > 0);
  std::vector<FrameWindow> pairs;
  const Result<std::size_t> newest = newest_frame(at);
  if (!newest.ok()) return pairs;
  const auto past = static_cast<std::size_t>(inputs), future = static_cast<std::size_t>(targets);
  const std::int64_t now = frames_[*newest].slot;
  const auto first_from = [&](std::int64_t slot) {
    const auto frame = std::lower_bound(frames_.begin(), frames_.end(), slot,
                                        [](const FrameEntry& entry, std::int64_t time) { return entry.slot < time; });
    return static_cast<std::size_t>(frame - frames_.begin());
  };
  for (int day = kSameHourDays; day > 0; --day) {
    const std::int64_t then = now - day * kDaySeconds;
    std::vector<FrameWindow> of_day;
    for (std::size_t i = first_from(then - kSameHourSeconds); i < first_from(then + kSameHourSeconds + 1); ++i) {
      const FrameRun& run = run_of(i);
      if (i + 1 < run.first + past || i + future >= run.first + run.count || i + future > *newest) continue;
      if (observed(i + 1, future)) of_day.push_back({i + 1 - past, inputs, targets});
    }
    const auto nearer = [&](const FrameWindow& a, const FrameWindow& b) {
      return clock_distance(frames_[a.first + past - 1].slot, now) <
             clock_distance(frames_[b.first + past - 1].slot, now);
    };
    for (std::size_t taken = 0; taken < kSameHourPairs && !of_day.empty(); ++taken) {
      const auto nearest = std::min_element(of_day.begin(), of_day.end(), nearer);
      pairs.push_back(*nearest);
      of_day.erase(nearest);
    }
  }
  std::sort(pairs.begin(), pairs.end(), older);
  return pairs;
}

std::optional<FrameWindow> FrameCache::trial_window(int inputs, int targets, std::optional<std::int64_t> at) const {
  assert(inputs > 0 && targets > 0);
  std::optional<FrameWindow> trial;
  const Result<std::size_t> newest = newest_frame(at);
  if (!newest.ok()) return trial;
  const auto past = static_cast<std::size_t>(inputs);
  const int least = (targets + 1) / 2;
  each_end(*newest, inputs + least, [&](const FrameRun& run, std::size_t end) {
    const std::size_t spare = end + 1 - run.first - past;
    for (int held = static_cast<int>(std::min(spare, static_cast<std::size_t>(targets))); held >= least; --held) {
      const std::size_t now = end - static_cast<std::size_t>(held);
      if (!observed(now, static_cast<std::size_t>(held) + 1) || pairs_up_to(now, inputs, targets, 1).empty()) continue;
      trial = FrameWindow{now + 1 - past, inputs, held};
      return false;
    }
    return true;
  });
  return trial;
}

std::vector<FrameWindow> FrameCache::windows(const FrameRun& run, int inputs, int targets) {
  std::vector<FrameWindow> all;
  const auto length = static_cast<std::size_t>(inputs + targets);
  for (std::size_t start = 0; start + length <= run.count; ++start) all.push_back({run.first + start, inputs, targets});
  return all;
}

}  // namespace altocast
