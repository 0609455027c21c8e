// Learns what forecasts of an hour of the day are off by (formats/combination.h), from forecasts from this hour of the
// days before: for each pair of frames a line through its errors over what was forecast, by least absolute errors; and
// then, where forecasts are low and where they are high, the median of the pairs' lines and of as many times no
// correction as a day has pairs. So one day alone is half believed, and of two days that disagree neither; nor is what
// befell few pairs, as a step of a calibration does.
#pragma once

#include <cstddef>
#include <vector>

#include "formats/combination.h"

namespace altocast {

// Of one lead.
class DiurnalFit {
 public:
  // The pixels to come are of a pair from this many days ago, 1 or more.
  void begin_pair(int day) { pairs_.push_back({day, {}}); }
  // A pixel's forecast and its truth, normalised.
  void add(float forecast, float target);

  using Line = DiurnalCorrection::Line;
  // No correction if nothing was added or a number is not finite.
  Line fit() const;

 private:
  struct Point {
    double forecast, error;
  };
  struct Pair {
    int day;
    std::vector<Point> points;
  };
  std::vector<Pair> pairs_;
};

}  // namespace altocast
