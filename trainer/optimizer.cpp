#include "trainer/optimizer.h"

#include <Eigen/Core>
#include <cmath>

namespace altocast {
namespace {

using Array = Eigen::Map<Eigen::ArrayXf>;
using ConstArray = Eigen::Map<const Eigen::ArrayXf>;

Eigen::Index length(std::size_t size) { return static_cast<Eigen::Index>(size); }

}  // namespace

void Adam::step(std::span<float> values, std::span<const float> gradient, double rate) {
  constexpr float kBeta1 = 0.9f;
  constexpr float kBeta2 = 0.999f;
  constexpr float kEpsilon = 1e-8f;
  ++steps_;
  const double correction1 = 1.0 - std::pow(0.9, static_cast<double>(steps_));
  const double correction2 = 1.0 - std::pow(0.999, static_cast<double>(steps_));
  Array x(values.data(), length(values.size()));
  const ConstArray g(gradient.data(), length(gradient.size()));
  Array m(first_.data(), length(first_.size()));
  Array v(second_.data(), length(second_.size()));
  m = kBeta1 * m + (1.0f - kBeta1) * g;
  v = kBeta2 * v + (1.0f - kBeta2) * g.square();
  const auto step_size = static_cast<float>(rate / correction1);
  const auto scale = static_cast<float>(1.0 / std::sqrt(correction2));
  x -= step_size * m / (v.sqrt() * scale + kEpsilon);
}

double clip_norm(std::span<float> gradient, double limit) {
  Array g(gradient.data(), length(gradient.size()));
  const double norm = std::sqrt(g.cast<double>().square().sum());
  if (limit > 0 && norm > limit) g *= static_cast<float>(limit / norm);
  return norm;
}

}  // namespace altocast
