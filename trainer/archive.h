// The frames that training and validation draw from: every data folder's frames decoded once, in compact
// form, with the stretches of time that each of the two may use. In memory, or in files that later runs take over.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "formats/status.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/thread_pool.h"
#include "trainer/fit_settings.h"
#include "trainer/frame_store.h"

namespace altocast {

// Frames of one folder, `stride` after one another, without a gap.
struct FrameStretch {
  std::size_t set = 0;    // which folder
  std::size_t first = 0;  // frame in the folder
  std::size_t count = 0;
  std::size_t stride = 1;

  std::size_t frame(std::size_t i) const { return first + i * stride; }
};

// A folder's frames, and how many of them training and validation draw from.
struct ArchiveFolder {
  std::string path;
  int height = 0, width = 0;
  std::size_t frames = 0, training = 0, validation = 0;
};

// A folder where what was decoded and advected is looked for and else left (made if it is not there), so that memory
// need not hold it and later runs need not make it. What stands there is taken as long as the frames' names, sizes and
// times of change are those that it was made of. Without a folder, all is kept in memory.
struct ArchiveStore {
  std::string folder;
  bool write = true;  // false: what is not there is kept in memory
};

class Archive {
 public:
  // Opens and decodes all folders of the settings and, if the network's residual base is advected, advects their
  // frames with all cores. Frames that cannot be used are left out and told to `notice`. Fails if nothing is left to
  // train on, if a folder is too small for a tile, or if folders differ in their frames' depth.
  static Result<Archive> open(const FitSettings& settings, const std::function<void(const std::string&)>& notice,
                              const ArchiveStore& store = {});

  const std::vector<FrameStretch>& training() const { return training_; }
  const std::vector<FrameStretch>& validation() const { return validation_; }

  int height(std::size_t set) const { return sets_[set].height; }
  int width(std::size_t set) const { return sets_[set].width; }
  std::size_t frame_count() const;
  std::vector<ArchiveFolder> folders() const;  // in the order of the settings

  // What the folders have in common; 0 and empty where they differ.
  int cadence_seconds() const { return cadence_seconds_; }
  const std::string& channel() const { return channel_; }

  // The same for the same frames at the same times, wherever they lie.
  std::uint64_t fingerprint() const { return fingerprint_; }

  // The tile [rows top …, columns left …] of a frame, normalised, into dst [size, size].
  void copy_tile(std::size_t set, std::size_t frame, int top, int left, int size, std::span<float> dst) const;
  // The same of frame number `i` of a stretch, advected to a lead by its motion since the one before it, i ≥ 1.
  void copy_advected_tile(const FrameStretch& stretch, std::size_t i, int lead, int top, int left, int size,
                          std::span<float> dst) const;

 private:
  // Frames of one stride advected to all leads, likewise.
  struct Advected {
    std::vector<std::size_t> first;  // plane of each frame's first lead, if it has any
    FrameStore planes;
  };
  struct Set {
    std::string path;
    int height = 0, width = 0;
    Sha256Digest key{};              // of what its frames were decoded from
    FrameStore frames;               // raw numbers times steps_a_unit()
    std::vector<Advected> advected;  // for strides 1, 2 …; empty unless the residual base is advected

    std::size_t frame_size() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
  };

  // Decodes a folder's frames, those of `cache` that can be.
  Result<FrameStore> decode(FrameCache& cache, const Set& set, const ArchiveStore& store,
                            const std::function<void(const std::string&)>& notice) const;
  Status advect(std::size_t set, std::size_t stride, int input_frames, const ArchiveStore& store, ThreadPool& threads);
  void copy(const Set& set, const std::uint16_t* image, int top, int left, int size, std::span<float> dst) const;

  // Eight-bit frames may have been scaled down to means of pixels: 256 steps keep their fractions.
  float steps_a_unit() const { return bits_ == 8 ? 256.0f : 1.0f; }

  std::vector<Set> sets_;
  std::vector<FrameStretch> training_, validation_;
  Normalisation normalisation_;
  int bits_ = 8;  // of all frames
  int leads_ = 0;
  int cadence_seconds_ = 0;
  std::string channel_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace altocast
