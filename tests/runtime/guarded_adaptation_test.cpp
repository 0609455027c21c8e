// The guard: what it tests on, when it turns an adaptation down, and that the prior's own forecast is what remains.
#include "runtime/station/guarded_adaptation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "runtime/advection/optical_flow.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/station/station_forecast.h"
#include "runtime/station/verification.h"
#include "runtime/time.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/frame_files.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

constexpr int kInputs = 2, kLeads = 2;  // of small_prior

class GuardTest : public testing::Test {
 protected:
  void SetUp() override {
    SyntheticSettings frames = small_frames();
    frames.frames = 9;
    ASSERT_TRUE(write_synthetic_frames(frames, folder_ / "frames").ok());
    load(small_prior(3));
  }
  void load(const Prior& prior) {
    ASSERT_TRUE(save_prior(prior, folder_ / "station.prior", {PlaneType::f32, PlaneType::f32}).ok());
    prior_ = *load_prior(folder_ / "station.prior");
  }
  // With inner rates at which one step is far too long, but the weights stay finite.
  void load_overshooting_prior() {
    Prior prior = small_prior(3);
    for (float& rate : prior.rate_mu) rate = 2.0f;
    prior.inner.steps = 1;
    prior.inner.kl_weight = 0;
    load(prior);
  }
  FrameCache frames() { return *FrameCache::open(folder_ / "frames"); }
  Result<GuardedAdaptation> run() {
    FrameCache cache = frames();
    return guarded_adaptation(prior_, cache, settings_, *kernels_);
  }
  void keep_frames(std::size_t count) {
    const FrameCache cache = frames();
    for (std::size_t i = count; i < cache.frames().size(); ++i) std::filesystem::remove(cache.frames()[i].path);
  }
  void expect_prior(const GuardedAdaptation& guarded) {
    EXPECT_FALSE(guarded.guard.adapted());
    EXPECT_FALSE(guarded.guard.reason.empty());
    EXPECT_EQ(guarded.adaptation.weights.mu, prior_.prior.mu);
    EXPECT_EQ(guarded.adaptation.weights.rho, prior_.prior.rho);
    EXPECT_TRUE(guarded.adaptation.posterior.frames.empty());
    EXPECT_TRUE(validate(guarded.adaptation.posterior).ok());
  }

  TemporaryFolder folder_;
  LoadedPrior prior_;
  AdaptationSettings settings_;
  std::unique_ptr<Kernels<float>> kernels_ = *make_kernels("", 1);
};

TEST_F(GuardTest, ItsTrialIsTheVerifiedCaseWhoseLastLeadEndsNow) {
  const Result<GuardedAdaptation> guarded = run();
  ASSERT_TRUE(guarded.ok()) << guarded.message();
  EXPECT_EQ(guarded->guard.held_back, kLeads);
  EXPECT_EQ(guarded->guard.trial_pairs, 3);

  FrameCache cache = frames();
  VerificationSettings settings;
  settings.from = settings.to = cache.frames()[8 - kLeads].slot;
  settings.members = kGuardMembers;
  settings.adaptation.guard = false;
  VerificationJournal journal = *VerificationJournal::open(folder_ / "progress");
  const Result<Verification> verified = verify(&prior_, cache, settings, *kernels_, journal, nullptr);
  ASSERT_TRUE(verified.ok()) << verified.message();
  const auto crps = [&](SystemIndex system) {
    double sum = 0;
    for (const LeadScores& scores : verified->systems[system]) sum += scores.ensemble().crps().fair / kLeads;
    return sum;
  };
  EXPECT_NEAR(guarded->guard.prior_crps, crps(kPriorEnsemble), 1e-9);
  EXPECT_NEAR(guarded->guard.adapted_crps, crps(kAdaptedEnsemble), 1e-9);
}

TEST_F(GuardTest, AnAdaptationThatHelpsIsThatOfTheNewestPairs) {
  const Result<GuardedAdaptation> guarded = run();
  ASSERT_TRUE(guarded.ok()) << guarded.message();
  EXPECT_EQ(guarded->guard.verdict, GuardVerdict::passed);
  EXPECT_LT(guarded->guard.adapted_crps, guarded->guard.prior_crps);
  FrameCache cache = frames();
  const Result<Adaptation> plain = adapt(prior_, cache, settings_, *kernels_);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(guarded->adaptation.weights.mu, plain->weights.mu);
  EXPECT_EQ(guarded->adaptation.weights.rho, plain->weights.rho);
  EXPECT_EQ(guarded->adaptation.last_time, cache.frames().back().slot);
}

TEST_F(GuardTest, AnAdaptationThatForecastsWorseIsTurnedDown) {
  load_overshooting_prior();
  const Result<GuardedAdaptation> guarded = run();
  ASSERT_TRUE(guarded.ok()) << guarded.message();
  EXPECT_EQ(guarded->guard.verdict, GuardVerdict::combined) << "what it was combined with helps by itself";
  EXPECT_GT(guarded->guard.adapted_crps, guarded->guard.combined_crps);
  EXPECT_LT(guarded->guard.combined_crps, guarded->guard.prior_crps);
  EXPECT_TRUE(guarded->guard.adapted());
  EXPECT_FALSE(guarded->guard.reason.empty());
  EXPECT_EQ(guarded->adaptation.weights.mu, prior_.prior.mu);
  EXPECT_EQ(guarded->adaptation.weights.rho, prior_.prior.rho);
  EXPECT_NE(guarded->adaptation.weights.combination, default_combination(kLeads));
  EXPECT_EQ(guarded->adaptation.posterior.combination, guarded->adaptation.weights.combination);
  EXPECT_FALSE(guarded->adaptation.posterior.frames.empty());
}

// Frames too small for a flow leave no combination to learn.
TEST_F(GuardTest, WhereNothingHelpsThePriorIsUsedAsItIs) {
  load_overshooting_prior();
  const FrameCache tall = frames();
  for (std::size_t i = 0; i < tall.frames().size(); ++i)
    write_bytes(tall.frames()[i].path, frame_png(26, OpticalFlow::kLeastSide - 1, static_cast<int>(7 * i)));
  const Result<GuardedAdaptation> guarded = run();
  ASSERT_TRUE(guarded.ok()) << guarded.message();
  EXPECT_EQ(guarded->guard.verdict, GuardVerdict::declined);
  EXPECT_EQ(guarded->guard.combined_crps, guarded->guard.prior_crps);
  EXPECT_GT(guarded->guard.adapted_crps, guarded->guard.prior_crps);
  expect_prior(*guarded);
  const auto hash = [&](const AdaptedWeights& weights) {
    FrameCache cache = frames();
    return forecast_hash(forecast(prior_, weights, cache, {std::nullopt, 2, 1}, *kernels_)->product());
  };
  EXPECT_EQ(hash(guarded->adaptation.weights), hash(prior_weights(prior_.prior)));
}

TEST_F(GuardTest, OptedOutOfItIsThePlainAdaptation) {
  load_overshooting_prior();
  settings_.guard = false;
  const Result<GuardedAdaptation> guarded = run();
  ASSERT_TRUE(guarded.ok()) << guarded.message();
  EXPECT_EQ(guarded->guard.verdict, GuardVerdict::off);
  EXPECT_TRUE(guarded->guard.adapted());
  FrameCache cache = frames();
  EXPECT_EQ(guarded->adaptation.weights.mu, adapt(prior_, cache, settings_, *kernels_)->weights.mu);
}

TEST_F(GuardTest, AShortRunHoldsFewerFramesBackAndTheShortestNone) {
  keep_frames(kInputs + kLeads + 1);
  const Result<GuardedAdaptation> one = run();
  ASSERT_TRUE(one.ok()) << one.message();
  EXPECT_EQ(one->guard.held_back, 1);
  EXPECT_EQ(one->guard.trial_pairs, 1);

  keep_frames(kInputs + kLeads);
  const Result<GuardedAdaptation> none = run();
  ASSERT_TRUE(none.ok()) << none.message();
  EXPECT_EQ(none->guard.verdict, GuardVerdict::untested);
  expect_prior(*none);

  keep_frames(kInputs + kLeads - 1);
  const Result<GuardedAdaptation> too_few = run();
  ASSERT_FALSE(too_few.ok());
  EXPECT_NE(too_few.message().find("needs 4 frames in one run"), std::string::npos) << too_few.message();
}

// Frames 0 … 5 and, after a gap that is not bridged, 8 and those that follow.
TEST_F(GuardTest, AfterAGapItTriesAndLearnsOnTheFramesBefore) {
  SyntheticSettings longer = small_frames();
  longer.frames = 11;
  ASSERT_TRUE(write_synthetic_frames(longer, folder_ / "gap").ok());
  const auto name = [&](int i) {
    return folder_ / ("gap/" + format_compact_time(longer.start_time + i * 1800) + ".png");
  };
  for (const int lost : {6, 7}) std::filesystem::remove(name(lost));
  const auto guarded = [&] {
    FrameCache cache = *FrameCache::open(folder_ / "gap");
    return guarded_adaptation(prior_, cache, settings_, *kernels_);
  };
  const auto slot = [&](int i) { return longer.start_time + i * 1800; };

  const Result<GuardedAdaptation> third = guarded();
  ASSERT_TRUE(third.ok()) << third.message();
  EXPECT_EQ(third->guard.held_back, 1) << "the newest frame, by a forecast from the two before it";
  EXPECT_EQ(third->guard.trial_from, slot(9));
  EXPECT_EQ(third->guard.trial_pairs, 3);

  std::filesystem::remove(name(10));
  const Result<GuardedAdaptation> second = guarded();
  ASSERT_TRUE(second.ok()) << second.message();
  EXPECT_EQ(second->guard.held_back, kLeads) << "before the gap";
  EXPECT_EQ(second->guard.trial_from, slot(3));
  EXPECT_EQ(second->guard.trial_pairs, 1);
  ASSERT_TRUE(second->guard.adapted());
  EXPECT_EQ(second->adaptation.posterior.support_pairs, 3) << "all that there are, those held back among them";
  EXPECT_EQ(second->adaptation.earlier_pairs, 3);
  EXPECT_EQ(second->adaptation.first_time, slot(0));
  EXPECT_EQ(second->adaptation.last_time, slot(5));
  EXPECT_NE(decision_of(second->guard).find("Forecasts of the 2 frames after 2018-06-06T01:30Z, held back"),
            std::string::npos)
      << decision_of(second->guard);
}

TEST_F(GuardTest, AnAdaptationThatDivergesIsNoFailure) {
  settings_.rate_scale = 1e6f;
  const Result<GuardedAdaptation> guarded = run();
  ASSERT_TRUE(guarded.ok()) << guarded.message();
  EXPECT_EQ(guarded->guard.verdict, GuardVerdict::failed);
  EXPECT_NE(guarded->guard.reason.find("--rate-scale"), std::string::npos) << guarded->guard.reason;
  expect_prior(*guarded);
}

TEST(Guard, ItsDecisionTellsTheReasonAndWhatTheTrialFound) {
  Guard guard;
  EXPECT_EQ(decision_of(guard), "The guard is off.");
  guard = {GuardVerdict::declined, 8, 4, 2.0, 2.25, 2.5, "adapted weights were worse", 1528286400};
  const std::string trial = "Forecasts of the 8 frames after 2018-06-06T12:00Z, held back: CRPS ";
  EXPECT_EQ(decision_of(guard), "adapted weights were worse. " + trial + "2.5, the prior's 2.");
  guard.verdict = GuardVerdict::combined;
  EXPECT_EQ(decision_of(guard), "Only the combination with advection is learned: adapted weights were worse. " + trial +
                                    "2.25, the prior's 2.");
  guard = {GuardVerdict::passed, 8, 4, 2.0, 2.25, 1.5, "", 1528286400};
  EXPECT_EQ(decision_of(guard), trial + "1.5, the prior's 2.");
  guard = {GuardVerdict::untested, 0, 0, 0, 0, 0, "the runs are too short", 0};
  EXPECT_EQ(decision_of(guard), "the runs are too short.");
}

TEST_F(GuardTest, LooksNoFurtherThanNow) {
  FrameCache cache = frames();
  settings_.at = cache.frames()[6].slot;
  const Result<GuardedAdaptation> at = run();
  settings_.at.reset();
  keep_frames(7);
  const Result<GuardedAdaptation> newest = run();
  ASSERT_TRUE(at.ok() && newest.ok());
  EXPECT_EQ(guard_json(at->guard), guard_json(newest->guard));
  EXPECT_EQ(at->adaptation.weights.mu, newest->adaptation.weights.mu);
}

}  // namespace
}  // namespace altocast
