// summary.json: what programs want to know of a forecast without opening its numbers.
#include "runtime/json_object.h"
#include "runtime/products/product_parts.h"
#include "runtime/text_writer.h"
#include "runtime/time.h"

namespace altocast {

std::string summary_json(const ProductParts& parts, const std::vector<std::string>& files) {
  const ForecastProduct& forecast = *parts.forecast;
  TextWriter out;
  const auto field = [&](const char* name, std::string_view value) {
    out << (out.text.empty() ? "{\n  " : ",\n  ") << json_string(name) << ": " << value;
  };
  const auto text = [&](const char* name, std::string_view value) { field(name, json_string(value)); };
  const auto number_list = [](const auto& values) {
    return json_array(values, [](auto value) { return json_number(static_cast<double>(value)); });
  };
  text("hash", parts.hash);
  text("start_time", format_time(forecast.start_time));
  field("cadence_seconds", std::to_string(forecast.cadence_seconds));
  field("members", std::to_string(forecast.members));
  field("leads", std::to_string(forecast.leads));
  field("height", std::to_string(forecast.height));
  field("width", std::to_string(forecast.width));
  text("station", forecast.station);
  text("channel", forecast.channel);
  text("region", forecast.region);
  text("units", forecast.units);
  field("thresholds", number_list(parts.thresholds));
  text("event", forecast.bright_is_low ? "below" : "above");
  text("prior_sha256", forecast.prior_sha256);
  field("seed", std::to_string(forecast.seed));
  field("adapted", forecast.adapted ? "true" : "false");
  out << ",\n  \"settings\": {";
  for (std::size_t i = 0; i < forecast.settings.size(); ++i) {
    const auto& [name, value] = forecast.settings[i];
    out << (i == 0 ? "" : ", ") << json_string(name) << ": " << json_string(value);
  }
  out << "}";
  field("past", json_array(forecast.past, [](const PastFrame& frame) { return json_string(format_time(frame.time)); }));
  std::vector<std::int64_t> bridged;
  for (const PastFrame& frame : forecast.past) {
    if (frame.bridged) bridged.push_back(frame.time);
  }
  field("bridged", json_array(bridged, [](std::int64_t time) { return json_string(format_time(time)); }));
  field("by_lead", "[");
  for (const LeadStatistics& lead : parts.leads) {
    out << (&lead == &parts.leads.front() ? "\n" : ",\n") << "    {\"time\": " << json_string(format_time(lead.time))
        << ", \"lead_seconds\": " << std::to_string(lead.time - forecast.start_time);
    const auto number = [&](const char* name, double value) { out << ", \"" << name << "\": " << json_number(value); };
    number("mean", lead.mean);
    number("low", lead.low);
    number("high", lead.high);
    number("mean_spread", lead.mean_spread);
    number("max_spread", lead.max_spread);
    number("variance_of_weights", lead.weight_share);
    number("variance_of_noise", 1.0 - lead.weight_share);
    out << ", \"probability\": " << number_list(lead.probability) << "}";
  }
  out << "]";
  field("files", json_array(files, json_string));
  out << "\n}\n";
  return std::move(out.text);
}

}  // namespace altocast
