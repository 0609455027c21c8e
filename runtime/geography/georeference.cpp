#include "runtime/geography/georeference.h"

#include <cmath>

#include "runtime/elementary.h"

namespace altocast {
namespace {

constexpr double kDegree = 0.017453292519943295;

// Distance of the satellite from the Earth's centre.
double orbit(const Georeference& g) { return g.semi_major + g.satellite_height; }
double axes_squared(const Georeference& g) {
  const double ratio = g.semi_major / g.semi_minor;
  return ratio * ratio;
}

// Formulas: CGMS 03, LRIT/HRIT Global Specification, section 4.4.3.2 (sweep y), and GOES-R Product Definition and
// User's Guide, volume 3, section 5.1.2.8 (sweep x). The vector (towards the Earth's centre, east, north) goes from the
// satellite to the place.
std::optional<Place> geostationary_place(const Georeference& g, double x, double y) {
  const double sin_x = portable_sin(x), cos_x = portable_cos(x), sin_y = portable_sin(y), cos_y = portable_cos(y);
  const double down = cos_x * cos_y;
  const double east = g.sweep_x ? sin_x : sin_x * cos_y;
  const double north = g.sweep_x ? cos_x * sin_y : sin_y;
  const double h = orbit(g), ratio = axes_squared(g);
  const double a = down * down + east * east + ratio * north * north;
  const double half_b = h * down;
  const double c = h * h - g.semi_major * g.semi_major;
  const double discriminant = half_b * half_b - a * c;
  if (!(discriminant >= 0.0) || !(down > 0.0)) return std::nullopt;
  const double distance = (half_b - std::sqrt(discriminant)) / a;
  const double from_centre = h - distance * down, to_east = distance * east, to_north = distance * north;
  const double in_plane = std::sqrt(from_centre * from_centre + to_east * to_east);
  return Place{portable_atan2(ratio * to_north, in_plane) / kDegree,
               longitude_near(g.central_longitude + portable_atan2(to_east, from_centre) / kDegree, 0.0)};
}

std::optional<PixelPosition> geostationary_pixel(const Georeference& g, Place place) {
  const double latitude = place.latitude * kDegree;
  const double longitude = longitude_near(place.longitude - g.central_longitude, 0.0) * kDegree;
  const double h = orbit(g), ratio = axes_squared(g);
  // The ellipsoid's point: its normal's angle to the equator is the latitude.
  const double sin_latitude = portable_sin(latitude), cos_latitude = portable_cos(latitude);
  const double normal = g.semi_major / std::sqrt(cos_latitude * cos_latitude + sin_latitude * sin_latitude / ratio);
  const double in_plane = normal * cos_latitude, north = normal / ratio * sin_latitude;
  const double from_centre = in_plane * portable_cos(longitude), east = in_plane * portable_sin(longitude);
  const double down = h - from_centre;
  if (h * from_centre < g.semi_major * g.semi_major) return std::nullopt;  // behind the limb
  const double range = std::sqrt(down * down + east * east + north * north);
  const auto arcsine = [](double v) { return portable_atan2(v, std::sqrt(1.0 - v * v)); };
  const double x = g.sweep_x ? arcsine(east / range) : portable_atan2(east, down);
  const double y = g.sweep_x ? portable_atan2(north, down) : arcsine(north / range);
  return PixelPosition{(x - g.x_offset) / g.x_scale, (y - g.y_offset) / g.y_scale};
}

}  // namespace

double longitude_near(double longitude, double centre) {
  return longitude - 360.0 * std::floor((longitude - centre + 180.0) / 360.0);
}

std::optional<Place> Georeference::place(PixelPosition position) const {
  const double x = x_offset + x_scale * position.column, y = y_offset + y_scale * position.row;
  if (projection == Projection::geostationary) return geostationary_place(*this, x, y);
  if (!(y >= -90.0 && y <= 90.0)) return std::nullopt;
  return Place{y, longitude_near(x, 0.0)};
}

std::optional<PixelPosition> Georeference::pixel(Place place) const {
  if (projection == Projection::geostationary) return geostationary_pixel(*this, place);
  const double east = longitude_near(place.longitude, central_longitude);
  return PixelPosition{(east - x_offset) / x_scale, (place.latitude - y_offset) / y_scale};
}

Georeference Georeference::cropped(int top, int left, int factor) const {
  Georeference g = *this;
  const double middle = 0.5 * (factor - 1);
  g.x_offset += x_scale * (left + middle);
  g.y_offset += y_scale * (top + middle);
  g.x_scale *= factor;
  g.y_scale *= factor;
  return g;
}

}  // namespace altocast
