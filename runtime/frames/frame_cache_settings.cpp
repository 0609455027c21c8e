#include "runtime/frames/frame_cache_settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
// Both compilers have it by now; the other way goes through streams and locales.
#define TOML_FLOAT_CHARCONV 1
// toml++ narrows in places; its warnings are not ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace altocast {
namespace {

constexpr int kMaxCadence = 7 * 86400;
constexpr int kMaxImageSide = 65535;
constexpr int kMaxDownscale = 64;
constexpr std::size_t kMaxText = 1 << 16;  // bytes; toml++ nests by recursion

// Reads one table, remembering the first thing wrong.
class Reader {
 public:
  Reader(const toml::table& table, const std::string& path) : table_(table), path_(path) {}

  void fail(const toml::node& node, const std::string& message) {
    if (status_.ok())
      status_ = Status::error(path_ + ", line " + std::to_string(node.source().begin.line) + ": " + message);
  }
  const Status& status() const { return status_; }

  void text(const char* key, std::string& value) {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return;
    if (const auto* string = node->as_string()) {
      value = string->get();
    } else {
      fail(*node, std::string(key) + " must be text in quotes");
    }
  }

  // A whole number in [low, high].
  bool integer(const char* key, int low, int high, int& value) {
    const toml::node* node = table_.get(key);
    return node != nullptr && whole(*node, key, low, high, value);
  }

  bool real(const char* key, double& value) {
    const toml::node* node = table_.get(key);
    return node != nullptr && finite(*node, key, value);
  }

  bool integers(const char* key, std::span<int> values, int low, int high) {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return false;
    const toml::array* array = list(*node, key, values.size());
    for (std::size_t i = 0; array != nullptr && i < values.size(); ++i) {
      if (!whole(*array->get(i), key, low, high, values[i])) return false;
    }
    return array != nullptr;
  }

  bool reals(const char* key, std::span<double> values) {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return false;
    const toml::array* array = list(*node, key, values.size());
    for (std::size_t i = 0; array != nullptr && i < values.size(); ++i) {
      if (!finite(*array->get(i), key, values[i])) return false;
    }
    return array != nullptr;
  }

 private:
  const toml::array* list(const toml::node& node, const char* key, std::size_t size) {
    const toml::array* array = node.as_array();
    if (array != nullptr && array->size() == size) return array;
    fail(node, std::string(key) + " must be a list of " + std::to_string(size) + " numbers");
    return nullptr;
  }
  bool whole(const toml::node& node, const char* key, int low, int high, int& value) {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < low || number->get() > high) {
      fail(node,
           std::string(key) + " must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
      return false;
    }
    value = static_cast<int>(number->get());
    return true;
  }
  bool finite(const toml::node& node, const char* key, double& value) {
    if (const auto* number = node.as_integer()) {
      value = static_cast<double>(number->get());
    } else if (const auto* real_number = node.as_floating_point(); real_number && std::isfinite(real_number->get())) {
      value = real_number->get();
    } else {
      fail(node, std::string(key) + " must be a finite number");
      return false;
    }
    return true;
  }

  const toml::table& table_;
  const std::string& path_;
  Status status_;
};

constexpr std::array<std::string_view, 10> kKeys = {"cadence", "cadence_seconds", "channel", "region", "units",
                                                    "scale",   "offset",          "range",   "crop",   "downscale"};

void read_scale(const toml::table& table, Reader& reader, FrameCacheSettings& settings) {
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
  if (text.size() > kMaxText) return Status::error(path + ": larger than 64 KiB; it should hold a few settings");
  const toml::parse_result parsed = toml::parse(text);
  if (parsed.failed()) {
    const toml::parse_error& error = parsed.error();
    return Status::error(path + ", line " + std::to_string(error.source().begin.line) + ": " +
                         std::string(error.description()));
  }
  const toml::table& table = parsed.table();
  Reader reader(table, path);
  FrameCacheSettings settings;
  for (const auto& [key, node] : table) {
    if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end()) {
      reader.fail(node, "unknown key '" + std::string(key.str()) +
                            "'; known are cadence, cadence_seconds, channel, region, units, scale, offset, range, crop "
                            "and downscale");
    }
  }
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
