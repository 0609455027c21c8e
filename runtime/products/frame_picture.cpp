// Pictures of one field: with a caption and a legend to stand alone, or bare for the report.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/json_text.h"
#include "runtime/products/product_parts.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr Colour kCoast = {255, 200, 60};
constexpr Colour kNet = {120, 130, 120};
constexpr int kMargin = 8;
constexpr int kHeader = 50;
constexpr int kFooter = 84;
constexpr int kMinWidth = 384;  // for the captions

// Text within `width` pixels: of half the size, then cut, if it is longer. Returns its width.
int fitting_text(Picture& picture, int x, int y, int width, std::string text, Colour colour, bool right = false) {
  int size = 2;
  if (Picture::text_width(text, size) > width) size = 1;
  while (!text.empty() && Picture::text_width(text, size) > width) text.pop_back();
  const int used = Picture::text_width(text, size);
  picture.text(right ? x + width - used : x, size == 1 ? y + 4 : y, text, colour, size);
  return used;
}

struct Size {
  int width = 0, height = 0;
};

// Of a field's picture, its sides within `limit`.
Size shrunk(const ForecastProduct& forecast, int limit) {
  const int side = std::max(forecast.width, forecast.height);
  if (side <= limit) return {forecast.width, forecast.height};
  const auto scaled = [&](int extent) { return std::max(1, static_cast<int>(std::int64_t{extent} * limit / side)); };
  return {scaled(forecast.width), scaled(forecast.height)};
}

struct Piece {
  double x0, y0, x1, y1;
};
// Cuts a straight piece to the box from (0, 0) to just within (width, height), after Liang and Barsky; false if nothing
// of it lies there.
bool clip(Piece& piece, int width, int height) {
  double first = 0.0, last = 1.0;
  const double dx = piece.x1 - piece.x0, dy = piece.y1 - piece.y0;
  const auto edge = [&](double step, double room) {  // step · t ≤ room
    if (step == 0.0) return room >= 0.0;
    if (step < 0.0) {
      first = std::max(first, room / step);
    } else {
      last = std::min(last, room / step);
    }
    return first <= last;
  };
  if (!edge(-dx, piece.x0) || !edge(dx, width - 0.01 - piece.x0) || !edge(-dy, piece.y0) ||
      !edge(dy, height - 0.01 - piece.y0)) {
    return false;
  }
  piece = {piece.x0 + first * dx, piece.y0 + first * dy, piece.x0 + last * dx, piece.y0 + last * dy};
  return true;
}

std::string tick_text(double value, double step) {
  // As many decimals as the step between ticks needs.
  const double size = std::max(std::abs(value), step);
  int digits = 3;
  for (double ratio = size / step; ratio > 100.0 && digits < 7; ratio /= 10.0) ++digits;
  return plain_number(std::abs(value) < 1e-6 * step ? 0.0 : value, digits);
}

}  // namespace

void draw_legend(Picture& picture, int x, int y, int width, const View& view, int ticks) {
  picture.bar(x, y, width, 12, view.colours);
  const double low = static_cast<double>(view.colours.low);
  const double step = (static_cast<double>(view.colours.high) - low) / (ticks - 1);
  for (int i = 0; i < ticks; ++i) {
    const std::string text = tick_text(low + step * i, step);
    const int text_width = Picture::text_width(text, 2) - 2;
    const int at = x + (width - 1) * i / (ticks - 1);
    picture.fill(at, y + 12, 1, 4, kQuiet);
    picture.text(std::clamp(at - text_width / 2, x, x + width - text_width), y + 20, text, kText, 2);
  }
}

void draw_map(Picture& picture, int x, int y, int width, int height, const ProductParts& parts, bool net) {
  const double across = static_cast<double>(width) / parts.forecast->width;
  const double down = static_cast<double>(height) / parts.forecast->height;
  const auto inside = [&](const MapLine::Point& p) {
    return p.x >= 0.0f && p.y >= 0.0f && p.x < static_cast<float>(parts.forecast->width) &&
           p.y < static_cast<float>(parts.forecast->height);
  };
  for (const MapLine& line : parts.map) {
    if (line.kind == MapLine::Kind::net && !net) continue;
    for (std::size_t i = 1; i < line.points.size(); ++i) {
      const MapLine::Point &a = line.points[i - 1], &b = line.points[i];
      Piece piece{static_cast<double>(a.x) * across, static_cast<double>(a.y) * down, static_cast<double>(b.x) * across,
                  static_cast<double>(b.y) * down};
      if (!clip(piece, width, height)) continue;
      picture.line(x + static_cast<int>(piece.x0), y + static_cast<int>(piece.y0), x + static_cast<int>(piece.x1),
                   y + static_cast<int>(piece.y1), line.kind == MapLine::Kind::coast ? kCoast : kNet);
    }
  }
  if (!net) return;
  for (const MapLine& line : parts.map) {
    if (line.name.empty()) continue;
    const auto seen = std::find_if(line.points.begin(), line.points.end(), inside);
    if (seen == line.points.end()) continue;
    const int at_x = static_cast<int>(static_cast<double>(seen->x) * across);
    const int at_y = static_cast<int>(static_cast<double>(seen->y) * down);
    const int text_width = Picture::text_width(line.name);
    const int left = x + std::clamp(at_x - text_width / 2, 0, std::max(width - text_width - 2, 0));
    const int top = y + std::clamp(at_y - 5, 0, std::max(height - 11, 0));
    picture.fill(left, top, text_width + 1, 11, kBackground);
    picture.text(left + 1, top + 2, line.name, kText);
  }
}

Picture draw_frame(const ProductParts& parts, std::span<const float> field, const View& view,
                   const FrameCaption& caption, int limit) {
  const ForecastProduct& forecast = *parts.forecast;
  Size size = shrunk(forecast, limit);
  const int times = std::clamp(view.enlarged / std::max(size.width, size.height), 1, 8);
  size = {size.width * times, size.height * times};
  const int width = std::max(size.width, kMinWidth);
  const int left = (width - size.width) / 2;
  Picture picture(width, kHeader + size.height + kFooter, kBackground);

  const int inner = width - 2 * kMargin;
  const bool at_station = !forecast.station.empty();
  const int note_width = fitting_text(picture, kMargin, 9, inner, caption.note, kQuiet, true);
  fitting_text(picture, kMargin, 9, inner - note_width - kMargin, at_station ? forecast.station : forecast.region,
               kText);
  const int time_width = fitting_text(picture, kMargin, 29, inner, format_time(caption.time), kText);
  fitting_text(picture, 2 * kMargin + time_width, 29, inner - time_width - kMargin, view.name, kQuiet, true);

  picture.field(left, kHeader, size.width, size.height, field, forecast.height, forecast.width, view.colours);
  draw_map(picture, left, kHeader, size.width, size.height, parts, true);

  const int below = kHeader + size.height + 8;
  draw_legend(picture, kMargin, below, inner, view, width < 480 ? 3 : 5);
  fitting_text(picture, kMargin, below + 42, inner, view.name + ", " + view.units, kText);
  std::string facts = forecast.channel;
  if (at_station && !forecast.region.empty()) facts += (facts.empty() ? "" : ", ") + forecast.region;
  fitting_text(picture, kMargin, below + 60, inner, facts, kQuiet);
  return picture;
}

Picture draw_field(const ProductParts& parts, std::span<const float> field, const View& view, int limit) {
  const Size size = shrunk(*parts.forecast, limit);
  Picture picture(size.width, size.height, kBackground);
  picture.field(0, 0, size.width, size.height, field, parts.forecast->height, parts.forecast->width, view.colours);
  return picture;
}

Picture draw_members(const ProductParts& parts, int lead, int limit) {
  const ForecastProduct& forecast = *parts.forecast;
  int across = 1;
  while (across < 4 && across * across < forecast.members) ++across;
  Size size = shrunk(forecast, std::max(1, limit / across));
  size = {size.width * across, size.height * across};
  Picture picture(size.width, size.height, kBackground);
  for (int member = 0; member < std::min(forecast.members, across * across); ++member) {
    const int width = size.width / across, height = size.height / across;
    picture.field(member % across * width, member / across * height, std::max(width - 1, 1), std::max(height - 1, 1),
                  parts.member_field(member, lead), forecast.height, forecast.width, parts.members.colours);
  }
  return picture;
}

}  // namespace altocast
