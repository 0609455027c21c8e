// A folder of time-stamped images as a sorted list of frames in runs without gaps: a receiver's folders as they are
// (frame_name.h), or a flat one. Opening reads names and image headers only; pixels are decoded when a frame is loaded,
// one at a time, so memory does not grow with the folder.
//
// Whatever cannot be used (frame_fault.h) is named in rejected() with the reason and left out; it is never an error of
// the cache. What the pixels show is found when a frame is loaded: load() then fails, and without() makes the cache
// without it. Files whose names are no frame's, or another feed's, are ignored.
//
// Slots without a frame are bridged, if no more than settings().bridge of them follow each other, by advection between
// the frames on both sides (frame_bridge.h); longer gaps end a run. A bridged frame stands in for an input; it is never
// the truth that a forecast is scored by or weights are adapted to, and there is none before the frame after it is
// there.
//
// A FrameCache is immutable after open(); any number of threads may call its const functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_cache_settings.h"
#include "runtime/frames/frame_fault.h"
#include "runtime/frames/frame_name.h"

namespace altocast {

class FrameReference;
struct GrayImage;

// How far before the newest frame an adaptation still learns from frames that a gap parts from it. More than a day, so
// that images of the daylight find those of the same hours; two, to outlast a day that was lost. In hours rather than
// frames, whatever the cadence: what is learned is how far this kind of image can be forecast here and in this season.
inline constexpr std::int64_t kLookBackSeconds = std::int64_t{48} * 3600;
// From how many days before what is off at this hour is learned, and from how many pairs of each.
inline constexpr int kSameHourDays = 2;
inline constexpr std::size_t kSameHourPairs = 2;

struct FrameEntry {
  std::string path;       // of a bridged frame: what to call it; there is no such file
  std::int64_t time = 0;  // as the name says
  std::int64_t slot = 0;  // the nearest nominal time: slots are one cadence apart and `time` is within half of it
  bool lossy = false;     // JPEG
  bool bridged = false;   // made of its neighbours; time = slot
};

// Frames first … first + count − 1, in consecutive slots. The first and the last are not bridged.
struct FrameRun {
  std::size_t first = 0;
  std::size_t count = 0;
};

// Consecutive frames of one run: `inputs` past frames from `first` on, oldest first, then `targets` future
// frames.
struct FrameWindow {
  std::size_t first = 0;
  int inputs = 0;
  int targets = 0;
};

// One decoded frame after crop and downscaling, row by row from the top.
struct Frame {
  std::int64_t time = 0;
  int height = 0;
  int width = 0;
  std::vector<float> pixels;  // [height, width]; raw image numbers, or normalised: (raw − offset) / scale
};

class FrameCache {
 public:
  // With the settings of folder/cache.toml. Fails only if the folder is missing or unreadable, cache.toml is wrong (the
  // message names file and line), frames of several feeds are there and the settings do not choose one (the message
  // lists them), or no file is a usable frame (the message counts the rejected and quotes the first).
  static Result<FrameCache> open(const std::string& folder);
  // With these settings; cache.toml is not read.
  static Result<FrameCache> open(const std::string& folder, const FrameCacheSettings& settings);

  const std::string& folder() const { return folder_; }
  // As given; channel and region are the feed's where they were left empty.
  const FrameCacheSettings& settings() const { return settings_; }
  const FrameFeed& feed() const { return feed_; }
  const std::vector<FrameEntry>& frames() const { return frames_; }  // by time
  const std::vector<FrameRun>& runs() const { return runs_; }        // by time, covering all frames
  const std::vector<RejectedFrame>& rejected() const { return rejected_; }

  int cadence_seconds() const { return cadence_; }  // cache.toml's or the median gap; 0 with a single frame
  int height() const { return height_; }            // of a loaded frame
  int width() const { return width_; }
  std::optional<Georeference> georeference() const;  // of a loaded frame's pixels, if cache.toml has one
  int bits() const { return bits_; }                 // 8 or 16: raw numbers are 0 … 2^bits − 1
  double largest_number() const { return static_cast<double>((std::uint32_t{1} << bits_) - 1); }

  // Decodes frame `index` (< frames().size()), or makes it if it is bridged, and checks its structure and its content.
  // Fails, naming the file, if it is not fit to use or has changed since open().
  Result<Frame> load(std::size_t index) const;
  Result<Frame> load(std::size_t index, const Normalisation& normalisation) const;
  // The same; what is wrong as without() takes it and rejected() tells it, nothing if `frame` was filled.
  std::optional<RejectedFrame> load(std::size_t index, const Normalisation& normalisation, Frame& frame) const;

  // Whether none of `count` frames from `first` on is bridged.
  bool observed(std::size_t first, std::size_t count) const;

  // This cache without the named frames, runs and cadence worked out anew: what is left after
  // failed load()s. Duplicates of theirs take their places. Fails if nothing is left.
  Result<FrameCache> without(const std::vector<RejectedFrame>& bad) const;

  // The run that holds frame `index`.
  const FrameRun& run_of(std::size_t index) const;

  // The newest frame at or before `at` (the newest of all without `at`), never a bridged one. Fails if there is none,
  // or if it is more than 1.5 cadences older than `at`.
  Result<std::size_t> newest_frame(std::optional<std::int64_t> at) const;

  // The newest `inputs` frames up to `at`, all of one run; targets = 0. Fails if that run holds too few.
  Result<FrameWindow> newest_input(int inputs, std::optional<std::int64_t> at) const;

  // The windows to adapt on: `max_pairs` (fewer if there are no more, at least one) whose targets end at or before `at`
  // and none of which is bridged, each within one run: the newest of the run of newest_frame(at) and then, as far as
  // kLookBackSeconds before that frame, those of earlier runs that are nearest to it in the time of day, and in time.
  // Of images that depend on the sun these tell most of the hours to come. OLDEST FIRST; in a run without missing
  // frames each is one frame later than the one before.
  Result<std::vector<FrameWindow>> support_pairs(int inputs, int targets, int max_pairs,
                                                 std::optional<std::int64_t> at) const;

  // Windows from the same hour (time_of_day.h) of the days before newest_frame(at), none of which is bridged: of each
  // of kSameHourDays up to kSameHourPairs, those whose last input is nearest to it on the clock. OLDEST FIRST; none if
  // newest_frame() fails.
  std::vector<FrameWindow> same_hour_pairs(int inputs, int targets, std::optional<std::int64_t> at) const;

  // The newest forecast up to `at` that can be tried on frames which are known: `inputs` frames of one run, the last
  // one not bridged, and after them as many as possible of `targets`, at least half, none of them bridged, so that
  // support_pairs() finds one up to the last input. It looks back as far as support_pairs(). Nothing if there is none.
  std::optional<FrameWindow> trial_window(int inputs, int targets, std::optional<std::int64_t> at) const;

  // Every window of one run, oldest first; empty if the run is too short.
  static std::vector<FrameWindow> windows(const FrameRun& run, int inputs, int targets);

 private:
  struct Candidate;
  struct SharedReference;
  Status arrange(std::vector<Candidate> candidates);
  std::string bridged_path(std::int64_t slot) const;
  FrameCrop crop() const;
  std::optional<FrameFinding> decode(const FrameEntry& entry, GrayImage& image) const;
  std::optional<RejectedFrame> read(const FrameEntry& entry, Frame& frame) const;
  std::optional<RejectedFrame> bridge(std::size_t index, Frame& frame) const;
  const FrameReference& reference() const;
  Status too_few(int needed, std::size_t newest, const std::string& earlier) const;
  template <typename Visit>
  void each_end(std::size_t newest, int length, Visit visit) const;
  std::vector<FrameWindow> pairs_up_to(std::size_t newest, int inputs, int targets, std::size_t most) const;

  std::string folder_;
  FrameCacheSettings settings_;
  FrameFeed feed_;
  std::vector<FrameEntry> frames_;
  std::vector<FrameRun> runs_;
  std::vector<RejectedFrame> rejected_;
  std::vector<FrameEntry> spare_;               // duplicates, in the order of rejected_'s
  std::shared_ptr<SharedReference> reference_;  // made when the first frame is loaded
  int cadence_ = 0;
  int image_height_ = 0;  // of the files, before crop and downscaling
  int image_width_ = 0;
  int height_ = 0;
  int width_ = 0;
  int bits_ = 8;
};

}  // namespace altocast
