#include "runtime/reflection.h"

#include <algorithm>
#include <cassert>

#include "runtime/forecast_network.h"

namespace altocast {

void reflect(int reflection, int count, int height, int width, float* fields) {
  const bool across = (reflection & 1) != 0, down = (reflection & 2) != 0;
  for (int i = 0; i < count; ++i, fields += static_cast<std::ptrdiff_t>(height) * width) {
    const auto row = [&](int y) { return fields + static_cast<std::ptrdiff_t>(y) * width; };
    for (int y = 0; down && y < height / 2; ++y) std::swap_ranges(row(y), row(y) + width, row(height - 1 - y));
    for (int y = 0; across && y < height; ++y) std::reverse(row(y), row(y) + width);
  }
}

std::size_t reflected_scratch(const NetworkSpec& spec, int height, int width) {
  const int base = spec.residual == ResidualBase::advected ? spec.leads : 1;
  return static_cast<std::size_t>(spec.input_frames + base) * static_cast<std::size_t>(height) *
         static_cast<std::size_t>(width);
}

std::size_t mean_forecast_scratch(const NetworkSpec& spec, int height, int width) {
  return reflected_scratch(spec, height, width) +
         static_cast<std::size_t>(spec.leads) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
}

template <class Network>
void reflected_forecast(Network& network, const Sample<float>& sample, int reflection, std::span<float> scratch,
                        float* out) {
  const NetworkSpec& spec = network.spec();
  const int height = network.height(), width = network.width();
  const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  assert(scratch.size() >= reflected_scratch(spec, height, width));
  if (reflection == 0) return network.forward(sample, out);
  Sample<float> reflected = sample;
  const auto turn = [&](const float* fields, int count, float* into) {
    std::copy_n(fields, static_cast<std::size_t>(count) * pixels, into);
    reflect(reflection, count, height, width, into);
    return into;
  };
  float* const base = scratch.data() + static_cast<std::size_t>(spec.input_frames) * pixels;
  reflected.frames = turn(sample.frames, spec.input_frames, scratch.data());
  if (sample.base_leads > 0) reflected.base = turn(sample.base, sample.base_leads, base);
  network.forward(reflected, out);
  reflect(reflection, spec.leads, height, width, out);
}

void mean_forecast(UNet<float>& network, const Sample<float>& sample, std::span<float> scratch, float* out) {
  const std::span<float> one = scratch.last(network.terms());
  reflected_forecast(network, sample, 0, scratch, out);
  for (int reflection = 1; reflection < kReflections; ++reflection) {
    reflected_forecast(network, sample, reflection, scratch, one.data());
    for (std::size_t i = 0; i < one.size(); ++i) out[i] += one[i];
  }
  for (std::size_t i = 0; i < one.size(); ++i) out[i] *= 1.0f / kReflections;
}

template void reflected_forecast(UNet<float>&, const Sample<float>&, int, std::span<float>, float*);
template void reflected_forecast(ForecastNetwork&, const Sample<float>&, int, std::span<float>, float*);

}  // namespace altocast
