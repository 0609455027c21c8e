// A prior and frames so small that even an emulated processor adapts and forecasts in a moment.
#pragma once

#include "formats/prior.h"
#include "runtime/frames/synthetic.h"
#include "runtime/station/random_prior.h"

namespace altocast {

// 2 frames in, 2 leads out.
inline Prior small_prior(std::uint64_t seed, ResidualBase residual = ResidualBase::last_frame) {
  NetworkSpec spec;
  spec.input_frames = 2;
  spec.leads = 2;
  spec.base_channels = 4;
  spec.depth = 1;
  spec.residual = residual;
  Prior prior = random_prior(spec, seed);
  prior.support_pairs = 3;
  prior.inner.steps = 2;
  prior.inner.samples = 2;
  prior.cadence_seconds = 1800;
  for (float& rate : prior.rate_mu) rate = 0.02f;
  for (float& rate : prior.rate_rho) rate = 0.5f;
  return prior;
}

// Frames from 2018-06-06T00:00Z on, half an hour apart, of a size that is no multiple of anything.
inline SyntheticSettings small_frames() {
  SyntheticSettings settings;
  settings.frames = 7;
  settings.height = 21;
  settings.width = 26;
  return settings;
}

}  // namespace altocast
