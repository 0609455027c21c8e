// A valid noise model of made-up numbers: wider where the amplitude is larger, skewed by the position.
#pragma once

#include "formats/noise_model.h"

namespace altocast {

inline NoiseModel sample_noise_model(int leads) {
  NoiseModel noise;
  for (int lead = 0; lead < leads; ++lead) {
    const auto step = static_cast<float>(lead);
    for (const float term : {-1.0f + 0.1f * step, 0.3f, 0.2f, 0.25f, 0.1f}) noise.amplitude.push_back(term);
    for (int node = 0; node < kAmplitudeNodes; ++node)
      noise.amplitude_nodes.push_back(-4.0f + 0.5f * static_cast<float>(node) + 0.1f * step);
    for (int node = 0; node < kPositionNodes; ++node)
      noise.position_nodes.push_back(-1.5f + 0.45f * static_cast<float>(node));
    for (int a = 0; a < kAmplitudeNodes; ++a) {
      for (int p = 0; p < kPositionNodes; ++p) {
        for (int knot = 0; knot < kNoiseQuantiles; ++knot) {
          const float z = kFirstNoiseKnot + kNoiseKnotStep * static_cast<float>(knot);
          const float skew = 0.1f * static_cast<float>(p - kPositionNodes / 2);
          noise.quantiles.push_back((1.0f + 0.05f * static_cast<float>(a)) * (z < 0 ? z * (1 - skew) : z * (1 + skew)));
        }
      }
    }
    noise.length.push_back(1.5f + step);
    noise.persistence.push_back(0.6f);
  }
  return noise;
}

}  // namespace altocast
