// What training draws from folders of frames. In most tests a pixel's number tells its time and place, so
// that a drawn task can be traced back: frame t holds 256 t + 16 y + x.
#include "trainer/episodes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "runtime/advection/smoothed_advection.h"
#include "tests/trainer/training_samples.h"

namespace altocast {
namespace {

constexpr int kSide = 16;

int traceable(int t, int y, int x) { return 256 * t + 16 * y + x; }

void write_traceable(const std::string& folder, int count) { write_frames_of(folder, count, kSide, traceable, 16); }

FitSettings traced_settings(const std::string& folder) {
  FitSettings s = tiny_settings(folder);
  s.normalisation = {0.0f, 1.0f};
  s.tile = s.warmup_tile = 8;
  return s;
}

Archive open_good(const FitSettings& settings, std::vector<std::string>* notices = nullptr) {
  Result<Archive> archive = Archive::open(settings, [&](const std::string& line) {
    if (notices) notices->push_back(line);
  });
  EXPECT_TRUE(archive.ok()) << archive.message();
  return archive.ok() ? std::move(*archive) : Archive();
}

std::string open_message(const FitSettings& settings) {
  const Result<Archive> archive = Archive::open(settings, [](const std::string&) {});
  EXPECT_FALSE(archive.ok());
  return archive.message();
}

void expect_mention(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
}

Episode draw(const EpisodeSampler& sampler, std::uint64_t seed, std::uint64_t step, std::uint64_t index) {
  Episode episode;
  sampler.draw(seed, step, index, episode);
  return episode;
}

int time_of(const float* frame) { return static_cast<int>(*frame) / 256; }

struct Span {
  int first = 0, end = 0;
  bool operator==(const Span&) const = default;
};
std::vector<Span> spans(const std::vector<FrameStretch>& stretches, std::size_t set) {
  std::vector<Span> result;
  for (const FrameStretch& s : stretches) {
    if (s.set == set) result.push_back({static_cast<int>(s.first), static_cast<int>(s.first + s.count)});
  }
  return result;
}

// Traceable frames that are all trained on.
struct TrainedWhole {
  TrainedWhole() {
    write_traceable(folder / "a", 12);
    settings = traced_settings(folder / "a");
    settings.validation_share = 0;
    archive = open_good(settings);
  }
  EpisodeSampler sampler(EpisodeShape shape) const { return {archive, archive.training(), settings.network, shape}; }

  TemporaryFolder folder;
  FitSettings settings;
  Archive archive;
};

TEST(Episodes, AreAPureFunctionOfSeedStepAndIndex) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 40);
  const FitSettings settings = traced_settings(folder / "a");
  const Archive archive = open_good(settings);
  const EpisodeSampler sampler(archive, archive.training(), settings.network, {8, 3, 2});
  const EpisodeSampler other(archive, archive.training(), settings.network, {8, 3, 2});
  std::vector<std::vector<float>> drawn;
  for (std::uint64_t i = 0; i < 12; ++i) drawn.push_back(draw(sampler, 5, i / 4, i % 4).frames);
  Episode reused;
  for (std::uint64_t i = 12; i-- > 0;) {
    other.draw(5, i / 4, i % 4, reused);
    EXPECT_EQ(reused.frames, drawn[i]) << i;
  }
  EXPECT_NE(draw(sampler, 6, 0, 0).frames, drawn[0]);
  std::ranges::sort(drawn);
  EXPECT_GT(std::unique(drawn.begin(), drawn.end()) - drawn.begin(), 9) << "tasks repeat";
}

TEST(Episodes, QueriesFollowTheSupportAsAtAStation) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 60);
  const FitSettings settings = traced_settings(folder / "a");
  const Archive archive = open_good(settings);
  const EpisodeSampler sampler(archive, archive.training(), settings.network, {8, 3, 2});
  const std::size_t pixels = 64;
  const auto leads = static_cast<std::size_t>(settings.network.leads);
  for (std::uint64_t index = 0; index < 20; ++index) {
    const Episode episode = draw(sampler, 1, 0, index);
    const std::vector<Sample<float>>& support = episode.task.support;
    const std::vector<Sample<float>>& query = episode.task.query;
    ASSERT_EQ(support.size(), 3u);
    ASSERT_EQ(query.size(), 2u);
    for (const std::vector<Sample<float>>& samples : {support, query}) {
      for (std::size_t i = 0; i < samples.size(); ++i) {
        // Two inputs, then two targets, each a frame later than the one before; each pair a frame after the
        // one before.
        EXPECT_EQ(time_of(samples[i].frames + pixels), time_of(samples[i].frames) + 1);
        EXPECT_EQ(time_of(samples[i].target), time_of(samples[i].frames) + 2);
        EXPECT_EQ(time_of(samples[i].target + pixels), time_of(samples[i].frames) + 3);
        EXPECT_EQ(time_of(samples[i].frames), time_of(samples[0].frames) + static_cast<int>(i));
      }
    }
    const int now = time_of(support.back().target + (leads - 1) * pixels);
    EXPECT_EQ(time_of(query.front().frames + pixels), now);  // the first query's newest input
    EXPECT_GT(time_of(query.front().target), now);           // so no query target is in the support set
  }
}

TEST(Episodes, RegionsAreWholeSquaresUnderAllEightSymmetries) {
  const TrainedWhole traced;
  const EpisodeSampler sampler = traced.sampler({8, 1, 1});
  std::set<std::pair<int, int>> orientations;
  std::set<int> corners;
  for (std::uint64_t index = 0; index < 200; ++index) {
    const Episode episode = draw(sampler, 1, 0, index);
    const auto place = [&](std::size_t frame, std::size_t i) {
      return static_cast<int>(episode.frames[frame * 64 + i]) % 256;
    };
    std::vector<int> places;
    for (std::size_t i = 0; i < 64; ++i) places.push_back(place(0, i));
    std::ranges::sort(places);
    const int corner = places.front();
    for (int i = 0; i < 64; ++i) ASSERT_EQ(places[static_cast<std::size_t>(i)], corner + i / 8 * 16 + i % 8) << index;
    // Neighbours stay neighbours, and all frames of a task lie alike.
    const int right = place(0, 1) - place(0, 0), down = place(0, 8) - place(0, 0);
    for (std::size_t i = 0; i < 64; ++i) {
      ASSERT_EQ(place(0, i), place(0, 0) + static_cast<int>(i % 8) * right + static_cast<int>(i / 8) * down);
      ASSERT_EQ(place(5, i), place(0, i));
    }
    orientations.insert({right, down});
    corners.insert(corner);
  }
  EXPECT_EQ(orientations, (std::set<std::pair<int, int>>{
                              {1, 16}, {1, -16}, {-1, 16}, {-1, -16}, {16, 1}, {16, -1}, {-16, 1}, {-16, -1}}));
  EXPECT_TRUE(corners.contains(0) && corners.contains(8 * 16 + 8)) << "regions at the edges are never drawn";
}

TEST(Episodes, ShortRunsGiveFewerPairsAndTooShortOnesNone) {
  const TemporaryFolder folder;
  const int needed = 2 + 2 + 2;  // frames for one support and one query pair
  for (const auto& [frames, support, query] :
       {std::tuple{needed + 5, 4, 2}, {needed + 4, 4, 2}, {needed + 3, 4, 1}, {needed + 2, 3, 1}, {needed, 1, 1}}) {
    const std::string name = folder / std::to_string(frames);
    write_traceable(name, frames);
    FitSettings settings = traced_settings(name);
    settings.validation_share = 0;
    const Archive archive = open_good(settings);
    const EpisodeSampler sampler(archive, archive.training(), settings.network, {8, 4, 2});
    const Episode episode = draw(sampler, 1, 0, 0);
    EXPECT_EQ(episode.task.support.size(), static_cast<std::size_t>(support)) << frames;
    EXPECT_EQ(episode.task.query.size(), static_cast<std::size_t>(query)) << frames;
  }
  write_traceable(folder / "short", needed - 1);
  FitSettings settings = traced_settings(folder / "short");
  settings.validation_share = 0;
  const Archive archive = open_good(settings);
  EXPECT_TRUE(EpisodeSampler(archive, archive.training(), settings.network, {8, 4, 2}).empty());
}

TEST(Episodes, FoldersAreDrawnAsOftenAsTheRootOfTheirFrames) {
  const TemporaryFolder folder;
  write_traceable(folder / "small", 10);
  write_traceable(folder / "large", 90);
  FitSettings settings = traced_settings(folder / "small");
  settings.data.push_back(folder / "large");
  settings.validation_share = 0;
  const Archive archive = open_good(settings);
  const EpisodeSampler sampler(archive, archive.training(), settings.network, {8, 1, 1});
  int from_small = 0;
  for (std::uint64_t index = 0; index < 800; ++index) from_small += draw(sampler, 1, 0, index).set == 0;
  EXPECT_NEAR(from_small, 200, 50);  // a quarter; four standard deviations
}

TEST(Episodes, WithAdvectedBasesHoldThoseOfTheWholeFrames) {
  const TemporaryFolder folder;
  const int side = 24, frames = 14;
  const auto cloud = [](int t, int y, int x) { return 60 + 40 * ((x - t) / 4 % 2) + 5 * (y / 3) + (7 * x + y) % 5; };
  write_frames_of(folder / "a", frames, side, cloud);
  FitSettings settings = traced_settings(folder / "a");
  settings.validation_share = 0;
  settings.network.residual = ResidualBase::advected;
  settings.longest_stride = 2;
  const Archive archive = open_good(settings);
  const EpisodeSampler sampler(archive, archive.training(), settings.network, {8, 1, 1});
  const std::size_t pixels = side * side;
  SmoothedAdvection advection(side, side, settings.network.leads);
  std::vector<float> past(2 * pixels), advected(2 * pixels), smoothed(2 * pixels), tile(64);
  std::set<std::size_t> strides;
  for (const FrameStretch& stretch : archive.training()) {
    strides.insert(stretch.stride);
    const std::size_t newest = stretch.count - 3;
    for (std::size_t f = 0; f < 2; ++f) {
      const int t = static_cast<int>(stretch.frame(newest - 1 + f));
      for (int i = 0; i < side * side; ++i)
        past[f * pixels + static_cast<std::size_t>(i)] = static_cast<float>(cloud(t, i / side, i % side));
    }
    advection.forecast(past, 2, advected, smoothed, nullptr);
    for (int lead = 0; lead < 2; ++lead) {
      archive.copy_advected_tile(stretch, newest, lead, 5, 7, 8, tile);
      for (std::size_t i = 0; i < 64; ++i) {
        const std::size_t at = static_cast<std::size_t>(lead) * pixels + (5 + i / 8) * side + 7 + i % 8;
        ASSERT_NEAR(tile[i], smoothed[at], 0.01f) << "lead " << lead << ", stride " << stretch.stride;
      }
    }
  }
  EXPECT_EQ(strides, (std::set<std::size_t>{1, 2}));
  const Episode episode = draw(sampler, 1, 0, 0);
  EXPECT_EQ(episode.task.query.front().base_leads, 2);
  EXPECT_EQ(episode.task.support.front().base, episode.bases.data());
  EXPECT_EQ(episode.task.query.front().base, episode.bases.data() + 2 * 64);
}

TEST(Episodes, OfALongerStrideSkipFrames) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 30);
  FitSettings settings = traced_settings(folder / "a");
  settings.validation_share = 0;
  settings.longest_stride = 3;
  const Archive archive = open_good(settings);
  const EpisodeSampler sampler(archive, archive.training(), settings.network, {8, 2, 1});
  std::map<int, int> drawn;
  for (std::uint64_t index = 0; index < 600; ++index) {
    const Episode episode = draw(sampler, 1, 0, index);
    const int step = time_of(episode.frames.data() + 64) - time_of(episode.frames.data());
    ++drawn[step];
    for (std::size_t f = 1; f < episode.frames.size() / 64; ++f)
      ASSERT_EQ(time_of(episode.frames.data() + f * 64), time_of(episode.frames.data()) + step * static_cast<int>(f));
  }
  ASSERT_EQ(drawn.size(), 3u);
  EXPECT_GT(drawn[1], drawn[2]);
  EXPECT_GT(drawn[2], drawn[3]);
}

TEST(Episodes, NumbersChangeAlikeInATask) {
  const TrainedWhole traced;
  const EpisodeSampler plain = traced.sampler({8, 2, 1});
  const EpisodeSampler changed = traced.sampler({8, 2, 1, 0.5, 3.0});
  std::set<float> gains;
  for (std::uint64_t index = 0; index < 20; ++index) {
    const Episode before = draw(plain, 1, 0, index), after = draw(changed, 1, 0, index);
    const auto [low, high] = std::ranges::minmax_element(before.frames);
    const std::size_t a = static_cast<std::size_t>(low - before.frames.begin());
    const std::size_t b = static_cast<std::size_t>(high - before.frames.begin());
    const float gain = (after.frames[b] - after.frames[a]) / (before.frames[b] - before.frames[a]);
    const float shift = after.frames[a] - gain * before.frames[a];
    for (std::size_t i = 0; i < before.frames.size(); ++i)
      ASSERT_NEAR(after.frames[i], gain * before.frames[i] + shift, 0.01f);
    EXPECT_LE(std::fabs(std::log(gain)), 0.51f);
    EXPECT_LE(std::fabs(shift), 3.1f);
    gains.insert(gain);
  }
  EXPECT_GT(gains.size(), 15u);
}

TEST(Episodes, ACalibrationStepMovesAllFramesFromOneOn) {
  const TrainedWhole traced;
  const EpisodeSampler plain = traced.sampler({8, 2, 1});
  const EpisodeSampler stepped = traced.sampler({8, 2, 1, 0, 0, 0.5});
  int with_step = 0;
  for (std::uint64_t index = 0; index < 40; ++index) {
    const Episode before = draw(plain, 1, 0, index), after = draw(stepped, 1, 0, index);
    float step = 0;
    for (std::size_t i = 0; i < before.frames.size(); ++i) {
      const float moved = after.frames[i] - before.frames[i];
      if (step == 0 && std::fabs(moved) > 2e-3f) {
        step = moved;
        EXPECT_EQ(i % 64, 0u) << "with a frame's first pixel";
      }
      ASSERT_NEAR(moved, step, 1e-3f);
    }
    EXPECT_LE(std::fabs(step), 0.51f);
    with_step += step != 0;
  }
  EXPECT_GT(with_step, 10);
  EXPECT_LT(with_step, 30);
}

TEST(Episodes, AZoomChangesWhatATaskCovers) {
  const TrainedWhole traced;
  const EpisodeSampler sampler = traced.sampler({.tile = 8, .support_pairs = 1, .query_pairs = 1, .zoom = 0.6});
  std::set<long> covered;
  for (std::uint64_t index = 0; index < 40; ++index) {
    const Episode episode = draw(sampler, 1, 0, index);
    // Brightness is linear in row and column: slopes away from the edges tell how many pixels one of the task's covers.
    const auto at = [&](std::size_t frame, std::size_t i) { return episode.frames[frame * 64 + i]; };
    const float right = std::fabs(at(0, 38) - at(0, 34)) / 4, down = std::fabs(at(0, 52) - at(0, 20)) / 4;
    EXPECT_NEAR(std::max(right, down) / std::min(right, down), 16.0f, 1.0f);
    const float ratio = std::max(right, down) / 16;
    EXPECT_GE(ratio, 0.5f - 0.05f);
    EXPECT_LE(ratio, 15.0f / 8 + 0.05f);
    covered.insert(std::lround(8 * ratio));
    for (std::size_t i = 0; i < 64; ++i) ASSERT_NEAR(at(3, i) - at(0, i), 3 * 256.0f, 0.1f) << "frames zoom alike";
  }
  EXPECT_GE(covered.size(), 8u);
}

TEST(Archive, TrainingEndsAGapBeforeTheHeldOutPart) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 60);
  FitSettings settings = traced_settings(folder / "a");
  settings.validation_share = 0.25;
  settings.validation_gap_hours = 3;  // six frames
  const Archive archive = open_good(settings);
  EXPECT_EQ(spans(archive.validation(), 0), (std::vector<Span>{{45, 60}}));
  EXPECT_EQ(spans(archive.training(), 0), (std::vector<Span>{{0, 39}}));
  const EpisodeSampler sampler(archive, archive.training(), settings.network, {8, 4, 2});
  int newest = 0;
  for (std::uint64_t index = 0; index < 300; ++index) {
    for (const float pixel : draw(sampler, 1, 0, index).frames) newest = std::max(newest, time_of(&pixel));
  }
  EXPECT_EQ(newest, 38);
}

TEST(Archive, ValidationFromATimeLeavesWhatIsBeforeToTraining) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 40);
  write_traceable(folder / "b", 40);
  write_traceable(folder / "c", 40);
  FitSettings settings = traced_settings(folder / "a");
  settings.data.push_back(folder / "b");
  // The same folder under another spelling; one that is only validated on; the rest is trained on to its end.
  settings.validation = {{folder / "./b/", "2018-06-06T22:00Z"}, {folder / "c", "2018-06-07T02:00Z"}};
  const Archive archive = open_good(settings);
  EXPECT_EQ(spans(archive.training(), 0), (std::vector<Span>{{0, 40}}));
  EXPECT_EQ(spans(archive.training(), 1), (std::vector<Span>{{0, 18}}));
  EXPECT_EQ(spans(archive.training(), 2), std::vector<Span>());
  EXPECT_EQ(spans(archive.validation(), 0), std::vector<Span>());
  EXPECT_EQ(spans(archive.validation(), 1), (std::vector<Span>{{20, 40}}));
  EXPECT_EQ(spans(archive.validation(), 2), (std::vector<Span>{{28, 40}}));
}

TEST(Archive, AFolderThatIsValidatedWholeIsNotTrainedOn) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 20);
  write_traceable(folder / "b", 20);
  FitSettings settings = traced_settings(folder / "a");
  settings.data.push_back(folder / "b");
  settings.validation = {{folder / "b", ""}};
  const Archive archive = open_good(settings);
  EXPECT_EQ(spans(archive.training(), 1), std::vector<Span>());
  EXPECT_EQ(spans(archive.validation(), 1), (std::vector<Span>{{0, 20}}));
  settings.data = {folder / "b"};
  expect_mention(open_message(settings), {"long enough to train on", "hold less out"});
}

TEST(Archive, AGapInTimeSplitsAFolder) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 30);
  for (int t = 10; t < 15; ++t) std::filesystem::remove(frame_path(folder / "a", kNoon + t * 1800));
  FitSettings settings = traced_settings(folder / "a");
  settings.validation_share = 0;
  EXPECT_EQ(spans(open_good(settings).training(), 0), (std::vector<Span>{{0, 10}, {10, 25}}));
}

TEST(Archive, CorruptFramesAreNamedAndLeftOut) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 30);
  const std::string truncated = frame_path(folder / "a", kNoon + 9 * 1800);
  const std::string altered = frame_path(folder / "a", kNoon + 20 * 1800);
  Bytes bytes = read_bytes(truncated);
  bytes.resize(bytes.size() / 2);
  write_bytes(truncated, bytes);
  bytes = read_bytes(altered);
  bytes[bytes.size() / 2] ^= 0x10;  // found only when it is decoded
  write_bytes(altered, bytes);
  FitSettings settings = traced_settings(folder / "a");
  settings.validation_share = 0;
  std::vector<std::string> notices;
  const Archive archive = open_good(settings, &notices);
  EXPECT_EQ(archive.frame_count(), 28u);
  ASSERT_EQ(notices.size(), 2u);
  expect_mention(notices[0], {truncated, "left out", "truncated"});
  expect_mention(notices[1], {altered, "left out"});
  EXPECT_EQ(spans(archive.training(), 0), (std::vector<Span>{{0, 9}, {9, 19}, {19, 28}}));
  // The frames after a bad one are still those of their times.
  std::vector<float> tile(64);
  archive.copy_tile(0, 19, 0, 0, 8, tile);
  EXPECT_EQ(time_of(tile.data()), 21);
}

TEST(Archive, AStoreHoldsWhatDecodingAndAdvectingGaveUntilAFrameChanges) {
  const TemporaryFolder folder;
  write_frames_of(folder / "a", 14, 16, [](int t, int y, int x) { return (x * y + 3 * t + (x - t) * (x - t)) % 200; });
  const std::string broken = frame_path(folder / "a", kNoon + 4 * 1800);
  Bytes bytes = read_bytes(broken);
  bytes[bytes.size() / 2] ^= 0x10;
  write_bytes(broken, bytes);
  FitSettings settings = tiny_settings(folder / "a");
  settings.network.residual = ResidualBase::advected;
  settings.validation_share = 0;
  const auto everything = [&](const ArchiveStore& store, std::vector<std::string>& notices) {
    const Result<Archive> archive = Archive::open(
        settings, [&](const std::string& line) { notices.push_back(line); }, store);
    EXPECT_TRUE(archive.ok()) << archive.message();
    std::vector<float> numbers;
    const EpisodeSampler sampler(*archive, archive->training(), settings.network, {16, 2, 1});
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Episode episode = draw(sampler, 1, 0, i);
      numbers.insert(numbers.end(), episode.frames.begin(), episode.frames.end());
      numbers.insert(numbers.end(), episode.bases.begin(), episode.bases.end());
    }
    return std::pair(numbers, archive->fingerprint());
  };
  const ArchiveStore store{folder / "store"}, reading{folder / "store", false};
  std::vector<std::string> in_memory, first, second;
  const auto expected = everything({}, in_memory);
  EXPECT_EQ(everything(store, first), expected);
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(store.folder), std::filesystem::directory_iterator());
  };
  EXPECT_EQ(files(), 2);  // frames and advected ones
  EXPECT_EQ(everything(reading, second), expected);
  EXPECT_EQ(first, in_memory);
  EXPECT_EQ(second, in_memory);  // the store knows what did not decode

  write_bytes(frame_path(folder / "a", kNoon + 9 * 1800), read_bytes(frame_path(folder / "a", kNoon + 10 * 1800)));
  EXPECT_EQ(files(), 2);
  const auto changed = everything(store, second);
  EXPECT_NE(changed.first, expected.first);
  EXPECT_NE(changed.second, expected.second);
  EXPECT_EQ(files(), 4);
}

TEST(Archive, TilesAreNormalisedInTheImagesOwnNumbers) {
  const TemporaryFolder folder;
  write_frames_of(folder / "8", 12, kSide, [](int t, int y, int x) { return (t + 16 * y + x) % 256; });
  write_traceable(folder / "16", 12);
  for (const int bits : {8, 16}) {
    FitSettings settings = traced_settings(folder / std::to_string(bits));
    settings.normalisation = {10.0f, 4.0f};
    const Archive archive = open_good(settings);
    std::vector<float> tile(64);
    archive.copy_tile(0, 7, 2, 3, 8, tile);
    const int raw = bits == 8 ? 7 + 16 * 4 + 6 : traceable(7, 4, 6);
    EXPECT_EQ(tile[2 * 8 + 3], (static_cast<float>(raw) - 10.0f) / 4.0f) << bits;
  }
}

TEST(Archive, TellsWhatItsFoldersHaveInCommon) {
  const TemporaryFolder folder;
  write_traceable(folder / "a", 12);
  write_traceable(folder / "b", 12);
  write_traceable(folder / "c", 12);
  write_text(folder / "a/cache.toml", "cadence = 30\nchannel = \"infrared\"\n");
  write_text(folder / "b/cache.toml", "channel = \"infrared\"\n");
  write_text(folder / "c/cache.toml", "cadence = 60\n");
  FitSettings settings = traced_settings(folder / "a");
  settings.validation_share = 0;
  settings.data.push_back(folder / "b");
  const Archive alike = open_good(settings);
  EXPECT_EQ(alike.cadence_seconds(), 1800);
  EXPECT_EQ(alike.channel(), "infrared");
  settings.data.push_back(folder / "c");
  const Result<Archive> mixed = Archive::open(settings, [](const std::string&) {});
  ASSERT_TRUE(mixed.ok()) << mixed.message();
  EXPECT_EQ(mixed->cadence_seconds(), 0);
  EXPECT_EQ(mixed->channel(), "");
}

TEST(Archive, FoldersThatCannotBeUsedTogetherAreNamedWithTheMend) {
  const TemporaryFolder folder;
  write_traceable(folder / "16", 12);
  write_frames_of(folder / "8", 12, kSide, [](int t, int, int) { return t; });
  FitSettings settings = traced_settings(folder / "16");
  settings.tile = 17;
  expect_mention(open_message(settings), {folder / "16", "16×16", "tile of 17", "lower training.tile"});
  settings.tile = 8;
  settings.data.push_back(folder / "8");
  expect_mention(open_message(settings), {folder / "8", "8 bits", "convert its frames"});
  settings.data = {folder / "none"};
  expect_mention(open_message(settings), {folder / "none"});
}

}  // namespace
}  // namespace altocast
