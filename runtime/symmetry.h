// A network seen in the eight symmetries of a square. Weather has no handedness and no favourite direction that a
// station's network should know, so what it makes of frames that are turned or mirrored, turned back, is as good a
// forecast as the plain one; their errors differ, and their mean is better than each (docs/skill.md). Turning the
// network's kernels does the same to its forecasts as turning frames and forecast, and moves no image: pooling and
// upsampling know no direction. Only the rows and columns by which an image is padded lie on other sides.
#pragma once

#include <span>
#include <vector>

#include "formats/network_spec.h"
#include "runtime/unet.h"

namespace altocast {

// s mod 4 quarter turns, from 4 on of the mirrored kernel; 0 changes nothing.
inline constexpr int kSymmetries = 8;

class KernelSymmetry {
 public:
  explicit KernelSymmetry(const NetworkSpec& spec);
  // Every kernel in φ [D], in place.
  void turn(int symmetry, std::span<float> phi) const;

 private:
  std::vector<ParameterTensor> tensors_;  // whose kernels are more than one number
};

// Forecasts of a network by the mean over its quarter turns, which is nearly as good as that over all symmetries. Not
// for concurrent use; the network is borrowed. Memory is allocated by the constructor only.
class MeanForecast {
 public:
  explicit MeanForecast(UNet<float>& network);
  // With weights φ [D], which are turned meanwhile and the same again in the end; out [leads, height, width].
  void forward(std::span<float> phi, const Sample<float>& sample, std::span<float> out);

 private:
  UNet<float>& network_;
  KernelSymmetry symmetry_;
  std::vector<float> one_;  // [leads, height, width]
};

}  // namespace altocast
