#include "runtime/station/observation_noise.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/elementary.h"
#include "runtime/random.h"
#include "runtime/random_field.h"

namespace altocast {
namespace {

constexpr std::uint64_t kNoisePurpose = 0x6e6f6973;  // "nois": of the seed's streams

}  // namespace

ObservationNoise::ObservationNoise(const NoiseModel& noise, int height, int width)
    : noise_(noise),
      leads_(noise.length.size()),
      pixels_(static_cast<std::size_t>(height) * static_cast<std::size_t>(width)),
      height_(height),
      width_(width),
      variability_(height, width),
      sigma_(leads_ * pixels_),
      amplitudes_(leads_ * pixels_),
      fields_(leads_ * pixels_) {
  for (std::size_t lead = 0; lead < leads_; ++lead) {
    quantiles_.emplace_back(noise, static_cast<int>(lead));
    const double persistence = lead == 0 ? 0.0 : static_cast<double>(noise.persistence[lead]);
    innovation_.push_back(static_cast<float>(std::sqrt(1.0 - persistence * persistence)));
  }
}

void ObservationNoise::prepare(const float* frames, int input_frames, std::span<const float> scale,
                               ThreadPool& threads) {
  assert(scale.size() == leads_);
  variability_.compute(frames, input_frames, threads);
  threads.parallel_for(height_, [&](int y) {
    const std::size_t first = static_cast<std::size_t>(y) * static_cast<std::size_t>(width_);
    for (std::size_t lead = 0; lead < leads_; ++lead) {
      const float* coefficients = noise_.amplitude.data() + lead * kNoiseTerms;
      for (std::size_t pixel = first; pixel < first + static_cast<std::size_t>(width_); ++pixel) {
        const float log_sigma = variability_.log_amplitude(pixel, coefficients);
        sigma_[lead * pixels_ + pixel] = scale[lead] * portable_exp(log_sigma);
        amplitudes_[lead * pixels_ + pixel] = quantiles_[lead].amplitude_place(log_sigma);
      }
    }
  });
}

void ObservationNoise::add(std::uint64_t seed, int member, const FrameRangeLimits& limits, std::span<float> forecast,
                           ThreadPool& threads) {
  assert(forecast.size() == leads_ * pixels_);
  const std::uint64_t stream_seed = derive_seed(seed, kNoisePurpose, static_cast<std::uint64_t>(member));
  threads.parallel_for(static_cast<int>(leads_), [&](int lead) {
    const auto at = static_cast<std::size_t>(lead);
    fill_random_field(stream_seed, at, noise_.length[at], height_, width_,
                      std::span(fields_).subspan(at * pixels_, pixels_));
  });
  threads.parallel_for(height_, [&](int y) {
    const std::size_t first = static_cast<std::size_t>(y) * static_cast<std::size_t>(width_);
    for (std::size_t pixel = first; pixel < first + static_cast<std::size_t>(width_); ++pixel) {
      float z = fields_[pixel];
      for (std::size_t lead = 0; lead < leads_; ++lead) {
        const std::size_t i = lead * pixels_ + pixel;
        if (lead > 0) z = noise_.persistence[lead] * z + innovation_[lead] * fields_[i];
        const float value = forecast[i] + error_at(lead, pixel, forecast[i], z);
        forecast[i] = std::min(std::max(value, limits.low), limits.high);
      }
    }
  });
}

}  // namespace altocast
