#include "runtime/products/point_forecast.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "formats/netcdf_reader.h"
#include "runtime/json_text.h"
#include "runtime/products/chart.h"
#include "runtime/text_writer.h"
#include "runtime/time.h"

namespace altocast {
namespace {

Result<Georeference> georeference_of(const NetcdfReader& file, const std::string& path, const std::vector<double>& x,
                                     const std::vector<double>& y) {
  const std::string name = file.text("crs", "grid_mapping_name").value_or("");
  if (name != "geostationary" && name != "latitude_longitude") {
    return Status::error(path +
                         ": has no georeference; add [georeference] to cache.toml, or [frames.georeference] to "
                         "station.toml, and forecast again");
  }
  Georeference g;
  const auto axis = [](const std::vector<double>& values, double& scale, double& offset) {
    offset = values.front();
    if (values.size() > 1) scale = (values.back() - offset) / static_cast<double>(values.size() - 1);
    return std::isfinite(scale) && std::isfinite(offset) && scale != 0.0;
  };
  if (!axis(x, g.x_scale, g.x_offset) || !axis(y, g.y_scale, g.y_offset)) {
    return Status::error(path + ": x and y are no regular grid");
  }
  g.semi_major = file.number("crs", "semi_major_axis").value_or(g.semi_major);
  g.semi_minor = file.number("crs", "semi_minor_axis").value_or(g.semi_minor);
  if (name == "geostationary") {
    g.projection = Georeference::Projection::geostationary;
    g.central_longitude = file.number("crs", "longitude_of_projection_origin").value_or(0.0);
    g.satellite_height = file.number("crs", "perspective_point_height").value_or(g.satellite_height);
    g.sweep_x = file.text("crs", "sweep_angle_axis") == "x";
  } else {
    g.central_longitude = 0.5 * (x.front() + x.back());
  }
  return g;
}

std::string degrees(Place place) {
  TextWriter out;
  const auto part = [&](double value, const char* positive, const char* negative) {
    out << std::abs(value) << "°" << (value < 0.0 ? negative : positive);
  };
  part(place.latitude, "N ", "S ");
  part(place.longitude, "E", "W");
  return std::move(out.text);
}

// Between the order statistics of sorted values.
double quantile(const std::vector<float>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), sorted.size() - 1);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = static_cast<double>(sorted[below]), high = static_cast<double>(sorted[above]);
  return low + (high - low) * (place - static_cast<double>(below));
}

std::string event_name(const PointForecast& forecast, double threshold) {
  TextWriter out;
  out << (forecast.below ? "below " : "above ") << plain_number(threshold, 4) << (forecast.units.empty() ? "" : " ")
      << forecast.units;
  return std::move(out.text);
}

}  // namespace

Result<PointForecast> point_forecast(const std::string& path, Place place) {
  const Result<NetcdfReader> file = NetcdfReader::open(path);
  if (!file.ok()) return file.status();
  const Result<std::int64_t> start = parse_time(file->text("", "forecast_reference_time").value_or(""));
  const auto axes = [&]() -> Result<std::vector<std::vector<double>>> {
    std::vector<std::vector<double>> values;
    for (const char* name : {"x", "y", "time", "threshold"}) {
      Result<std::vector<double>> axis = file->numbers(name);
      if (!axis.ok()) return axis.status();
      values.push_back(*std::move(axis));
    }
    return values;
  }();
  if (!axes.ok()) return axes.status();
  if (!start.ok()) return Status::error(path + ": is no forecast of altocast");
  const std::vector<double>&x = (*axes)[0], &y = (*axes)[1], &times = (*axes)[2];
  const std::vector<std::uint32_t> shape = file->shape("frame");
  if (shape.size() != 4 || shape[1] != times.size() || shape[2] != y.size() || shape[3] != x.size()) {
    return Status::error(path + ": 'frame' does not have the shape of its axes");
  }
  const std::uint64_t members = shape[0], leads = shape[1], height = shape[2], width = shape[3];
  const Result<Georeference> georeference = georeference_of(*file, path, x, y);
  if (!georeference.ok()) return georeference.status();
  const std::optional<PixelPosition> position = georeference->pixel(place);
  if (!position ||
      !(position->column > -0.5 && position->row > -0.5 && position->column < static_cast<double>(width) - 0.5 &&
        position->row < static_cast<double>(height) - 0.5)) {
    const std::optional<Place> middle =
        georeference->place({0.5 * static_cast<double>(width - 1), 0.5 * static_cast<double>(height - 1)});
    return Status::error(path + ": " + degrees(place) + " lies outside of the pictures" +
                         (middle ? ", whose middle is " + degrees(*middle) : std::string()));
  }

  PointForecast point;
  point.asked = place;
  point.column = static_cast<int>(std::floor(position->column + 0.5));
  point.row = static_cast<int>(std::floor(position->row + 0.5));
  point.pixel =
      georeference->place({static_cast<double>(point.column), static_cast<double>(point.row)}).value_or(place);
  point.station = file->text("", "station").value_or("");
  point.channel = file->text("", "channel").value_or("");
  point.units = file->text("frame", "units").value_or("1");
  if (point.units == "1") point.units.clear();
  point.start_time = *start;
  point.below = file->text("threshold", "event") == "below";
  point.thresholds = (*axes)[3];

  const std::uint64_t pixel = static_cast<std::uint64_t>(point.row) * width + static_cast<std::uint64_t>(point.column);
  for (std::uint64_t lead = 0; lead < leads; ++lead) {
    std::vector<float> values(static_cast<std::size_t>(members));
    for (std::uint64_t member = 0; member < members; ++member) {
      ALTOCAST_RETURN_IF_ERROR(file->read("frame", (member * leads + lead) * height * width + pixel,
                                          std::span(values).subspan(static_cast<std::size_t>(member), 1)));
    }
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      return Status::error(path + ": holds numbers that are not finite");
    std::sort(values.begin(), values.end());
    PointForecast::Lead result;
    result.time = static_cast<std::int64_t>(std::clamp(
        times[static_cast<std::size_t>(lead)], static_cast<double>(kEarliestTime), static_cast<double>(kLatestTime)));
    result.median = quantile(values, 0.5);
    result.low = quantile(values, 0.1);
    result.high = quantile(values, 0.9);
    for (const double limit : point.thresholds) {
      const auto events = std::count_if(values.begin(), values.end(), [&](float value) {
        return point.below ? static_cast<double>(value) < limit : static_cast<double>(value) > limit;
      });
      result.probability.push_back(100.0 * static_cast<double>(events) / static_cast<double>(values.size()));
    }
    point.leads.push_back(std::move(result));
  }
  return point;
}

std::string point_table(const PointForecast& forecast) {
  // Columns as wide as their longest cell; the first on the left, the others on the right.
  std::vector<std::vector<std::string>> rows(1);
  rows[0] = {"valid at", "ahead", "median", "10 %", "90 %"};
  for (const double threshold : forecast.thresholds) rows[0].push_back(event_name(forecast, threshold));
  for (const PointForecast::Lead& lead : forecast.leads) {
    rows.push_back({format_time(lead.time), format_duration(lead.time - forecast.start_time),
                    plain_number(lead.median, 4), plain_number(lead.low, 4), plain_number(lead.high, 4)});
    for (const double share : lead.probability) rows.back().push_back(plain_number(share, 3) + " %");
  }
  TextWriter out;
  out << degrees(forecast.asked) << ", pixel column " << forecast.column << ", row " << forecast.row
      << "; forecast from " << format_time(forecast.start_time) << ", "
      << (forecast.units.empty() ? "image numbers" : forecast.units.c_str()) << "\n";
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      std::size_t width = 0;
      for (const auto& other : rows) width = std::max(width, other[column].size());
      const std::string padding(width - row[column].size(), ' ');
      if (column == 0) {
        out << row[column] << padding;
      } else {
        out << "  " << padding << row[column];
      }
    }
    out << "\n";
  }
  return std::move(out.text);
}

std::string point_chart(const PointForecast& forecast) {
  Chart chart;
  TextWriter title;
  title << forecast.station << (forecast.station.empty() ? "" : ", ") << degrees(forecast.asked) << ", from "
        << format_time(forecast.start_time);
  chart.title = std::move(title.text);
  chart.units = forecast.units.empty() ? "image numbers" : forecast.units;
  chart.lines.push_back({"median", {}});
  chart.band.name = "10 to 90 %";
  for (const PointForecast::Lead& lead : forecast.leads) {
    chart.lines[0].points.push_back({static_cast<double>(chart.x_names.size()), lead.median});
    chart.x_names.push_back(format_time(lead.time).substr(11));
    chart.band.low.push_back(lead.low);
    chart.band.high.push_back(lead.high);
  }
  for (std::size_t t = 0; t < forecast.thresholds.size(); ++t) {
    TextWriter note;
    note << "% " << event_name(forecast, forecast.thresholds[t]) << ":";
    for (const PointForecast::Lead& lead : forecast.leads)
      note << (&lead == &forecast.leads.front() ? " " : ", ") << plain_number(lead.probability[t], 2);
    chart.notes.push_back(std::move(note.text));
  }
  return svg_chart(chart, true);
}

}  // namespace altocast
