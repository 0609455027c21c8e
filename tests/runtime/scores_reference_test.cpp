// The scores against expected values of the field's public verification packages, in reference/metrics of the
// shared folder; skipped where that is absent.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "runtime/scores/contingency.h"
#include "runtime/scores/ensemble_scores.h"
#include "runtime/scores/errors.h"
#include "runtime/scores/fss.h"
#include "runtime/scores/probability.h"

namespace altocast {
namespace {

using nlohmann::json;

class ScoresReference : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = ALTOCAST_SHARED_DIR "/reference/metrics/scores.json";
    std::ifstream file(path);
    if (!file) GTEST_SKIP() << path << " is not there";
    reference_ = json::parse(file);
  }
  json reference_;
};

// Half a unit of the last of the digits that the expected values are given with.
constexpr double kDigits = 6e-8;

std::vector<double> numbers(const json& array) { return array.get<std::vector<double>>(); }

TEST_F(ScoresReference, CrpsOfEnsembles) {
  ASSERT_GE(reference_["crps_ensemble"].size(), 10u);
  for (const json& one : reference_["crps_ensemble"]) {
    const Crps crps = crps_ensemble(numbers(one["ens"]), one["obs"]);
    EXPECT_NEAR(crps.plain, one["crps"].get<double>(), kDigits) << one;
    if (!one.contains("fair")) continue;
    if (one["fair"].is_null()) {
      EXPECT_TRUE(std::isnan(crps.fair)) << one;
    } else {
      EXPECT_NEAR(crps.fair, one["fair"].get<double>(), kDigits) << one;
    }
  }
}

TEST_F(ScoresReference, CrpsOfGaussians) {
  ASSERT_FALSE(reference_["crps_gaussian"].empty());
  for (const json& one : reference_["crps_gaussian"])
    EXPECT_NEAR(crps_gaussian(one["mean"], one["sd"], one["obs"]), one["crps"].get<double>(), 1e-10) << one;
}

TEST_F(ScoresReference, BrierScoreOfEnsembles) {
  ASSERT_FALSE(reference_["brier_ensemble"].empty());
  for (const json& one : reference_["brier_ensemble"]) {
    const double threshold = one["threshold"];
    int events = 0;
    for (const double member : numbers(one["ens"])) events += member > threshold;
    ProbabilityTable table(static_cast<int>(one["ens"].size()));
    table.add(events, one["obs"].get<double>() > threshold);
    EXPECT_NEAR(table.brier(), one["brier"].get<double>(), 1e-14) << one;
    EXPECT_NEAR(table.fair_brier(), one["fair"].get<double>(), 1e-14) << one;
  }
}

TEST_F(ScoresReference, ContingencyTables) {
  ASSERT_FALSE(reference_["contingency"].empty());
  for (const json& one : reference_["contingency"]) {
    const ContingencyTable table{one["hits"], one["false_alarms"], one["misses"], one["correct_negatives"]};
    const std::map<std::string, double> scores{{"ACC", table.accuracy()}, {"BIAS", table.frequency_bias()},
                                               {"POD", table.pod()},      {"FAR", table.far()},
                                               {"POFD", table.pofd()},    {"CSI", table.csi()},
                                               {"HSS", table.hss()},      {"ETS", table.ets()},
                                               {"SEDI", table.sedi()},    {"MCC", table.mcc()},
                                               {"F1", table.f1()}};
    EXPECT_EQ(one.size(), scores.size() + 4) << "every expected score is compared";
    for (const auto& [name, score] : scores) EXPECT_NEAR(score, one[name].get<double>(), kDigits) << name;
  }
}

TEST_F(ScoresReference, ErrorsOfPairs) {
  ASSERT_FALSE(reference_["continuous"].empty());
  for (const json& one : reference_["continuous"]) {
    ErrorSums sums;
    for (std::size_t i = 0; i < one["obs"].size(); ++i) sums.add(one["forecast"][i], one["obs"][i]);
    EXPECT_NEAR(sums.bias(), one["ME"].get<double>(), 1e-12);
    EXPECT_NEAR(sums.mae(), one["MAE"].get<double>(), 1e-12);
    EXPECT_NEAR(sums.mse(), one["MSE"].get<double>(), 1e-12);
    EXPECT_NEAR(sums.rmse(), one["RMSE"].get<double>(), kDigits);
    EXPECT_NEAR(sums.correlation(), one["Pearson"].get<double>(), 6e-7);
  }
}

TEST_F(ScoresReference, FractionsSkillScore) {
  const json& fss = reference_["fss"];
  ASSERT_EQ(fss["event"], "value > 2");
  const auto events = [](const json& rows) {
    std::vector<std::uint16_t> flat;
    for (const json& row : rows) {
      for (const double value : numbers(row)) flat.push_back(value > 2);
    }
    return flat;
  };
  const int height = static_cast<int>(fss["obs"].size()), width = static_cast<int>(fss["obs"][0].size());
  ASSERT_FALSE(fss["cases"].empty());
  for (const json& one : fss["cases"]) {
    ASSERT_EQ(one["window"][0], one["window"][1]);
    FssSums sums(one["window"][0], one["padding"] == "zero" ? Padding::zero : Padding::none);
    sums.add(events(fss["forecast"]), 1, events(fss["obs"]), height, width);
    EXPECT_NEAR(sums.fss(), one["fss"].get<double>(), 1e-10) << one;
  }
}

// The polar method on mt19937 as the reference's generator has it: 53-bit uniform numbers, of each pair the
// second first.
class PolarNormals {
 public:
  double next() {
    if (cached_) {
      cached_ = false;
      return cache_;
    }
    double x1 = 0, x2 = 0, r2 = 0;
    do {
      x1 = 2 * uniform() - 1;
      x2 = 2 * uniform() - 1;
      r2 = x1 * x1 + x2 * x2;
    } while (r2 >= 1 || r2 == 0);
    const double f = std::sqrt(-2 * std::log(r2) / r2);
    cache_ = f * x1;
    cached_ = true;
    return f * x2;
  }

 private:
  double uniform() {
    const std::uint32_t a = static_cast<std::uint32_t>(engine_()) >> 5;
    const std::uint32_t b = static_cast<std::uint32_t>(engine_()) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
  }
  std::mt19937 engine_{42};
  bool cached_ = false;
  double cache_ = 0;
};

TEST_F(ScoresReference, RankHistogram) {
  PolarNormals normals;
  double observed[3][3], members[3][3][3];
  for (auto& row : observed) {
    for (double& value : row) value = normals.next();
  }
  for (auto& plane : members) {
    for (auto& row : plane) {
      for (double& value : row) value = normals.next();
    }
  }
  ASSERT_FALSE(reference_["rank_histogram"].empty());
  const json& expected = reference_["rank_histogram"][0]["expected"];
  ASSERT_EQ(expected.size(), 3u);
  for (std::size_t column = 0; column < 3; ++column) {
    EnsembleSums sums(3, 1, 0);
    for (std::size_t row = 0; row < 3; ++row) sums.add(members[row][column], observed[row][column]);
    EXPECT_EQ(sums.rank_histogram(), expected[column].get<std::vector<std::uint64_t>>()) << column;
  }
}

TEST_F(ScoresReference, EnergyScore) {
  ASSERT_FALSE(reference_["energy_score"].empty());
  for (const json& one : reference_["energy_score"]) {
    std::vector<double> members;
    for (const json& member : one["members"]) {
      for (const double value : numbers(member)) members.push_back(value);
    }
    EXPECT_NEAR(energy_score(members, numbers(one["obs"])), one["energy"].get<double>(), kDigits);
  }
}

}  // namespace
}  // namespace altocast
