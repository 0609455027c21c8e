// The overview picture: a table of small fields with labels, laid out for a screen's width.
#include <algorithm>
#include <cstdint>

#include "runtime/json_text.h"
#include "runtime/products/product_parts.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr int kMargin = 24;
constexpr int kLabelWidth = 144;  // the column of row names
constexpr int kGap = 8;
constexpr int kMaxColumns = 8;
constexpr int kMaxMembers = 3;
constexpr int kHeader = 84;   // title and subtitle
constexpr int kCaption = 28;  // a line of times above a row
constexpr int kLegend = 76;

// "12:30Z" of 2018-06-06T12:30Z.
std::string clock(std::int64_t time) { return format_time(time).substr(11); }

// "+1:30" hours and minutes ahead.
std::string ahead(std::int64_t seconds) {
  const std::int64_t minutes = seconds / 60 % 60;
  return "+" + std::to_string(seconds / 3600) + (minutes < 10 ? ":0" : ":") + std::to_string(minutes);
}

struct Grid {
  std::vector<int> leads;  // the columns
  int panel_width = 0;
  int panel_height = 0;

  int x(int column) const { return kMargin + kLabelWidth + column * (panel_width + kGap); }
};

Grid make_grid(const ForecastProduct& forecast) {
  Grid grid;
  const int columns = std::min(forecast.leads, kMaxColumns);
  for (int i = 0; i < columns; ++i) {  // evenly from the first to the last lead
    grid.leads.push_back(columns == 1 ? forecast.leads - 1
                                      : (i * (forecast.leads - 1) + (columns - 1) / 2) / (columns - 1));
  }
  const int across = std::max(columns, 4);
  // Panels share 1440 pixels, none larger than 320 × 320; long fields are held to a fixed area's aspect.
  double width = std::min(1440.0 / across, 320.0);
  double height = width * forecast.height / forecast.width;
  if (height > 320.0) {
    width = std::max(width * 320.0 / height, 48.0);
    height = 320.0;
  }
  grid.panel_width = static_cast<int>(width);
  grid.panel_height = std::max(static_cast<int>(height), 24);
  return grid;
}

void centred(Picture& picture, int x, int width, int y, const std::string& text, Colour colour, int size) {
  if (Picture::text_width(text, size) > width && size > 1) --size;
  picture.text(x + (width - Picture::text_width(text, size)) / 2, y, text, colour, size);
}

}  // namespace

Picture draw_overview(const ProductParts& parts) {
  const ForecastProduct& forecast = *parts.forecast;
  const Grid grid = make_grid(forecast);
  const int columns = static_cast<int>(grid.leads.size());
  const int shown_members = std::min(forecast.members, kMaxMembers);
  const int past =
      static_cast<int>(std::min<std::size_t>(forecast.past.size(), static_cast<std::size_t>(std::max(columns, 4))));
  const int forecast_rows = 3 + shown_members;
  const int row_height = grid.panel_height + kGap;
  const int past_height = past > 0 ? kCaption + row_height + kGap : 0;
  const int width = grid.x(std::max(columns, 4)) - kGap + kMargin;
  const int height = kHeader + past_height + kCaption + forecast_rows * row_height + kGap + kLegend + kMargin;
  Picture picture(width, height, kBackground);

  std::string title =
      (forecast.station.empty() ? "" : forecast.station + ": ") + "Forecast from " + format_time(forecast.start_time);
  if (!forecast.channel.empty()) title += ", " + forecast.channel;
  int title_size = 3;
  while (title_size > 1 && Picture::text_width(title, title_size) > width - 2 * kMargin) --title_size;
  picture.text(kMargin, kMargin, title, kText, title_size);
  std::string facts = std::to_string(forecast.members) + (forecast.members == 1 ? " member" : " members");
  facts += forecast.adapted ? ", adapted to the station" : ", not adapted";
  if (!forecast.region.empty()) facts += ", " + forecast.region;
  facts += ", hash " + parts.hash.substr(0, 12);
  picture.text(kMargin, kMargin + 32, facts, kQuiet, 2);

  const auto panel = [&](int column, int y, std::span<const float> field, const View& view) {
    ColourScale colours = view.colours;
    colours.step = kOverviewStep;
    picture.field(grid.x(column), y, grid.panel_width, grid.panel_height, field, forecast.height, forecast.width,
                  colours);
    draw_map(picture, grid.x(column), y, grid.panel_width, grid.panel_height, parts, false);
  };
  const auto row_name = [&](int y, const std::string& name) {
    picture.text(kMargin, y + (grid.panel_height - 14) / 2, name, kText, 2);
  };

  int y = kHeader;
  if (past > 0) {
    const int skipped = static_cast<int>(forecast.past.size()) - past;
    for (int i = 0; i < past; ++i) {
      const PastFrame& frame = forecast.past[static_cast<std::size_t>(skipped + i)];
      const std::string caption = clock(frame.time) + (frame.bridged ? " " + parts.bridged.name : "");
      centred(picture, grid.x(i), grid.panel_width, y + 6, caption, kQuiet, 2);
      panel(i, y + kCaption, frame.values, parts.observed);
    }
    row_name(y + kCaption, "observed");
    y += past_height;
  }

  for (int i = 0; i < columns; ++i) {
    const int lead = grid.leads[static_cast<std::size_t>(i)];
    const std::string later = ahead(valid_time(forecast, lead) - forecast.start_time);
    std::string caption = clock(valid_time(forecast, lead)) + " " + later;
    if (Picture::text_width(caption, 2) > grid.panel_width) caption = later;
    centred(picture, grid.x(i), grid.panel_width, y + 6, caption, kQuiet, 2);
    panel(i, y + kCaption, parts.mean_field(lead), parts.mean);
    panel(i, y + kCaption + row_height, parts.spread_field(lead), parts.spread);
    panel(i, y + kCaption + 2 * row_height, parts.probability_field(0, lead), parts.probabilities[0]);
    for (int member = 0; member < shown_members; ++member) {
      panel(i, y + kCaption + (3 + member) * row_height, parts.member_field(member, lead), parts.members);
    }
  }
  row_name(y + kCaption, "mean");
  row_name(y + kCaption + row_height, "spread");
  row_name(y + kCaption + 2 * row_height, "probability");
  for (int member = 0; member < shown_members; ++member) {
    row_name(y + kCaption + (3 + member) * row_height, "member " + std::to_string(member + 1));
  }
  y += kCaption + forecast_rows * row_height + kGap;

  const int bar_width = (width - grid.x(0) - kMargin - 2 * 2 * kMargin) / 3;
  int x = grid.x(0);
  for (View view : {parts.mean, parts.spread, parts.probabilities[0]}) {
    if (view.prefix == "mean") view.name = "value";
    view.colours.step = kOverviewStep;
    centred(picture, x, bar_width, y, view.name + ", " + view.units, kQuiet, 2);
    draw_legend(picture, x, y + 20, bar_width, view, 3);
    x += bar_width + 2 * kMargin;
  }
  return picture;
}

}  // namespace altocast
