#include "runtime/products/products.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "formats/image.h"
#include "formats/sha256.h"
#include "runtime/products/forecast_netcdf.h"
#include "runtime/products/output_folder.h"
#include "runtime/products/product_parts.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr int kMaxSide = 65535;
constexpr int kMaxMembers = 10000;
constexpr int kMaxLeads = 1000;
constexpr std::size_t kReportMembers = 3;  // members in the report; all are in files of their own

std::string two_digits(int number) { return (number < 10 ? "0" : "") + std::to_string(number); }

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

// The file names that write_products() gives, and no others.
bool is_product_name(std::string_view name) {
  if (name == "forecast.nc" || name == "summary.json" || name == "report.html" || name == "overview.png") return true;
  return name.ends_with("Z.png") &&
         (name.starts_with("mean_") || name.starts_with("spread_") || name.starts_with("member"));
}

// The smallest of 1, 2, 5 × a power of ten that is at least `value`; 1 for zero.
double round_up(double value) {
  if (!(value > 0.0)) return 1.0;
  double decade = 1.0;
  while (decade > value && decade > 1e-30) decade /= 10.0;
  while (decade * 10.0 < value) decade *= 10.0;
  for (const double step : {1.0, 2.0, 5.0}) {
    if (step * decade >= value) return step * decade;
  }
  return 10.0 * decade;
}

// What 99 % of the spread stays below, as a round number for the pictures' scale.
float spread_limit(std::vector<float> spread) {
  const auto rank = spread.begin() + static_cast<std::ptrdiff_t>(std::uint64_t{spread.size() - 1} * 99 / 100);
  std::nth_element(spread.begin(), rank, spread.end());
  return static_cast<float>(round_up(static_cast<double>(*rank)));
}

LeadStatistics lead_statistics(const ProductParts& parts, int lead) {
  LeadStatistics s;
  s.time = valid_time(*parts.forecast, lead);
  const std::span<const float> mean = parts.mean(lead);
  const std::span<const float> spread = parts.spread(lead);
  s.low = s.high = static_cast<double>(mean.front());
  double variance = 0.0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const auto value = static_cast<double>(mean[i]);
    s.mean += value;
    s.low = std::min(s.low, value);
    s.high = std::max(s.high, value);
    s.mean_spread += static_cast<double>(spread[i]);
    variance += static_cast<double>(spread[i]) * static_cast<double>(spread[i]);
    s.max_spread = std::max(s.max_spread, static_cast<double>(spread[i]));
  }
  s.mean /= static_cast<double>(mean.size());
  s.mean_spread /= static_cast<double>(mean.size());
  variance /= static_cast<double>(mean.size());
  const std::vector<double>& of_weights = parts.forecast->weight_variance;
  if (variance > 0.0)
    s.weight_share = of_weights.empty() ? 1.0 : std::min(1.0, of_weights[static_cast<std::size_t>(lead)] / variance);
  return s;
}

// Encodes pictures into the folder and remembers the names.
class PictureWriter {
 public:
  PictureWriter(const ProductParts& parts, OutputFolder& output) : parts_(parts), output_(output) {}

  // Pictures without colour are stored as grey, a third of the size.
  Result<std::vector<std::uint8_t>> encode(const Picture& picture) {
    const std::vector<std::uint8_t>& rgb = picture.rgb();
    std::vector<std::uint8_t> grey;
    for (std::size_t i = 0; i < rgb.size() && rgb[i] == rgb[i + 1] && rgb[i] == rgb[i + 2]; i += 3) {
      grey.push_back(rgb[i]);
    }
    const bool coloured = 3 * grey.size() != rgb.size();
    return encode_png(picture.width(), picture.height(), coloured ? 3 : 1, coloured ? rgb : grey);
  }
  Status write(const std::string& name, const std::vector<std::uint8_t>& png) {
    names_.push_back(name);
    return output_.add(name, png);
  }
  // One picture a lead, "PREFIX_01_20180606T1230Z.png"; also returned.
  template <class Field>
  Result<std::vector<std::vector<std::uint8_t>>> write_leads(const std::string& prefix, const ColourScale& colours,
                                                             const Field& field) {
    std::vector<std::vector<std::uint8_t>> pngs;
    for (int lead = 0; lead < parts_.forecast->leads; ++lead) {
      Result<std::vector<std::uint8_t>> png = encode(draw_field(parts_, field(lead), colours));
      if (!png.ok()) return png.status();
      const std::string time = format_compact_time(valid_time(*parts_.forecast, lead));
      ALTOCAST_RETURN_IF_ERROR(write(prefix + "_" + two_digits(lead + 1) + "_" + time + ".png", *png));
      pngs.push_back(std::move(*png));
    }
    return pngs;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  const ProductParts& parts_;
  OutputFolder& output_;
  std::vector<std::string> names_;
};

}  // namespace

Status validate(const ForecastProduct& forecast) {
  const auto in_range = [](int value, int high) { return value >= 1 && value <= high; };
  if (!in_range(forecast.members, kMaxMembers) || !in_range(forecast.leads, kMaxLeads) ||
      !in_range(forecast.height, kMaxSide) || !in_range(forecast.width, kMaxSide)) {
    return Status::error("a forecast needs 1 … 10000 members, 1 … 1000 leads and a height and width of 1 … 65535");
  }
  const std::uint64_t pixels = static_cast<std::uint64_t>(forecast.height) * static_cast<std::uint64_t>(forecast.width);
  const std::uint64_t planes =
      static_cast<std::uint64_t>(forecast.members) * static_cast<std::uint64_t>(forecast.leads);
  if (forecast.values.size() != planes * pixels) return Status::error("the forecast's values do not have its shape");
  if (!forecast.mean.empty() && (forecast.mean.size() * static_cast<std::size_t>(forecast.members) != planes * pixels ||
                                 forecast.weight_variance.size() != static_cast<std::size_t>(forecast.leads))) {
    return Status::error("the forecast's mean does not have its shape");
  }
  if (!all_finite(forecast.values) || !all_finite(forecast.mean))
    return Status::error("the forecast holds values that are not finite numbers");
  if (forecast.cadence_seconds < 1) return Status::error("the forecast's cadence must be at least 1 s");
  const std::int64_t span = std::int64_t{forecast.leads} * forecast.cadence_seconds;
  if (span > std::numeric_limits<std::int32_t>::max())
    return Status::error("the forecast's lead times exceed 68 years");
  if (forecast.start_time < kEarliestTime || forecast.start_time > kLatestTime - span) {
    return Status::error("the forecast's times must lie in the years 1 … 9999");
  }
  if (!std::isfinite(forecast.range_low) || !std::isfinite(forecast.range_high) ||
      !(forecast.range_low < forecast.range_high)) {
    return Status::error("the range of values that pictures show must be low < high");
  }
  for (const PastFrame& frame : forecast.past) {
    if (frame.values.size() != pixels || !all_finite(frame.values)) {
      return Status::error("the past frame of " + format_time(frame.time) + " does not fit the forecast");
    }
  }
  return {};
}

std::string forecast_hash(const ForecastProduct& forecast) {
  Sha256 hash;
  std::vector<std::uint8_t> bytes;
  const auto append = [&](std::uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::uint8_t>(word >> shift & 0xffu));
    if (bytes.size() < 65536) return;
    hash.update(bytes);
    bytes.clear();
  };
  for (const int extent : {forecast.members, forecast.leads, forecast.height, forecast.width}) {
    append(static_cast<std::uint32_t>(extent));
  }
  for (const float value : forecast.values) append(std::bit_cast<std::uint32_t>(value));
  hash.update(bytes);
  return to_hex(hash.finish());
}

EnsembleMoments ensemble_moments(const ForecastProduct& forecast) {
  const std::size_t planes = static_cast<std::size_t>(forecast.leads) * static_cast<std::size_t>(forecast.height) *
                             static_cast<std::size_t>(forecast.width);
  const auto members = static_cast<std::size_t>(forecast.members);
  EnsembleMoments moments{std::vector<float>(planes), std::vector<float>(planes)};
  for (std::size_t i = 0; i < planes; ++i) {
    double sum = 0.0;
    for (std::size_t m = 0; m < members; ++m) sum += static_cast<double>(forecast.values[m * planes + i]);
    const double mean = sum / static_cast<double>(members);
    double squares = 0.0;
    for (std::size_t m = 0; m < members; ++m) {
      const double difference = static_cast<double>(forecast.values[m * planes + i]) - mean;
      squares += difference * difference;
    }
    moments.mean[i] = forecast.mean.empty() ? static_cast<float>(mean) : forecast.mean[i];
    moments.spread[i] = members > 1 ? static_cast<float>(std::sqrt(squares / static_cast<double>(members - 1))) : 0.0f;
  }
  return moments;
}

ProductParts make_parts(const ForecastProduct& forecast) {
  ProductParts parts;
  parts.forecast = &forecast;
  parts.moments = ensemble_moments(forecast);
  parts.hash = forecast_hash(forecast);
  for (int lead = 0; lead < forecast.leads; ++lead) parts.leads.push_back(lead_statistics(parts, lead));
  parts.value_colours = {forecast.bright_is_low ? Palette::inverted_grey : Palette::grey, forecast.range_low,
                         forecast.range_high};
  parts.spread_colours = {Palette::sea, 0.0f, spread_limit(parts.moments.spread)};
  return parts;
}

Status check_products_folder(const std::string& folder) {
  const Result<OutputFolder> output = OutputFolder::create(folder, is_product_name);
  return output.ok() ? Status() : output.status();
}

Status write_products(const ForecastProduct& forecast, const std::string& folder, const ProductOptions& options) {
  ALTOCAST_RETURN_IF_ERROR(validate(forecast));
  Result<OutputFolder> output = OutputFolder::create(folder, is_product_name);
  if (!output.ok()) return output.status();
  const ProductParts parts = make_parts(forecast);
  PictureWriter writer(parts, *output);

  ALTOCAST_RETURN_IF_ERROR(write_forecast_netcdf(parts, output->path() + "/forecast.nc"));

  ReportPictures report;
  Result<std::vector<std::uint8_t>> overview = writer.encode(draw_overview(parts));
  if (!overview.ok()) return overview.status();
  ALTOCAST_RETURN_IF_ERROR(writer.write("overview.png", *overview));
  report.overview = std::move(*overview);
  for (const PastFrame& frame : forecast.past) {
    Result<std::vector<std::uint8_t>> png = writer.encode(draw_field(parts, frame.values, parts.value_colours));
    if (!png.ok()) return png.status();
    report.past.push_back(std::move(*png));
  }

  auto means = writer.write_leads("mean", parts.value_colours, [&](int lead) { return parts.mean(lead); });
  if (!means.ok()) return means.status();
  report.layers.push_back({"mean", std::move(*means)});
  auto spreads = writer.write_leads("spread", parts.spread_colours, [&](int lead) { return parts.spread(lead); });
  if (!spreads.ok()) return spreads.status();
  report.layers.push_back({"spread", std::move(*spreads)});
  const int pictured =
      options.member_pictures < 0 ? forecast.members : std::min(options.member_pictures, forecast.members);
  for (int member = 0; member < pictured; ++member) {
    auto pngs = writer.write_leads("member" + two_digits(member + 1), parts.value_colours,
                                   [&](int lead) { return parts.member(member, lead); });
    if (!pngs.ok()) return pngs.status();
    if (static_cast<std::size_t>(member) < kReportMembers) {
      report.layers.push_back({"member " + std::to_string(member + 1), std::move(*pngs)});
    }
  }

  std::vector<std::string> files = {"forecast.nc", "report.html"};
  files.insert(files.end(), writer.names().begin(), writer.names().end());
  std::sort(files.begin(), files.end());
  ALTOCAST_RETURN_IF_ERROR(output->add("report.html", report_html(parts, report)));
  ALTOCAST_RETURN_IF_ERROR(output->add("summary.json", summary_json(parts, files)));
  return output->commit();
}

}  // namespace altocast
