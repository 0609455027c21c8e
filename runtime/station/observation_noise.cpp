#include "runtime/station/observation_noise.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/elementary.h"
#include "runtime/random.h"
#include "runtime/random_field.h"

namespace altocast {
namespace {

constexpr std::size_t kThriftyLeads = 2;
constexpr std::uint64_t kNoisePurpose = 0x6e6f6973;  // "nois": of the seed's streams

}  // namespace

ObservationNoise::ObservationNoise(const NoiseModel& noise, int height, int width, bool tables)
    : noise_(noise),
      leads_(noise.length.size()),
      pixels_(static_cast<std::size_t>(height) * static_cast<std::size_t>(width)),
      height_(height),
      width_(width),
      variability_(height, width),
      scale_(leads_ * kAmplitudeNodes),
      shift_(scale_.size()),
      tables_(tables),
      together_(tables ? leads_ : std::min(leads_, kThriftyLeads)),
      sigma_(tables ? leads_ * pixels_ : 0),
      amplitudes_(sigma_.size()),
      fields_(together_ * pixels_),
      z_(pixels_) {
  for (std::size_t lead = 0; lead < leads_; ++lead) {
    quantiles_.emplace_back(noise, static_cast<int>(lead));
    const double persistence = lead == 0 ? 0.0 : static_cast<double>(noise.persistence[lead]);
    innovation_.push_back(static_cast<float>(std::sqrt(1.0 - persistence * persistence)));
  }
}

std::uint64_t ObservationNoise::bytes(int leads, int height, int width, bool tables) {
  const auto all = static_cast<std::size_t>(leads);
  const std::size_t a_lead = tables ? sizeof(float) + sizeof(NodePlace) : 0;
  const std::size_t planes = (tables ? all : std::min(all, kThriftyLeads)) + 1;
  const std::size_t a_pixel = all * a_lead + planes * sizeof(float) + LocalVariability::kBytesPerPixel;
  return a_pixel * static_cast<std::uint64_t>(height + 1) * static_cast<std::uint64_t>(width + 1);
}

ObservationNoise::Scale ObservationNoise::model_scale(std::size_t lead, std::size_t pixel) const {
  const float log_sigma = variability_.log_amplitude(pixel, noise_.amplitude.data() + lead * kNoiseTerms);
  return {portable_exp(log_sigma), quantiles_[lead].amplitude_place(log_sigma)};
}

ObservationNoise::Scale ObservationNoise::compute_scale(std::size_t lead, std::size_t pixel) const {
  const Scale model = model_scale(lead, pixel);
  return {at(scale_, lead, model.amplitude) * model.sigma, model.amplitude};
}

ObservationNoise::State ObservationNoise::state(std::size_t lead, std::size_t pixel, float forecast) const {
  const Scale model = model_scale(lead, pixel);
  return {model.sigma, model.amplitude, place(lead, pixel, forecast)};
}

void ObservationNoise::prepare(const float* frames, int input_frames, const Combination& combination,
                               ThreadPool& threads) {
  assert(combination.noise_scale.size() == scale_.size() && combination.noise_shift.size() == shift_.size());
  std::copy(combination.noise_scale.begin(), combination.noise_scale.end(), scale_.begin());
  std::copy(combination.noise_shift.begin(), combination.noise_shift.end(), shift_.begin());
  variability_.compute(frames, input_frames, threads);
  if (!tables_) return;
  threads.parallel_for(height_, [&](int y) {
    const std::size_t first = static_cast<std::size_t>(y) * static_cast<std::size_t>(width_);
    for (std::size_t lead = 0; lead < leads_; ++lead) {
      for (std::size_t pixel = first; pixel < first + static_cast<std::size_t>(width_); ++pixel) {
        const Scale of_pixel = compute_scale(lead, pixel);
        sigma_[lead * pixels_ + pixel] = of_pixel.sigma;
        amplitudes_[lead * pixels_ + pixel] = of_pixel.amplitude;
      }
    }
  });
}

void ObservationNoise::add(std::uint64_t seed, int member, const FrameRangeLimits& limits, std::span<float> forecast,
                           ThreadPool& threads) {
  assert(forecast.size() == leads_ * pixels_);
  const std::uint64_t stream_seed = derive_seed(seed, kNoisePurpose, static_cast<std::uint64_t>(member));
  for (std::size_t first_lead = 0; first_lead < leads_; first_lead += together_) {
    const std::size_t count = std::min(together_, leads_ - first_lead);
    threads.parallel_for(static_cast<int>(count), [&](int field) {
      const auto at = static_cast<std::size_t>(field);
      fill_random_field(stream_seed, first_lead + at, noise_.length[first_lead + at], height_, width_,
                        std::span(fields_).subspan(at * pixels_, pixels_));
    });
    threads.parallel_for(height_, [&](int y) {
      const std::size_t first = static_cast<std::size_t>(y) * static_cast<std::size_t>(width_);
      for (std::size_t pixel = first; pixel < first + static_cast<std::size_t>(width_); ++pixel) {
        float z = z_[pixel];
        for (std::size_t lead = first_lead; lead < first_lead + count; ++lead) {
          const float field = fields_[(lead - first_lead) * pixels_ + pixel];
          z = lead == 0 ? field : noise_.persistence[lead] * z + innovation_[lead] * field;
          const std::size_t i = lead * pixels_ + pixel;
          const float value = forecast[i] + error_at(lead, pixel, forecast[i], z);
          forecast[i] = std::min(std::max(value, limits.low), limits.high);
        }
        z_[pixel] = z;
      }
    });
  }
}

}  // namespace altocast
