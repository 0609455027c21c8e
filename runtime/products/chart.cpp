#include "runtime/products/chart.h"

#include <algorithm>
#include <cmath>

#include "runtime/json_text.h"
#include "runtime/products/html.h"
#include "runtime/products/ticks.h"
#include "runtime/text_writer.h"

namespace altocast {
namespace {

constexpr double kWidth = 440, kHeight = 300, kNote = 22, kTitle = 30, kLeft = 52, kRight = 14, kTop = 40, kBottom = 34;
constexpr const char *kBright = "#e4e7eb", *kFaint = "#98a1ab";
// Apart in lightness too, and in their strokes.
constexpr const char* kStrokes[] = {"stroke=\"#2dd4a0\" stroke-width=\"3\"",
                                    "stroke=\"#f2b661\" stroke-width=\"2\" stroke-dasharray=\"7 4\"",
                                    "stroke=\"#8fb4ff\" stroke-width=\"2\" stroke-dasharray=\"2 4\"",
                                    "stroke=\"#d7dbe0\" stroke-width=\"2\" stroke-dasharray=\"9 3 2 3\""};

void text_at(TextWriter& out, double x, double y, const char* anchor, const char* colour, std::string_view text) {
  out << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\" fill=\"" << colour << "\">"
      << html(text) << "</text>\n";
}

class Scale {
 public:
  explicit Scale(const Chart& chart) : points_(chart.x_names.size()) {
    double low = chart.from_zero ? 0.0 : 1e300, high = -1e300;
    const auto take = [&](const std::vector<double>& values) {
      for (const double value : values) {
        if (!std::isfinite(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
    };
    for (const Chart::Line& line : chart.lines) take(line.values);
    take(chart.band.low);
    take(chart.band.high);
    any_ = high > -1e300;
    const double range = high > low ? high - low : std::max(std::abs(high), 1.0);
    step_ = tick_distance(range * 1.1);
    low_ = std::floor(low / step_) * step_;
    high_ = std::max(std::ceil(high / step_) * step_, low_ + step_);
  }
  bool any() const { return any_; }
  double step() const { return step_; }
  double low() const { return low_; }
  double high() const { return high_; }
  double x(std::size_t i) const {
    const double width = kWidth - kLeft - kRight;
    return points_ < 2 ? kLeft + width / 2 : kLeft + width * static_cast<double>(i) / static_cast<double>(points_ - 1);
  }
  double y(double value) const { return kTop + (kHeight - kTop - kBottom) * (high_ - value) / (high_ - low_); }

 private:
  std::size_t points_;
  bool any_ = false;
  double step_ = 1.0, low_ = 0.0, high_ = 1.0;
};

}  // namespace

std::string svg_chart(const Chart& chart, bool file) {
  const Scale scale(chart);
  if (!scale.any()) return {};
  // A file has its title above, and the notes are below.
  const double top = file ? -kTitle : 0.0;
  const double height = kHeight - top + kNote * static_cast<double>(chart.notes.size());
  TextWriter out;
  out << "<svg viewBox=\"0 " << top << " " << kWidth << " " << height << "\" role=\"img\" aria-label=\""
      << html(chart.title) << "\" font-family=\"system-ui,sans-serif\" font-size=\"13\"";
  if (file) {
    out << " width=\"" << 1.5 * kWidth << "\" height=\"" << 1.5 * height
        << "\" xmlns=\"http://www.w3.org/2000/svg\"><rect y=\"" << top << "\" width=\"" << kWidth << "\" height=\""
        << height << "\" fill=\"#121418\"/";
  }
  out << ">\n";
  if (file) text_at(out, kLeft, top + 24, "start", kBright, chart.title);
  for (std::size_t i = 0; i < chart.notes.size(); ++i)
    text_at(out, kLeft, kHeight + kNote * static_cast<double>(i) + 8, "start", kFaint, chart.notes[i]);

  const int ticks = static_cast<int>(std::floor((scale.high() - scale.low()) / scale.step() + 0.5));
  for (int i = 0; i <= ticks; ++i) {
    const double value = scale.low() + scale.step() * i;
    const double y = scale.y(value);
    out << "<path d=\"M" << kLeft << " " << y << "H" << kWidth - kRight << "\" stroke=\"#2c323a\"/>";
    text_at(out, kLeft - 8, y + 4, "end", kFaint, plain_number(std::abs(value) < 1e-6 * scale.step() ? 0.0 : value, 6));
  }
  const std::size_t points = chart.x_names.size();
  const std::size_t every = (points + 4) / 5;  // five names at most, the last among them
  for (std::size_t i = (points - 1) % every; i < points; i += every) {
    const bool last = points > 1 && i + 1 == points;
    text_at(out, last ? kWidth - 4 : scale.x(i), kHeight - 12, last ? "end" : "middle", kFaint, chart.x_names[i]);
  }

  if (!chart.band.name.empty()) {
    out << "<path d=\"";
    for (std::size_t i = 0; i < points; ++i)
      out << (i == 0 ? "M" : "L") << scale.x(i) << " " << scale.y(chart.band.high[i]);
    for (std::size_t i = points; i-- > 0;) out << "L" << scale.x(i) << " " << scale.y(chart.band.low[i]);
    out << "Z\" fill=\"#2dd4a0\" fill-opacity=\"0.22\"/>\n";
  }
  const std::size_t lines = std::min<std::size_t>(chart.lines.size(), 4);
  for (std::size_t l = lines; l-- > 0;) {
    TextWriter dots;
    out << "<path d=\"";
    bool drawing = false;
    for (std::size_t i = 0; i < points; ++i) {
      const double value = chart.lines[l].values[i];
      if (std::isfinite(value)) {
        out << (drawing ? "L" : "M") << scale.x(i) << " " << scale.y(value);
        if (l == 0) dots << "M" << scale.x(i) << " " << scale.y(value) << "h0";
      }
      drawing = std::isfinite(value);
    }
    out << "\" fill=\"none\" stroke-linejoin=\"round\" " << kStrokes[l] << "/><path d=\"" << dots.text
        << "\" stroke=\"#2dd4a0\" stroke-width=\"8\" stroke-linecap=\"round\"/>\n";
  }

  double x = kLeft;
  const auto name = [&](std::string_view stroke, const std::string& words) {
    out << "<path d=\"M" << x << " 16h22\" " << stroke << "/>";
    text_at(out, x + 30, 20, "start", kBright, words);
    x += 48 + 6.9 * static_cast<double>(words.size());
  };
  for (std::size_t l = 0; l < lines; ++l) name(kStrokes[l], chart.lines[l].name);
  if (!chart.band.name.empty()) name("stroke=\"#2dd4a0\" stroke-opacity=\"0.3\" stroke-width=\"10\"", chart.band.name);
  text_at(out, kWidth - kRight, 20, "end", kFaint, chart.units);
  out << "</svg>\n";
  return std::move(out.text);
}

}  // namespace altocast
