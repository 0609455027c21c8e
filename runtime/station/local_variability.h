// How much the newest frames vary around each pixel, in space and from frame to frame: what the observation noise
// depends on (formats/noise_model.h has the formulas). Windows end at the frame's edges.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "formats/noise_model.h"
#include "runtime/thread_pool.h"

namespace altocast {

// Not for concurrent use. Memory is allocated by the constructor only.
class LocalVariability {
 public:
  LocalVariability(int height, int width);

  static constexpr std::size_t kBytesPerPixel = 3 * sizeof(double) + (kNoiseTerms + 1) * sizeof(float);

  // Of frames [input_frames, height, width], normalised. The same bits for every number of threads.
  void compute(const float* frames, int input_frames, ThreadPool& threads);

  // x at a pixel, without its leading 1.
  const float* logs(std::size_t pixel) const { return logs_.data() + pixel * (kNoiseTerms - 1); }
  float position(std::size_t pixel, float forecast) const { return (forecast - mean_[pixel]) * inverse_[pixel]; }

  // log σ for the coefficients [kNoiseTerms] of a lead.
  float log_amplitude(std::size_t pixel, const float* coefficients) const {
    const float* x = logs(pixel);
    float sum = coefficients[0];
    for (int term = 1; term < kNoiseTerms; ++term) sum += coefficients[term] * x[term - 1];
    return sum;
  }

 private:
  // Sums over the rectangle from the first pixel: of the newest frame, its squares, and squared changes.
  using Sums = std::array<std::vector<double>, 3>;
  void integrate(const float* frames, int input_frames);

  int height_, width_;
  Sums sums_;                   // [height + 1, width + 1]
  std::vector<float> logs_;     // [height, width, kNoiseTerms − 1]
  std::vector<float> mean_;     // [height, width], m₃₃
  std::vector<float> inverse_;  // [height, width], 1 / (v₃₃ + c)
};

}  // namespace altocast
