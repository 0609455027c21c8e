// A chart of a few lines over a handful of lead times, as SVG in the pictures' colours.
#pragma once

#include <string>
#include <vector>

namespace altocast {

struct Chart {
  std::string title;                 // for those who cannot see it
  std::string units;                 // of the numbers
  std::vector<std::string> x_names;  // one a point, evenly apart
  struct Line {
    std::string name;
    std::vector<double> values;  // one a point; NaN leaves a gap
  };
  std::vector<Line> lines;  // the first is drawn boldest; up to four
  struct Band {             // drawn below the lines; no name: none
    std::string name;
    std::vector<double> low, high;
  } band;
  std::vector<std::string> notes;  // lines of text below
  bool from_zero = false;          // the scale begins at 0
};

// An <svg> element; `file`: a file of its own, else a part of a page. Empty if no line has a finite number.
std::string svg_chart(const Chart& chart, bool file);

}  // namespace altocast
