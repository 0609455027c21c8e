// What an image file claims to be, from its first and last bytes: enough to sort out wrong sizes and
// half-written files of a large folder without decoding it. A probe that succeeds promises nothing about the
// pixels.
#pragma once

#include <string>

#include "formats/status.h"

namespace altocast {

struct ImageProbe {
  int width = 0;
  int height = 0;
  int bits = 8;        // 8 or 16 a sample once decoded
  bool lossy = false;  // JPEG
};

// Fails, with a reason that reads well after the file's name, if the file cannot be read, is empty, is
// neither PNG nor JPEG, or lacks its end mark.
Result<ImageProbe> probe_image(const std::string& path);

}  // namespace altocast
