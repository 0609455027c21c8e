// The ensemble at one place, out of a forecast.nc that carries a georeference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/status.h"
#include "runtime/geography/georeference.h"

namespace altocast {

struct PointForecast {
  Place asked;
  Place pixel;  // the middle of the pixel that holds it
  int column = 0, row = 0;
  std::string station, channel, units;  // units empty: image numbers
  std::int64_t start_time = 0;
  bool below = false;              // the event of the probability: below the threshold, else above
  std::vector<double> thresholds;  // in units
  struct Lead {
    std::int64_t time = 0;
    double median = 0.0, low = 0.0, high = 0.0;  // the members' 50th, 10th and 90th percentile, interpolated
    std::vector<double> probability;             // per cent, one a threshold
  };
  std::vector<Lead> leads;
};

// Reads the pixel of `place`. Fails if the file is none of altocast's forecasts or has no georeference, and if the
// place lies outside of it; the message tells what it covers.
Result<PointForecast> point_forecast(const std::string& netcdf, Place place);

std::string point_table(const PointForecast& forecast);  // for a terminal: a line a lead
std::string point_chart(const PointForecast& forecast);  // an SVG file: median over the band from 10 to 90 %

}  // namespace altocast
