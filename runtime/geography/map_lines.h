// Lines that help to find one's way in a picture: coastlines from a text file, and a net of latitudes and longitudes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/status.h"
#include "runtime/geography/georeference.h"

namespace altocast {

using Coastlines = std::vector<std::vector<Place>>;

// Text with a place a line, longitude then latitude in degrees, apart by spaces, tabs or a comma. An empty line, or one
// that begins with '>' (as GMT writes them), ends a line on the map; '#' begins a comment. Fails on anything else,
// naming `path` and the line, and on more than four million places.
Result<Coastlines> parse_coastlines(std::string_view text, const std::string& path);
Result<Coastlines> load_coastlines(const std::string& path);

// A line in a picture: points as columns and rows from its top left corner (a pixel's centre is at one half), cut where
// the satellite does not see it and where it stays outside of the picture.
struct MapLine {
  enum class Kind { coast, net };
  Kind kind = Kind::coast;
  std::string name;  // of the net: "30N", "120W", else empty
  struct Point {
    float x = 0.0f, y = 0.0f;
  };
  std::vector<Point> points;  // at least two
};

// The net's lines are 1, 2, 5, 10, 15 or 30° apart, or a decimal part of the first three, about six in the picture.
std::vector<MapLine> map_lines(const Georeference& georeference, const Coastlines& coastlines, int height, int width);

}  // namespace altocast
