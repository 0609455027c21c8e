#include "runtime/frames/frame_cache.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "formats/file_system.h"
#include "runtime/frames/folder_listing.h"
#include "runtime/frames/frame_bridge.h"
#include "runtime/frames/image_probe.h"
#include "runtime/frames/shared_reference.h"
#include "runtime/time.h"

namespace altocast {
namespace {

// a / b rounded to the nearest integer, halves up; b > 0.
std::int64_t divide_rounded(std::int64_t a, std::int64_t b) {
  const std::int64_t shifted = 2 * a + b;
  const std::int64_t quotient = shifted / (2 * b);
  return shifted % (2 * b) < 0 ? quotient - 1 : quotient;
}

// Cadences and phases of two minutes and more are whole minutes; jitter of seconds is the receiver's.
std::int64_t to_whole_minutes(std::int64_t seconds) {
  return seconds >= 120 ? 60 * divide_rounded(seconds, 60) : seconds;
}

// The lower median of the gaps between different times; 0 if there is none. No imager is faster than one
// frame in 30 s: shorter gaps are a frame received twice, and count only if there are no others.
int infer_cadence(const std::vector<std::int64_t>& sorted_times) {
  std::vector<std::int64_t> gaps;
  for (std::size_t i = 1; i < sorted_times.size(); ++i) {
    if (sorted_times[i] > sorted_times[i - 1]) gaps.push_back(sorted_times[i] - sorted_times[i - 1]);
  }
  const auto imager = [](std::int64_t gap) { return gap >= 30; };
  if (std::any_of(gaps.begin(), gaps.end(), imager)) std::erase_if(gaps, std::not_fn(imager));
  if (gaps.empty()) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>((gaps.size() - 1) / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  return static_cast<int>(std::min<std::int64_t>(to_whole_minutes(*middle), 1 << 30));
}

// Where slots lie: the commonest remainder of the times by the cadence, in whole minutes where the cadence is
// so. If several are about as common, since frames are `thinned`, the first, so that one frame more changes nothing.
std::int64_t infer_phase(const std::vector<std::int64_t>& times, int cadence, bool thinned) {
  const std::int64_t grain = cadence >= 120 ? 60 : 1;
  std::map<std::int64_t, std::size_t> votes;
  for (const std::int64_t time : times) {
    const std::int64_t remainder = ((time % cadence) + cadence) % cadence;
    ++votes[grain * divide_rounded(remainder, grain) % cadence];
  }
  const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto commonest = std::max_element(votes.begin(), votes.end(), more);
  if (!thinned) return commonest->first;
  return std::find_if(votes.begin(), votes.end(),
                      [&](const auto& vote) { return 2 * vote.second >= commonest->second; })
      ->first;
}

std::string size_text(const ImageProbe& image) {
  return std::to_string(image.width) + "×" + std::to_string(image.height) + " at " + std::to_string(image.bits) +
         " bits";
}

using FeedCounts = std::map<FrameFeed, std::size_t>;

std::string list_text(const FeedCounts& feeds) {
  constexpr std::size_t kShown = 12;
  std::string text;
  std::size_t shown = 0;
  for (const auto& [feed, count] : feeds) {
    if (shown++ == kShown) return text + " and " + std::to_string(feeds.size() - kShown) + " more";
    text += (text.empty() ? "" : ", ") + feed_text(feed) + " (" + std::to_string(count) + " frames)";
  }
  return text;
}

// The keys in which feeds differ, with the values of the one that has most frames.
std::string choice_text(const FeedCounts& feeds) {
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  const FrameFeed& fullest = std::max_element(feeds.begin(), feeds.end(), fewer)->first;
  std::string text;
  const auto add = [&](const char* key, std::string FrameFeed::*part) {
    const std::string& value = fullest.*part;
    if (value.empty() ||
        std::all_of(feeds.begin(), feeds.end(), [&](const auto& feed) { return feed.first.*part == value; }))
      return;
    text += (text.empty() ? "" : " and ") + std::string("feed.") + key + " = \"" + value + "\"";
  };
  add("layout", &FrameFeed::layout);
  add("satellite", &FrameFeed::satellite);
  add("region", &FrameFeed::region);
  add("channel", &FrameFeed::channel);
  return text;
}

// The one feed that the settings mean: of all that there are, or of all that they name.
Result<FrameFeed> choose_feed(const FeedCounts& feeds, const FrameCacheSettings& settings, const std::string& folder) {
  FeedCounts meant;
  std::copy_if(feeds.begin(), feeds.end(), std::inserter(meant, meant.end()),
               [&](const auto& feed) { return same_feed(settings.feed, feed.first); });
  if (meant.size() == 1) return meant.begin()->first;
  if (meant.size() > 1) {
    const std::string choice = choice_text(meant);
    return Status::error(folder + ": holds frames of " + std::to_string(meant.size()) + " kinds: " + list_text(meant) +
                         "; choose one in " + settings.source + (choice.empty() ? "" : ", for example by " + choice));
  }
  if (feeds.empty()) return FrameFeed{};
  return Status::error(folder + ": holds no frames of the kind that feed names in " + settings.source + "; there are " +
                       list_text(feeds));
}

}  // namespace

struct FrameCache::Candidate {
  FrameEntry entry;
  ImageProbe image;
};

Result<FrameCache> FrameCache::open(const std::string& folder) {
  const Result<FrameCacheSettings> settings = load_frame_cache_settings(folder);
  return settings.ok() ? open(folder, *settings) : settings.status();
}

Result<FrameCache> FrameCache::open(const std::string& folder, const FrameCacheSettings& settings) {
  FrameCache cache;
  cache.folder_ = folder;
  cache.settings_ = settings;
  if (cache.settings_.source.empty()) cache.settings_.source = "the settings";
  struct Named {
    std::string relative, reason;
    FrameName::Kind kind;
    std::int64_t time;
  };
  std::vector<Named> named;
  FeedCounts feeds;
  const Result<std::vector<UnlistedFolder>> unlisted = list_files(folder, [&](const std::string& relative) {
    FrameName name = parse_frame_name(relative, settings.feed.layout);
    if (name.kind == FrameName::Kind::unrelated) return;
    if (name.kind != FrameName::Kind::malformed && name.time < settings.from.value_or(name.time)) return;
    if (name.kind == FrameName::Kind::frame) ++feeds[name.feed];
    if (same_feed(settings.feed, name.feed)) named.push_back({relative, std::move(name.reason), name.kind, name.time});
  });
  if (!unlisted.ok()) return unlisted.status();
  const Result<FrameFeed> feed = choose_feed(feeds, cache.settings_, folder);
  if (!feed.ok()) return feed.status();
  cache.feed_ = *feed;
  if (cache.settings_.channel.empty()) cache.settings_.channel = feed->channel;
  if (cache.settings_.region.empty()) cache.settings_.region = feed->region;
  cache.reference_ = std::make_shared<SharedReference>();

  for (const UnlistedFolder& below : *unlisted) {
    cache.rejected_.push_back({below.path, "cannot be listed: " + below.reason, FrameFault::unreadable});
  }
  // What is done with files must not depend on the order in which the file system lists them.
  std::sort(named.begin(), named.end(), [](const Named& a, const Named& b) { return a.relative < b.relative; });
  // A picture beside the grey image of its time takes nothing from anyone.
  std::set<std::int64_t> times;
  for (const Named& name : named) {
    if (name.kind == FrameName::Kind::frame) times.insert(name.time);
  }
  std::vector<Candidate> candidates;
  for (Named& name : named) {
    const std::string path = join_path(folder, name.relative);
    ImageProbe image;
    if (name.kind == FrameName::Kind::malformed) {
      cache.rejected_.push_back({path, std::move(name.reason), FrameFault::bad_time});
    } else if (name.kind == FrameName::Kind::picture) {
      if (!times.contains(name.time)) cache.rejected_.push_back({path, std::move(name.reason), FrameFault::picture});
    } else if (std::optional<FrameFinding> finding = probe_image(path, image)) {
      cache.rejected_.push_back({path, std::move(finding->reason), finding->fault});
    } else {
      candidates.push_back({{path, name.time, name.time, image.lossy, false}, image});
    }
  }
  ALTOCAST_RETURN_IF_ERROR(cache.arrange(std::move(candidates)));
  return cache;
}

// Sorts, keeps the majority's size, snaps to slots, drops duplicates, bridges short gaps, splits into runs.
Status FrameCache::arrange(std::vector<Candidate> candidates) {
  if (candidates.empty()) {
    if (rejected_.empty()) {
      return Status::error(folder_ + ": holds no frames" +
                           (settings_.from ? " since " + format_time(*settings_.from) : "") +
                           " (images named like 20180606T1200Z.png, or as goestools, SatDump or xrit-rx name them)");
    }
    return Status::error(folder_ + ": holds no usable frame; " + std::to_string(rejected_.size()) +
                         " rejected, the first: " + rejected_.front().path + ": " + rejected_.front().reason);
  }
  // By time; at the same time the lossless image first, then the name without a number after it.
  const auto key = [](const FrameEntry& entry) {
    return std::tuple<std::int64_t, bool, std::size_t, const std::string&>(entry.time, entry.lossy, entry.path.size(),
                                                                           entry.path);
  };
  std::sort(candidates.begin(), candidates.end(),
            [&](const Candidate& a, const Candidate& b) { return key(a.entry) < key(b.entry); });

  const auto shape = [](const ImageProbe& image) { return std::tuple(image.width, image.height, image.bits); };
  std::map<std::tuple<int, int, int>, std::size_t> votes;
  for (const Candidate& candidate : candidates) ++votes[shape(candidate.image)];
  std::size_t most = 0;
  for (const auto& [size, count] : votes) most = std::max(most, count);
  const auto winner = std::find_if(candidates.begin(), candidates.end(),
                                   [&](const Candidate& c) { return votes[shape(c.image)] == most; });
  const ImageProbe majority = winner->image;
  image_width_ = majority.width;
  image_height_ = majority.height;
  bits_ = majority.bits;
  std::erase_if(candidates, [&](const Candidate& c) {
    if (shape(majority) == shape(c.image)) return false;
    rejected_.push_back({c.entry.path, "is " + size_text(c.image) + " where most frames are " + size_text(majority),
                         FrameFault::other_size});
    return true;
  });

  const FrameCrop part = crop();
  height_ = part.height / settings_.downscale;
  width_ = part.width / settings_.downscale;
  if (part.top + part.height > image_height_ || part.left + part.width > image_width_ || height_ < 1 || width_ < 1) {
    return Status::error(settings_.source + ": crop and downscale do not fit frames of width " +
                         std::to_string(image_width_) + " and height " + std::to_string(image_height_));
  }

  std::vector<std::int64_t> times;
  for (const Candidate& candidate : candidates) times.push_back(candidate.entry.time);
  const int usual = infer_cadence(times);
  cadence_ = settings_.cadence_seconds > 0 ? settings_.cadence_seconds : usual;
  // Of frames that come more often than they are wanted, those of a slot are the ones at its time.
  const bool thinned = usual > 0 && 2 * usual <= cadence_;
  const std::int64_t phase = cadence_ > 0 ? infer_phase(times, cadence_, thinned) : 0;

  std::vector<FrameEntry> kept;
  for (Candidate& candidate : candidates) {
    FrameEntry& entry = candidate.entry;
    if (cadence_ > 0) entry.slot = phase + cadence_ * divide_rounded(entry.time - phase, cadence_);
    if (thinned && 2 * std::abs(entry.time - entry.slot) > usual) continue;
    if (!kept.empty() && kept.back().slot == entry.slot) {
      FrameEntry& first = kept.back();  // of two in a slot the one nearer to its nominal time stays, else the first
      if (std::abs(entry.time - entry.slot) < std::abs(first.time - first.slot)) std::swap(first, entry);
      rejected_.push_back({entry.path, "duplicate: " + first.path + " has the same slot " + format_time(first.slot),
                           FrameFault::duplicate});
      spare_.push_back(std::move(entry));
      continue;
    }
    kept.push_back(std::move(entry));
  }
  const bool bridgeable = height_ >= kLeastBridgedSide && width_ >= kLeastBridgedSide;
  for (FrameEntry& entry : kept) {
    if (!frames_.empty() && bridgeable &&
        entry.slot - frames_.back().slot <= std::int64_t{cadence_} * (1 + settings_.bridge)) {
      for (std::int64_t slot = frames_.back().slot + cadence_; slot < entry.slot; slot += cadence_) {
        frames_.push_back({bridged_path(slot), slot, slot, false, true});
        ++runs_.back().count;
      }
    }
    if (runs_.empty() || entry.slot - frames_.back().slot > cadence_) runs_.push_back({frames_.size(), 0});
    ++runs_.back().count;
    frames_.push_back(std::move(entry));
  }
  return {};
}

Result<FrameCache> FrameCache::without(const std::vector<RejectedFrame>& bad) const {
  FrameCache rest;
  rest.folder_ = folder_;
  rest.settings_ = settings_;
  rest.feed_ = feed_;
  rest.reference_ = reference_;
  std::set<std::string> paths;
  std::vector<RejectedFrame> named;
  for (const RejectedFrame& frame : bad) {
    if (paths.insert(frame.path).second) named.push_back(frame);
  }
  std::vector<Candidate> candidates;
  for (const std::vector<FrameEntry>* entries : {&frames_, &spare_}) {
    for (const FrameEntry& entry : *entries) {
      if (entry.bridged || paths.contains(entry.path)) continue;
      candidates.push_back({entry, {image_width_, image_height_, bits_, entry.lossy}});
    }
  }
  // arrange() finds the duplicates anew.
  std::copy_if(rejected_.begin(), rejected_.end(), std::back_inserter(rest.rejected_),
               [](const RejectedFrame& frame) { return frame.fault != FrameFault::duplicate; });
  const auto add = [&] { rest.rejected_.insert(rest.rejected_.end(), named.begin(), named.end()); };
  if (candidates.empty()) add();
  ALTOCAST_RETURN_IF_ERROR(rest.arrange(std::move(candidates)));
  add();
  return rest;
}

FrameCrop FrameCache::crop() const { return settings_.crop.value_or(FrameCrop{0, 0, image_height_, image_width_}); }

std::string FrameCache::bridged_path(std::int64_t slot) const {
  return join_path(folder_, format_compact_time(slot) + " (bridged)");
}

std::optional<Georeference> FrameCache::georeference() const {
  const FrameCrop crop = settings_.crop.value_or(FrameCrop{});
  return settings_.products.georeference(image_height_, image_width_, crop.top, crop.left, settings_.downscale);
}

}  // namespace altocast
