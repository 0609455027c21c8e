#include "runtime/frames/frame_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "runtime/frames/frame_block.h"
#include "runtime/frames/time_of_day.h"
#include "tests/runtime/frame_files.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

FrameCache open_good(const TemporaryFolder& folder) {
  Result<FrameCache> cache = FrameCache::open(folder.path());
  EXPECT_TRUE(cache.ok()) << cache.message();
  return std::move(*cache);
}

std::string open_message(const std::string& folder) {
  const Result<FrameCache> cache = FrameCache::open(folder);
  EXPECT_FALSE(cache.ok());
  return cache.ok() ? "" : cache.message();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The reason why the file of this name was left out; empty if it was not.
std::string reason_of(const std::vector<RejectedFrame>& rejected, const std::string& name) {
  for (const RejectedFrame& frame : rejected) {
    if (fs::path(frame.path).filename() == name) return frame.reason;
  }
  return {};
}

TEST(FrameCache, SortsFramesByTimeAndInfersTheCadence) {
  const TemporaryFolder folder;
  write_frames(folder, 5);
  write_text(folder / "README.md", "about");
  write_text(folder / "preview.png", "not a frame's name");
  write_text(folder / ".20180606T1200Z.png.swp", "a stray");
  const FrameCache cache = open_good(folder);
  ASSERT_EQ(cache.frames().size(), 5u);
  EXPECT_TRUE(cache.rejected().empty());
  EXPECT_EQ(cache.cadence_seconds(), 1800);
  EXPECT_EQ(cache.width(), 12);
  EXPECT_EQ(cache.height(), 8);
  EXPECT_EQ(cache.bits(), 8);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(cache.frames()[i].time, kNoon + 1800 * static_cast<int>(i));
  ASSERT_EQ(cache.runs().size(), 1u);
  EXPECT_EQ(cache.runs()[0].count, 5u);
}

TEST(FrameCache, LoadsRawAndNormalisedPixels) {
  const TemporaryFolder folder;
  write_frames(folder, 2);
  const FrameCache cache = open_good(folder);
  const Result<Frame> raw = cache.load(1);
  ASSERT_TRUE(raw.ok()) << raw.message();
  EXPECT_EQ(raw->time, kNoon + 1800);
  ASSERT_EQ(raw->pixels.size(), 96u);
  EXPECT_EQ(raw->pixels[0], 1.0f);
  EXPECT_EQ(raw->pixels[95], 96.0f);
  const Result<Frame> normalised = cache.load(1, Normalisation{16.0f, 64.0f});
  ASSERT_TRUE(normalised.ok());
  EXPECT_EQ(normalised->pixels[95], (96.0f - 16.0f) / 64.0f);
}

TEST(FrameCache, LoadsSixteenBitFrames) {
  const TemporaryFolder folder;
  write_bytes(folder / "20180606T1200Z.png", frame_png(12, 8, 60000, 16));
  const FrameCache cache = open_good(folder);
  EXPECT_EQ(cache.bits(), 16);
  EXPECT_EQ(cache.load(0)->pixels[7], 60007.0f);
}

TEST(FrameCache, NamesEachUnusableFileWithItsReasonAndKeepsTheRest) {
  const TemporaryFolder folder;
  write_frames(folder, 6);
  const Bytes good = frame_png(12, 8);
  const auto part = [&](std::size_t size) {
    return Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
  };
  write_bytes(folder / "20180606T1530Z.png", part(good.size() / 2));
  write_bytes(folder / "20180606T1600Z.png", part(20));
  write_bytes(folder / "20180606T1630Z.png", {});
  write_bytes(folder / "20180606T1700Z.png", frame_png(10, 8));
  write_bytes(folder / "20180606T1730Z.png", frame_png(12, 8, 0, 16));
  write_text(folder / "20180606T1800Z.jpg", "text that calls itself an image, and is longer than a header");
  fs::create_directory(folder / "20180606T1830Z.png");
  fs::create_symlink(folder / "nowhere", folder / "20180606T1900Z.png");
  write_bytes(folder / "20180606T2460Z.png", good);
  write_bytes(folder / "20180631T1200Z.png", good);
  Bytes no_end = good;  // all its length allocated, its end not yet written
  std::fill(no_end.end() - 12, no_end.end(), std::uint8_t{0});
  write_bytes(folder / "20180606T1930Z.png", no_end);
  Bytes no_header = good;
  no_header[13] ^= 1;
  write_bytes(folder / "20180606T2000Z.png", no_header);

  const FrameCache cache = open_good(folder);
  EXPECT_EQ(cache.frames().size(), 6u);
  EXPECT_EQ(cache.rejected().size(), 12u);
  const auto reason = [&](const char* name) { return reason_of(cache.rejected(), name); };
  EXPECT_TRUE(contains(reason("20180606T1530Z.png"), "truncated"));
  EXPECT_TRUE(contains(reason("20180606T1600Z.png"), "truncated"));
  EXPECT_TRUE(contains(reason("20180606T1630Z.png"), "empty"));
  EXPECT_TRUE(contains(reason("20180606T1700Z.png"), "10×8 at 8 bits where most frames are 12×8 at 8 bits"));
  EXPECT_TRUE(contains(reason("20180606T1730Z.png"), "16 bits"));
  EXPECT_TRUE(contains(reason("20180606T1800Z.jpg"), "neither PNG nor JPEG"));
  EXPECT_TRUE(contains(reason("20180606T1830Z.png"), "folder"));
  EXPECT_TRUE(contains(reason("20180606T1900Z.png"), "cannot be read"));
  EXPECT_TRUE(contains(reason("20180606T2460Z.png"), "hour"));
  EXPECT_TRUE(contains(reason("20180631T1200Z.png"), "day"));
  EXPECT_TRUE(contains(reason("20180606T1930Z.png"), "end mark"));
  EXPECT_TRUE(contains(reason("20180606T2000Z.png"), "corrupt"));
}

TEST(FrameCache, FindsCorruptPixelsWhenLoadingAndGoesOnWithoutThem) {
  const TemporaryFolder folder;
  write_frames(folder, 5);
  const std::string bad = folder / "20180606T1300Z.png";
  Bytes bytes = read_bytes(bad);
  bytes[bytes.size() - 16] ^= 0x10;  // in the last data chunk's check sum
  write_bytes(bad, bytes);

  const FrameCache cache = open_good(folder);
  ASSERT_EQ(cache.frames().size(), 5u);  // the header is good
  const Result<Frame> frame = cache.load(2);
  ASSERT_FALSE(frame.ok());
  EXPECT_TRUE(contains(frame.message(), "20180606T1300Z.png")) << frame.message();

  const std::vector<RejectedFrame> found = bad_frames(cache);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, bad);
  const Result<FrameCache> rest = cache.without(found);
  ASSERT_TRUE(rest.ok()) << rest.message();
  ASSERT_EQ(rest->frames().size(), 5u);
  EXPECT_TRUE(rest->frames()[2].bridged);
  ASSERT_EQ(rest->rejected().size(), 1u);
  EXPECT_EQ(rest->rejected()[0].fault, FrameFault::corrupt);
  EXPECT_TRUE(bad_frames(*rest).empty());
}

TEST(FrameCache, NamesAFileThatChangedOrVanishedAfterOpening) {
  const TemporaryFolder folder;
  write_frames(folder, 3);
  const FrameCache cache = open_good(folder);
  write_bytes(folder / "20180606T1200Z.png", frame_png(9, 9));
  fs::remove(folder / "20180606T1230Z.png");
  EXPECT_TRUE(contains(cache.load(0).message(), "has changed"));
  EXPECT_TRUE(contains(cache.load(1).message(), "20180606T1230Z.png"));
  EXPECT_TRUE(cache.load(2).ok());
}

TEST(FrameCache, OnATieOfSizesTheFirstInTimeWins) {
  const TemporaryFolder folder;
  write_bytes(folder / "20180606T1200Z.png", frame_png(7, 7));
  write_bytes(folder / "20180606T1230Z.png", frame_png(5, 5));
  EXPECT_EQ(open_good(folder).width(), 7);
}

TEST(FrameCache, KeepsOneFrameASlotTheOneNearestToItsTime) {
  const TemporaryFolder folder;
  write_frames(folder, 4, kNoon, 600);
  write_bytes(folder / "20180606T121006Z.png", frame_png(12, 8));
  write_bytes(folder / "20180606T123020Z.png", frame_png(12, 8));
  write_bytes(folder / "20180606T122959Z.png", frame_png(12, 8));
  const FrameCache cache = open_good(folder);
  EXPECT_EQ(cache.cadence_seconds(), 600);
  ASSERT_EQ(cache.frames().size(), 4u);
  EXPECT_TRUE(contains(reason_of(cache.rejected(), "20180606T121006Z.png"), "duplicate"));
  EXPECT_TRUE(contains(reason_of(cache.rejected(), "20180606T123020Z.png"), "2018-06-06T12:30Z"));
  EXPECT_TRUE(contains(reason_of(cache.rejected(), "20180606T122959Z.png"), "duplicate"));
  EXPECT_EQ(cache.rejected().size(), 3u);
}

TEST(FrameCache, SnapsDriftingTimesToSlotsAndKeepsTheTrueOnes) {
  const TemporaryFolder folder;
  for (const char* name : {"20190722T075006Z", "20190722T080011Z", "20190722T081258Z", "20190722T081955Z"}) {
    write_bytes(folder / (std::string(name) + ".png"), frame_png(12, 8));
  }
  write_text(folder / "cache.toml", "cadence = 10\n");
  const FrameCache cache = open_good(folder);
  const char* slots[] = {"2019-07-22T07:50Z", "2019-07-22T08:00Z", "2019-07-22T08:10Z", "2019-07-22T08:20Z"};
  ASSERT_EQ(cache.frames().size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(format_time(cache.frames()[i].slot), slots[i]);
  EXPECT_EQ(format_time(cache.frames()[2].time), "2019-07-22T08:12:58Z");
  EXPECT_EQ(cache.runs().size(), 1u);
}

TEST(FrameCache, SplitsIntoRunsAtGaps) {
  const TemporaryFolder folder;
  write_frames(folder, 4);
  write_frames(folder, 3, kNoon + 6 * 1800);  // two slots are missing
  write_frames(folder, 1, kNoon + 86400);
  const FrameCache cache = open_good(folder);
  ASSERT_EQ(cache.runs().size(), 3u);
  EXPECT_EQ(cache.runs()[0].count, 4u);
  EXPECT_EQ(cache.runs()[1].first, 4u);
  EXPECT_EQ(cache.runs()[1].count, 3u);
  EXPECT_EQ(cache.runs()[2].count, 1u);
  EXPECT_EQ(cache.run_of(3).first, 0u);
  EXPECT_EQ(cache.run_of(4).first, 4u);
  EXPECT_EQ(cache.run_of(7).first, 7u);
}

TEST(FrameCache, HoldsASingleFrame) {
  const TemporaryFolder folder;
  write_frames(folder, 1);
  const FrameCache cache = open_good(folder);
  EXPECT_EQ(cache.cadence_seconds(), 0);
  ASSERT_EQ(cache.runs().size(), 1u);
  EXPECT_TRUE(cache.newest_input(1, std::nullopt).ok());
  EXPECT_FALSE(cache.newest_input(2, std::nullopt).ok());
}

TEST(FrameCache, SaysWhenAFolderIsMissingEmptyOrNoFolder) {
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(open_message(folder / "missing"), "no such folder"));
  EXPECT_TRUE(contains(open_message(folder.path()), "holds no frames"));
  write_text(folder / "file", "x");
  EXPECT_TRUE(contains(open_message(folder / "file"), "is no folder"));
  write_text(folder / "20180606T1200Z.png", "x");
  const std::string message = open_message(folder.path());
  EXPECT_TRUE(contains(message, "1 rejected") && contains(message, "20180606T1200Z.png")) << message;
}

TEST(FrameCache, CropsAndTakesTheMeanWhenDownscaling) {
  const TemporaryFolder folder;
  write_frames(folder, 1);
  write_text(folder / "cache.toml", "crop = [1, 2, 5, 9]\ndownscale = 2\n");
  const FrameCache cache = open_good(folder);
  EXPECT_EQ(cache.height(), 2);
  EXPECT_EQ(cache.width(), 4);
  const Result<Frame> frame = cache.load(0);
  ASSERT_EQ(frame->pixels.size(), 8u);
  EXPECT_EQ(frame->pixels[0], (14 + 15 + 26 + 27) / 4.0f);
  EXPECT_EQ(frame->pixels[7], (44 + 45 + 56 + 57) / 4.0f);
  write_text(folder / "cache.toml", "crop = [1, 2, 8, 9]\n");
  EXPECT_TRUE(contains(open_message(folder.path()), "cache.toml"));
}

TEST(FrameCache, ReadsTheSettingsFile) {
  const std::string text =
      "cadence_seconds = 90\nchannel = \"IR\"\nregion = \"Alps\"\nunits = \"K\"\nscale = -0.5\noffset = "
      "330\nrange = [190, 320.5]\n";
  const Result<FrameCacheSettings> settings = parse_frame_cache_settings(text, "cache.toml");
  ASSERT_TRUE(settings.ok()) << settings.message();
  EXPECT_EQ(settings->cadence_seconds, 90);
  EXPECT_EQ(settings->channel, "IR");
  EXPECT_EQ(settings->region, "Alps");
  EXPECT_EQ(settings->units, "K");
  EXPECT_EQ(settings->values.scale, -0.5);
  EXPECT_EQ(settings->values.offset, 330.0);
  EXPECT_EQ(settings->range_low, 190.0);
  EXPECT_EQ(settings->range_high, 320.5);
  const ValueScale scale = settings->from_normalised(Normalisation{10.0f, 100.0f});
  EXPECT_EQ(scale.offset + scale.scale * 0.5, 330.0 - 0.5 * 60.0);
}

TEST(FrameCache, NamesTheLineOfAWrongSettingsFile) {
  const struct {
    const char* text;
    const char* line;
  } cases[] = {{"channel = \"IR\"\ncadence = \n", "line 2"},
               {"\n\ncadence = \"ten\"\n", "line 3"},
               {"cadence = 0\n", "line 1"},
               {"cadence = 10\ncadence_seconds = 600\n", "line 1"},
               {"cadenza = 10\n", "cadenza"},
               {"channel = 3\n", "line 1"},
               {"units = \"K\"\n", "scale"},
               {"offset = 3\n", "together"},
               {"scale = 0\noffset = 1\n", "line 1"},
               {"scale = nan\noffset = 1\n", "line 1"},
               {"range = [3, 2]\n", "line 1"},
               {"range = [3]\n", "line 1"},
               {"crop = [0, 0, 0, 5]\n", "line 1"},
               {"crop = [0, 0, 5.5, 5]\n", "line 1"},
               {"crop = 7\n", "line 1"},
               {"downscale = 9999999999999999\n", "line 1"},
               {"a = \"\xff\xfe\"\n", "line 1"}};
  const TemporaryFolder folder;
  write_frames(folder, 1);
  for (const auto& c : cases) {
    write_text(folder / "cache.toml", c.text);
    const std::string message = open_message(folder.path());
    EXPECT_TRUE(contains(message, folder / "cache.toml") && contains(message, c.line)) << c.text << message;
  }
  write_text(folder / "cache.toml", std::string(100000, '['));
  EXPECT_TRUE(contains(open_message(folder.path()), "cache.toml"));
  write_text(folder / "cache.toml", "a = " + std::string(60000, '['));
  EXPECT_TRUE(contains(open_message(folder.path()), "line 1"));
}

class FrameWindows : public testing::Test {
 protected:
  FrameWindows() {
    write_frames(folder_, 5);
    write_frames(folder_, 12, kNoon + 7 * 1800);
  }
  TemporaryFolder folder_;
};

TEST_F(FrameWindows, NewestInputEndsAtTheTimeAskedFor) {
  const FrameCache cache = open_good(folder_);
  EXPECT_EQ(cache.newest_input(4, std::nullopt)->first, 13u);
  const std::int64_t at = kNoon + 11 * 1800;  // the fifth frame of the second run
  const Result<FrameWindow> window = cache.newest_input(4, at);
  ASSERT_TRUE(window.ok()) << window.message();
  EXPECT_EQ(window->first, 6u);
  EXPECT_EQ(cache.frames()[window->first + 3].time, at);
  EXPECT_EQ(cache.newest_input(4, at + 1799)->first, 6u);
}

TEST_F(FrameWindows, SupportPairsEndAtOrBeforeTheTimeOldestFirst) {
  const FrameCache cache = open_good(folder_);
  const std::int64_t at = kNoon + 16 * 1800;  // the tenth frame of the second run
  const Result<std::vector<FrameWindow>> pairs = cache.support_pairs(4, 3, 2, at);
  ASSERT_TRUE(pairs.ok()) << pairs.message();
  ASSERT_EQ(pairs->size(), 2u);
  EXPECT_EQ((*pairs)[0].first, 7u);
  EXPECT_EQ((*pairs)[1].first, 8u);
  EXPECT_EQ((*pairs)[1].inputs, 4);
  EXPECT_EQ((*pairs)[1].targets, 3);
  EXPECT_EQ(cache.frames()[(*pairs)[1].first + 6].time, at);
  EXPECT_EQ(cache.support_pairs(4, 3, 100, at)->size(), 4u);  // no pair reaches over the gap
}

TEST_F(FrameWindows, SupportPairsLookBackOverGapsEachWithinOneRun) {
  const FrameCache cache = open_good(folder_);
  const auto firsts = [&](int pairs, int slot) {
    std::vector<std::size_t> all;
    const auto found = *cache.support_pairs(2, 2, pairs, kNoon + slot * 1800);
    for (const FrameWindow& pair : found) all.push_back(pair.first);
    return all;
  };
  EXPECT_EQ(firsts(9, 7), (std::vector<std::size_t>{0, 1})) << "the newest run holds no pair yet";
  EXPECT_EQ(firsts(9, 11), (std::vector<std::size_t>{0, 1, 5, 6})) << "and none reaches over the gap";
  EXPECT_EQ(firsts(3, 11), (std::vector<std::size_t>{1, 5, 6})) << "the newest";
}

// Every half hour: 20 frames from yesterday's noon on, 12 from today's, and 3 that are no pair from 20:00 on.
TEST(FrameWindowsFarBack, OfEarlierRunsThoseOfTheSameTimeOfDayComeFirst) {
  const TemporaryFolder folder;
  write_frames(folder, 20, kNoon - 86400);
  write_frames(folder, 12, kNoon);
  write_frames(folder, 3, kNoon + 16 * 1800);
  const FrameCache cache = open_good(folder);
  const auto last_inputs = [&](int pairs, int slot) {
    std::vector<std::int64_t> slots;
    const auto found = *cache.support_pairs(2, 2, pairs, kNoon + slot * 1800);
    for (const FrameWindow& pair : found) slots.push_back((cache.frames()[pair.first + 1].slot - kNoon) / 1800);
    return slots;
  };
  EXPECT_EQ(last_inputs(3, 18), (std::vector<std::int64_t>{-33, -32, -31})) << "21:00: yesterday's last three";
  EXPECT_EQ(last_inputs(2, 2), (std::vector<std::int64_t>{-46, -45})) << "13:00: yesterday's, the newer ones of equals";
  EXPECT_EQ(last_inputs(2, 5), (std::vector<std::int64_t>{2, 3})) << "but first those of the run itself";
}

TEST(FrameWindowsFarBack, EarlierRunsCountForTheStatedHoursAndTheNewestAsFarAsItGoes) {
  const std::int64_t second = kNoon + kLookBackSeconds - 1800;
  const auto pairs = [&](std::int64_t start, int count, int cadence) {
    const TemporaryFolder folder;
    write_frames(folder, 5, kNoon, cadence);
    write_frames(folder, count, start, cadence);
    const Result<std::vector<FrameWindow>> found = open_good(folder).support_pairs(2, 2, 100, std::nullopt);
    return found.ok() ? found->size() : std::size_t{0};
  };
  EXPECT_EQ(pairs(second, 2, 1800), 2u) << "the first pair's oldest frame is just old enough";
  EXPECT_EQ(pairs(second + 1800, 2, 1800), 1u);
  EXPECT_EQ(pairs(second + 2 * 1800, 2, 1800), 0u);
  EXPECT_EQ(pairs(kNoon + 5 * 43200, 7, 43200), 9u) << "days of one run";
}

// Every half hour, 20 frames a day from noon on, that of 14:00 of two days ago bridged.
TEST(FrameWindowsFarBack, PairsOfTheSameHourAreThoseOfTheDaysBeforeNearestOnTheClock) {
  const TemporaryFolder folder;
  for (int day = 0; day <= 3; ++day) write_frames(folder, 20, kNoon - day * kDaySeconds);
  std::filesystem::remove(folder / (format_compact_time(kNoon - 2 * kDaySeconds + 4 * 1800) + ".png"));
  const FrameCache cache = open_good(folder);
  const auto last_inputs = [&](std::int64_t at) {
    std::vector<std::int64_t> slots;
    for (const FrameWindow& pair : cache.same_hour_pairs(2, 2, at)) {
      EXPECT_EQ(pair.inputs, 2);
      EXPECT_EQ(pair.targets, 2);
      slots.push_back((cache.frames()[pair.first + 1].slot - kNoon) / 1800);
    }
    return slots;
  };
  const std::int64_t day = kDaySeconds / 1800;
  EXPECT_EQ(last_inputs(kNoon + 10 * 1800),
            (std::vector<std::int64_t>{-2 * day + 9, -2 * day + 10, -day + 9, -day + 10}));
  EXPECT_EQ(last_inputs(kNoon), (std::vector<std::int64_t>{-2 * day + 1, -day + 1, -day + 2})) << "where a day begins";
  EXPECT_EQ(last_inputs(kNoon + 19 * 1800), (std::vector<std::int64_t>{-2 * day + 17, -day + 17})) << "an hour off";
  EXPECT_EQ(last_inputs(kNoon + 3 * 1800), (std::vector<std::int64_t>{-2 * day + 1, -2 * day + 4, -day + 2, -day + 3}))
      << "no target is bridged";
  EXPECT_EQ(last_inputs(kNoon - 3 * kDaySeconds + 3 * 1800), std::vector<std::int64_t>{}) << "no day before";
}

TEST(TimeOfDay, IsNearAroundMidnightToo) {
  const std::int64_t midnight = kNoon + kDaySeconds / 2;
  EXPECT_EQ(clock_distance(midnight - 600, midnight - 3 * kDaySeconds + 900), 1500);
  EXPECT_TRUE(same_hour(midnight, midnight - 5 * kDaySeconds + 3600));
  EXPECT_FALSE(same_hour(midnight, midnight - 5 * kDaySeconds + 3601));
  EXPECT_EQ(days_before(midnight - kDaySeconds + 3000, midnight), 1);
  EXPECT_EQ(days_before(midnight - 2 * kDaySeconds - 3000, midnight), 2);
  EXPECT_EQ(days_before(midnight - 2 * kDaySeconds - 4000, midnight), 0) << "another hour";
  EXPECT_EQ(days_before(midnight - 3000, midnight), 0) << "today";
}

TEST_F(FrameWindows, ATrialIsTheNewestForecastThatLeavesAPairBeforeIt) {
  const FrameCache cache = open_good(folder_);
  const auto trial = [&](int inputs, int targets, int slot) {
    const auto window = cache.trial_window(inputs, targets, kNoon + slot * 1800);
    return window ? std::pair(static_cast<int>(window->first), window->targets) : std::pair(-1, 0);
  };
  EXPECT_EQ(trial(2, 2, 18), std::pair(13, 2)) << "in a long run it ends now";
  EXPECT_EQ(trial(1, 4, 10), std::pair(5, 3)) << "as many targets as there are, with a pair from before the gap";
  EXPECT_EQ(trial(2, 2, 9), std::pair(5, 1)) << "at least half of them";
  EXPECT_EQ(trial(2, 2, 8), std::pair(2, 1)) << "or else before the gap, where one pair is left";
  EXPECT_EQ(trial(2, 4, 9), std::pair(-1, 0)) << "no earlier frames hold a pair and half a forecast after it";
}

TEST_F(FrameWindows, OfWindowsThatOverlapEachFrameIsLoadedOnce) {
  FrameCache cache = open_good(folder_);
  const Normalisation normalisation{128.0f, 128.0f};
  const std::vector<FrameWindow> windows = {{0, 2, 2}, {1, 2, 2}, {5, 2, 2}, {7, 2, 2}, {11, 2, 2}};
  const Result<std::vector<FrameBlock>> blocks = load_ranges(
      cache, [&](const FrameCache&) -> Result<std::vector<FrameRange>> { return ranges_of(windows); }, normalisation);
  ASSERT_TRUE(blocks.ok()) << blocks.message();
  ASSERT_EQ(blocks->size(), 3u);
  EXPECT_EQ((*blocks)[0].slots.size(), 5u);
  EXPECT_EQ((*blocks)[1].slots.size(), 6u);
  EXPECT_EQ((*blocks)[2].slots.size(), 4u);
  for (const FrameBlock& block : *blocks) {
    for (std::size_t i = 0; i < block.slots.size(); ++i) {
      EXPECT_EQ(block.slots[i], cache.frames()[block.first + i].slot);
      EXPECT_EQ(*block.from(block.first + i), cache.load(block.first + i, normalisation)->pixels.front());
    }
  }
}

TEST_F(FrameWindows, SaysWhatIsMissingWhenThereAreTooFewFrames) {
  const FrameCache cache = open_good(folder_);
  const std::int64_t at = kNoon + 13 * 1800;
  const std::string message = cache.support_pairs(4, 8, 5, at).message();
  EXPECT_TRUE(contains(message,
                       "needs 12 frames in one run up to 2018-06-06T18:30Z; the run starting "
                       "2018-06-06T15:30Z has 7, and none of the 48 hours before it has as many; if no frame is "
                       "missed, it has enough from 2018-06-06T21:00Z on"))
      << message;
  EXPECT_TRUE(contains(cache.newest_input(4, kNoon + 8 * 1800).message(),
                       "needs 4 frames in one run up to 2018-06-06T16:00Z; the run starting 2018-06-06T15:30Z has 2; "
                       "if no frame is missed, it has enough from 2018-06-06T17:00Z on"));
  EXPECT_TRUE(contains(cache.newest_input(4, kNoon - 1).message(), "no frame up to 2018-06-06T11:59:59Z"));
  EXPECT_TRUE(contains(cache.newest_input(4, kNoon + 86400).message(), "no frame shortly before"));
}

TEST_F(FrameWindows, EveryWindowOfARun) {
  const std::vector<FrameWindow> windows = FrameCache::windows({5, 12}, 4, 6);
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[0].first, 5u);
  EXPECT_EQ(windows[2].first, 7u);
  EXPECT_TRUE(FrameCache::windows({0, 5}, 4, 6).empty());
}

// The shared data sets, where they are.
class SharedFrames : public testing::TestWithParam<std::tuple<const char*, int, std::vector<std::size_t>>> {};

TEST_P(SharedFrames, HasTheRunsItsReadmeLists) {
  const auto& [name, cadence, runs] = GetParam();
  const fs::path folder = fs::path(ALTOCAST_SHARED_DIR) / "data" / name;
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is absent";
  FrameCacheSettings settings;
  settings.bridge = 0;
  const Result<FrameCache> cache = FrameCache::open(folder.string(), settings);
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_TRUE(cache->rejected().empty());
  EXPECT_EQ(cache->cadence_seconds(), cadence * 60);
  std::vector<std::size_t> counts;
  for (const FrameRun& run : cache->runs()) counts.push_back(run.count);
  EXPECT_EQ(counts, runs);
  EXPECT_TRUE(cache->load(cache->frames().size() - 1).ok());
}

INSTANTIATE_TEST_SUITE_P(Sets, SharedFrames,
                         testing::Values(std::tuple{"mergir-nsa-201912", 30, std::vector<std::size_t>{334}},
                                         std::tuple{"goes13-irma-ir-west", 30, std::vector<std::size_t>{139, 43, 94}},
                                         std::tuple{"goes13-irma-ir-east", 30, std::vector<std::size_t>{139, 43, 94}},
                                         std::tuple{"goes13-irma-wv", 30, std::vector<std::size_t>{43, 197}},
                                         std::tuple{"goes13-irma-vis", 30,
                                                    std::vector<std::size_t>{20, 19, 21, 21, 21, 20}},
                                         std::tuple{"typhoon-wp-200717", 60, std::vector<std::size_t>{139}},
                                         std::tuple{"typhoon-wp-198702", 60, std::vector<std::size_t>{109}},
                                         std::tuple{"radar-knmi-nl-2021winter", 5, std::vector<std::size_t>(7, 36)}),
                         [](const auto& set) {
                           std::string name = std::get<0>(set.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace altocast
