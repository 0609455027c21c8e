// What forecasts of an hour are off by: learned from days that agree, not from one that is by itself.
#include "runtime/station/diurnal_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "formats/combination.h"
#include "runtime/random.h"

namespace altocast {
namespace {

class DiurnalFitTest : public testing::Test {
 protected:
  // Pixels of a pair whose truth is slope · forecast + intercept, and an error of .05 · N(0, 1).
  void add_pair(int day, float slope, float intercept) {
    fit_.begin_pair(day);
    std::vector<float> normal(2000);
    fill_normal(++pairs_, 0, 0, std::span(normal));
    for (std::size_t i = 0; i < normal.size(); i += 2)
      fit_.add(normal[i], slope * normal[i] + intercept + 0.05f * normal[i + 1]);
  }
  void expect_line(float slope, float intercept) {
    EXPECT_NEAR(fit_.fit().slope, slope, 0.02f);
    EXPECT_NEAR(fit_.fit().intercept, intercept, 0.02f);
  }
  DiurnalFit fit_;

 private:
  std::uint64_t pairs_ = 0;
};

TEST_F(DiurnalFitTest, TwoDaysThatAgreeAreBelieved) {
  for (const int day : {1, 1, 2, 2}) add_pair(day, 0.7f, -0.4f);
  const DiurnalFit::Line line = fit_.fit();
  EXPECT_NEAR(line.slope, 0.75f, 0.04f) << "a little drawn to 1";
  EXPECT_NEAR(line.intercept, -0.4f, 0.02f);
  EXPECT_FLOAT_EQ(line.at(2.0f), 2.0f * line.slope + line.intercept);
}

TEST_F(DiurnalFitTest, OneDayAloneIsHalfBelieved) {
  for (int pair = 0; pair < 2; ++pair) add_pair(1, 1.0f, -0.4f);
  expect_line(1.0f, -0.2f);
}

TEST_F(DiurnalFitTest, NeitherOfTwoDaysThatDisagreeIs) {
  for (const int day : {1, 1}) add_pair(day, 1.0f, -0.4f);
  for (const int day : {2, 2}) add_pair(day, 1.0f, 0.3f);
  expect_line(1.0f, 0.0f);
}

TEST_F(DiurnalFitTest, AStepThatBefellAPairOfEachDayChangesNothing) {
  for (const float step : {0.0f, 0.5f}) add_pair(1, 1.0f, step);
  for (const float step : {-0.5f, 0.0f}) add_pair(2, 1.0f, step);
  expect_line(1.0f, 0.0f);
}

TEST_F(DiurnalFitTest, AFewWildErrorsChangeLittle) {
  for (const int day : {1, 2}) {
    add_pair(day, 1.0f, -0.4f);
    for (int i = 0; i < 50; ++i) fit_.add(0.0f, 4.0f);
  }
  EXPECT_NEAR(fit_.fit().at(0.0f), -0.4f, 0.1f);
}

TEST_F(DiurnalFitTest, WithoutNumbersToLearnFromThereIsNoCorrection) {
  const auto expect_none = [](const DiurnalFit& fit) {
    EXPECT_EQ(fit.fit().slope, 1.0f);
    EXPECT_EQ(fit.fit().intercept, 0.0f);
  };
  expect_none(fit_);
  add_pair(1, 1.0f, -0.4f);
  fit_.add(0.0f, std::numeric_limits<float>::quiet_NaN());
  expect_none(fit_);
  DiurnalFit constant;
  constant.begin_pair(1);
  for (int i = 0; i < 9; ++i) constant.add(0.5f, 0.7f);
  expect_none(constant);
}

TEST_F(DiurnalFitTest, ASlopeStaysInItsRange) {
  for (const int day : {1, 1, 2, 2}) add_pair(day, 9.0f, 0.0f);
  EXPECT_EQ(fit_.fit().slope, kLargestSlope);
}

}  // namespace
}  // namespace altocast
