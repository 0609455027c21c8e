// Reads what an image's path says: when, and of which satellite, region and channel. Every layout that a receiver
// writes is one row of a table of parsers; the frame cache knows nothing else about names. docs/receivers.md shows
// an example of each.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "formats/status.h"

namespace altocast {

// One stream of frames of a receiver: what a cache holds exactly one of. As the path spells it; empty where it is
// silent.
struct FrameFeed {
  std::string layout;
  std::string satellite;  // "GOES16", "Himawari8", "GK-2A"
  std::string region;     // "FD", "M1", "Full Disk"
  std::string channel;    // "CH13", "IR105"

  friend auto operator<=>(const FrameFeed&, const FrameFeed&) = default;
};

// "goestools GOES16 FD CH13": for people.
std::string feed_text(const FrameFeed& feed);

// Whether a feed is one of those that `wanted` means; what is empty in `wanted` may be anything. Case, spaces and
// punctuation do not count, and GOES16 = GOES-16, CH13 = 13, FD = Full Disk, M1 = Mesoscale 1.
bool same_feed(const FrameFeed& wanted, const FrameFeed& feed);

struct FrameName {
  enum class Kind {
    unrelated,  // no frame of this layout: ignored silently
    malformed,  // meant as a frame, but its time cannot be: `reason` says why
    picture,    // for people: a colour table or a composite, not data; `reason` says which
    frame,
  };
  Kind kind = Kind::unrelated;
  std::int64_t time = 0;  // seconds since 1970
  std::string reason;
  FrameFeed feed;
};

struct FrameLayout {
  std::string_view name;
  // `path` is relative to the cache's folder, with / between folders.
  FrameName (*parse)(std::string_view path);
};

// Every layout known:
//   goestools  GOES16_FD_CH13_20200830T035020Z.jpg, Himawari8_FD_IR_20200830T035100Z.jpg in any folders
//   satdump    GOES-18/Full Disk/2025-08-10_07-50-06/G18_13_20250810T075006Z.png, perhaps with _1 before the extension
//   xrit-rx    IMG_FD_047_IR105_20190722_075006.jpg in any folders
//   plain      20180606T1200Z.png or 20180606T120000Z.png, directly in the cache's folder
// with the extension png, jpg or jpeg in either case.
std::span<const FrameLayout> frame_layouts();

// The first layout that does not call the path unrelated decides; only `layout` is asked if it is not empty.
FrameName parse_frame_name(std::string_view path, std::string_view layout = {});

}  // namespace altocast
