#include "runtime/products/forecast_netcdf.h"

#include "formats/netcdf.h"
#include "runtime/time.h"

namespace altocast {
namespace {

// Attributes of a variable or of the file, in the making.
class Attributes {
 public:
  Attributes& text(const char* name, std::string_view value) {
    list_.push_back({name, std::string(value)});
    return *this;
  }
  Attributes& number(const char* name, double value) {
    list_.push_back({name, std::vector<double>{value}});
    return *this;
  }
  std::vector<NetcdfAttribute> take() { return std::move(list_); }

 private:
  std::vector<NetcdfAttribute> list_;
};

void declare(NetcdfSchema& schema, const char* name, NetcdfType type, std::vector<std::size_t> dimensions,
             Attributes& attributes) {
  schema.variables.push_back({name, type, std::move(dimensions), attributes.take()});
}

// The coordinates of an axis: pixels from the lower left corner, so that viewers draw north up, or what the
// georeference says.
void declare_axis(NetcdfSchema& schema, const ForecastProduct& forecast, bool vertical, std::size_t dimension) {
  Attributes axis;
  if (!forecast.georeference) {
    axis.text("long_name", vertical ? "pixels from the lower edge" : "pixels from the left edge").text("units", "1");
  } else if (forecast.georeference->projection == Georeference::Projection::geostationary) {
    axis.text("standard_name", vertical ? "projection_y_coordinate" : "projection_x_coordinate")
        .text("long_name", vertical ? "scan angle northwards" : "scan angle eastwards")
        .text("units", "rad");
  } else {
    axis.text("standard_name", vertical ? "latitude" : "longitude")
        .text("units", vertical ? "degrees_north" : "degrees_east");
  }
  declare(schema, vertical ? "y" : "x", NetcdfType::float64, {dimension}, axis.text("axis", vertical ? "Y" : "X"));
}

std::vector<double> axis_values(const ForecastProduct& forecast, bool vertical) {
  std::vector<double> values;
  const int count = vertical ? forecast.height : forecast.width;
  for (int i = 0; i < count; ++i) {
    if (const auto& g = forecast.georeference) {
      values.push_back(vertical ? g->y_offset + g->y_scale * i : g->x_offset + g->x_scale * i);
    } else {
      values.push_back(vertical ? count - i - 0.5 : i + 0.5);
    }
  }
  return values;
}

void declare_grid_mapping(NetcdfSchema& schema, const Georeference& g) {
  Attributes crs;
  if (g.projection == Georeference::Projection::latitude_longitude) {
    crs.text("grid_mapping_name", "latitude_longitude");
  } else {
    crs.text("grid_mapping_name", "geostationary")
        .number("perspective_point_height", g.satellite_height)
        .number("longitude_of_projection_origin", g.central_longitude)
        .number("latitude_of_projection_origin", 0.0)
        .text("sweep_angle_axis", g.sweep_x ? "x" : "y")
        .number("false_easting", 0.0)
        .number("false_northing", 0.0);
  }
  crs.number("semi_major_axis", g.semi_major).number("semi_minor_axis", g.semi_minor);
  declare(schema, "crs", NetcdfType::int32, {}, crs);
}

NetcdfSchema make_schema(const ProductParts& parts) {
  const ForecastProduct& forecast = *parts.forecast;
  const std::string start = format_time(forecast.start_time);
  const std::string units = forecast.units.empty() ? "1" : forecast.units;
  NetcdfSchema schema;
  schema.dimensions = {{"member", static_cast<std::uint32_t>(forecast.members)},
                       {"lead", static_cast<std::uint32_t>(forecast.leads)},
                       {"y", static_cast<std::uint32_t>(forecast.height)},
                       {"x", static_cast<std::uint32_t>(forecast.width)},
                       {"threshold", static_cast<std::uint32_t>(parts.thresholds.size())}};
  constexpr std::size_t kMember = 0, kLead = 1, kY = 2, kX = 3, kThreshold = 4;
  schema.attributes = Attributes()
                          .text("Conventions", "CF-1.8")
                          .text("title", "Ensemble nowcast from " + start)
                          .text("source", "altocast")
                          .text("station", forecast.station)
                          .text("channel", forecast.channel)
                          .text("region", forecast.region)
                          .text("forecast_reference_time", start)
                          .text("prior_sha256", forecast.prior_sha256)
                          .text("seed", std::to_string(forecast.seed))
                          .text("adapted", forecast.adapted ? "yes" : "no")
                          .text("hash", parts.hash)
                          .take();

  Attributes time, lead_time, threshold;
  time.text("standard_name", "time")
      .text("long_name", "valid time")
      .text("units", "seconds since 1970-01-01 00:00:00")
      .text("calendar", "standard");
  declare(schema, "time", NetcdfType::float64, {kLead}, time);
  lead_time.text("standard_name", "forecast_period")
      .text("long_name", "time after the newest frame")
      .text("units", "s");
  declare(schema, "lead_time", NetcdfType::int32, {kLead}, lead_time);
  declare_axis(schema, forecast, true, kY);
  declare_axis(schema, forecast, false, kX);
  const std::string event = forecast.bright_is_low ? "below" : "above";
  threshold.text("long_name", "threshold of the probability").text("units", units).text("event", event);
  declare(schema, "threshold", NetcdfType::float32, {kThreshold}, threshold);
  if (forecast.georeference) declare_grid_mapping(schema, *forecast.georeference);

  const auto field = [&](const char* name, const std::string& long_name, std::string_view unit,
                         std::vector<std::size_t> dimensions, const char* coordinates, std::string_view cells) {
    Attributes attributes;
    attributes.text("long_name", long_name).text("units", unit).text("coordinates", coordinates);
    if (!cells.empty()) attributes.text("cell_methods", cells);
    if (forecast.georeference) attributes.text("grid_mapping", "crs");
    declare(schema, name, NetcdfType::float32, std::move(dimensions), attributes);
  };
  const bool own_mean = !forecast.mean.empty();
  field("mean", own_mean ? "mean of the members, each with the median of its noise" : "ensemble mean", units,
        {kLead, kY, kX}, "time lead_time", own_mean ? "" : "member: mean");
  field("spread", "ensemble standard deviation", units, {kLead, kY, kX}, "time lead_time",
        "member: standard_deviation");
  field("probability", "share of the members " + event + " the threshold", "%", {kThreshold, kLead, kY, kX},
        "threshold time lead_time", "");
  field("frame", "forecast frame of each member", units, {kMember, kLead, kY, kX}, "time lead_time", "");
  return schema;
}

}  // namespace

Status write_forecast_netcdf(const ProductParts& parts, const std::string& path) {
  const ForecastProduct& forecast = *parts.forecast;
  Result<NetcdfWriter> writer = NetcdfWriter::create(path, make_schema(parts));
  if (!writer.ok()) return writer.status();
  std::vector<double> times;
  std::vector<std::int32_t> lead_times;
  for (const LeadStatistics& lead : parts.leads) {
    times.push_back(static_cast<double>(lead.time));
    lead_times.push_back(static_cast<std::int32_t>(lead.time - forecast.start_time));
  }
  ALTOCAST_RETURN_IF_ERROR(writer->write(times));
  ALTOCAST_RETURN_IF_ERROR(writer->write(lead_times));
  ALTOCAST_RETURN_IF_ERROR(writer->write(axis_values(forecast, true)));
  ALTOCAST_RETURN_IF_ERROR(writer->write(axis_values(forecast, false)));
  ALTOCAST_RETURN_IF_ERROR(writer->write(parts.thresholds));
  if (forecast.georeference) ALTOCAST_RETURN_IF_ERROR(writer->write(std::vector<std::int32_t>{0}));
  ALTOCAST_RETURN_IF_ERROR(writer->write(parts.moments.mean));
  ALTOCAST_RETURN_IF_ERROR(writer->write(parts.moments.spread));
  for (std::size_t t = 0; t < parts.thresholds.size(); ++t) {
    for (int lead = 0; lead < forecast.leads; ++lead)
      ALTOCAST_RETURN_IF_ERROR(writer->write(parts.probability_field(t, lead)));
  }
  ALTOCAST_RETURN_IF_ERROR(writer->write(forecast.values));
  return writer->commit();
}

}  // namespace altocast
