#include "runtime/products/forecast_netcdf.h"

#include "formats/netcdf.h"
#include "runtime/time.h"

namespace altocast {
namespace {

using Attributes = std::vector<NetcdfAttribute>;

NetcdfAttribute text(const char* name, std::string value) { return {name, std::move(value)}; }

NetcdfSchema make_schema(const ProductParts& parts) {
  const ForecastProduct& forecast = *parts.forecast;
  const std::string start = format_time(forecast.start_time);
  const std::string units = forecast.units.empty() ? "1" : forecast.units;
  NetcdfSchema schema;
  schema.dimensions = {{"member", static_cast<std::uint32_t>(forecast.members)},
                       {"lead", static_cast<std::uint32_t>(forecast.leads)},
                       {"y", static_cast<std::uint32_t>(forecast.height)},
                       {"x", static_cast<std::uint32_t>(forecast.width)}};
  constexpr std::size_t kMember = 0, kLead = 1, kY = 2, kX = 3;
  schema.attributes = {text("Conventions", "CF-1.8"),
                       text("title", "Ensemble nowcast from " + start),
                       text("source", "altocast"),
                       text("channel", forecast.channel),
                       text("region", forecast.region),
                       text("forecast_reference_time", start),
                       text("prior_sha256", forecast.prior_sha256),
                       text("seed", std::to_string(forecast.seed)),
                       text("adapted", forecast.adapted ? "yes" : "no"),
                       text("hash", parts.hash)};

  const auto field = [&](const char* name, const char* long_name, std::vector<std::size_t> dimensions,
                         const char* cells) {
    Attributes attributes = {text("long_name", long_name), text("units", units), text("coordinates", "lead_time")};
    if (*cells != '\0') attributes.push_back(text("cell_methods", cells));
    schema.variables.push_back({name, NetcdfType::float32, std::move(dimensions), std::move(attributes)});
  };
  schema.variables.push_back({"time",
                              NetcdfType::float64,
                              {kLead},
                              {text("standard_name", "time"), text("long_name", "valid time"),
                               text("units", "seconds since 1970-01-01 00:00:00"), text("calendar", "standard")}});
  schema.variables.push_back({"lead_time",
                              NetcdfType::int32,
                              {kLead},
                              {text("standard_name", "forecast_period"),
                               text("long_name", "time after the newest frame"), text("units", "s")}});
  schema.variables.push_back(
      {"y",
       NetcdfType::float32,
       {kY},
       {text("long_name", "pixels from the lower edge"), text("units", "1"), text("axis", "Y")}});
  schema.variables.push_back({"x",
                              NetcdfType::float32,
                              {kX},
                              {text("long_name", "pixels from the left edge"), text("units", "1"), text("axis", "X")}});
  field("mean", forecast.mean.empty() ? "ensemble mean" : "mean of the members, each with the median of its noise",
        {kLead, kY, kX}, forecast.mean.empty() ? "member: mean" : "");
  field("spread", "ensemble standard deviation", {kLead, kY, kX}, "member: standard_deviation");
  field("frame", "forecast frame of each member", {kMember, kLead, kY, kX}, "");
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
  std::vector<float> y, x;
  for (int row = 0; row < forecast.height; ++row) y.push_back(static_cast<float>(forecast.height - row) - 0.5f);
  for (int column = 0; column < forecast.width; ++column) x.push_back(static_cast<float>(column) + 0.5f);
  ALTOCAST_RETURN_IF_ERROR(writer->write(times));
  ALTOCAST_RETURN_IF_ERROR(writer->write(lead_times));
  ALTOCAST_RETURN_IF_ERROR(writer->write(y));
  ALTOCAST_RETURN_IF_ERROR(writer->write(x));
  ALTOCAST_RETURN_IF_ERROR(writer->write(parts.moments.mean));
  ALTOCAST_RETURN_IF_ERROR(writer->write(parts.moments.spread));
  ALTOCAST_RETURN_IF_ERROR(writer->write(forecast.values));
  return writer->commit();
}

}  // namespace altocast
