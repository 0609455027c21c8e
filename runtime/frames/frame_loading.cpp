// From a cache's entry to pixels: FrameCache's part that decodes.
#include <algorithm>
#include <cassert>

#include "formats/durable_file.h"
#include "formats/image.h"
#include "runtime/frames/frame_bridge.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/frames/image_probe.h"
#include "runtime/frames/shared_reference.h"

namespace altocast {
namespace {

constexpr std::uint64_t kMaxImageBytes = std::uint64_t{1} << 28;

}  // namespace

std::optional<FrameFinding> FrameCache::decode(const FrameEntry& entry, GrayImage& image) const {
  const Result<std::vector<std::uint8_t>> bytes = read_file(entry.path, kMaxImageBytes);
  if (!bytes.ok()) {
    const std::string& message = bytes.message();
    const bool named = message.starts_with(entry.path + ": ");
    return FrameFinding{FrameFault::unreadable, named ? message.substr(entry.path.size() + 2) : message};
  }
  Result<GrayImage> decoded = decode_image(*bytes);
  if (!decoded.ok()) {
    ImageProbe probe;
    const std::optional<FrameFinding> finding = probe_image(entry.path, probe);
    const bool incomplete = finding && finding->fault == FrameFault::incomplete;
    return FrameFinding{incomplete ? FrameFault::incomplete : FrameFault::corrupt, decoded.message()};
  }
  if (decoded->width != image_width_ || decoded->height != image_height_ || decoded->bits != bits_) {
    return FrameFinding{FrameFault::changed,
                        "has changed since the folder was read: it is " + std::to_string(decoded->width) + "×" +
                            std::to_string(decoded->height) + " at " + std::to_string(decoded->bits) + " bits now"};
  }
  image = *std::move(decoded);
  return {};
}

const FrameReference& FrameCache::reference() const {
  const std::lock_guard lock(reference_->mutex);
  if (!reference_->reference) {
    FrameReference& reference = reference_->reference.emplace(feed_.layout != "plain");
    std::vector<const FrameEntry*> entries;
    for (const FrameEntry& entry : frames_) {
      if (!entry.bridged) entries.push_back(&entry);
    }
    const std::size_t count = std::min<std::size_t>(entries.size(), FrameReference::kFrames);
    for (std::size_t i = 0; i < count; ++i) {
      const FrameEntry& entry = *entries[count > 1 ? i * (entries.size() - 1) / (count - 1) : 0];
      GrayImage image;
      if (!decode(entry, image)) reference.add(FramePixels(image, crop(), entry.lossy));
    }
    reference.finish();
  }
  return *reference_->reference;
}

std::optional<RejectedFrame> FrameCache::read(const FrameEntry& entry, Frame& frame) const {
  const auto rejected = [&](FrameFinding finding) {
    return RejectedFrame{entry.path, std::move(finding.reason), finding.fault};
  };
  const FrameReference& usual = reference();
  GrayImage image;
  if (std::optional<FrameFinding> finding = decode(entry, image)) return rejected(*std::move(finding));
  const FrameCrop part = crop();
  if (std::optional<FrameFinding> finding =
          check_content(FramePixels(image, part, entry.lossy), usual, settings_.accept)) {
    return rejected(*std::move(finding));
  }

  const int factor = settings_.downscale;
  frame = {entry.time, height_, width_, {}};
  frame.pixels.reserve(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_));
  const auto pixels_a_mean = static_cast<float>(factor * factor);
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      std::uint32_t sum = 0;  // at most 64² · 65535
      for (int dy = 0; dy < factor; ++dy) {
        const std::size_t row = static_cast<std::size_t>(part.top + y * factor + dy);
        const std::size_t first =
            row * static_cast<std::size_t>(image_width_) + static_cast<std::size_t>(part.left + x * factor);
        for (std::size_t dx = 0; dx < static_cast<std::size_t>(factor); ++dx) sum += image.pixels[first + dx];
      }
      frame.pixels.push_back(static_cast<float>(sum) / pixels_a_mean);
    }
  }
  return {};
}

std::optional<RejectedFrame> FrameCache::bridge(std::size_t index, Frame& frame) const {
  std::size_t before = index, after = index;
  while (frames_[before].bridged) --before;
  while (frames_[after].bridged) ++after;
  Frame earlier, later;
  if (std::optional<RejectedFrame> bad = read(frames_[before], earlier)) return bad;
  if (std::optional<RejectedFrame> bad = read(frames_[after], later)) return bad;
  frame = {frames_[index].time, height_, width_,
           bridge_frames(earlier.pixels, later.pixels, height_, width_, static_cast<int>(index - before),
                         static_cast<int>(after - before))};
  return {};
}

std::optional<RejectedFrame> FrameCache::load(std::size_t index, const Normalisation& normalisation,
                                              Frame& frame) const {
  assert(index < frames_.size());
  const FrameEntry& entry = frames_[index];
  std::optional<RejectedFrame> bad = entry.bridged ? bridge(index, frame) : read(entry, frame);
  if (bad) return bad;
  for (float& pixel : frame.pixels) pixel = (pixel - normalisation.offset) / normalisation.scale;
  return {};
}

Result<Frame> FrameCache::load(std::size_t index, const Normalisation& normalisation) const {
  Frame frame;
  const std::optional<RejectedFrame> bad = load(index, normalisation, frame);
  if (bad) return Status::error(bad->path + ": " + bad->reason);
  return frame;
}

Result<Frame> FrameCache::load(std::size_t index) const { return load(index, Normalisation{0.0f, 1.0f}); }

bool FrameCache::observed(std::size_t first, std::size_t count) const {
  const auto begin = frames_.begin() + static_cast<std::ptrdiff_t>(first);
  return std::none_of(begin, begin + static_cast<std::ptrdiff_t>(count),
                      [](const FrameEntry& entry) { return entry.bridged; });
}

}  // namespace altocast
