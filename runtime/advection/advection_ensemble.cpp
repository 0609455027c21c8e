#include "runtime/advection/advection_ensemble.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/advection/bilinear.h"
#include "runtime/advection/for_rows.h"
#include "runtime/random.h"

namespace altocast {
namespace {

constexpr std::uint64_t kGrowthPurpose = 0x67726f77;  // "grow": of the seed's streams
constexpr std::uint64_t kMotionPurpose = 0x6d6f7469;  // "moti"
constexpr int kGridSpacing = 64;                      // pixels between the points of the motion's perturbation

std::size_t index(int number) { return static_cast<std::size_t>(number); }
int grid_points(int extent) { return (extent - 1) / kGridSpacing + 2; }

double root_mean_square(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

}  // namespace

AdvectionEnsemble::AdvectionEnsemble(int height, int width, int leads, const AdvectionEnsembleSettings& settings)
    : height_(height),
      width_(width),
      leads_(leads),
      pixels_(index(height) * index(width)),
      settings_(settings),
      smoothed_(height, width, leads),
      work_(height, width),
      amplitudes_(index(kScales) * pixels_),
      noise_(index(kScales) * pixels_),
      white_(pixels_),
      coarse_(2 * index(grid_points(height)) * index(grid_points(width))),
      motion_(2 * pixels_),
      sources_(index(leads) * pixels_) {}

void AdvectionEnsemble::forecast(std::span<const float> past, int count, std::span<float> advected,
                                 std::span<float> smoothed, ThreadPool* pool) {
  const FlushSubnormals flush;
  smoothed_.forecast(past, count, advected, smoothed, pool);
  const std::span<const float> two = past.subspan(index(count - 2) * pixels_);
  const auto [least, greatest] = std::minmax_element(two.begin(), two.end());
  least_ = *least;
  greatest_ = *greatest;
  speed_ = root_mean_square(smoothed_.motion());
  find_amplitudes(pool);
}

// The squares of a scale are smoothed to about that scale, by the cascade's own smoothing: its coarser fields' sum.
void AdvectionEnsemble::find_amplitudes(ThreadPool* pool) {
  for (int scale = 0; scale < kScales; ++scale) {
    const float* last = smoothed_.last().field(scale).data();
    const float* previous = smoothed_.previous().field(scale).data();
    const double lost = std::max(1.0 - smoothed_.correlation(scale), 1e-4);
    const auto to_variance = static_cast<float>(0.5 / lost);
    for_rows(height_, pool, [&](int y) {
      for (std::size_t i = index(y) * index(width_); i < index(y + 1) * index(width_); ++i) {
        const float difference = last[i] - previous[i];
        white_[i] = difference * difference * to_variance;
      }
    });
    work_.split(white_, pool);
    float* amplitude = amplitudes_.data() + index(scale) * pixels_;
    for_rows(height_, pool, [&](int y) {
      const std::size_t first = index(y) * index(width_), last_one = first + index(width_);
      std::copy_n(work_.field(kScales).data() + first, index(width_), amplitude + first);
      for (int coarser = kScales - 1; coarser >= std::max(scale, 1); --coarser) {
        const float* field = work_.field(coarser).data();
        for (std::size_t i = first; i < last_one; ++i) amplitude[i] += field[i];
      }
      for (std::size_t i = first; i < last_one; ++i)
        amplitude[i] = settings_.growth * std::sqrt(std::max(amplitude[i], 0.0f));
    });
  }
}

void AdvectionEnsemble::perturb_motion(std::uint64_t seed, std::uint64_t member, ThreadPool* pool) {
  fill_normal(derive_seed(seed, kMotionPurpose), member, 0, std::span(coarse_));
  const int rows = grid_points(height_), columns = grid_points(width_);
  const std::span<const float> motion = smoothed_.motion();
  const auto scale = static_cast<float>(static_cast<double>(settings_.motion_spread) * speed_);
  constexpr float kPerPixel = 1.0f / kGridSpacing;
  for_rows(height_, pool, [&](int y) {
    for (int x = 0; x < width_; ++x) {
      const BilinearTap tap =
          bilinear_tap(rows, columns, static_cast<float>(y) * kPerPixel, static_cast<float>(x) * kPerPixel);
      const std::size_t at = 2 * (index(y) * index(width_) + index(x));
      for (std::size_t c = 0; c < 2; ++c)
        motion_[at + c] = motion[at + c] + scale * interpolate<2>(coarse_.data(), index(columns), tap, c);
    }
  });
}

// The frame that is moved to the lead: damped, with the lead's noise.
void AdvectionEnsemble::grow(std::uint64_t seed, std::uint64_t stream, int lead, ThreadPool* pool) {
  fill_normal(seed, stream, 0, std::span(white_));
  work_.split(white_, pool);
  float keep[kScales], fresh[kScales], left[kScales], lost[kScales];
  for (int scale = 0; scale < kScales; ++scale) {
    const float step = smoothed_.damping(scale, 0);
    keep[scale] = lead == 0 ? 0.0f : step;
    fresh[scale] = ScaleCascade::kUnitNoise[scale] * (lead == 0 ? 1.0f : std::sqrt(1.0f - step * step));
    left[scale] = smoothed_.damping(scale, lead);
    lost[scale] = std::sqrt(1.0f - left[scale] * left[scale]);
  }
  for_rows(height_, pool, [&](int y) {
    const std::size_t first = index(y) * index(width_), count = index(width_);
    float* out = sources_.data() + index(lead) * pixels_ + first;
    std::copy_n(smoothed_.last().field(kScales).data() + first, count, out);
    for (int scale = 0; scale < kScales; ++scale) {
      const std::size_t at = index(scale) * pixels_ + first;
      const float* field = smoothed_.last().field(scale).data() + first;
      const float* draw = work_.field(scale).data() + first;
      const float* amplitude = amplitudes_.data() + at;
      float* noise = noise_.data() + at;
      for (std::size_t x = 0; x < count; ++x) {
        noise[x] = keep[scale] * noise[x] + fresh[scale] * draw[x];
        out[x] += left[scale] * field[x] + lost[scale] * (amplitude[x] * noise[x]);
      }
    }
    for (std::size_t x = 0; x < count; ++x) out[x] = std::min(std::max(out[x], least_), greatest_);
  });
}

void AdvectionEnsemble::forecast_member(std::uint64_t seed, int member, std::span<float> out, ThreadPool* pool) {
  const FlushSubnormals flush;
  assert(out.size() == sources_.size());
  perturb_motion(seed, static_cast<std::uint64_t>(member), pool);
  const std::uint64_t growth_seed = derive_seed(seed, kGrowthPurpose, static_cast<std::uint64_t>(member));
  for (int lead = 0; lead < leads_; ++lead) grow(growth_seed, static_cast<std::uint64_t>(lead), lead, pool);
  advect(sources_.data(), pixels_, motion_.data(), height_, width_, leads_, out.data(), pool);
}

}  // namespace altocast
