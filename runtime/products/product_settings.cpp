#include "runtime/products/product_settings.h"

#include <algorithm>
#include <array>

#include "formats/file_system.h"
#include "runtime/products/product_toml.h"

namespace altocast {
namespace {

constexpr double kLargestAngle = 0.5;  // radians; the Earth's disk ends at 0.152
constexpr std::array<std::string_view, 9> kKeys = {"projection",      "longitude", "height", "sweep", "semi_major_axis",
                                                   "semi_minor_axis", "x",         "y",      "box"};

void read_box(const toml::table& table, TomlReader& reader, std::optional<ProductSettings::Box>& box) {
  double edges[4];
  if (!reader.reals("box", edges)) {
    if (table.get("box") == nullptr)
      reader.fail(table, "a georeference of latitude_longitude needs box = [north, west, south, east]");
    return;
  }
  const auto [north, west, south, east] = edges;
  if (!(north <= 90.0 && south >= -90.0 && north > south && west >= -360.0 && east <= 360.0 && west != east &&
        east - west <= 360.0)) {
    reader.fail(*table.get("box"), "box must be [north, west, south, east], the picture's edges in degrees");
    return;
  }
  box = ProductSettings::Box{north, west, south, east};
}

void read_geostationary(const toml::table& table, TomlReader& reader, Georeference& g) {
  g.projection = Georeference::Projection::geostationary;
  for (const char* key : {"longitude", "x", "y"}) {
    if (table.get(key) == nullptr)
      reader.fail(table, "a geostationary georeference needs longitude, x = [scale, offset] and y = [scale, offset]");
  }
  reader.real("longitude", g.central_longitude);
  reader.real("height", g.satellite_height);
  reader.real("semi_major_axis", g.semi_major);
  reader.real("semi_minor_axis", g.semi_minor);
  if (!(g.central_longitude >= -360.0 && g.central_longitude <= 360.0)) {
    reader.fail(*table.get("longitude"), "longitude must be in degrees, -360 to 360");
  }
  if (!(g.satellite_height > 1e5 && g.satellite_height < 1e9 && g.semi_minor > 1e5 && g.semi_major >= g.semi_minor &&
        g.semi_major < 1e9)) {
    reader.fail(table, "height and the half axes must be in metres, the major one not below the minor one");
  }
  std::string sweep = "y";
  reader.text("sweep", sweep);
  if (sweep != "x" && sweep != "y") reader.fail(*table.get("sweep"), "sweep must be \"x\" or \"y\"");
  g.sweep_x = sweep == "x";
  double x[2], y[2];
  const auto angles = [&](const char* key, double(&values)[2]) {
    if (!reader.reals(key, values)) return false;
    const bool good = values[0] != 0.0 && std::abs(values[0]) < kLargestAngle && std::abs(values[1]) < kLargestAngle;
    if (!good) reader.fail(*table.get(key), std::string(key) + " must be [scale, offset] in radians, the scale not 0");
    return good;
  };
  if (angles("x", x)) {
    g.x_scale = x[0];
    g.x_offset = x[1];
  }
  if (angles("y", y)) {
    g.y_scale = y[0];
    g.y_offset = y[1];
  }
}

Status read_georeference(const toml::table& table, const std::string& path, ProductSettings& settings) {
  TomlReader reader(table, path);
  reader.check_keys(kKeys);
  std::string projection;
  reader.text("projection", projection);
  const toml::node* node = table.get("projection");
  if (projection == "geostationary") {
    Georeference g;
    read_geostationary(table, reader, g);
    settings.geostationary = g;
  } else if (projection == "latitude_longitude") {
    read_box(table, reader, settings.box);
  } else {
    reader.fail(node != nullptr ? *node : static_cast<const toml::node&>(table),
                "projection must be \"geostationary\" or \"latitude_longitude\"");
  }
  return reader.status();
}

}  // namespace

Status read_product_settings(const toml::table& table, const std::string& path, ProductSettings& settings) {
  TomlReader reader(table, path);
  reader.text("station", settings.station);
  if (std::string file; reader.text("coastlines", file) && !file.empty())
    settings.coastlines = join_path(parent_path(path), file);
  std::string palette;
  if (reader.text("palette", palette)) {
    settings.palette = palette_named(palette);
    if (!settings.palette) reader.fail(*table.get("palette"), "palette must be grey, enhanced, sea or ember");
  }
  if (const toml::node* node = table.get("thresholds")) {
    const toml::array* list = node->as_array();
    if (list == nullptr || list->empty() || list->size() > kMaxThresholds) {
      reader.fail(*node, "thresholds must be a list of 1 to 9 numbers");
    } else {
      std::vector<double> numbers(list->size());
      if (reader.reals("thresholds", numbers)) settings.thresholds.assign(numbers.begin(), numbers.end());
    }
  }
  if (const toml::node* node = table.get("georeference")) {
    if (const toml::table* georeference = node->as_table()) {
      ALTOCAST_RETURN_IF_ERROR(read_georeference(*georeference, path, settings));
    } else {
      reader.fail(*node, "georeference must be a table: [georeference] and its keys below");
    }
  }
  if (!settings.coastlines.empty() && !settings.geostationary && !settings.box)
    reader.fail(*table.get("coastlines"), "coastlines need a [georeference]");
  return reader.status();
}

std::optional<Georeference> ProductSettings::georeference(int image_height, int image_width, int top, int left,
                                                          int downscale) const {
  if (geostationary) return geostationary->cropped(top, left, downscale);
  if (!box) return std::nullopt;
  Georeference g;
  const double span = box->east - box->west + (box->east < box->west ? 360.0 : 0.0);
  g.central_longitude = box->west + 0.5 * span;
  g.x_scale = span / image_width;
  g.y_scale = (box->south - box->north) / image_height;
  g.x_offset = box->west + 0.5 * g.x_scale;
  g.y_offset = box->north + 0.5 * g.y_scale;
  return g.cropped(top, left, downscale);
}

Palette default_palette(const std::string& channel) {
  std::string lower = channel;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const char* word : {"radar", "rain", "precipitation"}) {
    if (lower.find(word) != std::string::npos) return Palette::sea;
  }
  return Palette::grey;
}

}  // namespace altocast
