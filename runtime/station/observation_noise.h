// Draws the observation noise of a prior (formats/noise_model.h): what is added to a network's forecast so that it
// becomes a frame that could be observed. A member's noise is a pure function of (seed, member), model and frames: the
// same bits for every number of threads, instruction set and size of the ensemble.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/combination.h"
#include "formats/noise_model.h"
#include "runtime/station/frame_range_limits.h"
#include "runtime/station/local_variability.h"
#include "runtime/station/noise_quantiles.h"
#include "runtime/thread_pool.h"

namespace altocast {

// Not for concurrent use. Memory is allocated by the constructor only.
class ObservationNoise {
 public:
  // The model is borrowed. Without tables, the numbers of a pixel and lead that do not depend on the member are worked
  // out whenever they are needed, and few leads are drawn at once: a fifth of the memory, and more time a member.
  ObservationNoise(const NoiseModel& noise, int height, int width, bool tables = true);

  static std::uint64_t bytes(int leads, int height, int width, bool tables);

  // The state that the noise depends on: frames [input_frames, height, width], normalised. Errors are
  // changed as the combination says.
  void prepare(const float* frames, int input_frames, const Combination& combination, ThreadPool& threads);

  // Adds noise to the forecast of a member [leads, height, width], normalised; then limits it to what a frame can
  // hold.
  void add(std::uint64_t seed, int member, const FrameRangeLimits& limits, std::span<float> forecast,
           ThreadPool& threads);

  // The median of what add() can make of a forecast [leads, height, width] at a pixel of it, but for the limits.
  float median(std::size_t lead, std::size_t pixel, float forecast) const {
    return forecast + error_at(lead, pixel, forecast, 0.0f);
  }

  // The model's own noise, as if nothing changed it.
  struct State {
    float sigma;
    NodePlace amplitude, position;
  };
  State state(std::size_t lead, std::size_t pixel, float forecast) const;

 private:
  struct Scale {
    float sigma;
    NodePlace amplitude;
  };
  Scale model_scale(std::size_t lead, std::size_t pixel) const;
  // As the combination changes it.
  Scale compute_scale(std::size_t lead, std::size_t pixel) const;
  Scale scale_at(std::size_t lead, std::size_t pixel) const {
    const std::size_t i = lead * pixels_ + pixel;
    return tables_ ? Scale{sigma_[i], amplitudes_[i]} : compute_scale(lead, pixel);
  }
  // The combination's scale or shift at a place.
  static float at(const std::vector<float>& nodes, std::size_t lead, NodePlace place) {
    const float* node = nodes.data() + lead * kAmplitudeNodes + place.first;
    return node[0] + place.fraction * (node[1] - node[0]);
  }
  // Of the pixel with this number, 0 … height · width − 1.
  float error_at(std::size_t lead, std::size_t pixel, float forecast, float z) const {
    const Scale scale = scale_at(lead, pixel);
    return scale.sigma *
           quantiles_[lead].error(scale.amplitude, place(lead, pixel, forecast), z - at(shift_, lead, scale.amplitude));
  }
  NodePlace place(std::size_t lead, std::size_t pixel, float forecast) const {
    return quantiles_[lead].position_place(variability_.position(pixel, forecast));
  }

  const NoiseModel& noise_;
  std::size_t leads_, pixels_;
  int height_, width_;
  LocalVariability variability_;
  std::vector<NoiseQuantiles> quantiles_;  // [leads]
  std::vector<float> innovation_;          // √(1 − persistence²) [leads]
  std::vector<float> scale_, shift_;       // the combination's
  bool tables_;
  std::size_t together_;               // leads drawn at once
  std::vector<float> sigma_;           // [leads, height, width], with tables
  std::vector<NodePlace> amplitudes_;  // the same
  std::vector<float> fields_;          // w of those leads: [together, height, width]
  std::vector<float> z_;               // [height, width], of the lead before
};

}  // namespace altocast
