// Bilinear interpolation in images, whose edge pixels continue beyond the edge. Written so that no coordinate, NaN
// included, reads beside the image.
#pragma once

#include <algorithm>
#include <cstddef>

namespace altocast {

// The 2 × 2 pixels about a place, and its distance from the upper left one.
struct BilinearTap {
  std::size_t at;
  float fy, fx;
};

// height, width ≥ 2.
inline BilinearTap bilinear_tap(int height, int width, float y, float x) {
  const auto last_y = static_cast<float>(height - 1), last_x = static_cast<float>(width - 1);
  y = y > 0.0f ? y : 0.0f;
  x = x > 0.0f ? x : 0.0f;
  y = y < last_y ? y : last_y;
  x = x < last_x ? x : last_x;
  const int iy = std::min(static_cast<int>(y), height - 2);
  const int ix = std::min(static_cast<int>(x), width - 2);
  return {static_cast<std::size_t>(iy) * static_cast<std::size_t>(width) + static_cast<std::size_t>(ix),
          y - static_cast<float>(iy), x - static_cast<float>(ix)};
}

// Component `c` of an image [height, width, kChannels].
template <int kChannels = 1>
float interpolate(const float* image, std::size_t width, const BilinearTap& tap, std::size_t c = 0) {
  const float* top = image + tap.at * kChannels + c;
  const float* bottom = top + width * kChannels;
  const float a = top[0] + tap.fx * (top[kChannels] - top[0]);
  const float b = bottom[0] + tap.fx * (bottom[kChannels] - bottom[0]);
  return a + tap.fy * (b - a);
}

}  // namespace altocast
