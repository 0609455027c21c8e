// What an image file claims to be, from its first and last bytes: enough to sort out wrong sizes and
// half-written files of a large folder without decoding it. A probe that succeeds promises nothing about the
// pixels.
#pragma once

#include <optional>
#include <string>

#include "runtime/frames/frame_fault.h"

namespace altocast {

struct ImageProbe {
  int width = 0;
  int height = 0;
  int bits = 8;        // 8 or 16 a sample once decoded
  bool lossy = false;  // JPEG
};

// Fills `image`, or says what is wrong: the file cannot be read, is empty, is neither PNG nor JPEG, contradicts itself,
// or lacks its end. What may only not be all there yet is FrameFault::incomplete.
std::optional<FrameFinding> probe_image(const std::string& path, ImageProbe& image);

}  // namespace altocast
