// The keys of cache.toml in a table of another file: what reads such a file includes this beside toml_reader.h.
#pragma once

#include "runtime/frames/frame_cache_settings.h"
#include "runtime/toml_reader.h"

namespace altocast {

// As parse_frame_cache_settings(); `path` is the file that `table` is of.
Result<FrameCacheSettings> read_frame_cache_settings(const toml::table& table, const std::string& path);

}  // namespace altocast
