// Gaps in a run: short ones filled by advection and marked so, and never taken for what was observed.
#include "runtime/frames/frame_bridge.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <filesystem>

#include "runtime/frames/frame_block.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/station/station_forecast.h"
#include "runtime/station/verification.h"
#include "runtime/station/verification_journal.h"
#include "tests/runtime/bit_hash.h"
#include "tests/runtime/receiver_frames.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

constexpr int kInputs = 2, kLeads = 2;  // of small_prior

std::vector<float> numbers(const Bytes& pixels) { return {pixels.begin(), pixels.end()}; }

double mean_difference(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::fabs(static_cast<double>(a[i] - b[i]));
  return sum / static_cast<double>(a.size());
}

// Frames `skipped` of 0 … count − 1 are missing.
void write_clouds(const TemporaryFolder& folder, int count, const std::vector<int>& skipped) {
  for (int i = 0; i < count; ++i) {
    if (std::find(skipped.begin(), skipped.end(), i) != skipped.end()) continue;
    put(folder, format_compact_time(kNoon + 1800 * i) + ".png", gray_png(clouds(i)));
  }
}

FrameCache open_bridging(const TemporaryFolder& folder, int slots) {
  FrameCacheSettings settings;
  settings.bridge = slots;
  Result<FrameCache> cache = FrameCache::open(folder.path(), settings);
  EXPECT_TRUE(cache.ok()) << cache.message();
  return *std::move(cache);
}

// Clouds that move `shift` columns to the left, lit by `light`.
std::vector<float> moved(int shift, float light = 1.0f) {
  SyntheticSettings settings;
  settings.height = kClouds;
  settings.width = kClouds + 16;
  const Bytes wide = synthetic_frame(settings, 0);
  std::vector<float> frame;
  for (int y = 0; y < kClouds; ++y) {
    for (int x = 0; x < kClouds; ++x) {
      frame.push_back(light * static_cast<float>(wide[static_cast<std::size_t>(y * settings.width + x + shift)]));
    }
  }
  return frame;
}

TEST(FrameBridge, FollowsTheMotionWhateverTheLight) {
  for (const int step : {1, 2, 3}) {
    const float dusk = 0.5f, light = 1.0f - 0.125f * static_cast<float>(step);
    for (const bool fading : {false, true}) {
      const std::vector<float> earlier = moved(0), later = moved(8, fading ? dusk : 1.0f);
      const std::vector<float> truth = moved(2 * step, fading ? light : 1.0f);
      std::vector<float> blend(truth.size());
      for (std::size_t i = 0; i < blend.size(); ++i)
        blend[i] = earlier[i] + 0.25f * static_cast<float>(step) * (later[i] - earlier[i]);
      const double error = mean_difference(bridge_frames(earlier, later, kClouds, kClouds, step, 4), truth);
      EXPECT_LT(error, 0.5 * mean_difference(blend, truth)) << step << (fading ? " fading" : "");
      EXPECT_LT(error, 0.5 * mean_difference(earlier, truth)) << step << (fading ? " fading" : "");
    }
  }
}

TEST(FrameBridge, HasTheSameBitsEverywhere) {
  const std::vector<float> bridged = bridge_frames(numbers(clouds(0)), numbers(clouds(3)), kClouds, kClouds, 1, 3);
  BitHash hash;
  hash.add(std::span<const float>(bridged));
  EXPECT_EQ(hash.value(), 5189598808174812878u);
}

TEST(FrameBridge, FillsShortGapsOnlyAndMarksThem) {
  const TemporaryFolder folder;
  write_clouds(folder, 14, {3, 7, 8});
  const FrameCache cache = open_bridging(folder, 1);
  ASSERT_EQ(cache.runs().size(), 2u);
  EXPECT_EQ(cache.runs()[0].count, 7u);
  EXPECT_EQ(cache.runs()[1].count, 5u);
  for (std::size_t i = 0; i < cache.frames().size(); ++i) EXPECT_EQ(cache.frames()[i].bridged, i == 3) << i;
  EXPECT_EQ(format_time(cache.frames()[3].slot), "2018-06-06T13:30Z");
  const Result<Frame> bridged = cache.load(3);
  ASSERT_TRUE(bridged.ok()) << bridged.message();
  EXPECT_EQ(bridged->pixels, bridge_frames(numbers(clouds(2)), numbers(clouds(4)), kClouds, kClouds, 1, 2));

  EXPECT_EQ(open_bridging(folder, 0).runs().size(), 3u);
  const FrameCache all = open_bridging(folder, 2);
  ASSERT_EQ(all.runs().size(), 1u);
  ASSERT_EQ(all.frames().size(), 14u);
  EXPECT_TRUE(all.frames()[7].bridged && all.frames()[8].bridged);
  EXPECT_EQ(all.load(8)->pixels, bridge_frames(numbers(clouds(6)), numbers(clouds(9)), kClouds, kClouds, 2, 3));
}

TEST(FrameBridge, NothingIsKnownOfAGapBeforeTheFrameAfterIt) {
  const TemporaryFolder folder;
  write_clouds(folder, 10, {6});
  const FrameCache cache = open_bridging(folder, 1);
  const auto newest = [&](int slot) { return *cache.newest_frame(kNoon + 1800 * slot); };
  EXPECT_EQ(newest(5), 5u);
  EXPECT_EQ(newest(6), 5u) << "not the bridged one";
  EXPECT_EQ(newest(7), 7u);
  EXPECT_EQ(cache.newest_input(4, kNoon + 1800 * 7)->first, 4u) << "as an input it serves";
}

TEST(FrameBridge, ABridgedFrameIsNoTargetToAdaptToOrToBeScoredBy) {
  const TemporaryFolder folder;
  write_clouds(folder, 14, {6});
  const FrameCache cache = open_bridging(folder, 1);
  const Result<std::vector<FrameWindow>> pairs = cache.support_pairs(kInputs, kLeads, 100, std::nullopt);
  ASSERT_TRUE(pairs.ok()) << pairs.message();
  EXPECT_EQ(pairs->size(), 9u) << "of eleven";
  for (const FrameWindow& pair : *pairs) EXPECT_TRUE(cache.observed(pair.first + kInputs, kLeads));
  const std::vector<std::size_t> times = verification_times(cache, kInputs, kLeads, {});
  EXPECT_EQ(times, (std::vector<std::size_t>{3, 7, 8, 9, 10, 11}));
}

TEST(FrameBridge, AnAdaptationAndAVerificationReachOverAShortGap) {
  const TemporaryFolder folder;
  write_clouds(folder, 12, {6});
  write_text(folder / "cache.toml", "bridge = 1\n");
  ASSERT_TRUE(save_prior(small_prior(3), folder / "station.prior", {PlaneType::f32, PlaneType::f32}).ok());
  const LoadedPrior prior = *load_prior(folder / "station.prior");
  const auto kernels = *make_kernels("", 1);
  FrameCache cache = *FrameCache::open(folder.path());
  AdaptationSettings settings;
  settings.pairs = 4;
  const Result<Adaptation> adaptation = adapt(prior, cache, settings, *kernels);
  ASSERT_TRUE(adaptation.ok()) << adaptation.message();
  EXPECT_EQ(adaptation->posterior.support_pairs, 4);
  EXPECT_NE(
      std::find(adaptation->posterior.frames.begin(), adaptation->posterior.frames.end(), "20180606T1500Z (bridged)"),
      adaptation->posterior.frames.end());
  VerificationSettings verification;
  verification.members = 2;
  verification.adaptation = settings;
  Result<VerificationJournal> journal = VerificationJournal::open(folder / "journal", std::chrono::milliseconds(0));
  ASSERT_TRUE(journal.ok()) << journal.message();
  const Result<Verification> result = verify(&prior, cache, verification, *kernels, *journal, nullptr);
  ASSERT_TRUE(result.ok()) << result.message();
  EXPECT_EQ(result->case_count, 4u);  // 3, 7, 8 and 9
}

TEST(FrameBridge, AForecastTellsWhichOfItsPastFramesAreBridged) {
  const TemporaryFolder folder;
  write_clouds(folder, 8, {6});
  ASSERT_TRUE(save_prior(small_prior(3), folder / "station.prior", {PlaneType::f32, PlaneType::f32}).ok());
  const LoadedPrior prior = *load_prior(folder / "station.prior");
  const auto kernels = *make_kernels("", 1);
  FrameCache cache = open_bridging(folder, 1);
  ForecastSettings settings;
  settings.members = 2;
  const auto made = forecast(prior, prior_weights(prior.prior), cache, settings, *kernels);
  ASSERT_TRUE(made.ok()) << made.message();
  ASSERT_EQ(made->product().past.size(), 2u);
  EXPECT_TRUE(made->product().past[0].bridged);
  EXPECT_FALSE(made->product().past[1].bridged);
}

TEST(FrameBridge, ABadNeighbourIsNamedAndTheGapIsJudgedAnew) {
  const TemporaryFolder folder;
  write_clouds(folder, 8, {3});
  const std::string bad = folder / "20180606T1400Z.png";  // the one after the gap
  Bytes bytes = read_bytes(bad);
  bytes[bytes.size() / 2] ^= 1;
  write_bytes(bad, bytes);
  FrameCache cache = open_bridging(folder, 1);
  Frame frame;
  const std::optional<RejectedFrame> fault = cache.load(3, Normalisation{0.0f, 1.0f}, frame);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->path, bad);
  const Result<FrameBlock> block = load_frames(
      cache,
      [](const FrameCache& frames) -> Result<FrameRange> {
        return FrameRange{0, static_cast<int>(frames.runs()[0].count)};
      },
      Normalisation{0.0f, 255.0f});
  ASSERT_TRUE(block.ok()) << block.message();
  EXPECT_EQ(block->count, 3) << "two missing slots end the run";
}

TEST(FrameBridge, FramesTooSmallToSeeAMotionAreNotBridged) {
  const TemporaryFolder folder;
  write_bytes(folder / "20180606T1200Z.png", frame_png(12, 6));
  write_bytes(folder / "20180606T1230Z.png", frame_png(12, 6));
  write_bytes(folder / "20180606T1330Z.png", frame_png(12, 6));
  EXPECT_EQ(open_bridging(folder, 1).runs().size(), 2u);
}

}  // namespace
}  // namespace altocast
