// What the pixels of an image show to be no data: colours, a constant, missing rows, a map drawn over it, night. Some
// of it shows only beside other frames of the same folder, so a few of them are looked at first (FrameReference).
// The limits are chosen so that nothing of the data sets in hand is refused: radar that is mostly zero, visible
// frames at dawn, frames with faint traces of a removed map.
//
// All numbers count within the crop and at the files' own resolution: what is cropped away harms nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/image.h"
#include "runtime/frames/frame_cache_settings.h"
#include "runtime/frames/frame_fault.h"

namespace altocast {

// A part of a decoded image that is used as a frame. Borrows the image.
class FramePixels {
 public:
  FramePixels(const GrayImage& image, const FrameCrop& crop, bool lossy) : image_(image), crop_(crop), lossy_(lossy) {}

  int height() const { return crop_.height; }
  int width() const { return crop_.width; }
  bool lossy() const { return lossy_; }  // JPEG: numbers are about right
  const std::uint16_t* row(int y) const { return image_.pixels.data() + offset(y); }
  bool has_colours() const { return !image_.coloured.empty(); }
  bool coloured(int y, int x) const { return image_.coloured[offset(y) + static_cast<std::size_t>(x)]; }

 private:
  std::size_t offset(int y) const {
    return static_cast<std::size_t>(crop_.top + y) * static_cast<std::size_t>(image_.width) +
           static_cast<std::size_t>(crop_.left);
  }
  const GrayImage& image_;
  FrameCrop crop_;
  bool lossy_;
};

// What is usual in a folder, from a few of its frames that are spread over it. Grows with the size of a frame, not with
// their number. Frames are added one after the other, then finish() once; after that it is constant.
class FrameReference {
 public:
  static constexpr int kFrames = 7;  // enough to be added

  // `from_satellite`: the folder is known to hold satellite images rather than anything.
  explicit FrameReference(bool from_satellite) : from_satellite_(from_satellite) {}
  void add(const FramePixels& frame);
  void finish();

 private:
  friend std::optional<FrameFinding> check_content(const FramePixels&, const FrameReference&,
                                                   const std::vector<FrameFault>&);
  struct StillPixel {
    int y = 0, x = 0;
    std::uint16_t value = 0;
  };
  void find_brightness();
  void find_overlay();

  bool from_satellite_;
  int count_ = 0, height_ = 0, width_ = 0;
  int level_ = 1;                    // the 255th part of the largest number seen, at least 1
  std::vector<int> blank_;           // [height] in how many frames the row is constant
  bool sparse_ = true;               // mostly black even where it is bright, as radar is
  int night_ = 0;                    // fewer than a twentieth of the pixels reach this number; 0: unknown
  int tolerance_ = 0;                // of the overlay's numbers
  std::vector<StillPixel> overlay_;  // lines that stand still; empty if there are none
  // Over all frames; freed by finish().
  std::vector<std::uint16_t> low_, high_;  // [height, width]
  std::vector<std::uint8_t> ridges_;       // [height, width] in how many frames a pixel stands out as a line does
  std::vector<std::vector<std::uint32_t>> counts_;  // of each frame: how often each number occurs
};

// What is wrong with a frame, the faults in `accept` apart; nothing if it is fit to use.
std::optional<FrameFinding> check_content(const FramePixels& frame, const FrameReference& reference,
                                          const std::vector<FrameFault>& accept);

}  // namespace altocast
