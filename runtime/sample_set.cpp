#include "runtime/sample_set.h"

#include <cassert>

#include "runtime/unet.h"

namespace altocast {

int least_side(const NetworkSpec& spec) {
  return spec.residual == ResidualBase::advected ? OpticalFlow::kLeastSide : 1;
}

SampleSet::SampleSet(const NetworkSpec& spec, int height, int width, std::size_t capacity)
    : spec_(spec),
      height_(height),
      width_(width),
      pixels_(static_cast<std::size_t>(height) * static_cast<std::size_t>(width)) {
  samples_.reserve(capacity);
  if (spec.residual != ResidualBase::advected) return;
  advection_.emplace(height, width, spec.leads);
  advected_.resize(static_cast<std::size_t>(spec.leads) * pixels_);
  bases_.resize(capacity * advected_.size());
}

const Sample<float>& SampleSet::add(const float* frames, const float* target, ThreadPool& threads) {
  assert(samples_.size() < samples_.capacity());
  const float* base = nullptr;
  if (advection_) {
    const std::span<float> smoothed = std::span(bases_).subspan(samples_.size() * advected_.size(), advected_.size());
    advection_->forecast({frames, static_cast<std::size_t>(spec_.input_frames) * pixels_}, spec_.input_frames,
                         advected_, smoothed, &threads);
    base = smoothed.data();
  }
  return samples_.emplace_back(make_sample(spec_, frames, base, target, height_, width_));
}

}  // namespace altocast
