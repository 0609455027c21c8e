#include "trainer/archive.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "runtime/advection/smoothed_advection.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/time.h"

namespace altocast {
namespace {

// The same folder under two spellings is one folder.
std::string canonical(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  return error ? path : real.string();
}

struct FolderUse {
  std::string path;
  bool trained = false;
  bool validated = false;
  std::string validation_from;  // empty: all of it
};

std::vector<FolderUse> folder_uses(const FitSettings& settings) {
  std::vector<FolderUse> uses;
  const auto use_of = [&](const std::string& path) -> FolderUse& {
    for (FolderUse& use : uses) {
      if (canonical(use.path) == canonical(path)) return use;
    }
    return uses.emplace_back(FolderUse{path, false, false, {}});
  };
  for (const std::string& path : settings.data) use_of(path).trained = true;
  for (const ValidationFolder& folder : settings.validation) {
    FolderUse& use = use_of(folder.path);
    use.validated = true;
    use.validation_from = folder.from;
  }
  return uses;
}

// The times that divide a folder's frames: training before `train_before`, validation from `validate_from`
// on.
struct Division {
  std::int64_t train_before = kLatestTime + 1;
  std::int64_t validate_from = kLatestTime + 1;
};

Division divide(const FolderUse& use, const FitSettings& settings, const FrameCache& cache) {
  const auto gap = static_cast<std::int64_t>(settings.validation_gap_hours * 3600);
  Division division;
  if (use.validated && use.validation_from.empty()) return {kEarliestTime, kEarliestTime};
  if (use.validated) {
    division.validate_from = *parse_time(use.validation_from);
  } else if (settings.validation.empty() && settings.validation_share > 0) {
    const std::size_t count = cache.frames().size();
    const auto held = static_cast<std::size_t>(std::ceil(static_cast<double>(count) * settings.validation_share));
    if (held == 0 || held >= count) return division;
    division.validate_from = cache.frames()[count - held].slot;
  } else {
    return division;
  }
  division.train_before = use.trained ? division.validate_from - gap : kEarliestTime;
  return division;
}

}  // namespace

Result<Archive> Archive::open(const FitSettings& settings, const std::function<void(const std::string&)>& notice) {
  Archive archive;
  archive.normalisation_ = settings.normalisation;
  archive.leads_ = settings.network.leads;
  const int shortest = settings.network.input_frames + settings.network.leads;
  const int tile = std::max(settings.tile, settings.warmup_tile);
  for (const FolderUse& use : folder_uses(settings)) {
    Result<FrameCacheSettings> settings_there = load_frame_cache_settings(use.path);
    if (!settings_there.ok()) return settings_there.status();
    settings_there->bridge = 0;  // every frame is a target to learn from
    Result<FrameCache> cache = FrameCache::open(use.path, *settings_there);
    if (!cache.ok()) return cache.status();
    const std::vector<RejectedFrame> bad = cache->verify_all();
    std::vector<RejectedFrame> left_out = cache->rejected();
    left_out.insert(left_out.end(), bad.begin(), bad.end());
    if (!bad.empty()) {
      cache = cache->without(bad);
      if (!cache.ok()) return cache.status();
    }
    for (const RejectedFrame& frame : left_out) notice(frame.path + ": left out: " + frame.reason);
    if (cache->height() < tile || cache->width() < tile) {
      return Status::error(use.path + ": frames are " + std::to_string(cache->height()) + "×" +
                           std::to_string(cache->width()) + " pixels, smaller than the tile of " +
                           std::to_string(tile) +
                           "; lower training.tile and training.warmup_tile, or leave the folder out");
    }

    if (archive.sets_.empty()) {
      archive.bits_ = cache->bits();
      archive.cadence_seconds_ = cache->cadence_seconds();
      archive.channel_ = cache->settings().channel;
    }
    if (archive.cadence_seconds_ != cache->cadence_seconds()) archive.cadence_seconds_ = 0;
    if (archive.channel_ != cache->settings().channel) archive.channel_.clear();
    if (cache->bits() != archive.bits_) {
      return Status::error(use.path + ": frames have " + std::to_string(cache->bits()) +
                           " bits where those of the folders before have " + std::to_string(archive.bits_) +
                           "; a prior is for one depth: leave the folder out or convert its frames");
    }

    const std::size_t index = archive.sets_.size();
    Set set{use.path, cache->height(), cache->width(), {}, {}};
    set.pixels.reserve(cache->frames().size() * set.frame_size());
    const float steps = archive.steps_a_unit();
    for (std::size_t f = 0; f < cache->frames().size(); ++f) {
      const Result<Frame> frame = cache->load(f);
      if (!frame.ok()) return frame.status();
      for (const float raw : frame->pixels) set.pixels.push_back(static_cast<std::uint16_t>(raw * steps + 0.5f));
    }
    archive.sets_.push_back(std::move(set));

    const Division division = divide(use, settings, *cache);
    const auto add = [&](std::vector<FrameStretch>& stretches, std::size_t first, std::size_t end, std::size_t stride) {
      if (end <= first) return;
      const std::size_t count = (end - first + stride - 1) / stride;
      if (count >= static_cast<std::size_t>(shortest)) stretches.push_back({index, first, count, stride});
    };
    for (const FrameRun& run : cache->runs()) {
      const auto begin = cache->frames().begin() + static_cast<std::ptrdiff_t>(run.first);
      const auto end = begin + static_cast<std::ptrdiff_t>(run.count);
      const auto frame_at = [&](std::int64_t time) {
        return static_cast<std::size_t>(
            std::partition_point(begin, end, [&](const FrameEntry& frame) { return frame.slot < time; }) -
            cache->frames().begin());
      };
      for (std::size_t stride = 1; use.trained && stride <= static_cast<std::size_t>(settings.longest_stride);
           ++stride) {
        for (std::size_t phase = 0; phase < stride; ++phase)
          add(archive.training_, run.first + phase, frame_at(division.train_before), stride);
      }
      add(archive.validation_, frame_at(division.validate_from), run.first + run.count, 1);
    }
  }
  if (archive.training_.empty()) {
    return Status::error("no run of frames is long enough to train on: a pair takes " + std::to_string(shortest) +
                         " consecutive frames; add data or hold less out for validation");
  }
  if (settings.network.residual == ResidualBase::advected) {
    ThreadPool threads(0);
    for (const std::vector<FrameStretch>* stretches : {&archive.training_, &archive.validation_}) {
      for (const FrameStretch& stretch : *stretches) archive.advect(stretch, settings.network.input_frames, threads);
    }
  }
  return archive;
}

std::vector<ArchiveFolder> Archive::folders() const {
  std::vector<ArchiveFolder> folders;
  for (const Set& set : sets_) {
    const std::size_t pixels = static_cast<std::size_t>(set.height) * static_cast<std::size_t>(set.width);
    folders.push_back({set.path, set.height, set.width, set.pixels.size() / pixels});
  }
  for (const FrameStretch& stretch : training_) folders[stretch.set].training += stretch.count;
  for (const FrameStretch& stretch : validation_) folders[stretch.set].validation += stretch.count;
  return folders;
}

std::size_t Archive::frame_count() const {
  std::size_t count = 0;
  for (const ArchiveFolder& folder : folders()) count += folder.frames;
  return count;
}

// As a station advects a frame, from all of it: a tile alone would not know what moves in. Each stretch's first frames,
// which have too few before them, are left out.
void Archive::advect(const FrameStretch& stretch, int input_frames, ThreadPool& threads) {
  Set& set = sets_[stretch.set];
  const std::size_t size = set.frame_size(), leads = static_cast<std::size_t>(leads_);
  set.advected.resize(std::max(set.advected.size(), stretch.stride));
  std::vector<std::uint16_t>& planes = set.advected[stretch.stride - 1];
  planes.resize(set.pixels.size() * leads);
  SmoothedAdvection advection(set.height, set.width, leads_);
  std::vector<float> past(2 * size), advected(leads * size), smoothed(leads * size);
  for (std::size_t i = static_cast<std::size_t>(input_frames) - 1; i + leads < stretch.count; ++i) {
    std::copy_n(set.pixels.data() + stretch.frame(i - 1) * size, size, past.begin());
    std::copy_n(set.pixels.data() + stretch.frame(i) * size, size, past.begin() + static_cast<std::ptrdiff_t>(size));
    advection.forecast(past, 2, advected, smoothed, &threads);
    std::uint16_t* to = planes.data() + stretch.frame(i) * leads * size;
    for (const float value : smoothed) *to++ = static_cast<std::uint16_t>(std::clamp(value, 0.0f, 65535.0f) + 0.5f);
  }
}

void Archive::copy_tile(std::size_t set_index, std::size_t frame, int top, int left, int size,
                        std::span<float> dst) const {
  const Set& set = sets_[set_index];
  copy(set, set.pixels.data() + frame * set.frame_size(), top, left, size, dst);
}

void Archive::copy_advected_tile(const FrameStretch& stretch, std::size_t i, int lead, int top, int left, int size,
                                 std::span<float> dst) const {
  const Set& set = sets_[stretch.set];
  const std::size_t plane = stretch.frame(i) * static_cast<std::size_t>(leads_) + static_cast<std::size_t>(lead);
  copy(set, set.advected[stretch.stride - 1].data() + plane * set.frame_size(), top, left, size, dst);
}

void Archive::copy(const Set& set, const std::uint16_t* image, int top, int left, int size,
                   std::span<float> dst) const {
  const float steps = steps_a_unit();
  float* out = dst.data();
  for (int y = top; y < top + size; ++y) {
    const std::uint16_t* row = image + static_cast<std::size_t>(y) * static_cast<std::size_t>(set.width);
    for (int x = left; x < left + size; ++x) {
      *out++ = (static_cast<float>(row[x]) / steps - normalisation_.offset) / normalisation_.scale;
    }
  }
}

}  // namespace altocast
