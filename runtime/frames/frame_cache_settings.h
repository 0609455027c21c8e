// How the images of a folder are to be taken as frames: cache.toml, an optional file in the folder, or the table
// [frames] of a station.toml. Every key is optional.
//
//   cadence = 30                    # minutes; or cadence_seconds = 1800. Else: the median gap. Of frames that come
//                                 # at least twice as often, those at the slots' times are taken
//   channel = "infrared 10.7 um"    # for people, and compared with the prior's. Else: as the files' names say
//   region = "Caribbean"            # for people. Else: as the files' names say
//   units = "K"                     # of offset + scale · pixel; both are needed with it
//   scale = -0.6666667              # value = offset + scale · pixel
//   offset = 330.0
//   range = [180.0, 320.0]          # values that pictures show from end to end. Else: all that the pixels can hold
//   crop = [64, 0, 384, 384]        # top, left, height, width, in the files' pixels
//   downscale = 2                   # then the mean over 2 × 2 pixels
//   bridge = 1                      # gaps of at most so many slots are filled by advection; 0: none
//   accept = ["coloured"]           # faults of pixels to overlook: coloured, constant, banded, overlaid, night
//   feed.satellite = "GOES16"       # which of several in a receiver's folders; also feed.region, feed.channel, and
//   feed.layout = "goestools"       # the receiver, if its names could be another's
// and what runtime/products/product_settings.h adds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_fault.h"
#include "runtime/frames/frame_name.h"
#include "runtime/products/product_settings.h"

namespace altocast {

struct FrameCrop {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

// An affine map to the frames' own units: value = offset + scale · number.
struct ValueScale {
  double scale = 1.0;
  double offset = 0.0;
};

struct FrameCacheSettings {
  int cadence_seconds = 0;  // 0 = not given
  std::string channel;
  std::string region;
  std::string units;                            // empty: raw image numbers
  ValueScale values;                            // raw image number → frames' own units
  std::optional<double> range_low, range_high;  // both or none; range_low < range_high
  std::optional<FrameCrop> crop;
  int downscale = 1;
  FrameFeed feed;                  // empty parts: whatever there is one of
  int bridge = 1;                  // slots, 0 … kLongestBridge
  std::vector<FrameFault> accept;  // of those that pixels show
  std::string source;              // what to change, for messages
  // Frames before this time are passed over unread: what keeps a station's work the same while its archive grows. No
  // key of cache.toml.
  std::optional<std::int64_t> from;
  ProductSettings products;

  // Normalised number (raw − offset) / scale → frames' own units.
  ValueScale from_normalised(const Normalisation& normalisation) const {
    return {values.scale * static_cast<double>(normalisation.scale),
            values.offset + values.scale * static_cast<double>(normalisation.offset)};
  }
};

inline constexpr const char* kFrameCacheSettingsName = "cache.toml";  // in the folder
inline constexpr int kLongestBridge = 6;                              // slots; clouds do not move steadily for longer

// Reads the text of a cache.toml. Fails on syntax, unknown keys, wrong types and values out of range, naming
// `path`, the line and what would do.
Result<FrameCacheSettings> parse_frame_cache_settings(std::string_view text, const std::string& path);

// What folder/cache.toml says; the defaults if there is none.
Result<FrameCacheSettings> load_frame_cache_settings(const std::string& folder);

}  // namespace altocast
