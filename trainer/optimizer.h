// Adam (Kingma & Ba, 2015) with bias correction, and the clipping of gradients that goes before it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace altocast {

class Adam {
 public:
  explicit Adam(std::size_t size) : first_(size), second_(size) {}

  // values −= rate · m̂ / (√v̂ + 1e-8), β = (0.9, 0.999). Counts its steps.
  void step(std::span<float> values, std::span<const float> gradient, double rate);

  // The state that a checkpoint keeps.
  std::vector<float>& first_moment() { return first_; }
  std::vector<float>& second_moment() { return second_; }
  std::uint64_t& steps() { return steps_; }

 private:
  std::vector<float> first_, second_;
  std::uint64_t steps_ = 0;
};

// Scales the gradient so that its Euclidean norm is at most `limit` (0 = no limit). Returns the norm before.
double clip_norm(std::span<float> gradient, double limit);

}  // namespace altocast
