// Scores of one number against one number, summed over an archive of any length: bias, MAE, MSE, RMSE and the
// correlation of Pearson. They say nothing about ensembles (ensemble_scores.h) or events (contingency.h).
//
// NaN: a pair in which either number is not finite is left out and not counted. Without any pair every score
// is NaN; so is the correlation if the forecasts or the observations do not vary. Sums are plain doubles in
// the order of the calls: the same calls give the same scores.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace altocast {

class ErrorSums {
 public:
  void add(double forecast, double observed);

  std::uint64_t count() const { return count_; }
  double bias() const;  // mean of forecast − observed
  double mae() const;
  double mse() const;
  double rmse() const;
  double correlation() const;

  // Every number of the state, to save it and go on with it later.
  void each_number(const auto& visit) {
    visit(count_);
    for (double* number : {&error_, &absolute_, &squared_, &origin_, &f_, &o_, &ff_, &oo_, &fo_}) visit(*number);
  }

 private:
  std::uint64_t count_ = 0;
  double error_ = 0, absolute_ = 0, squared_ = 0;
  // Moments about the first observation, so that a large common offset costs no digits.
  double origin_ = 0;
  double f_ = 0, o_ = 0, ff_ = 0, oo_ = 0, fo_ = 0;
};

}  // namespace altocast
