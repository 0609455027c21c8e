// Why a file of a frame cache is not used: what a program asks about (the fault) and what a person reads (the reason).
// docs/receivers.md explains each with its mend.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace altocast {

enum class FrameFault {
  unreadable,  // no regular file, no permission, a folder with a frame's name
  incomplete,  // empty, or its end is not there: it may still be being written, so look again before giving it up
  corrupt,     // damaged: checksums, structure, or a decoder that gives up
  no_image,    // neither PNG nor JPEG
  bad_time,    // the name's time does not exist
  picture,     // a colour table or composite by its name
  other_size,  // of another size or depth than most frames
  duplicate,   // another file stands for its slot
  changed,     // since the folder was read
  coloured,    // a colour table or composite by its pixels
  constant,    // every pixel is the same
  banded,      // whole rows are missing
  overlaid,    // with lines or text that stand still: a map
  night,       // as good as no light where other frames have it
};

// Whether it takes decoded pixels to see, and settings may overlook it.
constexpr bool shown_by_pixels(FrameFault fault) { return fault >= FrameFault::coloured; }

// "incomplete", "other_size": as in the enumeration.
std::string_view fault_name(FrameFault fault);
std::optional<FrameFault> fault_from_name(std::string_view name);

struct FrameFinding {
  FrameFault fault;
  std::string reason;  // reads well after the file's name
};

struct RejectedFrame {
  std::string path;
  std::string reason;
  FrameFault fault = FrameFault::corrupt;
};

}  // namespace altocast
