#include "runtime/products/products.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "formats/indexed_png.h"
#include "runtime/products/forecast_netcdf.h"
#include "runtime/products/output_folder.h"
#include "runtime/products/product_parts.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr int kMaxSide = 65535;
constexpr int kMaxMembers = 10000;
constexpr int kMaxLeads = 1000;
constexpr int kReportSide = 512;                                    // of pictures in the report and the loop, in pixels
constexpr int kMembersSide = 640;                                   // of those that show all members
constexpr int kLoopPast = 200, kLoopFuture = 300, kLoopEnd = 1200;  // milliseconds a picture is shown

std::string two_digits(int number) { return (number < 10 ? "0" : "") + std::to_string(number); }

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

// The file names that write_products() gives, and no others.
bool is_product_name(std::string_view name) {
  for (const char* fixed : {"forecast.nc", "summary.json", "report.html", "overview.png", "loop.png"})
    if (name == fixed) return true;
  return name.ends_with("Z.png") && (name.starts_with("mean_") || name.starts_with("spread_") ||
                                     name.starts_with("probability") || name.starts_with("member"));
}

// Draws pictures, encodes them into the folder and remembers the names.
class PictureWriter {
 public:
  using Pngs = std::vector<ReportPictures::Png>;
  PictureWriter(const ProductParts& parts, OutputFolder& output) : parts_(parts), output_(output) {}

  Status write(const std::string& name, const Result<ReportPictures::Png>& png) {
    if (!png.ok()) return png.status();
    names_.push_back(name);
    return output_.add(name, *png);
  }
  // One picture a lead, "PREFIX_01_20180606T1230Z.png"; bare ones are added to `report` if it is there. What `field`
  // returns must stand until it is called again.
  using FieldOf = std::function<std::span<const float>(int lead)>;
  Status write_leads(const View& view, const std::string& prefix, const FieldOf& field, Pngs* report) {
    for (int lead = 0; lead < parts_.forecast->leads; ++lead) {
      const std::int64_t time = valid_time(*parts_.forecast, lead);
      const std::span<const float> values = field(lead);
      const Picture picture = draw_frame(parts_, values, view, {time, "+" + format_duration(time - start())});
      const std::string name = prefix + "_" + two_digits(lead + 1) + "_" + format_compact_time(time) + ".png";
      ALTOCAST_RETURN_IF_ERROR(write(name, encode_picture(picture, ColourTable({view.colours.palette}))));
      if (report) ALTOCAST_RETURN_IF_ERROR(add_bare(draw_field(parts_, values, view, kReportSide), view, *report));
    }
    return {};
  }
  static Status add_bare(const Picture& picture, const View& view, Pngs& pngs) {
    Result<ReportPictures::Png> png = encode_picture(picture, ColourTable({view.colours.palette}));
    if (!png.ok()) return png.status();
    pngs.push_back(*std::move(png));
    return {};
  }
  // Past frames, then the mean.
  Status write_loop() {
    AnimatedPng loop;
    ColourTable table({parts_.mean.colours.palette});
    const auto add = [&](std::span<const float> field, const View& view, const FrameCaption& caption, int shown) {
      const Picture picture = draw_frame(parts_, field, view, caption, kReportSide);
      const Result<std::vector<std::uint8_t>> pixels = index_picture(picture, table);
      if (!pixels.ok()) return pixels.status();
      const std::vector<std::uint8_t> colours = table.bytes();
      return loop.add({picture.width(), picture.height(), *pixels, colours}, shown);
    };
    for (const PastFrame& frame : parts_.forecast->past) {
      const View& view = parts_.past_view(frame);
      ALTOCAST_RETURN_IF_ERROR(add(frame.values, view, {frame.time, view.name}, kLoopPast));
    }
    const int leads = parts_.forecast->leads;
    for (int lead = 0; lead < leads; ++lead) {
      const std::int64_t time = valid_time(*parts_.forecast, lead);
      ALTOCAST_RETURN_IF_ERROR(add(parts_.mean_field(lead), parts_.mean, {time, "+" + format_duration(time - start())},
                                   lead + 1 < leads ? kLoopFuture : kLoopEnd));
    }
    return write("loop.png", loop.finish());
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::int64_t start() const { return parts_.forecast->start_time; }

  const ProductParts& parts_;
  OutputFolder& output_;
  std::vector<std::string> names_;
};

}  // namespace

Status validate(const ForecastProduct& forecast, const ProductOptions& options) {
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
  if (options.thresholds.size() > kMaxThresholds || !all_finite(options.thresholds)) {
    return Status::error("there must be at most 9 thresholds, finite numbers");
  }
  for (const PastFrame& frame : forecast.past) {
    if (frame.values.size() != pixels || !all_finite(frame.values)) {
      return Status::error("the past frame of " + format_time(frame.time) + " does not fit the forecast");
    }
  }
  return {};
}

Status check_products_folder(const std::string& folder) {
  const Result<OutputFolder> output = OutputFolder::create(folder, is_product_name);
  return output.ok() ? Status() : output.status();
}

Status write_products(const ForecastProduct& forecast, const std::string& folder, const ProductOptions& options) {
  ALTOCAST_RETURN_IF_ERROR(validate(forecast, options));
  Result<OutputFolder> output = OutputFolder::create(folder, is_product_name);
  if (!output.ok()) return output.status();
  const ProductParts parts = make_parts(forecast, options);
  PictureWriter writer(parts, *output);

  ALTOCAST_RETURN_IF_ERROR(write_forecast_netcdf(parts, output->path() + "/forecast.nc"));
  ALTOCAST_RETURN_IF_ERROR(writer.write(
      "overview.png", encode_picture(draw_overview(parts),
                                     ColourTable({forecast.palette, Palette::sea, Palette::ember}, kOverviewStep))));
  ALTOCAST_RETURN_IF_ERROR(writer.write_loop());

  ReportPictures report;
  for (const PastFrame& frame : forecast.past) {
    ALTOCAST_RETURN_IF_ERROR(PictureWriter::add_bare(draw_field(parts, frame.values, parts.observed, kReportSide),
                                                     parts.observed, report.past));
  }
  const auto layer = [&](const View& view, const PictureWriter::FieldOf& field) {
    report.layers.push_back({&view, {}});
    return writer.write_leads(view, view.prefix, field, &report.layers.back().leads);
  };
  ALTOCAST_RETURN_IF_ERROR(layer(parts.mean, [&](int lead) { return parts.mean_field(lead); }));
  ALTOCAST_RETURN_IF_ERROR(layer(parts.spread, [&](int lead) { return parts.spread_field(lead); }));
  std::vector<float> probability;
  for (std::size_t t = 0; t < parts.probabilities.size(); ++t) {
    ALTOCAST_RETURN_IF_ERROR(layer(parts.probabilities[t], [&](int lead) -> std::span<const float> {
      probability = parts.probability_field(t, lead);
      return probability;
    }));
  }
  report.layers.push_back({&parts.members, {}});
  for (int lead = 0; lead < forecast.leads; ++lead) {
    ALTOCAST_RETURN_IF_ERROR(
        PictureWriter::add_bare(draw_members(parts, lead, kMembersSide), parts.members, report.layers.back().leads));
  }
  const int pictured =
      options.member_pictures < 0 ? forecast.members : std::min(options.member_pictures, forecast.members);
  for (int member = 0; member < pictured; ++member) {
    View view = parts.members;
    view.name = "member " + std::to_string(member + 1);
    ALTOCAST_RETURN_IF_ERROR(writer.write_leads(
        view, "member" + two_digits(member + 1), [&](int lead) { return parts.member_field(member, lead); }, nullptr));
  }

  std::vector<std::string> files = {"forecast.nc", "report.html"};
  files.insert(files.end(), writer.names().begin(), writer.names().end());
  std::sort(files.begin(), files.end());
  ALTOCAST_RETURN_IF_ERROR(output->add("report.html", report_html(parts, report)));
  ALTOCAST_RETURN_IF_ERROR(output->add("summary.json", summary_json(parts, files)));
  return output->commit();
}

}  // namespace altocast
