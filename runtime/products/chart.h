// Charts as SVG: a few lines over lead times, for the report or in a file of their own; and figures of a page (page.h),
// of lines or of shades. A point tells its numbers on hovering.
#pragma once

#include <string>
#include <vector>

namespace altocast {

// The smallest of 1, 2, 5 times a power of ten that is at least `value`: for scales and steps on them. 1 for zero.
double round_up(double value);

struct Point {
  double x = 0, y = 0;  // y not finite: a gap
};

struct Series {
  std::string name;
  std::vector<Point> points;  // x ascending
};

struct Chart {
  std::string title;                 // of a file or a figure, and for those who cannot see it
  std::string x_name;                // below the numbers
  std::string units;                 // of y
  std::vector<std::string> x_names;  // of x = 0, 1, …; else there are numbers
  std::vector<Series> lines;         // the first is drawn above the others
  struct Band {                      // at x = 0, 1, …, drawn below the lines; no name: none
    std::string name;
    std::vector<double> low, high;
  } band;
  std::vector<double> marks;       // vertical lines at these x, where phases end
  std::vector<std::string> notes;  // lines of text below
  bool from_zero = false;          // the scale begins at 0
};

// An <svg> element in the report's colours; `file`: a file of its own, else a part of a page. Empty if no line has a
// finite number.
std::string svg_chart(const Chart& chart, bool file);

// A figure of a page, in its colours, or nothing if no line has a finite number.
std::string line_figure(const std::string& title, const std::string& x_name, std::vector<Series> lines,
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
std::string heat_figure(const std::string& title, const std::string& x_name, const std::vector<HeatRow>& rows);

}  // namespace altocast
