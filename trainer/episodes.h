// Tasks for meta-training: one square region over one stretch of time, its support pairs before its query
// pairs, as at a station. A task is a pure function of (seed, step, index), so it can be drawn by any thread
// or machine.
//
// With `now` the newest frame that the station has: support windows are consecutive and the last one's
// targets end at `now`; the first query window's inputs end at `now`, the others follow. No query target is
// in the support set.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/archive.h"
#include "trainer/meta_gradient.h"

namespace altocast {

struct EpisodeShape {
  int tile = 0;           // pixels
  int support_pairs = 0;  // at most; short stretches give fewer, at least one
  int query_pairs = 0;    // at most, likewise
  // How much a task's numbers and its region are changed (fit_settings.h).
  double contrast = 0, brightness = 0, calibration_step = 0, zoom = 0;
};

// A task's frames, owned, and the samples that point into them. Reused from draw to draw.
struct Episode {
  Task<float> task;
  std::size_t set = 0;        // which folder it came from
  std::vector<float> frames;  // [frame, tile, tile], consecutive
  std::vector<float> bases;   // [pair, lead, tile, tile], of an advected residual base
};

class EpisodeSampler {
 public:
  // Draws from `stretches` of the archive (borrowed), each folder as often as the square root of its frames.
  EpisodeSampler(const Archive& archive, const std::vector<FrameStretch>& stretches, const NetworkSpec& network,
                 EpisodeShape shape);

  // False if no stretch is long enough for one support and one query pair.
  bool empty() const { return stretches_.empty(); }

  // The task number `index` of step `step`: folder, stretch, time, region, one of the eight flips and rotations, and
  // what changes its numbers.
  void draw(std::uint64_t seed, std::uint64_t step, std::uint64_t index, Episode& episode) const;

 private:
  int frames_needed(int support, int query) const;
  std::size_t leads() const { return static_cast<std::size_t>(network_.leads); }

  const Archive& archive_;
  NetworkSpec network_;
  EpisodeShape shape_;
  std::vector<FrameStretch> stretches_;  // those long enough
  std::vector<double> cumulative_;       // probability of a stretch at or before each
};

}  // namespace altocast
