#include "runtime/frames/frame_cache_settings.h"

#include <array>

#include "runtime/toml_reader.h"

namespace altocast {
namespace {

constexpr int kMaxCadence = 7 * 86400;
constexpr int kMaxImageSide = 65535;
constexpr int kMaxDownscale = 64;

constexpr std::array<std::string_view, 10> kKeys = {"cadence", "cadence_seconds", "channel", "region", "units",
                                                    "scale",   "offset",          "range",   "crop",   "downscale"};

void read_scale(const toml::table& table, TomlReader& reader, FrameCacheSettings& settings) {
  const bool has_scale = reader.real("scale", settings.values.scale);
  const bool has_offset = reader.real("offset", settings.values.offset);
  const toml::node* units = table.get("units");
  if (has_scale && settings.values.scale == 0.0) reader.fail(*table.get("scale"), "scale must not be 0");
  if (units != nullptr && !(has_scale && has_offset)) {
    reader.fail(*units, "units needs scale and offset beside it (value = offset + scale · pixel)");
  }
  if (has_scale != has_offset) {
    reader.fail(*table.get(has_scale ? "scale" : "offset"), "scale and offset must be given together");
  }
  double range[2];
  if (reader.reals("range", range)) {
    if (!(range[0] < range[1])) reader.fail(*table.get("range"), "range must be [low, high] with low < high");
    settings.range_low = range[0];
    settings.range_high = range[1];
  }
}

}  // namespace

Result<FrameCacheSettings> parse_frame_cache_settings(std::string_view text, const std::string& path) {
  const Result<toml::table> parsed = parse_toml(text, path);
  if (!parsed.ok()) return parsed.status();
  const toml::table& table = *parsed;
  TomlReader reader(table, path);
  FrameCacheSettings settings;
  reader.check_keys(kKeys);
  int minutes = 0;
  const bool in_seconds = reader.integer("cadence_seconds", 1, kMaxCadence, settings.cadence_seconds);
  if (reader.integer("cadence", 1, kMaxCadence / 60, minutes)) {
    if (in_seconds) reader.fail(*table.get("cadence"), "give cadence (minutes) or cadence_seconds, not both");
    settings.cadence_seconds = minutes * 60;
  }
  reader.text("channel", settings.channel);
  reader.text("region", settings.region);
  reader.text("units", settings.units);
  read_scale(table, reader, settings);
  int crop[4];
  if (reader.integers("crop", crop, 0, kMaxImageSide)) {
    settings.crop = FrameCrop{crop[0], crop[1], crop[2], crop[3]};
    if (crop[2] < 1 || crop[3] < 1)
      reader.fail(*table.get("crop"), "crop is [top, left, height, width] with a size above 0");
  }
  reader.integer("downscale", 1, kMaxDownscale, settings.downscale);
  if (!reader.status().ok()) return reader.status();
  return settings;
}

}  // namespace altocast
