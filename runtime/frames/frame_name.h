// Reads the time out of an image's file name. Every layout that a receiver writes is one row of a table of
// parsers; the frame cache knows nothing else about names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace altocast {

struct FrameName {
  enum class Kind {
    unrelated,  // no frame of this layout: ignored silently
    malformed,  // meant as a frame, but its time cannot be: `reason` says why
    frame,
  };
  Kind kind = Kind::unrelated;
  std::int64_t time = 0;  // seconds since 1970
  std::string reason;
};

struct FrameLayout {
  std::string_view name;
  int folders = 0;  // how many folders deep below the cache's own its files may lie
  FrameName (*parse)(std::string_view relative_path);
};

// Every layout known. "plain": YYYYMMDDTHHMMZ or YYYYMMDDTHHMMSSZ with the extension png, jpg or jpeg in
// either case, directly in the folder.
std::span<const FrameLayout> frame_layouts();

// The first layout that does not call the path unrelated decides.
FrameName parse_frame_name(std::string_view relative_path);

}  // namespace altocast
