// A folder of time-stamped images as a sorted list of frames in runs without gaps. Opening reads names and
// image headers only; pixels are decoded when a frame is loaded, one at a time, so memory does not grow with
// the folder.
//
// Whatever cannot be used (truncated, corrupt, of another size or depth, a second frame of the same slot, not
// readable, a folder with a frame's name) is named in rejected() with the reason and left out; it is never an
// error of the cache. Files whose names are no frame's are ignored.
//
// A FrameCache is immutable after open(); any number of threads may call its const functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_cache_settings.h"

namespace altocast {

struct FrameEntry {
  std::string path;
  std::int64_t time = 0;  // as the name says
  std::int64_t slot = 0;  // the nearest nominal time: slots are one cadence apart and `time` is within half of it
};

struct RejectedFrame {
  std::string path;
  std::string reason;
};

// Frames first … first + count − 1, in consecutive slots. A gap of more than about 1.5 cadences ends a run.
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
  // Fails only if the folder is missing or unreadable, cache.toml is wrong (the message names file and line),
  // or no file is a usable frame (the message counts the rejected and quotes the first).
  static Result<FrameCache> open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const FrameCacheSettings& settings() const { return settings_; }
  const std::vector<FrameEntry>& frames() const { return frames_; }  // by time
  const std::vector<FrameRun>& runs() const { return runs_; }        // by time, covering all frames
  const std::vector<RejectedFrame>& rejected() const { return rejected_; }

  int cadence_seconds() const { return cadence_; }  // cache.toml's or the median gap; 0 with a single frame
  int height() const { return height_; }            // of a loaded frame
  int width() const { return width_; }
  std::optional<Georeference> georeference() const;  // of a loaded frame's pixels, if cache.toml has one
  int bits() const { return bits_; }                 // 8 or 16: raw numbers are 0 … 2^bits − 1
  double largest_number() const { return static_cast<double>((std::uint32_t{1} << bits_) - 1); }

  // Decodes frame `index` (< frames().size()) with its integrity checks. Fails, naming the file, if the file
  // has changed since open() or does not decode.
  Result<Frame> load(std::size_t index) const;
  Result<Frame> load(std::size_t index, const Normalisation& normalisation) const;

  // Decodes every frame once; returns those that fail. One frame is in memory at a time.
  std::vector<RejectedFrame> verify_all() const;

  // This cache without the named frames, runs and cadence worked out anew: what is left after verify_all() or
  // after a failed load(). Fails if nothing is left.
  Result<FrameCache> without(const std::vector<RejectedFrame>& bad) const;

  // The run that holds frame `index`.
  const FrameRun& run_of(std::size_t index) const;

  // The newest frame at or before `at` (the newest of all without `at`). Fails if there is none, or if it is
  // more than 1.5 cadences older than `at`.
  Result<std::size_t> newest_frame(std::optional<std::int64_t> at) const;

  // The newest `inputs` frames up to `at`, all of one run; targets = 0. Fails if that run holds too few.
  Result<FrameWindow> newest_input(int inputs, std::optional<std::int64_t> at) const;

  // The windows to adapt on: the newest `max_pairs` (fewer if the run is short, at least one) whose targets
  // end at or before `at`, within the run of newest_frame(at), each one frame later than the one before.
  // OLDEST FIRST.
  Result<std::vector<FrameWindow>> support_pairs(int inputs, int targets, int max_pairs,
                                                 std::optional<std::int64_t> at) const;

  // Every window of one run, oldest first; empty if the run is too short.
  static std::vector<FrameWindow> windows(const FrameRun& run, int inputs, int targets);

 private:
  struct Candidate;
  Status arrange(std::vector<Candidate> candidates);
  Result<std::size_t> frames_up_to(int needed, std::optional<std::int64_t> at) const;

  std::string folder_;
  FrameCacheSettings settings_;
  std::vector<FrameEntry> frames_;
  std::vector<FrameRun> runs_;
  std::vector<RejectedFrame> rejected_;
  int cadence_ = 0;
  int image_height_ = 0;  // of the files, before crop and downscaling
  int image_width_ = 0;
  int height_ = 0;
  int width_ = 0;
  int bits_ = 8;
};

}  // namespace altocast
