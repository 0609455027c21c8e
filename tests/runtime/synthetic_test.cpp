#include "runtime/frames/synthetic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/sha256.h"
#include "runtime/frames/frame_cache.h"
#include "tests/runtime/frame_files.h"

namespace altocast {
namespace {

SyntheticSettings small_settings() {
  SyntheticSettings settings;
  settings.frames = 5;
  settings.height = 24;
  settings.width = 40;
  settings.seed = 7;
  return settings;
}

double mean_difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<int>(a[i]) - static_cast<int>(b[i]));
  return sum / static_cast<double>(a.size());
}

TEST(Synthetic, ASeedGivesTheSameBytesOnEveryPlatform) {
  EXPECT_EQ(to_hex(sha256(synthetic_frame(small_settings(), 3))),
            "26caffca4e6c170a9104af4a3b58b7ca613bf67017f32f12b7a58afdb6148ad2");
}

TEST(Synthetic, SeedsDiffer) {
  SyntheticSettings other = small_settings();
  other.seed = 8;
  EXPECT_GT(mean_difference(synthetic_frame(small_settings(), 0), synthetic_frame(other, 0)), 5.0);
}

TEST(Synthetic, AFrameDoesNotDependOnTheSizeAroundIt) {
  SyntheticSettings wide = small_settings();
  wide.width = 50;
  const std::vector<std::uint8_t> narrow_frame = synthetic_frame(small_settings(), 1);
  const std::vector<std::uint8_t> wide_frame = synthetic_frame(wide, 1);
  for (std::size_t y = 0; y < 24; ++y) {
    for (std::size_t x = 0; x < 40; ++x) ASSERT_EQ(narrow_frame[y * 40 + x], wide_frame[y * 50 + x]);
  }
}

TEST(Synthetic, CloudsChangeSlowlyEnoughToBePredicted) {
  SyntheticSettings settings = small_settings();
  settings.height = settings.width = 64;
  const std::vector<std::uint8_t> first = synthetic_frame(settings, 0);
  const double step = mean_difference(first, synthetic_frame(settings, 1));
  const double far = mean_difference(first, synthetic_frame(settings, 16));
  EXPECT_GT(step, 1.0);
  EXPECT_GT(far, 3.0 * step);
}

TEST(Synthetic, WritesAFolderThatTheFrameCacheReads) {
  const TemporaryFolder folder;
  const SyntheticSettings settings = small_settings();
  const Status status = write_synthetic_frames(settings, folder / "frames");
  ASSERT_TRUE(status.ok()) << status.message();
  const Result<FrameCache> cache = FrameCache::open(folder / "frames");
  ASSERT_TRUE(cache.ok()) << cache.message();
  EXPECT_EQ(cache->frames().size(), 5u);
  EXPECT_TRUE(cache->rejected().empty());
  EXPECT_EQ(cache->runs().size(), 1u);
  EXPECT_EQ(cache->cadence_seconds(), settings.cadence_seconds);
  EXPECT_EQ(cache->frames()[0].time, settings.start_time);
  EXPECT_EQ(cache->settings().units, "K");
  const Result<Frame> frame = cache->load(3);
  ASSERT_TRUE(frame.ok()) << frame.message();
  const std::vector<std::uint8_t> expected = synthetic_frame(settings, 3);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), frame->pixels.begin(), frame->pixels.end(),
                         [](std::uint8_t a, float b) { return static_cast<float>(a) == b; }));
}

TEST(Synthetic, RefusesAFolderInUseAndImpossibleSettings) {
  const TemporaryFolder folder;
  write_text(folder / "note.txt", "mine");
  EXPECT_NE(write_synthetic_frames(small_settings(), folder.path()).message().find("not empty"), std::string::npos);
  EXPECT_FALSE(write_synthetic_frames(small_settings(), folder / "note.txt").ok());
  EXPECT_FALSE(write_synthetic_frames(small_settings(), folder / "no/such/parent").ok());
  SyntheticSettings settings = small_settings();
  settings.frames = 0;
  EXPECT_FALSE(validate(settings).ok());
  settings = small_settings();
  settings.width = 100000;
  EXPECT_FALSE(validate(settings).ok());
  settings = small_settings();
  settings.cadence_seconds = 90;
  EXPECT_FALSE(validate(settings).ok());
}

}  // namespace
}  // namespace altocast
