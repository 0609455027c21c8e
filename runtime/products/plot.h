// A page of figures that needs no network: its start with the style, in light or dark as the reader has it, and figures
// as inline SVG in its colours. Points tell their numbers on hovering.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace altocast {

// Up to and with the heading; the caller ends it with </body></html>. Figures stand best in a <main>, side by side.
std::string page_start(const std::string& title, const std::string& heading);

struct Point {
  double x = 0, y = 0;
};

struct Series {
  std::string name;
  std::vector<Point> points;  // x ascending, all finite
};

// A figure with a line a series over x, or nothing if there is no point. Vertical lines mark where phases end.
std::string line_chart(const std::string& title, const std::string& x_name, const std::vector<Series>& all,
                       const std::vector<double>& marks = {});

// A number over [first, end).
struct Cell {
  double first = 0, end = 0, value = 0;
};

struct HeatRow {
  std::string name;
  std::vector<Cell> cells;  // one after the other, all finite and of some length
};

// A figure with a row of shades each, stronger for larger values: a logarithmic scale over the three decades below the
// largest. Where cells are very many, neighbours share one, which shows the largest. Nothing if no value is above 0.
std::string heat_map(const std::string& title, const std::string& x_name, const std::vector<HeatRow>& rows);

// As printf would write it.
std::string format(const char* pattern, auto... values) {
  char text[512];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

}  // namespace altocast
