// The station's loop and its parts: settings, plan, what stands on disk, and steps over frames that come, fail to come,
// or come damaged.
#include <gtest/gtest.h>
#include <poll.h>

#include <cmath>
#include <sstream>

#include "runtime/kernels/make_kernels.h"
#include "runtime/station/verification.h"
#include "runtime/watch/folder_watch.h"
#include "runtime/watch/station.h"
#include "tests/runtime/frame_files.h"
#include "tests/runtime/small_station.h"
#include "tests/runtime/watch_station.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

// settings

constexpr const char* kLeast = "prior = \"p\"\noutput = \"out\"\n[frames]\nfolder = \"in\"\n";

TEST(StationSettings, APathIsRelativeToTheSettingsOwnFolder) {
  const auto settings =
      parse_station_settings("prior = \"/p\"\noutput = \"out\"\n[frames]\nfolder = \"../in\"\n", "/etc/a/s.toml");
  ASSERT_TRUE(settings.ok()) << settings.message();
  EXPECT_EQ(settings->prior, "/p");
  EXPECT_EQ(settings->output, "/etc/a/out");
  EXPECT_EQ(settings->frames, "/etc/in");
}

TEST(StationSettings, EveryKeyIsRead) {
  const auto settings = parse_station_settings(
      std::string(kLeast) +
          "poll_seconds = 7\nsilent_after = 40\n"
          "[forecast]\nmembers = 12\nleast_members = 3\nmember_pictures = 2\nseed = 9\ncatch_up = 90\n"
          "[adaptation]\nenabled = false\nguard = false\nevery = 60\npairs = 5\nsteps = 2\nrate_scale = 0.5\n"
          "[compute]\nthreads = 3\nnice = 5\nbudget = 100\n"
          "[keep]\nruns = 10\nhours = 24\nmib = 300\nfree_mib = 50\n",
      "s.toml");
  ASSERT_TRUE(settings.ok()) << settings.message();
  EXPECT_EQ(settings->poll_seconds, 7);
  EXPECT_EQ(settings->silent_seconds, 2400);
  EXPECT_EQ(settings->members, 12);
  EXPECT_EQ(settings->least_members, 3);
  EXPECT_EQ(settings->member_pictures, 2);
  EXPECT_EQ(settings->seed, 9u);
  EXPECT_EQ(settings->catch_up_seconds, 5400);
  EXPECT_FALSE(settings->adapt);
  EXPECT_FALSE(settings->guard);
  EXPECT_EQ(settings->adapt_every_seconds, 3600);
  EXPECT_EQ(settings->pairs, 5);
  EXPECT_EQ(settings->steps, 2);
  EXPECT_EQ(settings->rate_scale, 0.5f);
  EXPECT_EQ(settings->threads, 3);
  EXPECT_EQ(settings->nice, 5);
  EXPECT_EQ(settings->budget_seconds, 100);
  EXPECT_EQ(settings->keep.runs, 10);
  EXPECT_EQ(settings->keep.seconds, 86400);
  EXPECT_EQ(settings->keep.bytes, std::uint64_t{300} << 20);
  EXPECT_EQ(settings->keep.free_bytes, std::uint64_t{50} << 20);
}

TEST(StationSettings, FramesTakesEveryKeyOfCacheToml) {
  const std::string keys =
      "cadence = 10\nchannel = \"infrared\"\nregion = \"Caribbean\"\nunits = \"K\"\nscale = -0.5\noffset = 330\n"
      "range = [180, 320]\ncrop = [600, 900, 1024, 1024]\ndownscale = 4\nbridge = 2\naccept = [\"overlaid\"]\n"
      "feed.satellite = \"GOES16\"\nfeed.region = \"FD\"\nfeed.channel = \"CH13\"\nfeed.layout = \"goestools\"\n"
      "station = \"Hut\"\npalette = \"enhanced\"\nthresholds = [240, 220.5]\ncoastlines = \"coast.txt\"\n";
  const std::string box = "georeference]\nprojection = \"latitude_longitude\"\nbox = [19, -89, -9, -61]\n";
  const auto station = parse_station_settings(kLeast + keys + "[frames." + box, "/etc/a/s.toml");
  const auto cache = parse_frame_cache_settings(keys + "[" + box, "/etc/a/cache.toml");
  ASSERT_TRUE(station.ok()) << station.message();
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_TRUE(station->says_images);
  const FrameCacheSettings& images = station->images;
  EXPECT_EQ(images.cadence_seconds, 600);
  EXPECT_EQ(images.channel, "infrared");
  EXPECT_EQ(images.region, "Caribbean");
  EXPECT_EQ(images.units, "K");
  EXPECT_EQ(images.values.scale, -0.5);
  EXPECT_EQ(images.range_high, 320.0);
  EXPECT_EQ(images.crop->left, 900);
  EXPECT_EQ(images.downscale, 4);
  EXPECT_EQ(images.bridge, 2);
  EXPECT_EQ(images.accept, std::vector{FrameFault::overlaid});
  EXPECT_EQ(images.feed, cache->feed);
  EXPECT_EQ(images.products.station, "Hut");
  EXPECT_EQ(images.products.palette, Palette::enhanced);
  EXPECT_EQ(images.products.thresholds, (std::vector{240.0f, 220.5f}));
  EXPECT_EQ(images.products.coastlines, "/etc/a/coast.txt");
  EXPECT_EQ(images.products.box->south, -9.0);
  EXPECT_EQ(images.source, "[frames] of /etc/a/s.toml");

  EXPECT_FALSE(parse_station_settings(kLeast, "s.toml")->says_images) << "cache.toml in the folder may say it";
}

// The example says what every key is by default: with its comments' marks taken off, it means the same.
TEST(StationSettings, TheExampleNamesTheDefaults) {
  const std::string path = ALTOCAST_SOURCE_DIR "/share/altocast/station.toml";
  const std::string text = WatchStation::text(path);
  std::string uncommented;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool key =
        line.starts_with("# ") && line.find(" = ") != std::string::npos && line.find(' ', 2) == line.find(" = ");
    uncommented += (key ? line.substr(2) : line) + "\n";
  }
  const auto plain = parse_station_settings(text, path), full = parse_station_settings(uncommented, path);
  ASSERT_TRUE(plain.ok()) << plain.message();
  ASSERT_TRUE(full.ok()) << full.message();
  EXPECT_EQ(plain->members, full->members);
  EXPECT_EQ(plain->least_members, full->least_members);
  EXPECT_EQ(plain->member_pictures, full->member_pictures);
  EXPECT_EQ(plain->seed, full->seed);
  EXPECT_EQ(plain->catch_up_seconds, full->catch_up_seconds);
  EXPECT_EQ(plain->poll_seconds, full->poll_seconds);
  EXPECT_EQ(plain->silent_seconds, full->silent_seconds);
  EXPECT_EQ(plain->adapt, full->adapt);
  EXPECT_EQ(plain->guard, full->guard);
  EXPECT_EQ(plain->adapt_every_seconds, full->adapt_every_seconds);
  EXPECT_EQ(plain->rate_scale, full->rate_scale);
  EXPECT_EQ(plain->threads, full->threads);
  EXPECT_EQ(plain->nice, full->nice);
  EXPECT_EQ(plain->memory_limit, full->memory_limit);
  EXPECT_EQ(plain->keep.runs, full->keep.runs);
  EXPECT_EQ(plain->keep.seconds, full->keep.seconds);
  EXPECT_EQ(plain->keep.bytes, full->keep.bytes);
  EXPECT_EQ(plain->keep.free_bytes, full->keep.free_bytes);
  EXPECT_EQ(full->pairs, 8);
  EXPECT_EQ(full->budget_seconds, 300);
}

TEST(StationSettings, WhatIsWrongIsNamedWithItsLine) {
  const std::pair<std::string, const char*> cases[] = {
      {"prior = 3\n", "s.toml, line 1: prior must be text"},
      {"output = \"out\"\n[frames]\nfolder = \"in\"\n", "prior = \"FILE\" is missing"},
      {"prior = \"p\"\noutput = \"out\"\n", "[frames] with folder"},
      {std::string(kLeast) + "folders = 1\n", "line 5: unknown key 'folders'; known are folder, poll_seconds"},
      {std::string(kLeast) + "downscale = 0\n", "s.toml, line 5: downscale must be"},
      {std::string(kLeast) + "feed.chanel = \"13\"\n", "s.toml, line 5: unknown key 'chanel'"},
      {std::string(kLeast) + "[forecast]\nmembers = 0\n", "line 6: members must be a whole number from 1"},
      {std::string(kLeast) + "[forecast]\nmembers = 4\nleast_members = 5\n", "line 7: least_members must not be above"},
      {std::string(kLeast) + "[adaptation]\nrate_scale = 0.0\n", "line 6: rate_scale must be above 0"},
      {std::string(kLeast) + "[keep\n", "line 5"},
      {"keep = 3\n" + std::string(kLeast), "keep must be a table"},
      {"prior = \"p\"\noutput = \"in/out\"\n[frames]\nfolder = \"in\"\n", "lies in the folder of the frames"},
  };
  for (const auto& [text, message] : cases) {
    const auto settings = parse_station_settings(text, "s.toml");
    ASSERT_FALSE(settings.ok()) << text;
    EXPECT_NE(settings.message().find(message), std::string::npos) << settings.message();
  }
}

// plan

TEST(SlotPlan, TakesOffMembersThenStepsThenTheAdaptation) {
  const SlotCosts costs{10, 1, 2};
  const SlotPlan wanted{3, 16};
  EXPECT_DOUBLE_EQ(planned_seconds(wanted, costs), 58);
  EXPECT_EQ(plan_slot(wanted, 4, costs, 70), wanted);
  EXPECT_EQ(plan_slot(wanted, 4, costs, 60), (SlotPlan{3, 8}));
  EXPECT_EQ(plan_slot(wanted, 4, costs, 50), (SlotPlan{2, 4}));
  EXPECT_EQ(plan_slot(wanted, 4, costs, 10), (SlotPlan{0, 4}));
  EXPECT_EQ(plan_slot(wanted, 4, costs, 1), (SlotPlan{0, 1})) << "a late forecast rather than none";
  EXPECT_EQ(plan_slot(wanted, 4, {}, 1), wanted) << "nothing is known yet";
}

// history

TEST(VerificationHistory, ReadsBackWhatItWrote) {
  const std::vector<CheckedForecast> history = {{1528243200, 1, 16, 0.5, 1.25, 0.75},
                                                {1528243200, 2, 16, 1e-9, 3, 1.0 / 3}};
  const std::string text = history_text(history);
  const auto read = parse_history(text, "v.csv");
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_EQ(history_text(*read), text);
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[1].advection, 1.0 / 3);
  const auto summary = summarise(*read);
  ASSERT_EQ(summary.size(), 2u);
  EXPECT_EQ(summary[0].persistence, 1.25);
}

TEST(VerificationHistory, RefusesWhatItDidNotWrite) {
  const std::string text = history_text(std::vector<CheckedForecast>{{1528243200, 1, 16, 0.5, 1.25, 0.75}});
  for (std::size_t length = 0; length < text.size() - 1; ++length) {
    const auto read = parse_history(text.substr(0, length), "v.csv");
    // Cut between lines, or within the last number, it still is what could have been written.
    if (read.ok()) {
      EXPECT_TRUE(read->empty() || read->front().from == 1528243200);
    }
  }
  EXPECT_FALSE(parse_history("", "v.csv").ok());
  EXPECT_FALSE(parse_history(text + "x\n", "v.csv").ok());
  EXPECT_FALSE(parse_history(std::string(200, '\0'), "v.csv").ok());
}

// steps

class StationSteps : public testing::Test {
 protected:
  StationSteps() : station_(small_prior(3), frames(), kOptions) {
    EXPECT_TRUE(station_.good());
    replace_system_file_calls(&calls_);
  }
  ~StationSteps() override { replace_system_file_calls(nullptr); }
  static SyntheticSettings frames() {
    SyntheticSettings settings = small_frames();
    settings.frames = 11;
    return settings;
  }

  std::unique_ptr<Station> open(bool* go_on = nullptr) {
    const Result<StationSettings> settings = load_station_settings(station_ / "station.toml");
    EXPECT_TRUE(settings.ok()) << settings.message();
    auto station =
        Station::open(*settings, *make_kernels("", 1),
                      {[this](const std::string& line) { log_ += line + "\n"; }, [go_on] { return !go_on || *go_on; }});
    EXPECT_TRUE(station.ok()) << station.message();
    return station.ok() ? *std::move(station) : nullptr;
  }
  void receive(int first, int last) {
    for (int i = first; i <= last; ++i) station_.receive(i);
  }
  std::string status() const { return station_.text(station_ / "out/status.json"); }
  bool says(const std::string& text) const { return status().find(text) != std::string::npos; }

  static constexpr const char* kOptions =
      "[forecast]\nmembers = 3\nmember_pictures = 1\n[compute]\nthreads = 1\n[keep]\nruns = 0\nfree_mib = 0\n";
  // The disk of a busy machine takes a while to flush, and these tests cut no power.
  struct Unflushed : FileCalls {
    int fdatasync(int) override { return 0; }
    int fsync(int) override { return 0; }
    int syncfs(int) override { return 0; }
  };
  Unflushed calls_;
  WatchStation station_;
  std::string log_;
};

TEST_F(StationSteps, WaitForFramesAndBeginWithTheNewest) {
  auto station = open();
  EXPECT_FALSE(station->step()) << "no frames yet";
  EXPECT_TRUE(says("holds no frames"));
  receive(0, 4);
  EXPECT_TRUE(station->step()) << log_;
  EXPECT_TRUE(station_.published(4));
  EXPECT_FALSE(station_.published(3)) << "what was before the station began is not made up for";
  EXPECT_EQ(fs::read_symlink(station_ / "out/latest"), "runs/20180606T0200Z");
  EXPECT_TRUE(says("\"problems\":[]"));
  EXPECT_TRUE(says("\"members\":3"));
  EXPECT_EQ(station_.fault(), "");
}

TEST_F(StationSteps, AForecastIsThatOfTheForecastCommand) {
  receive(0, 6);
  ASSERT_TRUE(open()->step());
  const LoadedPrior prior = *load_prior(station_ / "station.prior");
  FrameCache cache = *FrameCache::open(station_ / "frames");
  const auto kernels = *make_kernels("", 1);
  const auto guarded = guarded_adaptation(prior, cache, {}, *kernels);
  ASSERT_TRUE(guarded.ok()) << guarded.message();
  const Adaptation& adapted = guarded->adaptation;
  ForecastSettings settings;
  settings.members = 3;
  const auto expected = forecast(prior, adapted.weights, cache, settings, *kernels);
  EXPECT_TRUE(says(forecast_hash(expected->product())));
  EXPECT_TRUE(says(std::string("\"verdict\":\"") + name_of(guarded->guard.verdict))) << status();
  const auto posterior = load_posterior(station_ / "out/station.posterior");
  EXPECT_EQ(posterior.ok(), guarded->guard.adapted());
  if (posterior.ok()) {
    EXPECT_EQ(posterior->delta_mu, adapted.posterior.delta_mu);
  }
}

TEST_F(StationSteps, AfterAnOutageItLearnsFromTheFramesBeforeItAndARestartKnowsThat) {
  station_.write_settings(std::string(kOptions) + "[adaptation]\nevery = 60\n");
  receive(0, 5);
  ASSERT_TRUE(open()->step());
  // 40 hours later two frames more, which are no pair.
  const std::int64_t outage = std::int64_t{40} * 3600;
  const auto receive_late = [&](int index) {
    fs::rename(station_ / ("aside/" + station_.frame_name(index)),
               station_ / ("frames/" + format_compact_time(station_.slot(index) + outage) + ".png"));
  };
  receive_late(6);
  ASSERT_TRUE(open()->step()) << log_;
  receive_late(7);
  ASSERT_TRUE(open()->step()) << log_;
  const std::string at = "\"adaptation\":{\"at\":\"" + format_time(station_.slot(7) + outage) + "\",\"used\":true";
  EXPECT_TRUE(says(at)) << status();
  EXPECT_TRUE(says("\"last_frame\":\"2018-06-06T02:30Z\"")) << status();
  const auto posterior = load_posterior(station_ / "out/station.posterior");
  ASSERT_TRUE(posterior.ok());
  EXPECT_EQ(posterior->frames.back(), station_.frame_name(5));

  receive_late(8);
  ASSERT_TRUE(open()->step()) << log_;
  EXPECT_TRUE(fs::exists(station_ / ("out/runs/" + format_compact_time(station_.slot(8) + outage)))) << log_;
  EXPECT_EQ(load_posterior(station_ / "out/station.posterior")->created, posterior->created);
  EXPECT_EQ(load_posterior(station_ / "out/station.posterior")->facts, posterior->facts) << "the hour is not over";
}

TEST_F(StationSteps, AnotherProcessRepeatsNothingAndMakesUpForWhatWasMissed) {
  receive(0, 4);
  ASSERT_TRUE(open()->step());
  const auto before = station_.run_times();
  receive(5, 8);
  ASSERT_TRUE(open()->step()) << log_;
  for (int i = 4; i <= 8; ++i) EXPECT_TRUE(station_.published(i)) << i;
  auto after = station_.run_times();
  EXPECT_EQ(after.size(), 5u);
  EXPECT_EQ(after[station_.run(4)], before.at(station_.run(4)));
  ASSERT_TRUE(open()->step());
  EXPECT_EQ(station_.run_times(), after);
  EXPECT_EQ(fs::read_symlink(station_ / "out/latest").filename(), "20180606T0400Z");
}

// What a forecast is made of does not depend on when: only frames up to its own count.
TEST_F(StationSteps, AForecastMadeUpForIsTheOneThatWasMissed) {
  receive(0, 6);
  ASSERT_TRUE(open()->step());
  receive(7, 7);
  ASSERT_TRUE(open()->step());
  const Bytes in_time = read_bytes(station_.run(7) + "/forecast.nc");
  fs::remove_all(station_.run(7));
  receive(8, 8);
  ASSERT_TRUE(open()->step());
  EXPECT_EQ(read_bytes(station_.run(7) + "/forecast.nc"), in_time);
}

TEST_F(StationSteps, OneFileSaysHowToTakeTheImages) {
  fs::remove(station_ / "frames/cache.toml");
  station_.write_settings(kOptions, "cadence = 30\ncrop = [1, 2, 20, 24]\nstation = \"Hut\"\n");
  receive(0, 4);
  auto station = open();
  ASSERT_TRUE(station->step()) << log_;
  EXPECT_NE(station_.text(station_.run(4) + "/summary.json").find("\"width\": 24"), std::string::npos);
  EXPECT_NE(station_.text(station_.run(4) + "/summary.json").find("\"station\": \"Hut\""), std::string::npos);

  write_text(station_ / "frames/cache.toml", "cadence = 30\n");
  receive(5, 5);
  EXPECT_FALSE(station->step());
  EXPECT_FALSE(station_.published(5));
  EXPECT_TRUE(says(station_ / "frames/cache.toml and [frames] of ")) << status();
  fs::remove(station_ / "frames/cache.toml");
  EXPECT_TRUE(station->step()) << log_;
  EXPECT_TRUE(station_.published(5));
}

TEST_F(StationSteps, FramesOfLongAgoAreNotReadAgain) {
  receive(0, 4);
  write_text(station_ / "frames/20180101T0000Z.png", "no image");
  auto station = open();
  ASSERT_TRUE(station->step()) << log_;
  EXPECT_TRUE(says("20180101T0000Z.png"));
  receive(5, 5);
  ASSERT_TRUE(station->step());
  EXPECT_FALSE(says("20180101T0000Z.png"));
  EXPECT_TRUE(station_.published(5));
}

TEST_F(StationSteps, AWrongYearInANameHoldsNothingUp) {
  receive(0, 4);
  fs::copy_file(station_ / "frames/20180606T0000Z.png", station_ / "frames/29180606T0000Z.png");
  auto station = open();
  EXPECT_FALSE(station->step());
  EXPECT_TRUE(says("29180606T0000Z.png: is of a time to come")) << status();
  EXPECT_TRUE(station_.published(4));
  fs::remove(station_ / "frames/29180606T0000Z.png");
  receive(5, 5);
  EXPECT_TRUE(station->step()) << log_;
  EXPECT_TRUE(station_.published(5));
}

TEST_F(StationSteps, AFrameThatComesLateIsStillForecastFrom) {
  receive(0, 4);
  auto station = open();
  ASSERT_TRUE(station->step());
  receive(6, 6);
  ASSERT_TRUE(station->step());
  EXPECT_FALSE(station_.published(6)) << "5 is missing";
  receive(5, 5);
  ASSERT_TRUE(station->step());
  EXPECT_TRUE(station_.published(5));
  EXPECT_TRUE(station_.published(6));
}

TEST_F(StationSteps, DamagedFramesAreNamedAndPassedOver) {
  receive(0, 4);
  auto station = open();
  ASSERT_TRUE(station->step());
  station_.receive_damaged(5, false);
  station_.receive_damaged(6, true);
  ASSERT_TRUE(station->step()) << log_;
  EXPECT_FALSE(station_.published(5));
  EXPECT_FALSE(station_.published(6));
  EXPECT_NE(log_.find("20180606T0230Z.png"), std::string::npos) << log_;
  EXPECT_NE(log_.find("20180606T0300Z.png"), std::string::npos) << log_;
  log_.clear();
  ASSERT_TRUE(station->step());
  EXPECT_EQ(log_, "") << "nothing is said twice";
  fs::copy_file(station_ / "aside/20180606T0230Z.png", station_ / "frames/20180606T0230Z.png",
                fs::copy_options::overwrite_existing);
  ASSERT_TRUE(station->step());
  EXPECT_TRUE(station_.published(5)) << "the file has changed";
}

TEST_F(StationSteps, VerificationAgreesWithTheVerifyCommand) {
  receive(0, 3);
  auto station = open();
  for (int i = 4; i < frames().frames; ++i) {
    receive(i, i);
    ASSERT_TRUE(station->step());
  }
  const auto history = parse_history(station_.text(station_ / "out/verification.csv"), "");
  ASSERT_TRUE(history.ok()) << history.message();
  EXPECT_EQ(history->size(), 6u + 5u) << "leads 1 and 2 of the forecasts from 4 on";

  const LoadedPrior prior = *load_prior(station_ / "station.prior");
  FrameCache cache = *FrameCache::open(station_ / "frames");
  VerificationSettings settings;
  settings.members = 3;
  settings.from = station_.slot(4);
  auto journal = VerificationJournal::open(station_ / "journal");
  ASSERT_TRUE(journal.ok()) << journal.message();
  const auto verified = verify(&prior, cache, settings, **make_kernels("", 1), *journal, {});
  ASSERT_TRUE(verified.ok()) << verified.message();
  int compared = 0;
  const Status read = journal->for_each_case([&](const VerifiedCase& one) -> Status {
    for (const CheckedForecast& checked : *history) {
      if (checked.from != one.time) continue;
      const auto lead = static_cast<std::size_t>(checked.lead - 1);
      EXPECT_NEAR(checked.persistence, one.scores[kPersistence][lead].mae, 1e-5);
      EXPECT_NEAR(checked.advection, one.scores[kAdvection][lead].mae, 1e-5);
      ++compared;
    }
    return {};
  });
  EXPECT_TRUE(read.ok()) << read.message();
  EXPECT_GT(compared, 5);
  EXPECT_TRUE(says("\"mae_advection\""));
}

TEST_F(StationSteps, OldRunsGoAndAreNotMadeAgain) {
  station_.write_settings(
      "[forecast]\nmembers = 2\nmember_pictures = 0\n[compute]\nthreads = 1\n[keep]\nruns = 2\nfree_mib = 0\n");
  receive(0, 3);
  auto station = open();
  ASSERT_TRUE(station->step());
  for (int i = 4; i < 9; ++i) {
    receive(i, i);
    ASSERT_TRUE(station->step());
    EXPECT_LE(station_.run_times().size(), 3u);
  }
  station.reset();
  ASSERT_TRUE(open()->step());
  EXPECT_FALSE(station_.published(5));
  EXPECT_TRUE(station_.published(8));
}

TEST_F(StationSteps, ADiskWithoutRoomKeepsTheLastGoodRunAndSaysSo) {
  receive(0, 3);
  auto station = open();
  ASSERT_TRUE(station->step());
  const std::string full = "[forecast]\nmembers = 3\n[keep]\nruns = 0\nfree_mib = 1000000000\n";
  station_.write_settings(full);
  ASSERT_TRUE(station->change(*load_station_settings(station_ / "station.toml"), *make_kernels("", 1)).ok());
  receive(4, 4);
  EXPECT_FALSE(station->step());
  EXPECT_FALSE(station_.published(4));
  EXPECT_EQ(fs::read_symlink(station_ / "out/latest").filename(), "20180606T0130Z");
  EXPECT_TRUE(says("lower free_mib")) << status();
  station_.write_settings(kOptions);
  ASSERT_TRUE(station->change(*load_station_settings(station_ / "station.toml"), *make_kernels("", 1)).ok());
  EXPECT_TRUE(station->step());
  EXPECT_TRUE(station_.published(4));
  EXPECT_TRUE(says("\"problems\":[]"));
}

TEST_F(StationSteps, SettingsThatAreNotFitKeepTheFormerOnes) {
  receive(0, 3);
  auto station = open();
  ASSERT_TRUE(station->step());
  StationSettings other = station->settings();
  other.prior = station_ / "missing.prior";
  const Status changed = station->change(other, *make_kernels("", 1));
  EXPECT_NE(changed.message().find("missing.prior"), std::string::npos) << changed.message();
  receive(4, 4);
  EXPECT_TRUE(station->step());
  EXPECT_TRUE(station_.published(4));
}

TEST_F(StationSteps, OneProcessAtATimeWorksInAFolder) {
  const auto first = open();
  const auto settings = load_station_settings(station_ / "station.toml");
  const auto second = Station::open(*settings, *make_kernels("", 1), {[](const std::string&) {}, [] { return true; }});
  EXPECT_NE(second.message().find("another altocast watch works there"), std::string::npos) << second.message();
}

TEST_F(StationSteps, AShortBudgetMakesASmallerForecastInTime) {
  station_.write_settings(
      "[forecast]\nmembers = 500\nleast_members = 1\nmember_pictures = 0\n[compute]\nthreads = 1\nbudget = "
      "1\n[keep]\nfree_mib = 0\n"
      "[adaptation]\nsteps = 1000\n");
  receive(0, 6);
  auto station = open();
  ASSERT_TRUE(station->step()) << log_;
  EXPECT_NE(log_.find("the full forecast would take"), std::string::npos) << log_;
  EXPECT_TRUE(says("\"wanted_adaptation_steps\":1000"));
  EXPECT_FALSE(says("\"adaptation_steps\":1000"));
}

TEST_F(StationSteps, AdaptsOnlyAsOftenAsItIsTold) {
  station_.write_settings(
      "[forecast]\nmembers = 2\nmember_pictures = 0\n[adaptation]\nguard = false\nevery = 90\n[compute]\nthreads = "
      "1\n[keep]\nfree_mib = 0\n");
  receive(0, 4);
  for (int i = 5; i < 10; ++i) {
    receive(i, i);
    ASSERT_TRUE(open()->step());  // a new process each time: the schedule is kept by what is on disk
    EXPECT_TRUE(says(std::string("\"adaptation\":{\"at\":\"2018-06-06T0") + (i < 8 ? "2:30Z" : "4:00Z")))
        << i << status();
  }
}

TEST(FolderWatch, TellsOfNewFilesInNewFoldersToo) {
  TemporaryFolder folder;
  FolderWatch watch(folder.path());
  if (watch.descriptor() < 0) GTEST_SKIP() << "this system has no inotify";
  const auto told = [&] {
    pollfd ready{watch.descriptor(), POLLIN, 0};
    const bool any = poll(&ready, 1, 1000) == 1;
    watch.take();
    return any;
  };
  pollfd quiet{watch.descriptor(), POLLIN, 0};
  EXPECT_EQ(poll(&quiet, 1, 0), 0);
  write_text(folder / "a", "x");
  EXPECT_TRUE(told());
  fs::create_directory(folder / "day");
  EXPECT_TRUE(told());
  write_text(folder / "day/b", "x");
  EXPECT_TRUE(told());
  EXPECT_LT(FolderWatch(folder / "none").descriptor(), 0);
}

}  // namespace
}  // namespace altocast
