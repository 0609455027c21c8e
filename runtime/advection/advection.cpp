#include "runtime/advection/advection.h"

#include <algorithm>
#include <cassert>

#include "runtime/advection/bilinear.h"
#include "runtime/advection/for_rows.h"

namespace altocast {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

// Columns of a row that are followed through all leads together, so that the places reached need no memory.
constexpr int kChunk = 64;

}  // namespace

void advect(const float* sources, std::size_t source_stride, const float* back, int height, int width, int leads,
            float* advected, ThreadPool* pool) {
  const std::size_t row = index(width), pixels = index(height) * row;
  const auto follow = [&](int y, int x0) {
    const int count = std::min(kChunk, width - x0);
    float at_y[kChunk], at_x[kChunk];
    for (int i = 0; i < count; ++i) {
      at_y[i] = static_cast<float>(y);
      at_x[i] = static_cast<float>(x0 + i);
    }
    for (std::size_t lead = 0; lead < index(leads); ++lead) {
      const float* source = sources + lead * source_stride;
      float* to = advected + lead * pixels + index(y) * row + index(x0);
      for (int i = 0; i < count; ++i) {
        const BilinearTap here = bilinear_tap(height, width, at_y[i], at_x[i]);
        at_x[i] += interpolate<2>(back, row, here, 0);
        at_y[i] += interpolate<2>(back, row, here, 1);
        to[i] = interpolate(source, row, bilinear_tap(height, width, at_y[i], at_x[i]));
      }
    }
  };
  for_rows(height, pool, [&](int y) {
    for (int x0 = 0; x0 < width; x0 += kChunk) follow(y, x0);
  });
}

Advection::Advection(int height, int width, const AdvectionSettings& settings)
    : height_(height), width_(width), flow_(height, width, settings.flow), back_(2 * index(height) * index(width)) {}

void Advection::forecast(std::span<const float> past, int count, int leads, std::span<float> advected,
                         ThreadPool* pool) {
  const FlushSubnormals flush;
  const std::size_t pixels = index(height_) * index(width_);
  assert(count >= 2 && leads >= 1 && past.size() == index(count) * pixels && advected.size() == index(leads) * pixels);
  const std::span<const float> last = past.subspan(index(count - 1) * pixels);
  flow_.estimate(last, past.subspan(index(count - 2) * pixels, pixels), back_, pool);
  advect(last.data(), 0, back_.data(), height_, width_, leads, advected.data(), pool);
}

}  // namespace altocast
