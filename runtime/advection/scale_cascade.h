// A frame as a sum of fields of one scale each: differences of ever smoother versions of it, each smoothed by the
// weights 1 4 6 4 1 at twice the distance of the one before (the à trous algorithm with a cubic spline: Holschneider et
// al. 1989, Starck and Murtagh 1994). All fields have the frame's resolution and their sum is the frame.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/thread_pool.h"

namespace altocast {

class ScaleCascade {
 public:
  static constexpr int kScales = 5;  // details of about 1, 2, 4, 8, 16 pixels; the rest is what is smoother

  // One over the standard deviation of each scale's field of white noise with unit variance: the root of the sum of the
  // squared weights of the scale's filter, away from edges.
  static constexpr float kUnitNoise[kScales] = {1.1225911f, 4.9834586f, 11.694880f, 24.261572f, 48.959688f};

  // All memory is allocated here.
  ScaleCascade(int height, int width);

  // `frame` is [height, width], with any edge pixel continued beyond the edge. `pool` may be null.
  void split(std::span<const float> frame, ThreadPool* pool);

  // [height, width]: of scale 0 (the finest) … kScales − 1, and kScales, the rest.
  std::span<const float> field(int scale) const {
    return std::span(fields_).subspan(static_cast<std::size_t>(scale) * pixels_, pixels_);
  }

 private:
  void smooth_columns(const float* from, int distance, int y);
  void smooth_row(int distance, int y, float* to) const;

  int height_, width_;
  std::size_t pixels_;
  std::vector<float> fields_;   // [kScales + 1, height, width]
  std::vector<float> columns_;  // [height, width]: smoothed along the columns
};

}  // namespace altocast
