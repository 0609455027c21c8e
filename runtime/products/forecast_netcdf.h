// forecast.nc: all numbers of a forecast as classic NetCDF (CDF-2) with CF names, for xarray, ncview and
// QGIS.
#pragma once

#include <string>

#include "formats/status.h"
#include "runtime/products/product_parts.h"

namespace altocast {

// Dimensions member, lead, y, x, threshold; float frame(member, lead, y, x), mean(lead, y, x), spread(lead, y, x) in
// the forecast's units, top row first; probability(threshold, lead, y, x) in per cent; float threshold(threshold) with
// the attribute event ("above" or "below"); double time(lead) in "seconds since 1970-01-01 00:00:00", int
// lead_time(lead) in seconds. double y(y) and x(x) are pixels from the lower left corner, so that viewers draw north
// up; with a georeference they are its scan angles in radians, or latitude and longitude, and `crs` is CF's grid
// mapping. Global attributes have the prior's SHA-256, seed and hash. Nothing in it depends on when or where it is
// written.
Status write_forecast_netcdf(const ProductParts& parts, const std::string& path);

}  // namespace altocast
