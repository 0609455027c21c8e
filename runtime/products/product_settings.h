// What cache.toml, or [frames] of station.toml, says for products alone: whose pictures they are, their colours, and
// where they lie on the Earth.
//
//   station = "Cayenne rooftop"      # for people, on every picture
//   palette = "enhanced"             # grey, enhanced, sea or ember; default: sea for rain and radar, else grey
//   thresholds = [220.0, 235.0]      # of the probability, in the frames' units: up to 9; default: one, which the
//                                    # brightest tenth of the newest frame exceed
//   coastlines = "coast.txt"         # relative to the settings' own folder: lines of "longitude latitude", apart by
//                                    # empty lines
//   [georeference]                   # of the files' own pixels, before crop and downscale:
//   projection = "geostationary"     # CF's parameters, as a satellite's files give them
//   longitude = -75.0                # of the satellite, degrees
//   height = 35786023.0              # above the ellipsoid, m; may be left out, as may the next three
//   sweep = "x"                      # x: GOES-R; y (default): Meteosat, Himawari, GK-2A
//   semi_major_axis = 6378137.0      # m
//   semi_minor_axis = 6356752.31414
//   x = [5.6e-05, -0.151844]         # scale, offset: scan angle in radians of the centre of column 0, 1, …
//   y = [-5.6e-05, 0.151844]         # of row 0, 1, … from the top
//
//   projection = "latitude_longitude"    # or a grid of equal steps
//   box = [18.98, -88.96, -8.97, -61.01]     # north, west, south, east: the picture's edges, degrees
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/status.h"
#include "runtime/geography/georeference.h"
#include "runtime/products/palette.h"

namespace altocast {

inline constexpr std::size_t kMaxThresholds = 9;  // one digit in a file's name

struct ProductSettings {
  std::string station;
  std::optional<Palette> palette;
  std::vector<float> thresholds;
  std::string coastlines;  // file; empty: none
  struct Box {
    double north = 0.0, west = 0.0, south = 0.0, east = 0.0;  // west > east: across the date line
  };
  std::optional<Georeference> geostationary;
  std::optional<Box> box;

  // Of pixels after crop and downscaling, for files of this size.
  std::optional<Georeference> georeference(int image_height, int image_width, int top, int left, int downscale) const;
};

// What the channel's name suggests: sea for rain and radar, which are dark where there is nothing; else grey.
Palette default_palette(const std::string& channel);

}  // namespace altocast
