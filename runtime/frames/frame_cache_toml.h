// The keys of cache.toml in a table of another file: what reads such a file includes this beside toml_reader.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/frames/frame_cache_settings.h"
#include "runtime/toml_reader.h"

namespace altocast {

// As parse_frame_cache_settings(); `path` is the file that `table` is of, `others` keys in it that the caller reads.
Result<FrameCacheSettings> read_frame_cache_settings(const toml::table& table, const std::string& path,
                                                     std::span<const std::string_view> others = {});

}  // namespace altocast
