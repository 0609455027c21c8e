// The scores: by hand, and against the expected values of the field's public verification packages where the
// reference folder is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/random.h"
#include "runtime/scores/block_bootstrap.h"
#include "runtime/scores/lead_scores.h"

namespace altocast {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Members = std::vector<double>;
using Events = std::vector<std::uint16_t>;

bool add(EnsembleSums& sums, Members members, double observed) { return sums.add(members, observed).has_value(); }

TEST(Crps, OfAnEnsembleIsTheIntegralOverItsSteps) {
  // ∫ (F(x) − 1{x ≥ 2})² dx for members 0, 3, 4, 7: (1/4)² · 2 + (3/4)² · 1 + (1/2)² · 1 + (1/4)² · 3.
  const Crps crps = crps_ensemble(Members{7, 0, 4, 3}, 2);
  EXPECT_DOUBLE_EQ(crps.plain, 1.125);
  EXPECT_NEAR(crps.fair, 2.0 / 3.0, 1e-15);
  const Crps single = crps_ensemble(Members{2}, 4);
  EXPECT_EQ(single.plain, 2.0);
  EXPECT_TRUE(std::isnan(single.fair));
}

TEST(Crps, DoesNotDependOnTheOrderOfManyMembers) {
  Members members(100);
  fill_normal(1, 0, 0, std::span(members));
  Members backwards(members.rbegin(), members.rend());
  EXPECT_DOUBLE_EQ(crps_ensemble(members, 0.3).plain, crps_ensemble(backwards, 0.3).plain);
}

TEST(Crps, FairFormHasTheGaussiansExpectationAndThePlainOneDoesNot) {
  EnsembleSums sums(4, 1, 0);
  Members numbers(5);
  for (std::uint64_t i = 0; i < 20000; ++i) {
    fill_normal(1, i, 0, std::span(numbers));
    sums.add(std::span(numbers).first(4), numbers[4]);
  }
  const double expected = 1 / std::sqrt(std::acos(-1.0));  // E |x − y| / 2
  EXPECT_NEAR(sums.crps().fair, expected, 0.01);
  EXPECT_GT(sums.crps().plain, expected + 0.1);
  EXPECT_NEAR(sums.spread_skill(), 1.0, 0.02) << "the truth is one more member";
}

TEST(Crps, OfAGaussianWithoutWidthIsTheDistance) {
  EXPECT_EQ(crps_gaussian(3, 0, 1), 2.0);
  EXPECT_NEAR(crps_gaussian(3, 1e-9, 1), 2.0, 1e-8);
}

TEST(EnsembleSums, LeaveOutWhatIsNotFinite) {
  EnsembleSums sums(2, 1, 0);
  for (const double bad : {kNaN, std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(add(sums, {1, bad}, 2));
    EXPECT_FALSE(add(sums, {1, 3}, bad));
  }
  EXPECT_EQ(sums.count(), 0u);
  EXPECT_TRUE(std::isnan(sums.crps().plain) && std::isnan(sums.spread()) && std::isnan(sums.skill()));
  ASSERT_TRUE(add(sums, {4, 2}, 2.5));
  EXPECT_EQ(sums.count(), 1u);
  EXPECT_EQ(sums.rank_histogram(), (std::vector<std::uint64_t>{0, 1, 0}));
  EXPECT_DOUBLE_EQ(sums.spread(), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(sums.skill(), 0.5);
  EXPECT_DOUBLE_EQ(sums.spread_skill(), std::sqrt(1.5 * 2.0) / 0.5);
}

TEST(EnsembleSums, ShareTiedRanksEvenlyAndTheSameForTheSameSeed) {
  const auto histogram = [](std::uint64_t seed) {
    EnsembleSums sums(3, seed, 0);
    for (int i = 0; i < 6000; ++i) add(sums, {5, 1, 5}, 5);
    return sums.rank_histogram();
  };
  const std::vector<std::uint64_t> ranks = histogram(1);
  EXPECT_EQ(ranks[0], 0u) << "the member at 1 is below";
  for (std::size_t rank = 1; rank < 4; ++rank) EXPECT_NEAR(static_cast<double>(ranks[rank]), 2000, 150);
  EXPECT_EQ(histogram(1), ranks);
  EXPECT_NE(histogram(2), ranks);
}

TEST(EnergyScore, IsTheCrpsInOneDimension) {
  const Members members{7, 0, 4, 3}, observed{2};
  EXPECT_NEAR(energy_score(members, observed), 1.125, 1e-15);
  EXPECT_NEAR(fair_energy_score(members, observed), 2.0 / 3.0, 1e-15);
}

TEST(EnergySums, AreTheMeanScoreOfTheVectorsThatHaveAllNumbers) {
  EnergySums sums;
  EXPECT_TRUE(std::isnan(sums.score().plain)) << "of nothing";
  const std::vector<double> members{0, 0, 3, 4, 1, 2}, a{1, 1}, b{-2, 5};
  sums.add(members, a);
  sums.add(members, b);
  sums.add(members, std::vector<double>{1, NAN});
  EXPECT_EQ(sums.count(), 2u);
  EXPECT_DOUBLE_EQ(sums.score().plain, (energy_score(members, a) + energy_score(members, b)) / 2);
  EXPECT_DOUBLE_EQ(sums.score().fair, (fair_energy_score(members, a) + fair_energy_score(members, b)) / 2);
}

TEST(ErrorSums, OfAHandfulOfPairs) {
  ErrorSums sums;
  sums.add(3, 1);
  sums.add(kNaN, 1);
  sums.add(1, kNaN);
  sums.add(2, 5);
  EXPECT_EQ(sums.count(), 2u);
  EXPECT_DOUBLE_EQ(sums.bias(), -0.5);
  EXPECT_DOUBLE_EQ(sums.mae(), 2.5);
  EXPECT_DOUBLE_EQ(sums.rmse(), std::sqrt(6.5));
  EXPECT_NEAR(sums.correlation(), -1.0, 1e-12);
}

TEST(ErrorSums, AConstantHasNoCorrelationAndNoPairsHaveNoScore) {
  ErrorSums sums;
  EXPECT_TRUE(std::isnan(sums.mae()) && std::isnan(sums.correlation()));
  for (int i = 0; i < 10; ++i) sums.add(i, 0.1);
  EXPECT_TRUE(std::isnan(sums.correlation()));
}

TEST(ErrorSums, CorrelationKeepsItsDigitsFarFromZero) {
  ErrorSums near, far;
  for (int i = 0; i < 50; ++i) {
    const double f = i % 7, o = i % 5;
    near.add(f, o);
    far.add(1e7 + f, 1e7 + o);
  }
  EXPECT_NEAR(far.correlation(), near.correlation(), 1e-12);
}

TEST(ContingencyTable, WithoutEventsHasNoScoresOfEvents) {
  ContingencyTable table;
  table.add(false, false);
  EXPECT_EQ(table.accuracy(), 1.0);
  for (const double score : {table.pod(), table.far(), table.csi(), table.hss(), table.ets(), table.frequency_bias(),
                             table.sedi(), table.mcc(), table.f1()})
    EXPECT_TRUE(std::isnan(score));
  table.add(true, false);
  EXPECT_EQ(table.far(), 1.0);
  EXPECT_EQ(table.csi(), 0.0);
  EXPECT_TRUE(std::isnan(table.pod()));
}

TEST(ProbabilityTable, BrierScoreIsReliabilityLessResolutionPlusUncertainty) {
  ProbabilityTable table(4);
  for (std::uint64_t i = 0; i < 5000; ++i)
    table.add(static_cast<int>(random_below(1, 0, i, 5)), random_below(1, 1, i, 3) == 0);
  EXPECT_NEAR(table.brier(), table.reliability() - table.resolution() + table.uncertainty(), 1e-14);
  EXPECT_NEAR(table.roc_area(), 0.5, 0.05) << "blind forecasts";
}

TEST(ProbabilityTable, RocAreaCountsOrderedPairs) {
  ProbabilityTable table(2);
  EXPECT_TRUE(std::isnan(table.brier()));
  table.add(2, true);
  EXPECT_TRUE(std::isnan(table.roc_area())) << "no non-event";
  table.add(1, false);
  table.add(0, true);
  table.add(0, false);
  // Pairs (event, non-event): 2 > 1, 2 > 0, 0 < 1, 0 = 0.
  EXPECT_DOUBLE_EQ(table.roc_area(), 2.5 / 4);
  EXPECT_DOUBLE_EQ(table.brier(), (0 + 0.25 + 1 + 0) / 4);
  EXPECT_EQ(table.forecasts(), (std::vector<std::uint64_t>{2, 1, 1}));
  EXPECT_DOUBLE_EQ(table.observed_frequency()[0], 0.5);
}

// Window by window, as the definition says.
double slow_fss(const Events& forecast, int members, const Events& observed, int height, int width, int window,
                Padding padding) {
  const int margin = padding == Padding::zero ? window / 2 : 0;
  double above = 0, below = 0;
  for (int top = -margin; top + window <= height + margin; ++top) {
    for (int left = -margin; left + window <= width + margin; ++left) {
      double f = 0, o = 0;
      for (int y = std::max(top, 0); y < std::min(top + window, height); ++y) {
        for (int x = std::max(left, 0); x < std::min(left + window, width); ++x) {
          f += forecast[static_cast<std::size_t>(y * width + x)];
          o += observed[static_cast<std::size_t>(y * width + x)];
        }
      }
      f /= window * window * members;
      o /= window * window;
      above += (f - o) * (f - o);
      below += f * f + o * o;
    }
  }
  return 1 - above / below;
}

TEST(Fss, EqualsItsDefinitionForEveryWindowAndPadding) {
  const int height = 9, width = 12;
  Events forecast, observed;
  for (std::uint64_t i = 0; i < 108; ++i) {
    forecast.push_back(static_cast<std::uint16_t>(random_below(3, 0, i, 4)));
    observed.push_back(static_cast<std::uint16_t>(random_below(3, 1, i, 2)));
  }
  for (const Padding padding : {Padding::none, Padding::zero}) {
    for (const int window : {1, 3, 5, 9}) {
      FssSums sums(window, padding);
      sums.add(forecast, 3, observed, height, width);
      EXPECT_NEAR(sums.fss(), slow_fss(forecast, 3, observed, height, width, window, padding), 1e-12) << window;
    }
  }
}

TEST(Fss, WithoutEventsOrWindowsHasNoValueAndAddsNothing) {
  FssSums sums(3, Padding::none);
  sums.add(Events(16), 1, Events(16), 4, 4);
  sums.add(Events(4, 1), 1, Events(4), 2, 2);
  EXPECT_TRUE(std::isnan(sums.fss()));
  sums.add(Events(9, 1), 1, Events(9, 1), 3, 3);
  EXPECT_EQ(sums.fss(), 1.0);
}

TEST(LeadScores, LeaveOutPixelsWithoutAValue) {
  const EventRules rules{{1.5}, false, {1}};
  FieldScratch scratch(3);
  LeadScores scores(2, rules, 1, 0, 1, 3);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values{1, nan, 2, 3, 9, 2}, observed{3, 9, nan};
  const CaseScores score = scores.add(values.data(), 3, nullptr, observed, scratch);
  EXPECT_DOUBLE_EQ(score.mae, 1.0);
  EXPECT_DOUBLE_EQ(score.crps, 0.0) << "fair: mean distance 1, mean half distance of two members 1";
  EXPECT_EQ(scores.errors().count(), 1u);
  EXPECT_EQ(scores.thresholds()[0].of_mean.hits, 1u);
  EXPECT_EQ(scores.thresholds()[0].of_mean.count(), 1u);
  EXPECT_DOUBLE_EQ(scores.thresholds()[0].probability.brier(), 0.25);
  EXPECT_TRUE(std::isnan(scores.add(values.data(), 3, nullptr, std::vector<float>(3, nan), scratch).mae));
}

TEST(LeadScores, EventsLieBelowTheThresholdWhereBrightIsLow) {
  FieldScratch scratch(2);
  LeadScores scores(1, {{240}, true, {1}}, 1, 0, 1, 2);
  scores.add(std::vector<float>{230, 250}.data(), 2, nullptr, std::vector<float>{239, 241}, scratch);
  EXPECT_EQ(scores.thresholds()[0].of_mean.hits, 1u);
  EXPECT_EQ(scores.thresholds()[0].of_mean.correct_negatives, 1u);
}

TEST(BlockComparison, FindsADifferenceThatEveryBlockShowsAndNoneInNoise) {
  std::vector<PairedBlock> better, noise;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const double weather = 1 + random_uniform(5, 0, i);
    better.push_back({0.9 * weather + 0.05 * random_uniform(5, 1, i), weather});
    noise.push_back({weather, 1 + random_uniform(5, 2, i)});
  }
  const BlockComparison sure = compare_blocks(better, 1);
  EXPECT_LT(sure.low, sure.ratio);
  EXPECT_LT(sure.ratio, sure.high);
  EXPECT_LT(sure.high, 1.0);
  EXPECT_EQ(sure.blocks_won, 1.0);
  const BlockComparison open = compare_blocks(noise, 1);
  EXPECT_LT(open.low, 1.0);
  EXPECT_GT(open.high, 1.0);
  EXPECT_EQ(compare_blocks(noise, 1).low, open.low);
  EXPECT_TRUE(std::isnan(compare_blocks(std::span(noise).first(1), 1).low));
  EXPECT_TRUE(std::isnan(compare_blocks({}, 1).ratio));
}

}  // namespace
}  // namespace altocast
