// Rolling over an archive: which times, what is scored, and that it is what a station would have forecast.
#include "runtime/station/verification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "runtime/advection/advection_ensemble.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/station/station_forecast.h"
#include "runtime/station/verification_json.h"
#include "runtime/station/verification_page.h"
#include "runtime/time.h"
#include "tests/runtime/frame_files.h"
#include "tests/runtime/small_station.h"
#ifdef ALTOCAST_HAVE_NLOHMANN_JSON
#  include <nlohmann/json.hpp>
#endif

namespace altocast {
namespace {

constexpr int kInputs = 2, kLeads = 2;  // of small_prior

class VerificationTest : public testing::Test {
 protected:
  void SetUp() override {
    SyntheticSettings frames = small_frames();
    frames.frames = 10;
    ASSERT_TRUE(write_synthetic_frames(frames, folder_ / "frames").ok());
    ASSERT_TRUE(save_prior(small_prior(3), folder_ / "station.prior", {PlaneType::f32, PlaneType::f32}).ok());
    prior_ = *load_prior(folder_ / "station.prior");
    settings_.members = 3;
    begin("progress");
  }
  FrameCache frames() { return *FrameCache::open(folder_ / "frames"); }
  Result<Verification> run(FrameCache& cache, int threads = 1) {
    const auto kernels = *make_kernels("", threads);
    return verify(&prior_, cache, settings_, *kernels, *journal_, progress_);
  }
  // With the journal of that name, whose sums are written after every case.
  void begin(const std::string& journal) {
    journal_.reset();
    journal_.emplace(*VerificationJournal::open(folder_ / journal, std::chrono::milliseconds(0)));
  }
  std::vector<VerifiedCase> cases() {
    std::vector<VerifiedCase> all;
    EXPECT_TRUE(journal_
                    ->for_each_case([&](const VerifiedCase& record) {
                      all.push_back(record);
                      return Status();
                    })
                    .ok());
    return all;
  }
  std::string json(const LoadedPrior* prior, const FrameCache& cache, const Verification& result) {
    std::string text;
    EXPECT_TRUE(write_scores_json(prior, cache, settings_, result, *summarise(result, *journal_), *journal_,
                                  [&](std::string_view piece) {
                                    text += piece;
                                    return Status();
                                  })
                    .ok());
    return text;
  }

  TemporaryFolder folder_;
  LoadedPrior prior_;
  VerificationSettings settings_;
  std::optional<VerificationJournal> journal_;
  VerificationProgress progress_;
};

TEST_F(VerificationTest, TakesTimesWithAPairBeforeAndAllTargetsAfter) {
  const FrameCache cache = frames();
  const auto times = [&] { return verification_times(cache, kInputs, kLeads, settings_); };
  EXPECT_EQ(times(), (std::vector<std::size_t>{3, 4, 5, 6, 7}));
  settings_.every = 2;
  EXPECT_EQ(times(), (std::vector<std::size_t>{3, 5, 7}));
  settings_.from = cache.frames()[4].slot;
  EXPECT_EQ(times(), (std::vector<std::size_t>{4, 6}));
  settings_.to = cache.frames()[5].slot;
  EXPECT_EQ(times(), (std::vector<std::size_t>{4}));
}

TEST_F(VerificationTest, ACaseLiesInOneRunAndLearnsFromThoseBeforeToo) {
  std::filesystem::remove(folder_ / "frames/20180606T0200Z.png");  // indices 4 and 5: runs of 4 frames each
  std::filesystem::remove(folder_ / "frames/20180606T0230Z.png");
  FrameCache cache = frames();
  ASSERT_EQ(cache.runs().size(), 2u);
  EXPECT_EQ(verification_times(cache, kInputs, kLeads, settings_), (std::vector<std::size_t>{5}));
  settings_.adaptation.guard = false;
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  ASSERT_EQ(cases().size(), 1u);
  EXPECT_EQ(cases()[0].support_pairs, 1) << "the one before the gap";
  const auto kernels = *make_kernels("", 1);
  AdaptationSettings then;
  then.at = cache.frames()[3].slot;
  EXPECT_EQ(cases()[0].nll_after, adapt(prior_, cache, then, *kernels)->nll_after);

  settings_.to = cache.frames()[4].slot;
  const Result<Verification> none = run(cache);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(
      none.message().find("no time to forecast from is fit until 2018-06-06T03:00Z; it takes 4 frames in one run, "
                          "the last 2 of them after it, and as many in one run up to it, or in the 48 hours"),
      std::string::npos)
      << none.message();
}

// What a case needs of earlier runs is looked through before the first case, as all that it needs.
TEST_F(VerificationTest, ADamagedFrameBeforeAGapIsFoundInTime) {
  std::filesystem::remove(folder_ / "frames/20180606T0230Z.png");  // indices 5 and 6: runs of 5 and 3 frames
  std::filesystem::remove(folder_ / "frames/20180606T0300Z.png");
  settings_.from = frames().frames()[5].slot;
  settings_.adaptation.guard = false;
  const std::string path = folder_ / "frames/20180606T0000Z.png";
  Bytes bytes = read_bytes(path);
  bytes[bytes.size() / 2] ^= 0x10;
  write_bytes(path, bytes);
  FrameCache cache = frames();
  EXPECT_FALSE(run(cache).ok()) << "three frames after the gap are no case";
  SyntheticSettings longer = small_frames();
  longer.frames = 11;
  ASSERT_TRUE(write_synthetic_frames(longer, folder_ / "longer").ok());
  std::filesystem::copy(folder_ / "longer/20180606T0500Z.png", folder_ / "frames/20180606T0500Z.png");
  cache = frames();
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  EXPECT_EQ(cases().at(0).support_pairs, 1) << "one is left";
  ASSERT_EQ(cache.rejected().size(), 1u);
  EXPECT_EQ(cache.rejected()[0].path, path);
}

TEST_F(VerificationTest, ADamagedFrameOfTheSameHourYesterdayIsFoundInTime) {
  SyntheticSettings days = small_frames();
  days.frames = 55;
  ASSERT_TRUE(write_synthetic_frames(days, folder_ / "days").ok());
  FrameCache cache = *FrameCache::open(folder_ / "days");
  settings_.from = settings_.to = cache.frames()[51].slot;
  const std::string path = cache.frames()[1].path;  // of a pair that ends half an hour before yesterday's same time
  Bytes bytes = read_bytes(path);
  bytes[bytes.size() / 2] ^= 0x10;
  write_bytes(path, bytes);
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  ASSERT_EQ(cache.rejected().size(), 1u);
  EXPECT_EQ(cache.rejected()[0].path, path);
  EXPECT_EQ(cases().size(), 1u);
}

TEST_F(VerificationTest, ErrorsEqualADirectComputation) {
  FrameCache cache = frames();
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  ASSERT_EQ(result->case_count, 5u);
  for (std::size_t lead = 0; lead < kLeads; ++lead) {
    double persistence = 0;
    for (std::size_t now = 3; now <= 7; ++now) {
      const Frame past = *cache.load(now), target = *cache.load(now + 1 + lead);
      for (std::size_t i = 0; i < past.pixels.size(); ++i)
        persistence += std::fabs(static_cast<double>(past.pixels[i] - target.pixels[i]));
    }
    const LeadScores& scores = result->systems[kPersistence][lead];
    const auto count = static_cast<double>(5 * cache.height() * cache.width());
    EXPECT_EQ(static_cast<double>(scores.errors().count()), count);
    // The synthetic frames' cache.toml: 330 K − pixel / 1.5.
    EXPECT_NEAR(scores.errors().mae(), persistence / count / 1.5, 1e-4);
    EXPECT_NEAR(scores.ensemble().crps().plain, scores.errors().mae(), 1e-12) << "of a single member";
  }
}

TEST_F(VerificationTest, ACaseIsTheForecastThatTheStationWouldHaveMade) {
  FrameCache cache = frames();
  settings_.from = settings_.to = cache.frames()[5].slot;
  settings_.adaptation.seed = 9;
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();

  std::filesystem::create_directory(folder_ / "past");  // what the station had by then
  for (std::size_t i = 0; i <= 5; ++i) {
    const std::filesystem::path path(cache.frames()[i].path);
    std::filesystem::copy(path, folder_ / "past" / path.filename());
  }
  std::filesystem::copy(folder_ / "frames/cache.toml", folder_ / "past/cache.toml");
  FrameCache past = *FrameCache::open(folder_ / "past");
  const auto kernels = *make_kernels("", 1);
  AdaptationSettings adaptation_settings;
  adaptation_settings.seed = 9;
  const Result<Adaptation> adaptation = adapt(prior_, past, adaptation_settings, *kernels);
  ASSERT_TRUE(adaptation.ok()) << adaptation.message();
  const Result<StationForecast> made = forecast(prior_, adaptation->weights, past, {std::nullopt, 3, 9}, *kernels);
  ASSERT_TRUE(made.ok()) << made.message();
  const VerifiedCase verified = cases().at(0);
  EXPECT_EQ(verified.guard.verdict, GuardVerdict::passed);
  EXPECT_EQ(verified.support_pairs, adaptation->posterior.support_pairs);
  EXPECT_EQ(verified.nll_after, adaptation->nll_after);

  const std::span<const float> values = made->product().values;
  const std::size_t pixels = values.size() / (3 * kLeads);
  for (std::size_t lead = 0; lead < kLeads; ++lead) {
    const Frame target = *cache.load(6 + lead);
    double absolute = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
      double mean = 0;
      for (std::size_t member = 0; member < 3; ++member)
        mean += static_cast<double>(values[(member * kLeads + lead) * pixels + i]) / 3;
      absolute += std::fabs(mean - (330 - static_cast<double>(target.pixels[i]) / 1.5));
    }
    const double expected = absolute / static_cast<double>(pixels);
    EXPECT_NEAR(result->systems[kAdaptedEnsemble][lead].errors().mae(), expected, 1e-4);
    EXPECT_NEAR(verified.scores[kAdaptedEnsemble][lead].mae, expected, 1e-4);
    EXPECT_GT(std::fabs(result->systems[kPriorEnsemble][lead].errors().mae() - expected), 1e-3);
  }
}

// The references' mean absolute errors at one time, straight from the runtime's advection.
TEST_F(VerificationTest, ReferencesAreThoseOfTheAdvection) {
  FrameCache cache = frames();
  settings_.from = settings_.to = cache.frames()[5].slot;
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();

  const auto pixels = static_cast<std::size_t>(cache.height() * cache.width());
  std::vector<float> past;
  for (std::size_t i = 4; i <= 5; ++i) {
    const Frame frame = *cache.load(i, prior_.prior.normalisation);
    past.insert(past.end(), frame.pixels.begin(), frame.pixels.end());
  }
  std::vector<float> advected(kLeads * pixels), smoothed(kLeads * pixels), member(kLeads * pixels),
      sum(kLeads * pixels);
  AdvectionEnsemble advection(cache.height(), cache.width(), kLeads);
  advection.forecast(past, 2, advected, smoothed, nullptr);
  for (int i = 0; i < settings_.members; ++i) {
    advection.forecast_member(settings_.adaptation.seed, i, member, nullptr);
    for (std::size_t at = 0; at < sum.size(); ++at) sum[at] += member[at] / static_cast<float>(settings_.members);
  }
  const ValueScale units = cache.settings().from_normalised(prior_.prior.normalisation);
  for (std::size_t lead = 0; lead < kLeads; ++lead) {
    const Frame target = *cache.load(6 + lead, prior_.prior.normalisation);
    const auto mae = [&](const std::vector<float>& forecast) {
      double absolute = 0;
      for (std::size_t i = 0; i < pixels; ++i)
        absolute += std::fabs(static_cast<double>(forecast[lead * pixels + i] - target.pixels[i]));
      return absolute / static_cast<double>(pixels) * std::fabs(units.scale);
    };
    EXPECT_NEAR(result->systems[kAdvection][lead].errors().mae(), mae(advected), 1e-4);
    EXPECT_NEAR(result->systems[kSmoothedAdvection][lead].errors().mae(), mae(smoothed), 1e-4);
    EXPECT_NEAR(result->systems[kAdvectionEnsemble][lead].errors().mae(), mae(sum), 1e-4);
    EXPECT_GT(std::fabs(mae(advected) - mae(smoothed)), 1e-3);
  }
}

TEST_F(VerificationTest, ReferencesNeedNoPrior) {
  FrameCache cache = frames();
  settings_.leads = kLeads;
  const Result<Verification> with = run(cache);
  const auto kernels = *make_kernels("", 1);
  const Result<Verification> without = verify(nullptr, cache, settings_, *kernels, *journal_, nullptr);
  ASSERT_TRUE(with.ok() && without.ok());
  EXPECT_EQ(with->case_count, without->case_count);
  for (const SystemIndex system : {kPersistence, kAdvection, kSmoothedAdvection, kAdvectionEnsemble}) {
    for (std::size_t lead = 0; lead < kLeads; ++lead) {
      const double mae = with->systems[system][lead].errors().mae();
      EXPECT_NEAR(without->systems[system][lead].errors().mae(), mae, 0.01 * mae) << kSystemNames[system];
    }
  }
  EXPECT_FALSE(without->has(kPriorEnsemble) || without->has(kAdaptedEnsemble));
  EXPECT_EQ(json(nullptr, cache, *without).find("adapted"), std::string::npos);
}

TEST_F(VerificationTest, ScoresAreTheSameForEveryNumberOfThreads) {
  FrameCache cache = frames();
  settings_.every = 4;  // the first case is not adapted to, the second is
  const auto scores = [&](int threads) {
    const Result<Verification> result = run(cache, threads);
    EXPECT_TRUE(result.ok());
    return json(&prior_, cache, *result);
  };
  const std::string one = scores(1);
  begin("another");
  EXPECT_EQ(one, scores(2));
}

TEST_F(VerificationTest, AKilledOneGoesOnToTheSameBits) {
  FrameCache cache = frames();
  progress_ = [&](std::size_t done, std::size_t) {  // what a kill would have left after the third case
    if (done == 3) std::filesystem::copy(folder_ / "progress", folder_ / "killed");
  };
  const Result<Verification> whole = run(cache);
  ASSERT_TRUE(whole.ok()) << whole.message();
  const std::string scores = json(&prior_, cache, *whole);

  std::vector<std::size_t> seen;
  progress_ = [&](std::size_t done, std::size_t) { seen.push_back(done); };
  std::filesystem::resize_file(folder_ / "killed", std::filesystem::file_size(folder_ / "killed") - 5);  // torn
  begin("killed");
  const Result<Verification> resumed = run(cache);
  ASSERT_TRUE(resumed.ok()) << resumed.message();
  EXPECT_EQ(seen, (std::vector<std::size_t>{2, 3, 4, 5})) << "the sums after the third case were torn";
  EXPECT_EQ(json(&prior_, cache, *resumed), scores);

  seen.clear();
  ASSERT_TRUE(run(cache).ok());
  EXPECT_EQ(seen, (std::vector<std::size_t>{5})) << "all is done";
}

TEST_F(VerificationTest, GoesOnWithTheSamePriorFramesAndSettingsOnly) {
  std::vector<std::size_t> seen;
  progress_ = [&](std::size_t done, std::size_t) { seen.push_back(done); };
  const auto first_done = [&] {
    FrameCache cache = frames();
    seen.clear();
    EXPECT_TRUE(run(cache).ok());
    EXPECT_EQ(cases().size(), 5u);
    return seen.at(0);
  };
  EXPECT_EQ(first_done(), 0u);
  EXPECT_EQ(first_done(), 5u);
  settings_.adaptation.seed = 2;
  EXPECT_EQ(first_done(), 0u) << "another seed";
  settings_.adaptation.guard = false;
  EXPECT_EQ(first_done(), 0u) << "without guard";
  std::filesystem::copy(folder_ / "frames/20180606T0100Z.png", folder_ / "frames/20180606T0130Z.png",
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(first_done(), 0u) << "other pixels";
  ASSERT_TRUE(save_prior(small_prior(4), folder_ / "station.prior", {PlaneType::f32, PlaneType::f32}).ok());
  prior_ = *load_prior(folder_ / "station.prior");
  EXPECT_EQ(first_done(), 0u) << "another prior";
  EXPECT_EQ(first_done(), 5u);
}

TEST_F(VerificationTest, TakesNoFileOfOtherThingsForItsProgress) {
  const Result<VerificationJournal> journal = VerificationJournal::open(folder_ / "station.prior");
  ASSERT_FALSE(journal.ok());
  EXPECT_NE(journal.message().find("something else than a verification's progress"), std::string::npos);
  EXPECT_TRUE(load_prior(folder_ / "station.prior").ok()) << "untouched";
}

TEST_F(VerificationTest, WhereTheGuardTurnsWeightsDownTheirForecastIsNotScored) {
  Prior prior = small_prior(3);  // one step of it is far too long
  for (float& rate : prior.rate_mu) rate = 2.0f;
  prior.inner.steps = 1;
  prior.inner.kl_weight = 0;
  ASSERT_TRUE(save_prior(prior, folder_ / "station.prior", {PlaneType::f32, PlaneType::f32}).ok());
  prior_ = *load_prior(folder_ / "station.prior");
  FrameCache cache = frames();
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  const CaseSummary summary = *summarise(*result, *journal_);
  EXPECT_FALSE(summary.verdicts.contains(GuardVerdict::passed));
  EXPECT_EQ(summary.verdicts.at(GuardVerdict::combined), 3u);
  EXPECT_EQ(summary.verdicts.at(GuardVerdict::declined), 1u);
  EXPECT_EQ(summary.verdicts.at(GuardVerdict::untested), 1u);
  EXPECT_EQ(summary.adapted, 3u) << "a combination was learned";
  ASSERT_TRUE(journal_
                  ->for_each_case([&](const VerifiedCase& record) -> Status {
                    const bool same =
                        record.scores[kAdaptedEnsemble].front().crps == record.scores[kPriorEnsemble].front().crps;
                    EXPECT_NE(same, record.guard.adapted()) << "the prior's forecast stands where it is used";
                    return {};
                  })
                  .ok());
}

TEST_F(VerificationTest, AnExampleHoldsTheForecastsOfItsCase) {
  FrameCache cache = frames();
  settings_.from = settings_.to = cache.frames()[5].slot;
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  const auto kernels = *make_kernels("", 1);
  const Result<ExampleCase> example = example_case(&prior_, cache, settings_, *kernels, *settings_.from);
  ASSERT_TRUE(example.ok()) << example.message();
  const std::size_t pixels = example->newest.size();
  for (const SystemIndex system : {kPersistence, kSmoothedAdvection, kPriorEnsemble, kAdaptedEnsemble}) {
    for (std::size_t lead = 0; lead < kLeads; ++lead) {
      double absolute = 0;
      for (std::size_t i = lead * pixels; i < (lead + 1) * pixels; ++i)
        absolute += std::fabs(static_cast<double>(example->forecasts[system].at(i) - example->observed.at(i)));
      EXPECT_NEAR(absolute / static_cast<double>(pixels), result->systems[system][lead].errors().mae(), 1e-4);
    }
  }
}

TEST_F(VerificationTest, ItsPageHoldsPlotsAndMapsAndNeedsNoNetwork) {
  FrameCache cache = frames();
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  const Result<std::vector<Example>> examples = choose_examples(*result, *journal_);
  ASSERT_TRUE(examples.ok());
  ASSERT_EQ(examples->size(), 3u);
  const auto share = [&](std::int64_t time) {
    for (const VerifiedCase& record : cases()) {
      if (record.time != time) continue;
      double sum = 0;
      for (std::size_t lead = 0; lead < kLeads; ++lead)
        sum += record.scores[kAdaptedEnsemble][lead].mae / record.scores[kPersistence][lead].mae;
      return sum;
    }
    return std::nan("");
  };
  EXPECT_LT(share((*examples)[0].time), share((*examples)[1].time));
  EXPECT_LT(share((*examples)[1].time), share((*examples)[2].time));

  const auto kernels = *make_kernels("", 1);
  const std::vector<ExampleCase> maps{*example_case(&prior_, cache, settings_, *kernels, examples->front().time)};
  const std::string page =
      verification_page(&prior_, cache, settings_, *result, *summarise(*result, *journal_), *examples, maps);
  const auto count = [&](std::string_view text) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = page.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  EXPECT_EQ(count("data:image/png;base64,"), 2u * 6u) << "two leads of what was observed and five forecasts";
  EXPECT_EQ(count("<figure"), 7u + 2u + 3u * 4u) << "scores and comparisons, rank histograms, events";
  EXPECT_EQ(count("nan") + count("inf\""), 0u);
  EXPECT_EQ(count("http"), 0u);
  EXPECT_EQ(count("<script"), 0u);
}

TEST_F(VerificationTest, DefaultThresholdsAreTheBrightnessThatFewPixelsExceed) {
  FrameCache cache = frames();
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->rules.below) << "bright is cold";
  ASSERT_EQ(result->rules.thresholds.size(), 3u);
  const auto share_brighter = [&](double raw) {  // of all pixels that are forecast
    double brighter = 0, all = 0;
    for (std::size_t i = 4; i <= 9; ++i) {
      const Frame frame = *cache.load(i);
      for (const float pixel : frame.pixels) {
        brighter += static_cast<double>(pixel) > raw;
        ++all;
      }
    }
    return brighter / all;
  };
  for (std::size_t k = 0; k < 3; ++k) {
    const double raw = (330 - result->rules.thresholds[k]) * 1.5, share = 1 - kDefaultPercentiles[k] / 100;
    EXPECT_NEAR(raw - std::floor(raw), 0.5, 1e-4) << "no pixel lies on a threshold";
    EXPECT_LE(share_brighter(raw), share);
    EXPECT_GT(share_brighter(raw - 1), share);
  }
}

TEST_F(VerificationTest, LeavesOutFramesThatDoNotDecode) {
  const std::string path = folder_ / "frames/20180606T0430Z.png";  // the newest
  Bytes bytes = read_bytes(path);
  bytes[bytes.size() / 2] ^= 0x10;
  write_bytes(path, bytes);
  FrameCache cache = frames();
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok()) << result.message();
  EXPECT_EQ(result->case_count, 4u);
  ASSERT_EQ(cache.rejected().size(), 1u);
  EXPECT_EQ(cache.rejected()[0].path, path);
}

TEST_F(VerificationTest, SaysWhenAFileChangesUnderItsHands) {
  FrameCache cache = frames();
  progress_ = [&](std::size_t done, std::size_t) {
    if (done == 1) std::filesystem::remove(folder_ / "frames/20180606T0300Z.png");
  };
  const Result<Verification> result = run(cache);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.message().find("at 2018-06-06T02:00Z: "), 0u) << result.message();
  EXPECT_NE(result.message().find("20180606T0300Z.png: has changed"), std::string::npos) << result.message();
}

#ifdef ALTOCAST_HAVE_NLOHMANN_JSON
TEST_F(VerificationTest, ScoresJsonHoldsEverySystemAndLead) {
  FrameCache cache = frames();
  const Result<Verification> result = run(cache);
  ASSERT_TRUE(result.ok());
  const nlohmann::json json = nlohmann::json::parse(VerificationTest::json(&prior_, cache, *result));
  EXPECT_EQ(json["case_count"], 5);
  EXPECT_EQ(json["cases"].size(), 5u);
  EXPECT_EQ(json["units"], "K");
  EXPECT_EQ(json["settings"]["event"], "below");
  ASSERT_EQ(json["systems"].size(), 6u);
  const std::uint64_t pixels = 5 * 21 * 26;
  for (const char* name : kSystemNames) {
    ASSERT_EQ(json["systems"][name]["leads"].size(), 2u);
    EXPECT_GT(json["systems"][name]["energy_score"].get<double>(),
              json["systems"][name]["leads"][1]["crps"].get<double>() * 0.9)
        << "a distance in both leads is no less than that in one";
    for (const nlohmann::json& lead : json["systems"][name]["leads"]) {
      EXPECT_EQ(lead["pixels"], pixels);
      EXPECT_TRUE(lead["mae"].is_number() && lead["rmse"].is_number() && lead["crps"].is_number());
      EXPECT_LE(lead["mae"].get<double>(), lead["rmse"].get<double>());
      ASSERT_EQ(lead["thresholds"].size(), 3u);
      const nlohmann::json& mean = lead["thresholds"][0]["mean"];
      EXPECT_EQ(mean["hits"].get<std::uint64_t>() + mean["false_alarms"].get<std::uint64_t>() +
                    mean["misses"].get<std::uint64_t>() + mean["correct_negatives"].get<std::uint64_t>(),
                pixels);
      EXPECT_EQ(mean["fss"].size(), 2u);
    }
  }
  EXPECT_TRUE(json["systems"]["persistence"]["leads"][0]["fair_crps"].is_null()) << "of one member";
  const auto ranks = json["systems"]["adapted"]["leads"][1]["rank_histogram"].get<std::vector<std::uint64_t>>();
  ASSERT_EQ(ranks.size(), 4u);
  EXPECT_EQ(ranks[0] + ranks[1] + ranks[2] + ranks[3], pixels);
  ASSERT_EQ(json["comparisons"].size(), 12u);
  const nlohmann::json& comparison = json["comparisons"][1];
  EXPECT_EQ(comparison["system"], "adapted");
  EXPECT_EQ(comparison["reference"], "persistence");
  EXPECT_NEAR(comparison["leads"][0]["ratio"].get<double>(),
              json["systems"]["adapted"]["leads"][0]["mae_over_persistence"].get<double>(), 1e-9);
}
#endif

}  // namespace
}  // namespace altocast
