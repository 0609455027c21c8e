#include "runtime/advection/scale_cascade.h"

#include <algorithm>
#include <cassert>

#include "runtime/advection/for_rows.h"

namespace altocast {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

float weighted(float far_before, float before, float middle, float after, float far_after) {
  return ((far_before + far_after) + 4.0f * (before + after) + 6.0f * middle) * 0.0625f;
}

}  // namespace

ScaleCascade::ScaleCascade(int height, int width)
    : height_(height),
      width_(width),
      pixels_(index(height) * index(width)),
      fields_((kScales + 1) * pixels_),
      columns_(pixels_) {}

void ScaleCascade::smooth_columns(const float* from, int distance, int y) {
  const auto row = [&](int at) { return from + index(std::clamp(at, 0, height_ - 1)) * index(width_); };
  const float* rows[5] = {row(y - 2 * distance), row(y - distance), row(y), row(y + distance), row(y + 2 * distance)};
  float* to = columns_.data() + index(y) * index(width_);
  for (int x = 0; x < width_; ++x) to[x] = weighted(rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x]);
}

void ScaleCascade::smooth_row(int distance, int y, float* to) const {
  const float* from = columns_.data() + index(y) * index(width_);
  const auto at = [&](int x) { return from[std::clamp(x, 0, width_ - 1)]; };
  const int d = distance, inner = std::min(2 * d, width_), inner_end = std::max(inner, width_ - 2 * d);
  const auto near_edge = [&](int x) { to[x] = weighted(at(x - 2 * d), at(x - d), from[x], at(x + d), at(x + 2 * d)); };
  for (int x = 0; x < inner; ++x) near_edge(x);
  for (int x = inner; x < inner_end; ++x)
    to[x] = weighted(from[x - 2 * d], from[x - d], from[x], from[x + d], from[x + 2 * d]);
  for (int x = inner_end; x < width_; ++x) near_edge(x);
}

// Field s holds the smoothed frame before it becomes the difference from the next smoother one.
void ScaleCascade::split(std::span<const float> frame, ThreadPool* pool) {
  assert(frame.size() == pixels_);
  std::copy(frame.begin(), frame.end(), fields_.begin());
  for (int scale = 0; scale < kScales; ++scale) {
    float* detail = fields_.data() + index(scale) * pixels_;
    float* smoother = detail + pixels_;
    for_rows(height_, pool, [&](int y) { smooth_columns(detail, 1 << scale, y); });
    for_rows(height_, pool, [&](int y) {
      const std::size_t first = index(y) * index(width_);
      smooth_row(1 << scale, y, smoother + first);
      for (std::size_t i = first; i < first + index(width_); ++i) detail[i] -= smoother[i];
    });
  }
}

}  // namespace altocast
