// altocast point: the ensemble of a forecast at one place.
#include <cstdio>

#include "apps/altocast/arguments.h"
#include "apps/altocast/station_input.h"
#include "formats/durable_file.h"
#include "formats/file_system.h"
#include "runtime/products/point_forecast.h"

namespace altocast {

Status run_point(std::span<char*> argv) {
  Arguments arguments("point", "--lat L --lon L (--forecast DIR | --nc FILE) [--out FILE.svg]",
                      "What a forecast says of one place: median, 10th and 90th percentile, probability.");
  arguments.value("lat", "L", "latitude in degrees, north positive")
      .value("lon", "L", "longitude in degrees, east positive")
      .value("forecast", "DIR", "the folder that altocast forecast wrote")
      .value("nc", "FILE", "or its forecast.nc")
      .value("out", "FILE", "also a plot: an SVG picture");
  if (!arguments.parse(argv)) return {};
  if (arguments.has("forecast") == arguments.has("nc")) fail_usage("give --forecast or --nc, one of them");
  for (const char* name : {"lat", "lon"}) arguments.text(name);  // must be there
  const Place place{static_cast<double>(arguments.number("lat", -90.0f, 90.0f, 0.0f)),
                    static_cast<double>(arguments.number("lon", -360.0f, 360.0f, 0.0f))};
  const std::string out = arguments.text("out", "");
  if (!out.empty() && !out.ends_with(".svg")) fail_usage("--out must end in .svg");
  const std::string file =
      arguments.has("nc") ? arguments.text("nc") : join_path(arguments.text("forecast"), "forecast.nc");
  if (!out.empty()) ALTOCAST_RETURN_IF_ERROR(prepare_output_file(out));

  const Result<PointForecast> point = point_forecast(file, place);
  if (!point.ok()) return point.status();
  if (!out.empty()) {
    const std::string chart = point_chart(*point);
    ALTOCAST_RETURN_IF_ERROR(
        replace_file(out, std::span(reinterpret_cast<const std::uint8_t*>(chart.data()), chart.size())));
  }
  std::fputs(point_table(*point).c_str(), stdout);
  return {};
}

}  // namespace altocast
