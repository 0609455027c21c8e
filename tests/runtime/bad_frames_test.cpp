// Frames that are no data: each named with its reason, none used, none an end to the run; and good frames that look
// like some of them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <set>

#include "formats/byte_order.h"
#include "formats/crc32c.h"
#include "runtime/frames/frame_cache.h"
#include "tests/runtime/receiver_frames.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

Bytes part(Bytes bytes, std::size_t size) {
  bytes.resize(size);
  return bytes;
}

// A PNG of chunks with right checksums.
Bytes chunks(const std::vector<std::pair<std::string, Bytes>>& all) {
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  for (const auto& [type, data] : all) {
    Bytes body(type.begin(), type.end());
    body.insert(body.end(), data.begin(), data.end());
    std::uint8_t number[4];
    store_big(number, static_cast<std::uint32_t>(data.size()));
    file.insert(file.end(), number, number + 4);
    file.insert(file.end(), body.begin(), body.end());
    store_big(number, crc32_png(body));
    file.insert(file.end(), number, number + 4);
  }
  return file;
}

Bytes header(std::uint32_t width, std::uint32_t height) {
  Bytes data(13);
  store_big(data.data(), width);
  store_big(data.data() + 4, height);
  data[8] = 8;
  return data;
}

Bytes with_rows(Bytes pixels, int first, int end, std::uint8_t value) {
  std::fill(pixels.begin() + first * kClouds, pixels.begin() + end * kClouds, value);
  return pixels;
}

// What NOAA's colour tables make of it, more or less.
Bytes in_colours(const Bytes& gray) {
  Bytes rgb = to_rgb(gray);
  for (std::size_t i = 0; i < gray.size(); ++i) {
    if (gray[i] > 90) rgb[3 * i] = static_cast<std::uint8_t>(255 - gray[i]);
  }
  return rgb;
}

// Draws `line` on each pixel of a grid and of a coast across.
template <class Draw>
void draw_map(const Draw& draw) {
  for (int y = 0; y < kClouds; ++y) {
    for (int x = 0; x < kClouds; ++x) {
      if (y % 25 == 12 || x % 25 == 12 || y == 20 + x * x / 120) draw(static_cast<std::size_t>(y * kClouds + x));
    }
  }
}

Bytes with_map(Bytes gray, std::uint8_t line = 255) {
  draw_map([&](std::size_t i) { gray[i] = line; });
  return gray;
}

Bytes with_yellow_map(const Bytes& gray) {
  Bytes rgb = to_rgb(gray);
  draw_map([&](std::size_t i) {
    rgb[3 * i] = rgb[3 * i + 1] = 255;
    rgb[3 * i + 2] = 0;
  });
  return rgb;
}

Bytes rgb_png(const Bytes& rgb) { return *encode_png(kClouds, kClouds, 3, rgb); }

Bytes damaged(Bytes bytes, std::size_t at, std::size_t count, std::uint8_t value) {
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, value);
  return bytes;
}

TEST(BadFrames, EachOfFortyFiveIsNamedWithItsReasonAndNoneIsUsed) {
  const Bytes gray = clouds(5), png = gray_png(gray), jpeg = encode_jpeg(kClouds, kClouds, 1, gray);
  const Bytes end = {};
  Bytes dark = gray;
  for (std::uint8_t& pixel : dark) pixel = static_cast<std::uint8_t>(pixel / 20);
  std::vector<std::uint16_t> wide(gray.begin(), gray.end());
  Bytes no_code = jpeg;  // more symbols than the Huffman table's segment holds
  const Bytes table_mark = {0xff, 0xc4};
  const auto table = std::search(no_code.begin(), no_code.end(), table_mark.begin(), table_mark.end());
  std::fill_n(table + 5, 16, std::uint8_t{0xff});
  Bytes flat_jpeg = jpeg;
  const Bytes frame_mark = {0xff, 0xc0};
  const auto sof = std::search(flat_jpeg.begin(), flat_jpeg.end(), frame_mark.begin(), frame_mark.end());
  std::fill_n(sof + 5, 2, std::uint8_t{0});
  Bytes long_chunk = png;
  long_chunk[33] = 0x7f;  // the length of the chunk after the header

  struct Bad {
    Bytes bytes;
    FrameFault fault;
    const char* reason;
    const char* extension = ".png";
  };
  const std::vector<Bad> bad = {
      {{}, FrameFault::incomplete, "is empty"},
      {part(png, 5), FrameFault::incomplete, "ends within the PNG header"},
      {part(png, 30), FrameFault::incomplete, "ends within the PNG header"},
      {part(png, png.size() / 2), FrameFault::incomplete, "no end mark"},
      {part(png, png.size() - 5), FrameFault::incomplete, "no end mark"},
      {damaged(png, png.size() - 600, 600, 0), FrameFault::incomplete, "no end mark"},
      {Bytes(png.size()), FrameFault::incomplete, "holds zeros where the image should begin"},
      {part(jpeg, 2), FrameFault::incomplete, "before the JPEG frame header", ".jpg"},
      {part(jpeg, 100), FrameFault::incomplete, "before the JPEG frame header", ".jpg"},
      {part(jpeg, jpeg.size() / 2), FrameFault::incomplete, "no end mark", ".jpg"},
      {part(jpeg, jpeg.size() - 1), FrameFault::incomplete, "no end mark", ".jpg"},
      {damaged(png, png.size() / 2, 1, 77), FrameFault::corrupt, "wrong checksum"},
      {damaged(png, 600, 512, 0), FrameFault::corrupt, "wrong checksum"},
      {damaged(png, 18, 1, 9), FrameFault::corrupt, "the PNG header has a wrong checksum"},
      {damaged(png, 12, 4, 'x'), FrameFault::corrupt, "no PNG header chunk"},
      {long_chunk, FrameFault::corrupt, "runs beyond the end"},
      {chunks({{"IHDR", header(0, 64)}, {"IDAT", {1, 2}}, {"IEND", end}}), FrameFault::corrupt, "impossible PNG size"},
      {chunks({{"IHDR", header(64, 64)}, {"IEND", end}}), FrameFault::corrupt, "without image data"},
      {chunks({{"IHDR", header(64, 64)}, {"IDAT", {1, 2, 3, 4, 5, 6}}, {"IEND", end}}), FrameFault::corrupt,
       "can't be decoded"},
      {chunks({{"IHDR", header(60000, 60000)}, {"IDAT", {1, 2, 3}}, {"IEND", end}}), FrameFault::other_size,
       "60000×60000 at 8 bits where most frames are 64×64"},
      {flat_jpeg, FrameFault::corrupt, "impossible JPEG size", ".jpg"},
      {no_code, FrameFault::corrupt, "Huffman", ".jpg"},
      {damaged(jpeg, 2, 1, 0x12), FrameFault::no_image, "neither PNG nor JPEG", ".jpg"},
      {damaged(jpeg, 20, 1, 0x12), FrameFault::corrupt, "no JPEG marker", ".jpg"},
      {{'G', 'I', 'F', '8', '9', 'a', 64, 0, 64, 0}, FrameFault::no_image, "neither PNG nor JPEG"},
      {{'<', 'h', 't', 'm', 'l', '>'}, FrameFault::no_image, "neither PNG nor JPEG", ".jpg"},
      {gray_png(part(gray, 60 * 64)), FrameFault::other_size, "is 64×60 at 8 bits where most frames are 64×64 at 8"},
      {*encode_png(kClouds, kClouds, wide), FrameFault::other_size, "is 64×64 at 16 bits where"},
      {rgb_png(in_colours(gray)), FrameFault::coloured, "a colour table or composite"},
      {encode_jpeg(kClouds, kClouds, 3, in_colours(gray)), FrameFault::coloured, "a colour table or composite", ".jpg"},
      {rgb_png(with_yellow_map(gray)), FrameFault::coloured, "a colour table or composite"},
      {gray_png(Bytes(gray.size(), 0)), FrameFault::constant, "every pixel has the number 0"},
      {gray_png(Bytes(gray.size(), 255)), FrameFault::constant, "every pixel has the number 255"},
      {gray_png(with_rows(gray, 16, 32, 0)), FrameFault::banded, "rows 16 to 31 of 64 hold nothing but the number 0"},
      {gray_png(with_rows(gray, 40, 64, 0)), FrameFault::banded, "rows 40 to 63 of 64"},
      {gray_png(with_rows(gray, 30, 31, 128)), FrameFault::banded, "row 30 of 64 hold nothing but the number 128"},
      {encode_jpeg(kClouds, kClouds, 1, with_rows(gray, 0, 20, 0)), FrameFault::banded, "rows 0 to 1", ".jpg"},
      {gray_png(dark), FrameFault::night, "night"},
      {encode_jpeg(kClouds, kClouds, 1, dark), FrameFault::night, "night", ".jpg"},
  };
  const TemporaryFolder folder;
  constexpr int kGood = 30;
  for (int i = 0; i < kGood; ++i) put(folder, goes_name(i), gray_png(clouds(i)));
  std::vector<std::pair<std::string, std::pair<FrameFault, const char*>>> expected;
  int next = kGood;
  const auto path_of = [&](const char* extension) { return folder / goes_name(next++, "CH13", extension); };
  for (const Bad& frame : bad) {
    const std::string name = goes_name(next++, "CH13", frame.extension);
    put(folder, name, frame.bytes);
    expected.push_back({folder / name, {frame.fault, frame.reason}});
  }
  const auto expect = [&](const std::string& path, FrameFault fault, const char* reason) {
    expected.push_back({path, {fault, reason}});
  };
  std::string path = path_of(".png");
  fs::create_directories(path);
  expect(path, FrameFault::unreadable, "is a folder");
  path = path_of(".png");
  fs::create_symlink("nowhere", path);
  expect(path, FrameFault::unreadable, "cannot be read");
  path = path_of(".png");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  expect(path, FrameFault::unreadable, "is no regular file");
  const std::string day = (fs::path(folder / goes_name(0)).parent_path() / "GOES16_FD_CH13_").string();
  write_bytes(day + "20200231T035020Z.png", png);
  expect(day + "20200231T035020Z.png", FrameFault::bad_time, "day");
  write_bytes(day + "20200830T240020Z.png", png);
  expect(day + "20200830T240020Z.png", FrameFault::bad_time, "hour");
  write_bytes(day + "20200830T035025Z.png", png);
  expect(day + "20200830T035025Z.png", FrameFault::duplicate, "has the same slot 2020-08-30T03:50Z");
  write_bytes(day + "enhanced_20200830T235020Z.png", png);
  expect(day + "enhanced_20200830T235020Z.png", FrameFault::picture, "colour table");

  Result<FrameCache> cache = FrameCache::open(folder.path());
  ASSERT_TRUE(cache.ok()) << cache.message();
  cache = cache->without(bad_frames(*cache));
  ASSERT_TRUE(cache.ok()) << cache.message();
  std::set<std::string> seen;
  for (const auto& [file, why] : expected) {
    const auto found = std::find_if(cache->rejected().begin(), cache->rejected().end(),
                                    [&name = file](const RejectedFrame& frame) { return frame.path == name; });
    ASSERT_NE(found, cache->rejected().end()) << file << " was used; it should be " << fault_name(why.first);
    EXPECT_EQ(fault_name(found->fault), fault_name(why.first)) << file << ": " << found->reason;
    EXPECT_NE(found->reason.find(why.second), std::string::npos) << file << ": " << found->reason;
    seen.insert(file);
  }
  EXPECT_EQ(cache->rejected().size(), expected.size());
  EXPECT_EQ(seen.size(), expected.size());
  EXPECT_GE(expected.size(), 45u);
  ASSERT_EQ(cache->frames().size(), static_cast<std::size_t>(kGood));
  EXPECT_TRUE(bad_frames(*cache).empty());
}

// A cache of plain PNGs, half an hour apart.
FrameCache open_frames(const TemporaryFolder& folder, int count, const std::function<Bytes(int)>& png,
                       const FrameCacheSettings& settings = {}) {
  for (int i = 0; i < count; ++i) put(folder, format_compact_time(kNoon + 1800 * i) + ".png", png(i));
  Result<FrameCache> cache = FrameCache::open(folder.path(), settings);
  EXPECT_TRUE(cache.ok()) << cache.message();
  return *std::move(cache);
}

TEST(BadFrames, AMapInAllFramesIsSeenWhateverTheFormat) {
  for (const bool lossy : {false, true}) {
    const TemporaryFolder folder;
    constexpr int kWithout = 2;  // not among those that are looked at to find it
    const auto drawn = [&](int i) {
      const Bytes gray = i == kWithout ? clouds(4 * i) : with_map(clouds(4 * i));
      return lossy ? encode_jpeg(kClouds, kClouds, 1, gray) : gray_png(gray);
    };
    const FrameCache cache = open_frames(folder, 10, drawn);
    const std::vector<RejectedFrame> bad = bad_frames(cache);
    ASSERT_EQ(bad.size(), 9u) << (lossy ? "JPEG" : "PNG");
    for (const RejectedFrame& frame : bad) {
      EXPECT_EQ(frame.fault, FrameFault::overlaid);
      EXPECT_NE(frame.path, cache.frames()[kWithout].path);
    }
    EXPECT_NE(bad[0].reason.find("write images without a map"), std::string::npos);
    FrameCacheSettings settings;
    settings.accept = {FrameFault::overlaid};
    EXPECT_TRUE(bad_frames(*FrameCache::open(folder.path(), settings)).empty()) << "an operator may want them";
  }
}

TEST(BadFrames, AMapInColourIsSeenInASingleFrame) {
  const TemporaryFolder folder;
  const FrameCache cache = open_frames(folder, 4, [&](int i) {
    Bytes rgb = to_rgb(clouds(i));
    if (i == 2) {
      for (int x = 0; x < kClouds; ++x) rgb[3 * static_cast<std::size_t>(30 * kClouds + x)] = 255;
    }
    return rgb_png(rgb);
  });
  const std::vector<RejectedFrame> bad = bad_frames(cache);
  ASSERT_EQ(bad.size(), 1u) << "grey in three equal colours is grey";
  EXPECT_EQ(bad[0].fault, FrameFault::overlaid);
  EXPECT_NE(bad[0].reason.find("coloured lines"), std::string::npos);
  EXPECT_EQ(cache.load(1)->pixels[77], static_cast<float>(clouds(1)[77]));
}

TEST(BadFrames, ColoursBecomeGreyOnlyIfTheSettingsSaySo) {
  const TemporaryFolder folder;
  FrameCacheSettings settings;
  settings.accept = {FrameFault::coloured};
  const FrameCache cache = open_frames(
      folder, 3, [](int i) { return rgb_png(in_colours(clouds(i))); }, settings);
  EXPECT_TRUE(bad_frames(cache).empty());
  EXPECT_EQ(bad_frames(*FrameCache::open(folder.path())).size(), 3u);
}

TEST(BadFrames, OnlyWhatLiesWithinTheCropCounts) {
  const TemporaryFolder folder;
  FrameCacheSettings settings;
  settings.crop = FrameCrop{0, 0, 40, 64};
  const FrameCache cache = open_frames(
      folder, 5, [](int i) { return gray_png(with_rows(clouds(i), i == 3 ? 48 : 64, 64, 0)); }, settings);
  EXPECT_TRUE(bad_frames(cache).empty());
  EXPECT_EQ(bad_frames(*FrameCache::open(folder.path())).size(), 1u);
}

TEST(BadFrames, ABorderThatAllFramesHaveIsNoBand) {
  const TemporaryFolder folder;
  const FrameCache cache = open_frames(folder, 5, [](int i) { return gray_png(with_rows(clouds(i), 0, 8, 0)); });
  EXPECT_TRUE(bad_frames(cache).empty());
}

TEST(BadFrames, RadarThatIsMostlyDryIsGood) {
  const TemporaryFolder folder;
  const FrameCache cache = open_frames(folder, 9, [](int i) {  // showers that wander; two frames are dry
    Bytes rain(kClouds * kClouds);
    for (int y = 0; y < 14 && i != 4 && i != 5; ++y) {
      for (int x = 0; x < 40; ++x) {
        const double r = std::hypot(y - 7, (x - 20) / 3.0);
        if (r < 7)
          rain[static_cast<std::size_t>((y + 5 * i) * kClouds + x + i)] = static_cast<std::uint8_t>(28 + 18 * (7 - r));
      }
    }
    return gray_png(rain);
  });
  const std::vector<RejectedFrame> bad = bad_frames(cache);
  EXPECT_TRUE(bad.empty()) << bad.front().path << ": " << bad.front().reason;
}

TEST(BadFrames, ADarkMorningIsGoodAndNightIsNot) {
  const TemporaryFolder folder;
  const FrameCache cache = open_frames(folder, 12, [](int i) {  // the light grows to full, then stays
    Bytes visible = clouds(i);
    for (std::size_t p = 0; p < visible.size(); ++p) {
      const double light =
          i < 3 ? 0.01 : std::min(1.0, 0.15 * (i - 2) + 0.3 * static_cast<double>(p % kClouds) / kClouds);
      visible[p] = static_cast<std::uint8_t>(light * visible[p]);
    }
    return gray_png(visible);
  });
  const std::vector<RejectedFrame> bad = bad_frames(cache);
  ASSERT_EQ(bad.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(bad[i].path, cache.frames()[i].path);
    EXPECT_TRUE(bad[i].fault == FrameFault::night || bad[i].fault == FrameFault::constant) << bad[i].reason;
  }
}

// The shared data sets, where they are: all their frames are good.
class SharedGoodFrames : public testing::TestWithParam<const char*> {};

TEST_P(SharedGoodFrames, NoneIsRefused) {
  const fs::path folder = fs::path(ALTOCAST_SHARED_DIR) / "data" / GetParam();
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const Result<FrameCache> cache = FrameCache::open(folder.string());
  ASSERT_TRUE(cache.ok()) << cache.message();
  for (std::size_t i = 0; i < cache->frames().size(); i += 12) {
    if (cache->frames()[i].bridged) continue;
    const Result<Frame> frame = cache->load(i);
    EXPECT_TRUE(frame.ok()) << frame.message();
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, SharedGoodFrames,
                         testing::Values("mergir-nsa-201912", "goes13-irma-ir-west", "goes13-irma-ir-east",
                                         "goes13-irma-wv", "goes13-irma-vis", "typhoon-wp-200717", "typhoon-wp-198702",
                                         "radar-knmi-nl-2021winter"),
                         [](const auto& set) {
                           std::string name = set.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace altocast
