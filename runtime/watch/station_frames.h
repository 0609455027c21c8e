// The frames of a station, as its settings say to take them.
#pragma once

#include <cstdint>
#include <optional>

#include "formats/status.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/watch/station_settings.h"

namespace altocast {

// Opens settings.frames by what [frames] of station.toml says of the images, or else by cache.toml in the folder. Fails
// as FrameCache::open() does, and if both say something: nobody should have to guess which counts. Frames before `from`
// are passed over unread.
Result<FrameCache> open_station_frames(const StationSettings& settings, std::optional<std::int64_t> from = {});

}  // namespace altocast
