// A network's samples, with the memory of what their bases take beyond the frames: the newest frame advected to each
// lead, where the network's residual base is that.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "formats/network_spec.h"
#include "runtime/advection/smoothed_advection.h"
#include "runtime/layers/observation_nll.h"
#include "runtime/thread_pool.h"

namespace altocast {

// The least height and width of frames that a network of this kind takes.
int least_side(const NetworkSpec& spec);

// Not for concurrent use. Memory is allocated by the constructor only.
class SampleSet {
 public:
  // height, width ≥ least_side(spec).
  SampleSet(const NetworkSpec& spec, int height, int width, std::size_t capacity);

  // Frames [input_frames, height, width] and target [leads, height, width] (may be null) are borrowed. At most
  // `capacity` samples. The same bits for every number of threads.
  const Sample<float>& add(const float* frames, const float* target, ThreadPool& threads);

  // Gives back what only add() needs; none can be added any more.
  void finish() {
    advection_.reset();
    advected_ = {};
  }

  // Makes room for as many as at the start.
  void clear() { samples_.clear(); }

  std::span<const Sample<float>> samples() const { return samples_; }

 private:
  NetworkSpec spec_;
  int height_, width_;
  std::size_t pixels_;
  std::optional<SmoothedAdvection> advection_;
  std::vector<float> bases_;     // [capacity, leads, height, width]
  std::vector<float> advected_;  // [leads, height, width]: not smoothed
  std::vector<Sample<float>> samples_;
};

}  // namespace altocast
