#include "runtime/watch/station_frames.h"

#include "formats/file_system.h"

namespace altocast {

Result<FrameCache> open_station_frames(const StationSettings& settings, std::optional<std::int64_t> from) {
  FrameCacheSettings taken = settings.images;
  const std::string beside = join_path(settings.frames, kFrameCacheSettingsName);
  if (is_named(beside)) {
    if (settings.says_images) {
      return Status::error(beside + " and " + taken.source +
                           " both say how to take the images; remove the first, or those keys from the second");
    }
    Result<FrameCacheSettings> in_folder = load_frame_cache_settings(settings.frames);
    if (!in_folder.ok()) return in_folder.status();
    taken = *std::move(in_folder);
  }
  taken.from = from;
  return FrameCache::open(settings.frames, taken);
}

}  // namespace altocast
