// The frames that training and validation draw from: every data folder's frames decoded once, in compact form, with
// the stretches of time that each of the two may use.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "formats/status.h"
#include "trainer/fit_settings.h"

namespace altocast {

// Consecutive frames of one folder without a gap.
struct FrameStretch {
  std::size_t set = 0;    // which folder
  std::size_t first = 0;  // frame in the folder
  std::size_t count = 0;
};

class Archive {
 public:
  // Opens and decodes all folders of the settings. Frames that cannot be used are left out and told to `notice`.
  // Fails if nothing is left to train on, or if a folder is too small for a tile.
  static Result<Archive> open(const FitSettings& settings, const std::function<void(const std::string&)>& notice);

  const std::vector<FrameStretch>& training() const { return training_; }
  const std::vector<FrameStretch>& validation() const { return validation_; }

  int height(std::size_t set) const { return sets_[set].height; }
  int width(std::size_t set) const { return sets_[set].width; }
  const std::string& name(std::size_t set) const { return sets_[set].name; }
  std::size_t frame_count() const;

  // The tile [rows top …, columns left …] of a frame, normalised, into dst [size, size].
  void copy_tile(std::size_t set, std::size_t frame, int top, int left, int size, std::span<float> dst) const;

 private:
  struct Set {
    std::string name;
    int height = 0, width = 0;
    std::vector<std::uint16_t> pixels;  // [frame][height][width], raw numbers scaled to 16 bits
  };

  std::vector<Set> sets_;
  std::vector<FrameStretch> training_, validation_;
  Normalisation normalisation_;  // of 8-bit numbers
};

}  // namespace altocast
