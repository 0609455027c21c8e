#include "runtime/frames/frame_cache_settings.h"

#include <algorithm>
#include <array>

#include "formats/durable_file.h"
#include "formats/file_system.h"
#include "runtime/frames/frame_cache_toml.h"
#include "runtime/products/product_toml.h"
#include "runtime/toml_reader.h"

namespace altocast {
namespace {

constexpr int kMaxCadence = 7 * 86400;
constexpr int kMaxImageSide = 65535;
constexpr int kMaxDownscale = 64;

constexpr std::uint64_t kMaxSettingsBytes = 1 << 16;

constexpr std::array<std::string_view, 18> kKeys = {
    "cadence", "cadence_seconds", "channel", "region",     "units",      "scale",
    "offset",  "range",           "crop",    "downscale",  "bridge",     "accept",
    "feed",    "station",         "palette", "thresholds", "coastlines", "georeference"};
constexpr std::array<std::string_view, 4> kFeedKeys = {"layout", "satellite", "region", "channel"};

Status read_feed(const toml::table& table, const std::string& path, FrameFeed& feed) {
  const toml::node* node = table.get("feed");
  if (node == nullptr) return {};
  if (node->as_table() == nullptr) {
    TomlReader reader(table, path);
    reader.fail(*node, "feed must be a table: feed.satellite, feed.region, feed.channel, feed.layout");
    return reader.status();
  }
  TomlReader reader(*node->as_table(), path);
  reader.check_keys(kFeedKeys);
  reader.text("satellite", feed.satellite);
  reader.text("region", feed.region);
  reader.text("channel", feed.channel);
  if (reader.text("layout", feed.layout)) {
    const auto named = [&](const FrameLayout& layout) { return layout.name == feed.layout; };
    if (std::none_of(frame_layouts().begin(), frame_layouts().end(), named)) {
      std::string known;
      for (const FrameLayout& layout : frame_layouts()) known += (known.empty() ? "" : ", ") + std::string(layout.name);
      reader.fail(*node->as_table()->get("layout"), "feed.layout must be one of " + known);
    }
  }
  return reader.status();
}

void read_accept(const toml::table& table, TomlReader& reader, std::vector<FrameFault>& accept) {
  const toml::node* node = table.get("accept");
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const auto* text = array->get(i)->as_string();
    const std::optional<FrameFault> fault = text ? fault_from_name(text->get()) : std::nullopt;
    if (!fault || !shown_by_pixels(*fault)) {
      array = nullptr;
    } else {
      accept.push_back(*fault);
    }
  }
  if (array == nullptr) {
    reader.fail(*node,
                "accept must be a list of some of \"coloured\", \"constant\", \"banded\", \"overlaid\", \"night\"");
  }
}

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
  return parsed.ok() ? read_frame_cache_settings(*parsed, path) : parsed.status();
}

Result<FrameCacheSettings> load_frame_cache_settings(const std::string& folder) {
  const std::string path = join_path(folder, kFrameCacheSettingsName);
  if (!is_named(path)) {
    FrameCacheSettings defaults;
    defaults.source = path;
    return defaults;
  }
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxSettingsBytes);
  if (!bytes.ok()) return bytes.status();
  return parse_frame_cache_settings(std::string(bytes->begin(), bytes->end()), path);
}

Result<FrameCacheSettings> read_frame_cache_settings(const toml::table& table, const std::string& path,
                                                     std::span<const std::string_view> others) {
  TomlReader reader(table, path);
  FrameCacheSettings settings;
  settings.source = path;
  std::vector<std::string_view> known(others.begin(), others.end());
  known.insert(known.end(), kKeys.begin(), kKeys.end());
  reader.check_keys(known);
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
  reader.integer("bridge", 0, kLongestBridge, settings.bridge);
  read_accept(table, reader, settings.accept);
  ALTOCAST_RETURN_IF_ERROR(read_product_settings(table, path, settings.products));
  if (!reader.status().ok()) return reader.status();
  ALTOCAST_RETURN_IF_ERROR(read_feed(table, path, settings.feed));
  return settings;
}

}  // namespace altocast
