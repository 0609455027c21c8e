#include "trainer/archive.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>

#include "formats/crc32c.h"
#include "runtime/advection/smoothed_advection.h"
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

Sha256Digest digest(const std::string& text) {
  return sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// What decoding a folder depends on; by the files' times of change, not their content, which would have to be read.
Sha256Digest decoding_key(const FrameCache& cache) {
  std::ostringstream text;
  const FrameCrop crop = cache.settings().crop.value_or(FrameCrop{});
  text << "frames 1\n"
       << cache.bits() << ' ' << cache.height() << ' ' << cache.width() << ' ' << crop.top << ' ' << crop.left << ' '
       << cache.settings().downscale << '\n';
  for (const FrameEntry& frame : cache.frames()) {
    std::error_code error;
    const std::filesystem::path path(frame.path);
    text << path.filename().string() << '\n'
         << std::filesystem::file_size(path, error) << ' '
         << std::filesystem::last_write_time(path, error).time_since_epoch().count() << '\n';
  }
  return digest(text.str());
}

// The store's file of this name, or what `make` appends to it.
template <class Make>
Result<FrameStore> open_or_make(const ArchiveStore& store, const std::string& name, const Sha256Digest& key,
                                std::size_t plane_size, const Make& make) {
  std::string path = store.folder.empty() ? "" : store.folder + "/" + to_hex(key).substr(0, 16) + name;
  if (!path.empty()) {
    if (std::optional<FrameStore> made = FrameStore::open(path, key, plane_size)) return std::move(*made);
    std::error_code error;
    if (store.write) std::filesystem::create_directories(store.folder, error);
    if (error) {
      return Status::error(store.folder + ": cannot be made a folder: " + error.message() +
                           "; give another --store DIR");
    }
    if (!store.write) path.clear();
  }
  Result<FrameStoreWriter> writer = FrameStoreWriter::create(path, key, plane_size);
  if (!writer.ok()) return writer.status();
  std::string note;
  ALTOCAST_RETURN_IF_ERROR(make(*writer, note));
  return writer->finish(note);
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

// Frames that did not decode, as a store's note tells them: name, tab, reason, a line each.
std::vector<RejectedFrame> bad_frames(const FrameCache& cache, const std::string& note) {
  std::map<std::string, std::string> reasons;
  std::istringstream lines(note);
  for (std::string name, reason; std::getline(lines, name, '\t') && std::getline(lines, reason);)
    reasons[name] = reason;
  std::vector<RejectedFrame> bad;
  for (const FrameEntry& frame : cache.frames()) {
    if (const auto found = reasons.find(file_name(frame.path)); found != reasons.end()) {
      bad.push_back({frame.path, found->second});
    }
  }
  return bad;
}

}  // namespace

Result<FrameStore> Archive::decode(FrameCache& cache, const Set& set, const ArchiveStore& store,
                                   const std::function<void(const std::string&)>& notice) const {
  Result<FrameStore> frames = open_or_make(
      store, "-frames", set.key, set.frame_size(), [&](FrameStoreWriter& writer, std::string& note) -> Status {
        const float steps = steps_a_unit();
        std::vector<std::uint16_t> plane(set.frame_size());
        for (std::size_t f = 0; f < cache.frames().size(); ++f) {
          const Result<Frame> frame = cache.load(f);
          if (!frame.ok()) {
            note += file_name(cache.frames()[f].path) + "\t" + frame.message() + "\n";
            continue;
          }
          std::transform(frame->pixels.begin(), frame->pixels.end(), plane.begin(),
                         [=](float raw) { return static_cast<std::uint16_t>(raw * steps + 0.5f); });
          ALTOCAST_RETURN_IF_ERROR(writer.append(plane));
        }
        return {};
      });
  if (!frames.ok()) return frames;
  std::vector<RejectedFrame> left_out = cache.rejected();
  if (const std::vector<RejectedFrame> bad = bad_frames(cache, frames->note()); !bad.empty()) {
    left_out.insert(left_out.end(), bad.begin(), bad.end());
    Result<FrameCache> rest = cache.without(bad);
    if (!rest.ok()) return rest.status();
    cache = std::move(*rest);
  }
  for (const RejectedFrame& frame : left_out) notice(frame.path + ": left out: " + frame.reason);
  if (frames->count() != cache.frames().size()) {
    return Status::error(cache.folder() +
                         ": without the frames that do not decode, others share their times; remove the " +
                         "files that were named as left out");
  }
  return frames;
}

Result<Archive> Archive::open(const FitSettings& settings, const std::function<void(const std::string&)>& notice,
                              const ArchiveStore& store) {
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
    if (cache->height() < tile || cache->width() < tile) {
      return Status::error(use.path + ": frames are " + std::to_string(cache->height()) + "×" +
                           std::to_string(cache->width()) + " pixels, smaller than the tile of " +
                           std::to_string(tile) +
                           "; lower training.tile and training.warmup_tile, or leave the folder out");
    }

    if (archive.sets_.empty()) {
      archive.bits_ = cache->bits();
      archive.channel_ = cache->settings().channel;
    }
    if (cache->bits() != archive.bits_) {
      return Status::error(use.path + ": frames have " + std::to_string(cache->bits()) +
                           " bits where those of the folders before have " + std::to_string(archive.bits_) +
                           "; a prior is for one depth: leave the folder out or convert its frames");
    }

    const std::size_t index = archive.sets_.size();
    Set set{use.path, cache->height(), cache->width(), decoding_key(*cache), {}, {}};
    Result<FrameStore> frames = archive.decode(*cache, set, store, notice);
    if (!frames.ok()) return frames.status();
    set.frames = std::move(*frames);
    if (archive.sets_.empty()) archive.cadence_seconds_ = cache->cadence_seconds();
    if (archive.cadence_seconds_ != cache->cadence_seconds()) archive.cadence_seconds_ = 0;
    if (archive.channel_ != cache->settings().channel) archive.channel_.clear();
    archive.fingerprint_ = archive.fingerprint_ * 31 + set.frames.content_crc();
    for (const FrameEntry& frame : cache->frames()) {
      archive.fingerprint_ = archive.fingerprint_ * 31 + static_cast<std::uint64_t>(frame.time);
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
    for (std::size_t set = 0; set < archive.sets_.size(); ++set) {
      for (std::size_t stride = 1; stride <= static_cast<std::size_t>(settings.longest_stride); ++stride) {
        ALTOCAST_RETURN_IF_ERROR(archive.advect(set, stride, settings.network.input_frames, store, threads));
      }
    }
  }
  return archive;
}

std::vector<ArchiveFolder> Archive::folders() const {
  std::vector<ArchiveFolder> folders;
  for (const Set& set : sets_) {
    folders.push_back({set.path, set.height, set.width, set.frames.count()});
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
// which have too few before them, are left out, and so are its last, which have too few after them.
Status Archive::advect(std::size_t set_index, std::size_t stride, int input_frames, const ArchiveStore& store,
                       ThreadPool& threads) {
  Set& set = sets_[set_index];
  const std::size_t leads = static_cast<std::size_t>(leads_), size = set.frame_size();
  std::map<std::size_t, std::size_t> before;  // frame → the one before it
  for (const std::vector<FrameStretch>* stretches : {&training_, &validation_}) {
    for (const FrameStretch& stretch : *stretches) {
      if (stretch.set != set_index || stretch.stride != stride) continue;
      for (std::size_t i = static_cast<std::size_t>(input_frames) - 1; i + leads < stretch.count; ++i) {
        before[stretch.frame(i)] = stretch.frame(i - 1);
      }
    }
  }
  Advected& advected = set.advected.emplace_back();
  advected.first.assign(set.frames.count(), 0);
  std::string text = "advected 1\n" + to_hex(set.key) + " " + std::to_string(leads_);
  std::size_t planes = 0;
  for (const auto& [frame, previous] : before) {
    advected.first[frame] = planes;
    planes += leads;
    text += " " + std::to_string(previous) + " " + std::to_string(frame);
  }
  Result<FrameStore> made =
      open_or_make(store, "-advected", digest(text), size, [&](FrameStoreWriter& writer, std::string&) -> Status {
        SmoothedAdvection advection(set.height, set.width, leads_);
        std::vector<float> past(2 * size), plain(leads * size), smoothed(leads * size);
        std::vector<std::uint16_t> plane(size);
        for (const auto& [frame, previous] : before) {
          std::copy_n(set.frames.plane(previous), size, past.begin());
          std::copy_n(set.frames.plane(frame), size, past.begin() + static_cast<std::ptrdiff_t>(size));
          advection.forecast(past, 2, plain, smoothed, &threads);
          for (std::size_t lead = 0; lead < leads; ++lead) {
            std::transform(
                smoothed.begin() + static_cast<std::ptrdiff_t>(lead * size),
                smoothed.begin() + static_cast<std::ptrdiff_t>((lead + 1) * size), plane.begin(),
                [](float value) { return static_cast<std::uint16_t>(std::clamp(value, 0.0f, 65535.0f) + 0.5f); });
            ALTOCAST_RETURN_IF_ERROR(writer.append(plane));
          }
        }
        return {};
      });
  if (!made.ok()) return made.status();
  advected.planes = std::move(*made);
  return {};
}

void Archive::copy_tile(std::size_t set_index, std::size_t frame, int top, int left, int size,
                        std::span<float> dst) const {
  const Set& set = sets_[set_index];
  copy(set, set.frames.plane(frame), top, left, size, dst);
}

void Archive::copy_advected_tile(const FrameStretch& stretch, std::size_t i, int lead, int top, int left, int size,
                                 std::span<float> dst) const {
  const Set& set = sets_[stretch.set];
  const Advected& advected = set.advected[stretch.stride - 1];
  const std::size_t plane = advected.first[stretch.frame(i)] + static_cast<std::size_t>(lead);
  copy(set, advected.planes.plane(plane), top, left, size, dst);
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
