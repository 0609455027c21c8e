#include "runtime/scores/errors.h"

#include <cmath>
#include <limits>

namespace altocast {
namespace {

double ratio(double sum, double count) { return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN(); }

}  // namespace

void ErrorSums::add(double forecast, double observed) {
  if (!std::isfinite(forecast) || !std::isfinite(observed)) return;
  if (count_ == 0) origin_ = observed;
  ++count_;
  const double error = forecast - observed;
  error_ += error;
  absolute_ += std::fabs(error);
  squared_ += error * error;
  const double f = forecast - origin_, o = observed - origin_;
  f_ += f;
  o_ += o;
  ff_ += f * f;
  oo_ += o * o;
  fo_ += f * o;
}

double ErrorSums::bias() const { return ratio(error_, static_cast<double>(count_)); }
double ErrorSums::mae() const { return ratio(absolute_, static_cast<double>(count_)); }
double ErrorSums::mse() const { return ratio(squared_, static_cast<double>(count_)); }
double ErrorSums::rmse() const { return std::sqrt(mse()); }

double ErrorSums::correlation() const {
  const auto n = static_cast<double>(count_);
  const double variance_f = n * ff_ - f_ * f_, variance_o = n * oo_ - o_ * o_;
  // What is left of a variance after rounding is no variance.
  const double tiny = 1e-12;
  if (!(variance_f > tiny * n * ff_ && variance_o > tiny * n * oo_)) return std::numeric_limits<double>::quiet_NaN();
  return (n * fo_ - f_ * o_) / (std::sqrt(variance_f) * std::sqrt(variance_o));
}

}  // namespace altocast
