#include "runtime/advection/smoothed_advection.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/advection/for_rows.h"
#include "runtime/elementary.h"

namespace altocast {
namespace {

constexpr int kScales = ScaleCascade::kScales;
constexpr double kDecayRate = 0.8;
constexpr double kLeastCorrelation = 1e-3;

std::size_t index(int number) { return static_cast<std::size_t>(number); }

}  // namespace

SmoothedAdvection::SmoothedAdvection(int height, int width, int leads, const AdvectionSettings& settings)
    : height_(height),
      width_(width),
      leads_(leads),
      advection_(height, width, settings),
      last_(height, width),
      previous_(height, width),
      damping_(index(leads)),
      row_sums_(index(height)),
      moved_(index(height) * index(width)),
      sources_(index(leads) * moved_.size()) {}

std::uint64_t SmoothedAdvection::bytes(int height, int width, int leads) {
  const std::uint64_t pixels = static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(width);
  std::uint64_t finest = pixels;
  while (finest > index(FlowSettings().finest_limit)) finest /= 4;
  // Cascades and motion; the flow's pyramid, and what it has at the finest level that it estimates.
  const std::uint64_t a_pixel = index(leads) + 1 + 2 * (kScales + 2) + 2 + 7;
  constexpr std::uint64_t kFlowPlanes = 16;
  return (a_pixel * pixels + kFlowPlanes * finest) * sizeof(float) + (1 << 16);
}

void SmoothedAdvection::forecast(std::span<const float> past, int count, std::span<float> advected,
                                 std::span<float> smoothed, ThreadPool* pool) {
  const FlushSubnormals flush;
  const std::size_t pixels = moved_.size();
  assert(smoothed.size() == sources_.size());
  advection_.forecast(past, count, leads_, advected, pool);
  last_.split(past.subspan(index(count - 1) * pixels, pixels), pool);
  advect(past.data() + index(count - 2) * pixels, 0, motion().data(), height_, width_, 1, moved_.data(), pool);
  previous_.split(moved_, pool);
  correlate(pool);
  for (int lead = 0; lead < leads_; ++lead) {
    const double steps = lead + 1;
    for (int scale = 0; scale < kScales; ++scale) {
      const double exponent = kDecayRate * steps * std::sqrt(steps) * portable_log(correlation_[index(scale)]);
      damping_[index(lead)][index(scale)] = portable_exp(static_cast<float>(exponent));
    }
  }
  for_rows(height_, pool, [&](int y) {
    const std::size_t first = index(y) * index(width_);
    for (int lead = 0; lead < leads_; ++lead) {
      float* out = sources_.data() + index(lead) * pixels + first;
      std::copy_n(last_.field(kScales).data() + first, index(width_), out);
      for (int scale = kScales - 1; scale >= 0; --scale) {
        const float* field = last_.field(scale).data() + first;
        const float left = damping(scale, lead);
        for (int x = 0; x < width_; ++x) out[x] += left * field[x];
      }
    }
  });
  advect(sources_.data(), pixels, motion().data(), height_, width_, leads_, smoothed.data(), pool);
}

void SmoothedAdvection::correlate(ThreadPool* pool) {
  for_rows(height_, pool, [&](int y) {
    const std::size_t first = index(y) * index(width_);
    for (int scale = 0; scale < kScales; ++scale) {
      const float* a = last_.field(scale).data() + first;
      const float* b = previous_.field(scale).data() + first;
      double aa = 0, ab = 0, bb = 0;
      for (int x = 0; x < width_; ++x) {
        const auto ax = static_cast<double>(a[x]), bx = static_cast<double>(b[x]);
        aa += ax * ax;
        ab += ax * bx;
        bb += bx * bx;
      }
      std::copy_n(std::array{aa, ab, bb}.data(), 3, row_sums_[index(y)].data() + 3 * index(scale));
    }
  });
  for (std::size_t scale = 0; scale < index(kScales); ++scale) {
    double sums[3] = {0, 0, 0};
    for (const auto& row : row_sums_) {
      for (std::size_t k = 0; k < 3; ++k) sums[k] += row[3 * scale + k];
    }
    const double energy = sums[0] * sums[2];
    const double correlation = energy > 0 ? sums[1] / std::sqrt(energy) : 1.0;  // 1 where there is nothing to damp
    correlation_[scale] = std::clamp(correlation, kLeastCorrelation, 1.0);
  }
}

}  // namespace altocast
