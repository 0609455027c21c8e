// cache.toml, the optional description of a frame cache that stands in its folder:
//
//   cadence = 30                # minutes; or cadence_seconds = 1800. Else: the median gap
//   channel = "infrared 10.7 um"
//   units = "K"                 # of offset + scale · pixel; both are needed with it
//   scale = -0.6666667          # value = offset + scale · pixel
//   offset = 330.0
//   range = [180.0, 320.0]      # values that pictures show from end to end; default: all that the pixels can
//   hold crop = [64, 0, 384, 384]    # top, left, height, width, in the files' pixels downscale = 2 # then
//   mean over 2 × 2 pixels region = "Caribbean"        # for people
//
// and what runtime/products/product_settings.h adds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "formats/prior.h"
#include "formats/status.h"
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
  ProductSettings products;

  // Normalised number (raw − offset) / scale → frames' own units.
  ValueScale from_normalised(const Normalisation& normalisation) const {
    return {values.scale * static_cast<double>(normalisation.scale),
            values.offset + values.scale * static_cast<double>(normalisation.offset)};
  }
};

// Reads the text of a cache.toml. Fails on syntax, unknown keys, wrong types and values out of range, naming
// `path`, the line and what would do.
Result<FrameCacheSettings> parse_frame_cache_settings(std::string_view text, const std::string& path);

}  // namespace altocast
