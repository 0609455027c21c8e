#include "runtime/products/plot.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "runtime/products/html.h"
#include "runtime/products/ticks.h"

namespace altocast {
namespace {

constexpr double kWidth = 640, kRight = 10, kTop = 10, kBottom = 34;

// Numbers below a plot of `height` whose x runs from `low` at `left` to `high`, and their name.
std::string x_axis(const std::string& name, double left, double height, double low, double high) {
  std::string text;
  const double tick = tick_distance(high - low);
  for (double x = std::ceil(low / tick) * tick; x <= high; x += tick) {
    const double at = left + (x - low) / (high - low) * (kWidth - left - kRight);
    text += format("<text x=\"%.1f\" y=\"%.0f\" class=\"x\">%.6g</text>", at, height - 18, x);
  }
  return text + format("<text x=\"%.0f\" y=\"%.0f\" class=\"x\">", (left + kWidth) / 2, height - 3) + html(name) +
         "</text>";
}

std::string figure_start(const char* kind, const std::string& title, double height) {
  return "<figure class=\"" + std::string(kind) + "\"><figcaption>" + html(title) + "</figcaption>" +
         format("<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">", kWidth, height);
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

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--quiet:#5d6671;--line:#d8dde3;--bar:#cfe6f5;--heat:#0072b2}
@media(prefers-color-scheme:dark){:root{--back:#121418;--text:#e4e7eb;--quiet:#98a1ab;--line:#2c323a;--bar:#1d3e52;--heat:#56b4e9}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1360px;padding:2rem 1.2rem 4rem;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.4rem 0 .7rem}p{margin:.2rem 0;color:var(--quiet)}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:1rem;margin-top:1.4rem}
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:.8rem}
figcaption{font-weight:600}svg{width:100%;display:block}
svg text{fill:var(--quiet);font-size:12px}.y{text-anchor:end}.x{text-anchor:middle}
.grid{stroke:var(--line)}.mark{stroke:var(--quiet);stroke-dasharray:2 3}
g path,.legend path{fill:none;stroke:var(--c);stroke-width:2;stroke-dasharray:var(--d,none)}
circle{fill:var(--c);opacity:0}circle:hover{opacity:1}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem}.legend span{display:flex;align-items:center;gap:.4rem}.legend svg{width:26px}
.s0{--c:#0072b2}.s1{--c:#d55e00;--d:7 3}.s2{--c:#009e73;--d:2 3}.s3{--c:#cc79a7;--d:9 3 2 3}
.s4{--c:#56b4e9}.s5{--c:#e69f00;--d:7 3}.s6{--c:#8a7f00;--d:2 3}.s7{--c:#888;--d:9 3 2 3}
.heat{fill:var(--heat)}.map svg{min-width:560px}.map{overflow-x:auto}.shades{align-self:center;width:8rem;height:.7em;background:linear-gradient(90deg,transparent,var(--heat))}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid var(--line);position:relative}
th{color:var(--quiet);font-weight:500}th:first-child,td:first-child{text-align:left}.maps table{width:auto}.maps td,.maps th{text-align:center;border:0}.maps img{display:block;width:150px;margin:auto}.wide td,.wide th{white-space:nowrap}
td i{position:absolute;inset:2px auto 2px 0;background:var(--bar);z-index:-1}
@media(max-width:600px){.line svg text{font-size:17px}}
pre{overflow-x:auto;border:1px solid var(--line);border-radius:8px;padding:.8rem;font-size:.85rem}
)";

}  // namespace

std::string page_start(const std::string& title, const std::string& heading) {
  return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width,initial-scale=1\"><title>" +
         html(title) + "</title><style>" + std::string(kStyle) + "</style></head><body><h1>" + html(heading) + "</h1>";
}

std::string line_chart(const std::string& title, const std::string& x_name, const std::vector<Series>& all,
                       const std::vector<double>& marks) {
  constexpr double kHeight = 260, kLeft = 62;
  double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
  for (const Series& series : all) {
    for (const Point& point : series.points) {
      x_low = std::min(x_low, point.x);
      x_high = std::max(x_high, point.x);
      y_low = std::min(y_low, point.y);
      y_high = std::max(y_high, point.y);
    }
  }
  if (x_low > x_high) return {};
  if (x_low == x_high) x_high = x_low + 1;
  const double margin = y_low == y_high ? std::max(std::abs(y_low), 1e-3) * 0.1 : (y_high - y_low) * 0.05;
  y_low -= margin;
  y_high += margin;
  const auto px = [&](double x) { return kLeft + (x - x_low) / (x_high - x_low) * (kWidth - kLeft - kRight); };
  const auto py = [&](double y) { return kTop + (y_high - y) / (y_high - y_low) * (kHeight - kTop - kBottom); };

  std::string text = figure_start("line", title, kHeight);
  const double y_tick = tick_distance(y_high - y_low);
  for (double y = std::ceil(y_low / y_tick) * y_tick; y <= y_high; y += y_tick) {
    const double value = std::abs(y) < y_tick * 1e-6 ? 0.0 : y;
    text += format("<path class=\"grid\" d=\"M%.0f %.1fH%.0f\"/><text x=\"%.0f\" y=\"%.1f\" class=\"y\">%.4g</text>",
                   kLeft, py(y), kWidth - kRight, kLeft - 6, py(y) + 4, value);
  }
  text += x_axis(x_name, kLeft, kHeight, x_low, x_high);
  for (const double mark : marks) {
    if (mark > x_low && mark < x_high) {
      text += format("<path class=\"mark\" d=\"M%.1f %.0fV%.0f\"/>", px(mark), kTop, kHeight - kBottom);
    }
  }
  std::string legend;
  for (std::size_t s = 0; s < all.size(); ++s) {
    if (all[s].points.empty()) continue;
    std::string line, dots;
    for (const Point& point : all[s].points) {
      line += format("%s%.1f %.1f", line.empty() ? "M" : "L", px(point.x), py(point.y));
      dots += format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>", px(point.x), py(point.y)) + html(all[s].name) +
              format(": %.5g at %.6g</title></circle>", point.y, point.x);
    }
    text += format("<g class=\"s%zu\"><path d=\"", s % 8) + line + "\"/>" + dots + "</g>";
    legend += format("<span class=\"s%zu\"><svg viewBox=\"0 0 26 8\"><path d=\"M0 4H26\"/></svg>", s % 8) +
              html(all[s].name) + "</span>";
  }
  return text + "</svg><p class=\"legend\">" + legend + "</p></figure>";
}

std::string heat_map(const std::string& title, const std::string& x_name, const std::vector<HeatRow>& rows) {
  constexpr double kLeft = 118, kRow = 12, kDecades = 3;
  constexpr std::size_t kMostCells = 100;  // a row
  double largest = 0, low = INFINITY, high = -INFINITY;
  for (const HeatRow& row : rows) {
    for (const Cell& cell : row.cells) {
      largest = std::max(largest, cell.value);
      low = std::min(low, cell.first);
      high = std::max(high, cell.end);
    }
  }
  if (largest <= 0) return {};
  const double height = kTop + kRow * static_cast<double>(rows.size()) + kBottom;
  const auto px = [&](double x) { return kLeft + (x - low) / (high - low) * (kWidth - kLeft - kRight); };
  std::string text = figure_start("map", title, height);
  double y = kTop;
  for (const HeatRow& row : rows) {
    text += format("<text x=\"%.0f\" y=\"%.0f\" class=\"y\">", kLeft - 6, y + kRow - 2) + html(row.name) + "</text>";
    for (const Cell& cell : joined(row.cells, kMostCells)) {
      const double shade = cell.value > 0 ? std::clamp(1 + std::log10(cell.value / largest) / kDecades, 0.0, 1.0) : 0;
      text += format("<rect class=\"heat\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\" ", px(cell.first), y,
                     px(cell.end) - px(cell.first), kRow - 1) +
              format("opacity=\"%.2f\"><title>", shade) + html(row.name) +
              format(": %.3g at %.6g</title></rect>", cell.value, cell.end);
    }
    y += kRow;
  }
  return text + x_axis(x_name, kLeft, height, low, high) +
         format("</svg><p class=\"legend\"><span>%.2g or less</span><i class=\"shades\"></i><span>%.2g</span></p>",
                largest * std::pow(10.0, -kDecades), largest) +
         "</figure>";
}

}  // namespace altocast
