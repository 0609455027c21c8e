// A network's forecast of frames seen as in a mirror. Weather has no handedness that a station's network should know,
// so what it makes of reflected frames, reflected back, is as good a forecast as the plain one; their errors differ,
// and their mean is better than each (docs/skill.md).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "formats/network_spec.h"
#include "runtime/unet.h"

namespace altocast {

// None, left to right, top to bottom, both.
inline constexpr int kReflections = 4;

// In place; fields [count, height, width]. Its own inverse.
void reflect(int reflection, int count, int height, int width, float* fields);

// out [leads, height, width]: the forecast with the network's weights of the reflected sample, reflected back.
// Network is UNet<float> or ForecastNetwork.
template <class Network>
void reflected_forecast(Network& network, const Sample<float>& sample, int reflection, std::span<float> scratch,
                        float* out);
// Floats of scratch that it needs.
std::size_t reflected_scratch(const NetworkSpec& spec, int height, int width);

// The mean over all reflections.
void mean_forecast(UNet<float>& network, const Sample<float>& sample, std::span<float> scratch, float* out);
// Floats of scratch that it needs.
std::size_t mean_forecast_scratch(const NetworkSpec& spec, int height, int width);

}  // namespace altocast
