#include "runtime/frames/frame_cache.h"

#include <algorithm>
#include <cassert>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "formats/durable_file.h"
#include "formats/image.h"
#include "runtime/frames/frame_name.h"
#include "runtime/frames/image_probe.h"
#include "runtime/time.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSettingsName = "cache.toml";
constexpr std::uint64_t kMaxSettingsBytes = 1 << 16;
constexpr std::uint64_t kMaxImageBytes = std::uint64_t{1} << 28;

// Paths below `folder`, relative to it, as deep as any layout reaches, in the order of their names: what is
// done with them must not depend on the order in which the file system lists them.
Result<std::vector<std::string>> list_folder(const std::string& folder) {
  int depth = 0;
  for (const FrameLayout& layout : frame_layouts()) depth = std::max(depth, layout.folders);
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return Status::error(folder + (error || !fs::exists(folder, error) ? ": no such folder" : ": is no folder") +
                         "; give the folder that holds the frames");
  }
  std::vector<std::string> paths;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry.depth() >= depth) entry.disable_recursion_pending();
    paths.push_back(entry->path().lexically_relative(folder).generic_string());
  }
  if (error) return Status::error(folder + ": cannot be listed: " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

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
// so.
std::int64_t infer_phase(const std::vector<std::int64_t>& times, int cadence) {
  const std::int64_t grain = cadence >= 120 ? 60 : 1;
  std::map<std::int64_t, std::size_t> votes;
  for (const std::int64_t time : times) {
    const std::int64_t remainder = ((time % cadence) + cadence) % cadence;
    ++votes[grain * divide_rounded(remainder, grain) % cadence];
  }
  const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(votes.begin(), votes.end(), more)->first;
}

std::string size_text(int width, int height, int bits) {
  return std::to_string(width) + "×" + std::to_string(height) + " at " + std::to_string(bits) + " bits";
}

}  // namespace

struct FrameCache::Candidate {
  FrameEntry entry;
  ImageProbe image;
};

Result<FrameCache> FrameCache::open(const std::string& folder) {
  FrameCache cache;
  cache.folder_ = folder;
  Result<std::vector<std::string>> paths = list_folder(folder);
  if (!paths.ok()) return paths.status();

  std::vector<Candidate> candidates;
  for (const std::string& relative : *paths) {
    const std::string path = (fs::path(folder) / relative).string();
    if (relative == kSettingsName) {
      Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxSettingsBytes);
      if (!bytes.ok()) return bytes.status();
      const std::string text(bytes->begin(), bytes->end());
      Result<FrameCacheSettings> settings = parse_frame_cache_settings(text, path);
      if (!settings.ok()) return settings.status();
      cache.settings_ = std::move(*settings);
      continue;
    }
    const FrameName name = parse_frame_name(relative);
    if (name.kind == FrameName::Kind::malformed) cache.rejected_.push_back({path, name.reason});
    if (name.kind != FrameName::Kind::frame) continue;
    Result<ImageProbe> image = probe_image(path);
    if (image.ok()) {
      candidates.push_back({{path, name.time, name.time}, *image});
    } else {
      cache.rejected_.push_back({path, image.message()});
    }
  }
  ALTOCAST_RETURN_IF_ERROR(cache.arrange(std::move(candidates)));
  return cache;
}

// Sorts, keeps the majority's size, snaps to slots, drops duplicates, splits into runs.
Status FrameCache::arrange(std::vector<Candidate> candidates) {
  if (candidates.empty()) {
    if (rejected_.empty()) return Status::error(folder_ + ": holds no frames (images named like 20180606T1200Z.png)");
    return Status::error(folder_ + ": holds no usable frame; " + std::to_string(rejected_.size()) +
                         " rejected, the first: " + rejected_.front().path + ": " + rejected_.front().reason);
  }
  // By time; at the same time the lossless image first.
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.entry.time, a.image.lossy, a.entry.path) < std::tie(b.entry.time, b.image.lossy, b.entry.path);
  });

  const auto shape = [](const Candidate& c) { return std::tuple(c.image.width, c.image.height, c.image.bits); };
  std::map<std::tuple<int, int, int>, std::size_t> votes;
  for (const Candidate& candidate : candidates) ++votes[shape(candidate)];
  std::size_t most = 0;
  for (const auto& [key, count] : votes) most = std::max(most, count);
  const auto winner =
      std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) { return votes[shape(c)] == most; });
  const ImageProbe majority = winner->image;
  image_width_ = majority.width;
  image_height_ = majority.height;
  bits_ = majority.bits;
  std::erase_if(candidates, [&](const Candidate& c) {
    if (std::tuple(majority.width, majority.height, majority.bits) == shape(c)) return false;
    rejected_.push_back({c.entry.path, "is " + size_text(c.image.width, c.image.height, c.image.bits) +
                                           " where most frames are " +
                                           size_text(majority.width, majority.height, majority.bits)});
    return true;
  });

  const FrameCrop crop = settings_.crop.value_or(FrameCrop{0, 0, image_height_, image_width_});
  height_ = crop.height / settings_.downscale;
  width_ = crop.width / settings_.downscale;
  if (crop.top + crop.height > image_height_ || crop.left + crop.width > image_width_ || height_ < 1 || width_ < 1) {
    return Status::error((fs::path(folder_) / kSettingsName).string() +
                         ": crop and downscale do not fit frames of width " + std::to_string(image_width_) +
                         " and height " + std::to_string(image_height_));
  }

  std::vector<std::int64_t> times;
  for (const Candidate& candidate : candidates) times.push_back(candidate.entry.time);
  cadence_ = settings_.cadence_seconds > 0 ? settings_.cadence_seconds : infer_cadence(times);
  const std::int64_t phase = cadence_ > 0 ? infer_phase(times, cadence_) : 0;

  for (Candidate& candidate : candidates) {
    FrameEntry& entry = candidate.entry;
    if (cadence_ > 0) entry.slot = phase + cadence_ * divide_rounded(entry.time - phase, cadence_);
    if (!frames_.empty() && frames_.back().slot == entry.slot) {
      FrameEntry& kept = frames_.back();  // of two in a slot the one nearer to its nominal time stays, else the first
      if (std::abs(entry.time - entry.slot) < std::abs(kept.time - kept.slot)) std::swap(kept, entry);
      rejected_.push_back({entry.path, "duplicate: " + kept.path + " has the same slot " + format_time(kept.slot)});
      continue;
    }
    if (runs_.empty() || entry.slot - frames_.back().slot > cadence_) runs_.push_back({frames_.size(), 0});
    ++runs_.back().count;
    frames_.push_back(entry);
  }
  return {};
}

Result<FrameCache> FrameCache::without(const std::vector<RejectedFrame>& bad) const {
  FrameCache rest;
  rest.folder_ = folder_;
  rest.settings_ = settings_;
  rest.rejected_ = rejected_;
  std::set<std::string> paths;
  for (const RejectedFrame& frame : bad) paths.insert(frame.path);
  std::vector<Candidate> candidates;
  for (const FrameEntry& entry : frames_) {
    if (!paths.contains(entry.path)) candidates.push_back({entry, {image_width_, image_height_, bits_, false}});
  }
  for (const RejectedFrame& frame : bad) rest.rejected_.push_back(frame);
  ALTOCAST_RETURN_IF_ERROR(rest.arrange(std::move(candidates)));
  return rest;
}

Result<Frame> FrameCache::load(std::size_t index) const { return load(index, Normalisation{0.0f, 1.0f}); }

Result<Frame> FrameCache::load(std::size_t index, const Normalisation& normalisation) const {
  assert(index < frames_.size());
  const FrameEntry& entry = frames_[index];
  Result<std::vector<std::uint8_t>> bytes = read_file(entry.path, kMaxImageBytes);
  if (!bytes.ok()) return bytes.status();
  Result<GrayImage> image = decode_image(*bytes);
  if (!image.ok()) return image.status().within(entry.path);
  if (image->width != image_width_ || image->height != image_height_ || image->bits != bits_) {
    return Status::error(entry.path + ": has changed to " + size_text(image->width, image->height, image->bits) +
                         " since the folder was read");
  }

  const FrameCrop crop = settings_.crop.value_or(FrameCrop{0, 0, image_height_, image_width_});
  const int factor = settings_.downscale;
  Frame frame{entry.time, height_, width_, {}};
  frame.pixels.reserve(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_));
  const auto pixels_a_mean = static_cast<float>(factor * factor);
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      std::uint32_t sum = 0;  // at most 64² · 65535
      for (int dy = 0; dy < factor; ++dy) {
        const std::size_t row = static_cast<std::size_t>(crop.top + y * factor + dy);
        const std::size_t first =
            row * static_cast<std::size_t>(image_width_) + static_cast<std::size_t>(crop.left + x * factor);
        for (std::size_t dx = 0; dx < static_cast<std::size_t>(factor); ++dx) sum += image->pixels[first + dx];
      }
      const float raw = static_cast<float>(sum) / pixels_a_mean;
      frame.pixels.push_back((raw - normalisation.offset) / normalisation.scale);
    }
  }
  return frame;
}

std::vector<RejectedFrame> FrameCache::verify_all() const {
  std::vector<RejectedFrame> bad;
  for (std::size_t index = 0; index < frames_.size(); ++index) {
    const Result<Frame> frame = load(index);
    if (!frame.ok()) bad.push_back({frames_[index].path, frame.message()});
  }
  return bad;
}

std::optional<Georeference> FrameCache::georeference() const {
  const FrameCrop crop = settings_.crop.value_or(FrameCrop{});
  return settings_.products.georeference(image_height_, image_width_, crop.top, crop.left, settings_.downscale);
}

}  // namespace altocast
