#include "runtime/products/products.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/indexed_png.h"
#include "runtime/products/forecast_netcdf.h"
#include "runtime/products/output_folder.h"
#include "runtime/products/picture_writer.h"
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

using Png = PictureWriter::Png;

Result<Png> encode(const Picture& picture, const View& view) {
  return encode_picture(picture, ColourTable({view.colours.palette}));
}

FrameCaption lead_caption(const ForecastProduct& forecast, int lead) {
  const std::int64_t time = valid_time(forecast, lead);
  return {time, "+" + format_duration(time - forecast.start_time)};
}

// Past frames, then the mean.
Result<Png> draw_loop(const ProductParts& parts) {
  AnimatedPng loop;
  ColourTable table({parts.mean.colours.palette});
  const auto add = [&](std::span<const float> field, const View& view, const FrameCaption& caption, int shown) {
    const Picture picture = draw_frame(parts, field, view, caption, kReportSide);
    const Result<std::vector<std::uint8_t>> pixels = index_picture(picture, table);
    if (!pixels.ok()) return pixels.status();
    const std::vector<std::uint8_t> colours = table.bytes();
    return loop.add({picture.width(), picture.height(), *pixels, colours}, shown);
  };
  for (const PastFrame& frame : parts.forecast->past)
    ALTOCAST_RETURN_IF_ERROR(add(frame.values, parts.past_view(frame), {frame.time, ""}, kLoopPast));
  const int leads = parts.forecast->leads;
  for (int lead = 0; lead < leads; ++lead) {
    ALTOCAST_RETURN_IF_ERROR(add(parts.mean_field(lead), parts.mean, lead_caption(*parts.forecast, lead),
                                 lead + 1 < leads ? kLoopFuture : kLoopEnd));
  }
  return loop.finish();
}

// A file a lead, "PREFIX_01_20180606T1230Z.png", of what `field` returns for it.
template <class Field>
void add_leads(PictureWriter& writer, const ProductParts& parts, const View& view, const std::string& prefix,
               const Field& field) {
  for (int lead = 0; lead < parts.forecast->leads; ++lead) {
    const std::string time = format_compact_time(valid_time(*parts.forecast, lead));
    writer.add_file(prefix + "_" + two_digits(lead + 1) + "_" + time + ".png", [&parts, view, field, lead] {
      const auto values = field(lead);
      return encode(draw_frame(parts, values, view, lead_caption(*parts.forecast, lead)), view);
    });
  }
}

// The same, and bare ones for the report.
template <class Field>
void add_layer(PictureWriter& writer, const ProductParts& parts, ReportPictures::Layer& layer, const Field& field) {
  const View& view = *layer.view;
  add_leads(writer, parts, view, view.prefix, field);
  for (int lead = 0; lead < parts.forecast->leads; ++lead) {
    writer.add_embedded(layer.leads[static_cast<std::size_t>(lead)], [&parts, &view, field, lead] {
      const auto values = field(lead);
      return encode(draw_field(parts, values, view, kReportSide), view);
    });
  }
}

void add_pictures(PictureWriter& writer, const ProductParts& parts, int members, ReportPictures& report) {
  const ForecastProduct& forecast = *parts.forecast;
  writer.add_file("loop.png", [&parts] { return draw_loop(parts); });
  writer.add_file("overview.png", [&parts] {
    return encode_picture(draw_overview(parts),
                          ColourTable({parts.forecast->palette, Palette::sea, Palette::ember}, kOverviewStep));
  });

  report.past.resize(forecast.past.size());
  for (std::size_t i = 0; i < report.past.size(); ++i) {
    writer.add_embedded(report.past[i], [&parts, i] {
      return encode(draw_field(parts, parts.forecast->past[i].values, parts.observed, kReportSide), parts.observed);
    });
  }
  std::vector<const View*> views{&parts.mean, &parts.spread};
  for (const View& view : parts.probabilities) views.push_back(&view);
  views.push_back(&parts.members);
  for (const View* view : views)
    report.layers.push_back({view, std::vector<Png>(static_cast<std::size_t>(forecast.leads))});

  add_layer(writer, parts, report.layers[0], [&parts](int lead) { return parts.mean_field(lead); });
  add_layer(writer, parts, report.layers[1], [&parts](int lead) { return parts.spread_field(lead); });
  for (std::size_t t = 0; t < parts.probabilities.size(); ++t)
    add_layer(writer, parts, report.layers[2 + t], [&parts, t](int lead) { return parts.probability_field(t, lead); });
  for (int lead = 0; lead < forecast.leads; ++lead) {
    writer.add_embedded(report.layers.back().leads[static_cast<std::size_t>(lead)],
                        [&parts, lead] { return encode(draw_members(parts, lead, kMembersSide), parts.members); });
  }
  for (int member = 0; member < members; ++member) {
    View view = parts.members;
    view.name = "member " + std::to_string(member + 1);
    add_leads(writer, parts, view, "member" + two_digits(member + 1),
              [&parts, member](int lead) { return parts.member_field(member, lead); });
  }
}

// All pictures and the report; returns their names.
Result<std::vector<std::string>> write_pictures(const ProductParts& parts, const ProductOptions& options,
                                                OutputFolder& output) {
  const int members = parts.forecast->members;
  PictureWriter writer(output, options.threads);
  ReportPictures report;
  add_pictures(writer, parts, options.member_pictures < 0 ? members : std::min(options.member_pictures, members),
               report);
  ALTOCAST_RETURN_IF_ERROR(writer.write());
  ALTOCAST_RETURN_IF_ERROR(output.add("report.html", report_html(parts, report)));
  std::vector<std::string> names(writer.names().begin(), writer.names().end());
  names.emplace_back("report.html");
  return names;
}

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
  if (forecast.thresholds.size() > kMaxThresholds || !all_finite(forecast.thresholds)) {
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

Result<std::string> write_products(const ForecastProduct& forecast, const std::string& folder,
                                   const ProductOptions& options) {
  ALTOCAST_RETURN_IF_ERROR(validate(forecast));
  Result<OutputFolder> output = OutputFolder::create(folder, is_product_name);
  if (!output.ok()) return output.status();
  const ProductParts parts = make_parts(forecast);
  ALTOCAST_RETURN_IF_ERROR(write_forecast_netcdf(parts, output->path() + "/forecast.nc"));
  std::vector<std::string> files = {"forecast.nc"};
  if (options.pictures) {
    const Result<std::vector<std::string>> pictures = write_pictures(parts, options, *output);
    if (!pictures.ok()) return pictures.status();
    files.insert(files.end(), pictures->begin(), pictures->end());
  }
  std::sort(files.begin(), files.end());
  ALTOCAST_RETURN_IF_ERROR(output->add("summary.json", summary_json(parts, files)));
  ALTOCAST_RETURN_IF_ERROR(output->commit());
  return parts.hash;
}

}  // namespace altocast
