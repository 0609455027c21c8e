// Where on the Earth a picture's pixels lie: a geostationary satellite's view, or a grid of equal steps of latitude and
// longitude. Computed without libm: the same bits everywhere.
#pragma once

#include <optional>

namespace altocast {

struct Place {
  double latitude = 0.0;   // degrees, north positive, −90 … 90
  double longitude = 0.0;  // degrees, east positive, −180 … 180
};

// Column and row; whole numbers are the centres of pixels.
struct PixelPosition {
  double column = 0.0;
  double row = 0.0;
};

// The centre of pixel (column, row) is x = x_offset + x_scale · column, y = y_offset + y_scale · row: scan angles in
// radians, eastwards and northwards positive, or degrees of longitude and latitude.
struct Georeference {
  enum class Projection { geostationary, latitude_longitude };
  Projection projection = Projection::latitude_longitude;
  double x_scale = 1.0, x_offset = 0.0;
  double y_scale = -1.0, y_offset = 0.0;

  // Of the satellite; on a grid, places are taken within 180° of it.
  double central_longitude = 0.0;

  // Of the geostationary view. Height in metres above the ellipsoid; half axes of the ellipsoid in metres. `sweep_x`:
  // the instrument's fast axis, as CF's sweep_angle_axis "x" (GOES-R) or "y" (Meteosat, Himawari, GK-2A).
  double satellite_height = 35786023.0;
  double semi_major = 6378137.0, semi_minor = 6356752.31414;
  bool sweep_x = false;

  // Nothing where a pixel looks past the Earth, and where the satellite does not see a place.
  std::optional<Place> place(PixelPosition position) const;
  std::optional<PixelPosition> pixel(Place place) const;

  // The same for a picture of `factor` × `factor` pixels in one, after taking off rows at the top and columns at the
  // left.
  Georeference cropped(int top, int left, int factor) const;
};

// `longitude` turned by whole rounds into [centre − 180, centre + 180).
double longitude_near(double longitude, double centre);

}  // namespace altocast
