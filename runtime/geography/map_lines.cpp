#include "runtime/geography/map_lines.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "formats/durable_file.h"
#include "runtime/json_text.h"

namespace altocast {
namespace {

constexpr std::uint64_t kMaxFile = std::uint64_t{1} << 27;
constexpr std::size_t kMaxPlaces = 4000000;

// The number at the beginning of `text`, which is moved behind it and what parts it from the next.
std::optional<double> take_number(std::string_view& text, double limit) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value >= -limit && value <= limit)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const std::string_view rest = text;
  text.remove_prefix(std::min(text.find_first_not_of(" \t,"), text.size()));
  if (!text.empty() && rest.size() == text.size()) return std::nullopt;  // "12abc"
  return value;
}

// Cuts lines where they leave the picture, and gathers them.
class LineDrawer {
 public:
  LineDrawer(const Georeference& georeference, int height, int width)
      : georeference_(georeference), height_(static_cast<float>(height)), width_(static_cast<float>(width)) {}

  void begin(MapLine::Kind kind, std::string name = "") {
    end();
    line_.kind = kind;
    line_.name = std::move(name);
  }
  void to(Place place) {
    const std::optional<PixelPosition> pixel = georeference_.pixel(place);
    if (!pixel) return cut();
    const MapLine::Point point{static_cast<float>(pixel->column + 0.5), static_cast<float>(pixel->row + 0.5)};
    // A jump by most of the picture is a line that goes round the back of the Earth.
    if (last_ && std::abs(point.x - last_->x) > 0.6f * width_ + 60.0f) cut();
    if (last_ && !outside(*last_, point)) {
      if (line_.points.empty()) line_.points.push_back(*last_);
      line_.points.push_back(point);
    } else {
      keep();
    }
    last_ = point;
  }
  std::vector<MapLine> take() {
    end();
    return std::move(lines_);
  }

 private:
  bool outside(const MapLine::Point& a, const MapLine::Point& b) const {
    return (a.x < 0 && b.x < 0) || (a.y < 0 && b.y < 0) || (a.x > width_ && b.x > width_) ||
           (a.y > height_ && b.y > height_) || !(std::abs(b.x) + std::abs(b.y) < 1e6f);
  }
  void keep() {
    if (line_.points.size() > 1) lines_.push_back(line_);
    line_.points.clear();
  }
  void cut() {
    keep();
    last_.reset();
  }
  void end() { cut(); }

  const Georeference& georeference_;
  float height_, width_;
  MapLine line_;
  std::optional<MapLine::Point> last_;
  std::vector<MapLine> lines_;
};

// The latitudes and longitudes (about that of the picture's middle) that a picture shows, looked at in 33 × 33 places.
struct Bounds {
  double south = 90.0, north = -90.0, west = 1e9, east = -1e9;
  double middle = 0.0;
};
Bounds bounds_of(const Georeference& georeference, int height, int width) {
  constexpr int kPlaces = 32;
  Bounds bounds;
  const auto at = [&](int i, int j) {
    return georeference.place({(width - 1.0) * j / kPlaces, (height - 1.0) * i / kPlaces});
  };
  bounds.middle = georeference.central_longitude;
  for (int i = 0; i <= kPlaces; ++i) {
    for (int j = 0; j <= kPlaces; ++j) {
      const std::optional<Place> place = at(i, j);
      if (!place) continue;
      const double longitude = longitude_near(place->longitude, bounds.middle);
      bounds.south = std::min(bounds.south, place->latitude);
      bounds.north = std::max(bounds.north, place->latitude);
      bounds.west = std::min(bounds.west, longitude);
      bounds.east = std::max(bounds.east, longitude);
    }
  }
  return bounds;
}

double net_step(double span) {
  double decade = 1.0;
  for (const double least = span / 6.0; decade > least && decade > 1e-3;) decade /= 10.0;
  for (const double step : {1.0, 2.0, 5.0, 10.0}) {
    if (decade < 1.0 && step * decade >= span / 6.0) return step * decade;
  }
  for (const double step : {1.0, 2.0, 5.0, 10.0, 15.0}) {
    if (step >= span / 6.0) return step;
  }
  return 30.0;
}

std::string degrees(double value, char positive, char negative) {
  std::string text = plain_number(std::abs(value), 5);
  if (value != 0.0 && std::abs(value) != 180.0) text += value > 0.0 ? positive : negative;
  return text;
}

}  // namespace

Result<Coastlines> parse_coastlines(std::string_view text, const std::string& path) {
  Coastlines lines;
  bool open = false;
  std::size_t places = 0, number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty() || line[0] == '>') {
      open = false;
      continue;
    }
    const std::optional<double> longitude = take_number(line, 360.0);
    const std::optional<double> latitude = longitude ? take_number(line, 90.0) : std::nullopt;
    if (!latitude) {
      return Status::error(path + ", line " + std::to_string(number) +
                           ": not a longitude and a latitude in degrees, such as '13.74 51.05'");
    }
    if (++places > kMaxPlaces) return Status::error(path + ": more than 4000000 places; take a coarser coastline");
    if (!open) lines.emplace_back();
    open = true;
    lines.back().push_back({*latitude, *longitude});
  }
  return lines;
}

Result<Coastlines> load_coastlines(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxFile);
  if (!bytes.ok()) return bytes.status();
  return parse_coastlines({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, path);
}

std::vector<MapLine> map_lines(const Georeference& georeference, const Coastlines& coastlines, int height, int width) {
  LineDrawer drawer(georeference, height, width);
  const Bounds bounds = bounds_of(georeference, height, width);
  if (bounds.south < bounds.north) {
    constexpr int kPieces = 90;  // straight pieces a line
    const double step = net_step(std::max(bounds.north - bounds.south, bounds.east - bounds.west));
    const double margin = 0.5 * step;
    const double south = std::max(bounds.south - margin, -90.0), north = std::min(bounds.north + margin, 90.0);
    const double west = bounds.west - margin, east = bounds.east + margin;
    for (int i = static_cast<int>(std::ceil(south / step)); i * step <= north; ++i) {
      drawer.begin(MapLine::Kind::net, degrees(i * step, 'N', 'S'));
      for (int k = 0; k <= kPieces; ++k) drawer.to({i * step, west + (east - west) * k / kPieces});
    }
    for (int i = static_cast<int>(std::ceil(west / step)); i * step <= east; ++i) {
      drawer.begin(MapLine::Kind::net, degrees(longitude_near(i * step, 0.0), 'E', 'W'));
      for (int k = 0; k <= kPieces; ++k) drawer.to({south + (north - south) * k / kPieces, i * step});
    }
  }
  for (const std::vector<Place>& line : coastlines) {
    drawer.begin(MapLine::Kind::coast);
    for (const Place& place : line) drawer.to(place);
  }
  return drawer.take();
}

}  // namespace altocast
