#include "runtime/watch/station_settings.h"

#include <algorithm>
#include <array>

#include "formats/durable_file.h"
#include "formats/file_system.h"
#include "runtime/frames/frame_cache_toml.h"
#include "runtime/toml_reader.h"

namespace altocast {
namespace {

constexpr std::uint64_t kMaxSettingsBytes = 1 << 16;
constexpr int kMaxMiB = 1 << 30;

// The tables of the file, read one after the other; the first thing wrong in any of them is what is told.
class SettingsReader {
 public:
  SettingsReader(const toml::table& root, const std::string& path, StationSettings& settings)
      : root_(root), path_(path), settings_(settings) {}

  Status read() {
    constexpr std::array<std::string_view, 7> kKeys = {"prior",      "output",  "frames", "forecast",
                                                       "adaptation", "compute", "keep"};
    TomlReader reader(root_, path_);
    reader.check_keys(kKeys);
    file(reader, root_, "prior", settings_.prior);
    file(reader, root_, "output", settings_.output);
    ALTOCAST_RETURN_IF_ERROR(reader.status());
    ALTOCAST_RETURN_IF_ERROR(table("frames", &SettingsReader::read_frames));
    ALTOCAST_RETURN_IF_ERROR(read_images());
    ALTOCAST_RETURN_IF_ERROR(table("forecast", &SettingsReader::read_forecast));
    ALTOCAST_RETURN_IF_ERROR(table("adaptation", &SettingsReader::read_adaptation));
    ALTOCAST_RETURN_IF_ERROR(table("compute", &SettingsReader::read_compute));
    ALTOCAST_RETURN_IF_ERROR(table("keep", &SettingsReader::read_keep));
    if (settings_.prior.empty()) return missing("prior = \"FILE\"");
    if (settings_.output.empty()) return missing("output = \"FOLDER\"");
    if (settings_.frames.empty()) return missing("[frames] with folder = \"FOLDER\"");
    return {};
  }

 private:
  using Part = void (SettingsReader::*)(const toml::table&, TomlReader&);

  Status missing(const std::string& what) const { return Status::error(path_ + ": " + what + " is missing"); }

  Status table(const char* name, Part part) {
    const toml::node* node = root_.get(name);
    if (node == nullptr) return {};
    const toml::table* found = node->as_table();
    if (found == nullptr) {
      TomlReader reader(root_, path_);
      reader.fail(*node, std::string(name) + " must be a table: a line [" + name + "] and its keys below");
      return reader.status();
    }
    TomlReader reader(*found, path_);
    (this->*part)(*found, reader);
    return reader.status();
  }

  // A path, relative to the settings' own folder.
  void file(TomlReader& reader, const toml::table& from, const char* key, std::string& value) {
    std::string text;
    if (!reader.text(key, text)) return;
    if (text.empty()) return reader.fail(*from.get(key), std::string(key) + " must not be empty");
    value = normal_path(join_path(parent_path(path_), text));
  }

  static void minutes(TomlReader& reader, const char* key, int high, int& seconds) {
    if (int number = 0; reader.integer(key, 0, high, number)) seconds = 60 * number;
  }
  static void mebibytes(TomlReader& reader, const char* key, std::uint64_t& bytes) {
    if (int number = 0; reader.integer(key, 0, kMaxMiB, number)) bytes = static_cast<std::uint64_t>(number) << 20;
  }

  void read_frames(const toml::table& from, TomlReader& reader) {
    file(reader, from, "folder", settings_.frames);
    reader.integer("poll_seconds", 1, 3600, settings_.poll_seconds);
    minutes(reader, "silent_after", 10080, settings_.silent_seconds);
  }
  // All other keys are cache.toml's.
  Status read_images() {
    constexpr std::array<std::string_view, 3> kOwn = {"folder", "poll_seconds", "silent_after"};
    const toml::node* node = root_.get("frames");
    if (node == nullptr) return {};
    const toml::table& table = *node->as_table();
    Result<FrameCacheSettings> images = read_frame_cache_settings(table, path_, kOwn);
    if (!images.ok()) return images.status();
    settings_.images = *std::move(images);
    settings_.images.source = "[frames] of " + path_;
    const auto own = std::count_if(kOwn.begin(), kOwn.end(), [&](const auto& key) { return table.contains(key); });
    settings_.says_images = table.size() > static_cast<std::size_t>(own);
    return {};
  }
  void read_forecast(const toml::table& from, TomlReader& reader) {
    constexpr std::array<std::string_view, 5> kKeys = {"members", "least_members", "member_pictures", "seed",
                                                       "catch_up"};
    reader.check_keys(kKeys);
    reader.integer("members", 1, 10000, settings_.members);
    settings_.least_members = std::min(settings_.least_members, settings_.members);
    reader.integer("least_members", 1, 10000, settings_.least_members);
    if (settings_.least_members > settings_.members)
      reader.fail(*from.get("least_members"), "least_members must not be above members");
    reader.integer("member_pictures", 0, 10000, settings_.member_pictures);
    int seed = 1;
    if (reader.integer("seed", 0, 2147483647, seed)) settings_.seed = static_cast<std::uint64_t>(seed);
    minutes(reader, "catch_up", 10080, settings_.catch_up_seconds);
  }
  void read_adaptation(const toml::table& from, TomlReader& reader) {
    constexpr std::array<std::string_view, 6> kKeys = {"enabled", "guard", "every", "pairs", "steps", "rate_scale"};
    reader.check_keys(kKeys);
    reader.boolean("enabled", settings_.adapt);
    reader.boolean("guard", settings_.guard);
    minutes(reader, "every", 525600, settings_.adapt_every_seconds);
    int number = 0;
    if (reader.integer("pairs", 1, 4096, number)) settings_.pairs = number;
    if (reader.integer("steps", 1, 1000, number)) settings_.steps = number;
    double scale = 1;
    if (reader.real("rate_scale", scale)) {
      if (!(scale > 0 && scale <= 1e6)) reader.fail(*from.get("rate_scale"), "rate_scale must be above 0, at most 1e6");
      settings_.rate_scale = static_cast<float>(scale);
    }
  }
  void read_compute(const toml::table&, TomlReader& reader) {
    constexpr std::array<std::string_view, 4> kKeys = {"threads", "nice", "budget", "memory_limit"};
    reader.check_keys(kKeys);
    reader.integer("threads", 0, 1024, settings_.threads);
    reader.integer("nice", 0, 19, settings_.nice);
    reader.integer("budget", 1, 86400, settings_.budget_seconds);
    mebibytes(reader, "memory_limit", settings_.memory_limit);
  }
  void read_keep(const toml::table&, TomlReader& reader) {
    constexpr std::array<std::string_view, 4> kKeys = {"runs", "hours", "mib", "free_mib"};
    reader.check_keys(kKeys);
    reader.integer("runs", 0, 1000000, settings_.keep.runs);
    if (int hours = 0; reader.integer("hours", 0, 87600, hours)) settings_.keep.seconds = std::int64_t{3600} * hours;
    mebibytes(reader, "mib", settings_.keep.bytes);
    mebibytes(reader, "free_mib", settings_.keep.free_bytes);
  }

  const toml::table& root_;
  const std::string& path_;
  StationSettings& settings_;
};

// Whether `inner` is `outer` or lies below it.
bool lies_in(const std::string& inner, const std::string& outer) {
  std::error_code error;
  const std::string a = real_path(inner, error);
  if (error) return false;
  const std::string b = real_path(outer, error);
  return !error && (a == b || a.starts_with(join_path(b, "")));
}

}  // namespace

Result<StationSettings> parse_station_settings(std::string_view text, const std::string& path) {
  const Result<toml::table> parsed = parse_toml(text, path);
  if (!parsed.ok()) return parsed.status();
  StationSettings settings;
  ALTOCAST_RETURN_IF_ERROR(SettingsReader(*parsed, path, settings).read());
  if (lies_in(settings.output, settings.frames)) {
    return Status::error(path + ": output lies in the folder of the frames, where each forecast would look like new " +
                         "frames; choose another folder");
  }
  return settings;
}

Result<StationSettings> load_station_settings(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxSettingsBytes);
  if (!bytes.ok()) return bytes.status();
  return parse_station_settings({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, path);
}

}  // namespace altocast
