#include "runtime/advection/advection.h"

#include <algorithm>
#include <cassert>

#include "runtime/advection/bilinear.h"

namespace altocast {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

// Some columns of a row at all leads, so that the places reached need no memory.
constexpr int kChunk = 64;

void follow(const float* frame, const float* back, int height, int width, int y, int x0, int leads, float* out) {
  const int count = std::min(kChunk, width - x0);
  const std::size_t row = index(width);
  float at_y[kChunk], at_x[kChunk];
  for (int i = 0; i < count; ++i) {
    at_y[i] = static_cast<float>(y);
    at_x[i] = static_cast<float>(x0 + i);
  }
  for (int lead = 0; lead < leads; ++lead) {
    float* to = out + index(lead) * index(height) * row + index(y) * row + index(x0);
    for (int i = 0; i < count; ++i) {
      const BilinearTap here = bilinear_tap(height, width, at_y[i], at_x[i]);
      at_x[i] += interpolate<2>(back, row, here, 0);
      at_y[i] += interpolate<2>(back, row, here, 1);
      to[i] = interpolate(frame, row, bilinear_tap(height, width, at_y[i], at_x[i]));
    }
  }
}

}  // namespace

Advection::Advection(int height, int width, const AdvectionSettings& settings)
    : height_(height), width_(width), flow_(height, width, settings.flow), back_(2 * index(height) * index(width)) {}

void Advection::forecast(std::span<const float> past, int count, int leads, std::span<float> advected,
                         ThreadPool* pool) {
  const FlushSubnormals flush;
  const std::size_t pixels = index(height_) * index(width_);
  assert(count >= 2 && leads >= 1 && past.size() == index(count) * pixels && advected.size() == index(leads) * pixels);
  const std::span<const float> last = past.subspan(index(count - 1) * pixels);
  flow_.estimate(last, past.subspan(index(count - 2) * pixels, pixels), back_, pool);
  const auto row = [&](int y) {
    for (int x0 = 0; x0 < width_; x0 += kChunk)
      follow(last.data(), back_.data(), height_, width_, y, x0, leads, advected.data());
  };
  if (pool) {
    pool->parallel_for(height_, row);
  } else {
    for (int y = 0; y < height_; ++y) row(y);
  }
}

}  // namespace altocast
