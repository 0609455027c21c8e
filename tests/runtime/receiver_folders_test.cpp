// Whole folders of receivers, taken as they are.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "runtime/frames/frame_cache.h"
#include "tests/runtime/receiver_frames.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ReceiverFolders, GoestoolsFromEachLevelOfItsTree) {
  const TemporaryFolder folder;
  for (int i = 0; i < 8; ++i) put(folder, goes_name(i + 118), gray_png(clouds(i)));  // over midnight
  for (const char* below : {"", "goes16", "goes16/fd/ch13"}) {
    const Result<FrameCache> cache = FrameCache::open(folder / below);
    ASSERT_TRUE(cache.ok()) << cache.message();
    EXPECT_EQ(cache->frames().size(), 8u);
    EXPECT_EQ(cache->runs().size(), 1u);
    EXPECT_EQ(cache->cadence_seconds(), 600);
    EXPECT_EQ(feed_text(cache->feed()), "goestools GOES16 FD CH13");
    EXPECT_EQ(cache->settings().channel, "CH13");
    EXPECT_EQ(cache->settings().region, "FD");
    EXPECT_TRUE(bad_frames(*cache).empty());
  }
}

TEST(ReceiverFolders, SeveralFeedsAskForAChoiceAndTakeIt) {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) {
    put(folder, goes_name(i), gray_png(clouds(i)));
    put(folder, goes_name(i, "CH02"), gray_png(clouds(i + 10)));
  }
  put(folder, "himawari8/fd/2020-08-30/Himawari8_FD_IR_20200830T035100Z.png", gray_png(clouds(0)));
  const Result<FrameCache> all = FrameCache::open(folder.path());
  ASSERT_FALSE(all.ok());
  EXPECT_TRUE(contains(all.message(),
                       "holds frames of 3 kinds: goestools GOES16 FD CH02 (4 frames), goestools GOES16 FD "
                       "CH13 (4 frames), goestools Himawari8 FD IR (1 frames)"))
      << all.message();
  EXPECT_TRUE(contains(all.message(), "feed.satellite = \"GOES16\" and feed.channel = \"CH02\"")) << all.message();
  EXPECT_TRUE(contains(all.message(), folder / "cache.toml")) << all.message();

  write_text(folder / "cache.toml", "feed.satellite = \"goes-16\"\nfeed.channel = \"13\"\nchannel = \"infrared\"\n");
  const Result<FrameCache> chosen = FrameCache::open(folder.path());
  ASSERT_TRUE(chosen.ok()) << chosen.message();
  EXPECT_EQ(feed_text(chosen->feed()), "goestools GOES16 FD CH13");
  EXPECT_EQ(chosen->frames().size(), 4u);
  EXPECT_TRUE(chosen->rejected().empty()) << "another feed's frames are not this one's faults";
  EXPECT_EQ(chosen->settings().channel, "infrared") << "what people are told may be said otherwise";

  FrameCacheSettings settings;
  settings.feed.channel = "CH14";
  const Result<FrameCache> none = FrameCache::open(folder.path(), settings);
  ASSERT_FALSE(none.ok());
  EXPECT_TRUE(contains(none.message(), "holds no frames of the kind") && contains(none.message(), "FD CH13 (4 frames)"))
      << none.message();
}

TEST(ReceiverFolders, SatDumpTakesADuplicateOnlyWhereTheFirstIsBad) {
  const TemporaryFolder folder;
  const auto name = [](int minute, const char* end) {
    const std::string time = std::to_string(minute);
    return "IMAGES/GOES-18/Full Disk/2025-08-10_07-" + time + "-06/G18_13_20250810T07" + time + "06Z" + end;
  };
  for (int i = 0; i < 4; ++i) put(folder, name(10 * i + 10, ".png"), gray_png(clouds(i)));
  put(folder, name(20, "_1.png"), gray_png(clouds(1)));
  Bytes cut = gray_png(clouds(2));
  cut.resize(cut.size() / 2);
  put(folder, name(30, ".png"), cut);  // known from its end
  put(folder, name(30, "_1.png"), gray_png(clouds(2)));
  Bytes damaged = gray_png(clouds(3));
  damaged[damaged.size() / 2] ^= 1;
  put(folder, name(40, ".png"), damaged);  // known when it is decoded
  put(folder, name(40, "_1.png"), gray_png(clouds(3)));

  Result<FrameCache> cache = FrameCache::open(folder / "IMAGES");
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_EQ(cache->feed().region, "Full Disk");
  ASSERT_EQ(cache->frames().size(), 4u);
  EXPECT_TRUE(contains(cache->frames()[1].path, "072006Z.png"));
  EXPECT_TRUE(contains(cache->frames()[2].path, "073006Z_1.png"));
  EXPECT_EQ(cache->rejected().size(), 3u);  // the cut one, and two duplicates
  const std::vector<RejectedFrame> bad = bad_frames(*cache);
  ASSERT_EQ(bad.size(), 1u);
  cache = cache->without(bad);
  ASSERT_TRUE(cache.ok()) << cache.message();
  ASSERT_EQ(cache->frames().size(), 4u);
  EXPECT_TRUE(contains(cache->frames()[3].path, "074006Z_1.png"));
  EXPECT_EQ(cache->rejected().size(), 3u);
  EXPECT_TRUE(bad_frames(*cache).empty());
}

TEST(ReceiverFolders, AFullDiskOfXritRxIsCutToTheRegionOfInterest) {
  constexpr int kSide = 2200;
  Bytes disk(std::size_t{3} * kSide * kSide);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const int dy = y - kSide / 2, dx = x - kSide / 2;
      const bool on_disk = dy * dy + dx * dx < 1080 * 1080;
      const auto value = static_cast<std::uint8_t>(on_disk ? 40 + (x / 8 + y / 16) % 180 : 0);
      std::fill_n(disk.begin() + 3 * (std::ptrdiff_t{y} * kSide + x), 3, value);
    }
  }
  const TemporaryFolder folder;
  const std::string path = "received/LRIT/20190722/FD/IMG_FD_047_IR105_20190722_075006.jpg";
  put(folder, path, encode_jpeg(kSide, kSide, 3, disk));
  write_text(folder / "received/cache.toml", "crop = [600, 820, 512, 384]\ndownscale = 2\n");
  const Result<FrameCache> cache = FrameCache::open(folder / "received");
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_EQ(feed_text(cache->feed()), "xrit-rx GK-2A FD IR105");
  const Result<Frame> frame = cache->load(0);
  ASSERT_TRUE(frame.ok()) << frame.message();
  ASSERT_EQ(frame->height, 256);
  ASSERT_EQ(frame->width, 192);
  for (const auto& [y, x] : {std::pair(0, 0), std::pair(255, 191), std::pair(100, 37)}) {
    const int top = 600 + 2 * y, left = 820 + 2 * x;
    double mean = 0;
    for (int i = 0; i < 4; ++i)
      mean += disk[3 * (static_cast<std::size_t>(top + i / 2) * kSide + static_cast<std::size_t>(left + i % 2))] / 4.0;
    EXPECT_NEAR(static_cast<double>(frame->pixels[static_cast<std::size_t>(y * 192 + x)]), mean, 6.0);
  }
}

TEST(ReceiverFolders, AFrameStillBeingWrittenIsIncompleteAndThenUsed) {
  const TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) put(folder, goes_name(i), gray_png(clouds(i)));
  const Bytes whole = gray_png(clouds(3));
  const Bytes jpeg = encode_jpeg(kClouds, kClouds, 1, clouds(3));
  for (const bool lossy : {false, true}) {
    const Bytes& all = lossy ? jpeg : whole;
    const std::string name = goes_name(3, "CH13", lossy ? ".jpg" : ".png");
    for (const std::size_t size : {std::size_t{0}, std::size_t{2}, std::size_t{20}, all.size() / 2, all.size() - 1}) {
      put(folder, name, Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size)));
      const Result<FrameCache> cache = FrameCache::open(folder.path());
      ASSERT_TRUE(cache.ok()) << cache.message();
      EXPECT_EQ(cache->frames().size(), 3u);
      ASSERT_EQ(cache->rejected().size(), 1u);
      EXPECT_EQ(cache->rejected()[0].fault, FrameFault::incomplete) << size << " bytes of " << name;
    }
    put(folder, name, all);
    const Result<FrameCache> cache = FrameCache::open(folder.path());
    EXPECT_EQ(cache->frames().size(), 4u);
    EXPECT_TRUE(bad_frames(*cache).empty());
    fs::remove(folder / name);
  }
}

TEST(ReceiverFolders, LoopsOfLinksHiddenFilesAndOtherFilesDoNoHarm) {
  const TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) put(folder, goes_name(i), gray_png(clouds(i)));
  fs::create_directory_symlink(folder.path(), folder / "goes16/again");
  fs::create_directory_symlink("..", folder / "goes16/fd/up");
  put(folder, ".trash/" + goes_name(3), gray_png(clouds(3)));
  put(folder, goes_name(4) + ".tmp", gray_png(clouds(4)));
  std::string deep = "a";
  for (int i = 0; i < 20; ++i) deep += "/a";
  put(folder, deep + "/GOES16_FD_CH13_20200830T035020Z.png", gray_png(clouds(0)));
  const Result<FrameCache> cache = FrameCache::open(folder.path());
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_EQ(cache->frames().size(), 3u);
  EXPECT_TRUE(cache->rejected().empty());
}

TEST(ReceiverFolders, APictureIsNamedOnlyWhereItsGreyImageIsMissing) {
  const TemporaryFolder folder;
  const auto enhanced = [](int i) {
    std::string name = goes_name(i);
    return name.insert(name.rfind("_2020"), "_enhanced");
  };
  for (int i = 0; i < 4; ++i) put(folder, goes_name(i), gray_png(clouds(i)));
  for (int i = 0; i < 5; ++i) put(folder, enhanced(i), gray_png(clouds(i)));
  const Result<FrameCache> cache = FrameCache::open(folder.path());
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_EQ(cache->frames().size(), 4u);
  ASSERT_EQ(cache->rejected().size(), 1u);
  EXPECT_EQ(cache->rejected()[0].path, folder / enhanced(4));
}

TEST(ReceiverFolders, ALongerCadenceTakesTheFramesAtItsSlotsAndNoOthers) {
  const TemporaryFolder folder;
  FrameCacheSettings settings;
  settings.cadence_seconds = 1800;
  std::vector<std::string> wanted;  // of every ten minutes, those on the hour and half past
  for (int i = 0; i < 14; ++i) {
    if (i == 7) continue;  // its neighbours, ten minutes off, do not stand in for it
    put(folder, goes_name(i), gray_png(clouds(i)));
    if (i == 10) wanted.push_back(folder / "20200830T0300Z (bridged)");
    if (i % 3 == 1) wanted.push_back(folder / goes_name(i));
    if (i < 3) continue;
    const Result<FrameCache> cache = FrameCache::open(folder.path(), settings);
    ASSERT_TRUE(cache.ok()) << cache.message();
    std::vector<std::string> taken;
    for (const FrameEntry& frame : cache->frames()) taken.push_back(frame.path);
    EXPECT_EQ(taken, wanted) << i;
    EXPECT_TRUE(cache->rejected().empty());
    EXPECT_EQ(cache->cadence_seconds(), 1800);
  }
}

TEST(ReceiverFolders, FramesBeforeTheTimeAskedForAreNotEvenRead) {
  const TemporaryFolder folder;
  for (int i = 0; i < 6; ++i) put(folder, goes_name(i), i < 2 ? Bytes{} : gray_png(clouds(i)));
  FrameCacheSettings settings;
  settings.from = 1598752220 + 600 * 2;
  const Result<FrameCache> cache = FrameCache::open(folder.path(), settings);
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_EQ(cache->frames().size(), 4u);
  EXPECT_TRUE(cache->rejected().empty());
  settings.from = 1598752220 + 600 * 100;
  EXPECT_TRUE(
      contains(FrameCache::open(folder.path(), settings).message(), "holds no frames since 2020-08-30T18:30:20Z"));
}

}  // namespace
}  // namespace altocast
