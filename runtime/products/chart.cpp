#include "runtime/products/chart.h"

#include <algorithm>
#include <cmath>

#include "runtime/json_text.h"
#include "runtime/products/html.h"
#include "runtime/text_writer.h"

namespace altocast {
namespace {

constexpr double kNote = 22, kTitle = 30;
// A picture and the margins around what is drawn in it.
struct Place {
  double width, height, left, top, right = 10, bottom = 34;
};
constexpr Place kAlone{440, 300, 52, 40, 14}, kFigure{640, 260, 62, 10};
constexpr double kRow = 12, kRowNames = 118;  // of a heat map

constexpr const char *kBright = "#e4e7eb", *kFaint = "#98a1ab";
// Apart in lightness too, and in their strokes. A page has colours of its own for the classes s0 … s7.
constexpr const char* kStrokes[] = {
    "stroke=\"#2dd4a0\" fill=\"#2dd4a0\" stroke-width=\"3\"",
    "stroke=\"#f2b661\" fill=\"#f2b661\" stroke-width=\"2\" stroke-dasharray=\"7 4\"",
    "stroke=\"#8fb4ff\" fill=\"#8fb4ff\" stroke-width=\"2\" stroke-dasharray=\"2 4\"",
    "stroke=\"#d7dbe0\" fill=\"#d7dbe0\" stroke-width=\"2\" stroke-dasharray=\"9 3 2 3\""};

void text_at(TextWriter& out, double x, double y, const char* anchor, const char* colour, std::string_view text) {
  out << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\" fill=\"" << colour << "\">"
      << html(text) << "</text>\n";
}

// A number at an axis whose ticks are `tick` apart.
std::string tick_text(double value, double tick) {
  return plain_number(std::abs(value) < 1e-6 * tick ? 0.0 : value, 6);
}

// How numbers lie in a picture; of nothing if no number is finite.
struct Scale {
  Scale(const Chart& chart, const Place& where) : place(where) {
    const auto take = [&](double value) {
      if (!std::isfinite(value)) return;
      low = std::min(low, value);
      high = std::max(high, value);
    };
    if (!chart.x_names.empty()) {
      left = 0;
      right = static_cast<double>(chart.x_names.size() - 1);
    }
    for (const Series& series : chart.lines) {
      for (const Point& point : series.points) {
        take(point.y);
        left = std::min(left, point.x);
        right = std::max(right, point.x);
      }
    }
    for (const std::vector<double>* edge : {&chart.band.low, &chart.band.high}) {
      for (const double value : *edge) take(value);
    }
    if (!any()) return;
    if (chart.from_zero) take(0);
    if (left == right) {
      left -= 0.5;
      right += 0.5;
    }
    tick = round_up((high > low ? high - low : std::max(std::abs(high), 1e-3)) * 0.22);  // at most five
    low = std::floor(low / tick) * tick;
    high = std::max(std::ceil(high / tick) * tick, low + tick);
  }
  bool any() const { return high >= low; }
  double x(double value) const {
    return place.left + (value - left) / (right - left) * (place.width - place.left - place.right);
  }
  double y(double value) const {
    return place.top + (high - value) / (high - low) * (place.height - place.top - place.bottom);
  }

  Place place;
  double left = INFINITY, right = -INFINITY, low = INFINITY, high = -INFINITY, tick = 1;
};

// Numbers below, and their name.
void number_axis(TextWriter& out, const Scale& scale, const std::string& name) {
  const auto& [width, height, left, top, right, bottom] = scale.place;
  const double tick = round_up((scale.right - scale.left) / 5);
  for (double x = std::ceil(scale.left / tick) * tick; x <= scale.right; x += tick)
    text_at(out, scale.x(x), height - 18, "middle", kFaint, tick_text(x, tick));
  text_at(out, (left + width) / 2, height - 3, "middle", kFaint, name);
}

// At most five names, the last among them.
void name_axis(TextWriter& out, const Scale& scale, const std::vector<std::string>& names) {
  const std::size_t every = (names.size() + 4) / 5;
  for (std::size_t i = (names.size() - 1) % every; i < names.size(); i += every) {
    const bool last = names.size() > 1 && i + 1 == names.size();
    text_at(out, last ? scale.place.width - 4 : scale.x(static_cast<double>(i)), scale.place.height - 12,
            last ? "end" : "middle", kFaint, names[i]);
  }
}

void draw_band(TextWriter& out, const Chart::Band& band, const Scale& scale) {
  out << "<path d=\"";
  const auto at = [&](const char* command, std::size_t i, double value) {
    out << command << scale.x(static_cast<double>(i)) << " " << scale.y(value);
  };
  for (std::size_t i = 0; i < band.high.size(); ++i) at(i == 0 ? "M" : "L", i, band.high[i]);
  for (std::size_t i = band.low.size(); i-- > 0;) at("L", i, band.low[i]);
  out << "Z\" fill=\"#2dd4a0\" fill-opacity=\"0.22\"/>\n";
}

void draw_line(TextWriter& out, const Chart& chart, std::size_t line, const Scale& scale) {
  const Series& series = chart.lines[line];
  TextWriter dots;
  out << "<g class=\"s" << static_cast<int>(line % 8) << "\" " << kStrokes[line % 4]
      << "><path fill=\"none\" stroke-linejoin=\"round\" d=\"";
  bool drawing = false;
  for (const Point& point : series.points) {
    const bool finite = std::isfinite(point.y);
    if (finite) {
      const double x = scale.x(point.x), y = scale.y(point.y);
      out << (drawing ? "L" : "M") << x << " " << y;
      dots << "<circle stroke=\"none\" r=\"4\" cx=\"" << x << "\" cy=\"" << y
           << (line == 0 && !chart.x_names.empty() ? "\"" : "\" opacity=\"0\"") << "><title>" << html(series.name)
           << ": " << point.y << " at "
           << (chart.x_names.empty() ? plain_number(point.x, 6) : chart.x_names[static_cast<std::size_t>(point.x)])
           << "</title></circle>";
    }
    drawing = finite;
  }
  out << "\"/>" << dots.text << "</g>\n";
}

// Axes and all that is between them.
void draw(TextWriter& out, const Chart& chart, const Scale& scale) {
  const Place& place = scale.place;
  for (double value = scale.low; value < scale.high + 0.5 * scale.tick; value += scale.tick) {
    out << "<path class=\"grid\" d=\"M" << place.left << " " << scale.y(value) << "H" << place.width - place.right
        << "\" stroke=\"#2c323a\"/>";
    text_at(out, place.left - 8, scale.y(value) + 4, "end", kFaint, tick_text(value, scale.tick));
  }
  chart.x_names.empty() ? number_axis(out, scale, chart.x_name) : name_axis(out, scale, chart.x_names);
  for (const double mark : chart.marks) {
    if (mark <= scale.left || mark >= scale.right) continue;
    out << "<path class=\"mark\" d=\"M" << scale.x(mark) << " " << place.top << "V" << place.height - place.bottom
        << "\"/>";
  }
  if (!chart.band.name.empty()) draw_band(out, chart.band, scale);
  for (std::size_t line = chart.lines.size(); line-- > 0;) draw_line(out, chart, line, scale);
}

// The names of lines and band in a row above.
void draw_legend(TextWriter& out, const Chart& chart) {
  double x = kAlone.left;
  const auto name = [&](std::string_view stroke, const std::string& words) {
    out << "<path d=\"M" << x << " 16h22\" " << stroke << "/>";
    text_at(out, x + 30, 20, "start", kBright, words);
    x += 48 + 6.9 * static_cast<double>(words.size());
  };
  for (std::size_t line = 0; line < chart.lines.size(); ++line) name(kStrokes[line % 4], chart.lines[line].name);
  if (!chart.band.name.empty()) name("stroke=\"#2dd4a0\" stroke-opacity=\"0.3\" stroke-width=\"10\"", chart.band.name);
  text_at(out, kAlone.width - kAlone.right, 20, "end", kFaint, chart.units);
}

void start_figure(TextWriter& out, const char* kind, const std::string& title, const Place& place) {
  out << "<figure class=\"" << kind << "\"><figcaption>" << html(title) << "</figcaption><svg viewBox=\"0 0 "
      << place.width << " " << place.height << "\" role=\"img\">";
}

// At most `most` cells, each the largest of its neighbours.
std::vector<Cell> joined(const std::vector<Cell>& cells, std::size_t most) {
  const std::size_t step = (cells.size() + most - 1) / most;
  std::vector<Cell> kept;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i % step == 0) kept.push_back(cells[i]);
    kept.back().end = cells[i].end;
    kept.back().value = std::max(kept.back().value, cells[i].value);
  }
  return kept;
}

}  // namespace

double round_up(double value) {
  if (!(value > 0)) return 1;
  double power = 1;
  while (power > value) power /= 10;
  while (10 * power < value) power *= 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value) return factor * power;
  }
  return 10 * power;
}

std::string svg_chart(const Chart& chart, bool file) {
  const Scale scale(chart, kAlone);
  if (!scale.any()) return {};
  // A file has its title above, and the notes are below.
  const double top = file ? -kTitle : 0.0;
  const double height = kAlone.height - top + kNote * static_cast<double>(chart.notes.size());
  TextWriter out;
  out << "<svg viewBox=\"0 " << top << " " << kAlone.width << " " << height << "\" role=\"img\" aria-label=\""
      << html(chart.title) << "\" font-family=\"system-ui,sans-serif\" font-size=\"13\"";
  if (file) {
    out << " width=\"" << 1.5 * kAlone.width << "\" height=\"" << 1.5 * height
        << "\" xmlns=\"http://www.w3.org/2000/svg\"><rect y=\"" << top << "\" width=\"" << kAlone.width
        << "\" height=\"" << height << "\" fill=\"#121418\"/";
  }
  out << ">\n";
  if (file) text_at(out, kAlone.left, top + 24, "start", kBright, chart.title);
  for (std::size_t i = 0; i < chart.notes.size(); ++i)
    text_at(out, kAlone.left, kAlone.height + kNote * static_cast<double>(i) + 8, "start", kFaint, chart.notes[i]);
  draw(out, chart, scale);
  draw_legend(out, chart);
  out << "</svg>\n";
  return std::move(out.text);
}

std::string line_figure(const std::string& title, const std::string& x_name, std::vector<Series> lines,
                        const std::vector<double>& marks) {
  Chart chart;
  chart.x_name = x_name;
  chart.lines = std::move(lines);
  chart.marks = marks;
  const Scale scale(chart, kFigure);
  if (!scale.any()) return {};
  TextWriter out;
  start_figure(out, "line", title, kFigure);
  draw(out, chart, scale);
  out << "</svg><p class=\"legend\">";
  for (std::size_t line = 0; line < chart.lines.size(); ++line) {
    if (chart.lines[line].points.empty()) continue;
    out << "<span class=\"s" << static_cast<int>(line % 8) << "\"><svg viewBox=\"0 0 26 8\"><path d=\"M0 4H26\"/></svg>"
        << html(chart.lines[line].name) << "</span>";
  }
  out << "</p></figure>";
  return std::move(out.text);
}

std::string heat_figure(const std::string& title, const std::string& x_name, const std::vector<HeatRow>& rows) {
  constexpr double kDecades = 3;
  constexpr std::size_t kMostCells = 100;  // a row
  double largest = 0;
  Chart chart;
  Series& ends = chart.lines.emplace_back();
  for (const HeatRow& row : rows) {
    for (const Cell& cell : row.cells) {
      largest = std::max(largest, cell.value);
      ends.points.insert(ends.points.end(), {{cell.first, 0}, {cell.end, 0}});
    }
  }
  if (largest <= 0) return {};
  const Place place{kFigure.width, kFigure.top + kFigure.bottom + kRow * static_cast<double>(rows.size()), kRowNames,
                    kFigure.top};
  const Scale scale(chart, place);
  TextWriter out;
  start_figure(out, "map", title, place);
  double y = place.top;
  for (const HeatRow& row : rows) {
    text_at(out, place.left - 6, y + kRow - 2, "end", kFaint, row.name);
    for (const Cell& cell : joined(row.cells, kMostCells)) {
      const double shade = cell.value > 0 ? std::clamp(1 + std::log10(cell.value / largest) / kDecades, 0.0, 1.0) : 0;
      out << "<rect class=\"heat\" x=\"" << scale.x(cell.first) << "\" y=\"" << y << "\" width=\""
          << scale.x(cell.end) - scale.x(cell.first) << "\" height=\"" << kRow - 1 << "\" opacity=\""
          << plain_number(shade, 2) << "\"><title>" << html(row.name) << ": " << plain_number(cell.value, 3) << " at "
          << plain_number(cell.end, 6) << "</title></rect>";
    }
    y += kRow;
  }
  number_axis(out, scale, x_name);
  out << "</svg><p class=\"legend\"><span>" << plain_number(largest * std::pow(10.0, -kDecades), 2)
      << " or less</span><i class=\"shades\"></i><span>" << plain_number(largest, 2) << "</span></p></figure>";
  return std::move(out.text);
}

}  // namespace altocast
