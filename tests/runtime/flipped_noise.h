// Flipout's noise of one pair of frames, written out weight by weight: an independent twin of runtime/flipout.
#pragma once

#include "runtime/inner_loop.h"
#include "tests/derivatives.h"

namespace altocast::test {

// ε ⊙ r sᵀ of a pair.
inline Vector flipped(const NetworkSpec& spec, NoiseSource<double>& noise, int step, int sample, std::size_t pair,
                      const Vector& epsilon) {
  std::size_t count = 0;
  for (const ParameterTensor& tensor : parameter_layout(spec)) {
    if (tensor.rank == 4) count += static_cast<std::size_t>(tensor.shape[0] + tensor.shape[1]);
  }
  Vector signs(count);
  noise.draw_signs(step, sample, pair, signs);
  Vector result = epsilon;
  std::size_t r = 0, next = 0, d = 0;
  for (const ParameterTensor& tensor : parameter_layout(spec)) {
    const auto extent = [&](int axis) { return static_cast<std::size_t>(tensor.shape[axis]); };
    if (tensor.rank == 4) {
      r = next;
      next += extent(0) + extent(1);
    }
    for (std::size_t o = 0; o < extent(0); ++o) {
      for (std::size_t i = 0; i < extent(1); ++i) {
        for (std::size_t k = 0; k < extent(2) * extent(3); ++k, ++d) {
          result[d] *= signs[r + o] * (tensor.rank == 4 ? signs[r + extent(0) + i] : 1.0);
        }
      }
    }
  }
  EXPECT_EQ(d, result.size());
  return result;
}

}  // namespace altocast::test
