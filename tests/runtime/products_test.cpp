#include "runtime/products/products.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "runtime/frames/frame_name.h"
#include "runtime/products/palette.h"
#include "runtime/products/picture.h"
#include "tests/runtime/frame_files.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

// A small forecast with the memory it points to.
struct Sample {
  std::vector<float> values, past;
  ForecastProduct forecast;

  Sample(int members = 3, int leads = 2, int height = 6, int width = 9) {
    const std::size_t pixels = static_cast<std::size_t>(height * width);
    for (std::size_t i = 0; i < pixels * static_cast<std::size_t>(members * leads); ++i) {
      values.push_back(250.0f + 0.125f * static_cast<float>(i * 37 % 331));
    }
    past.assign(2 * pixels, 260.0f);
    forecast.members = members;
    forecast.leads = leads;
    forecast.height = height;
    forecast.width = width;
    forecast.values = values;
    forecast.start_time = kNoon;
    forecast.cadence_seconds = 1800;
    forecast.past = {{kNoon - 1800, std::span<const float>(past).first(pixels)},
                     {kNoon, std::span<const float>(past).last(pixels)}};
    forecast.channel = "IR </script> \"10.7\" µm";
    forecast.units = "K";
    forecast.range_low = 180.0f;
    forecast.range_high = 320.0f;
    forecast.bright_is_low = true;
    forecast.prior_sha256 = std::string(64, 'a');
    forecast.seed = 42;
    forecast.settings = {{"inner steps", "3"}};
  }
};

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string text_of(const std::string& path) {
  const Bytes bytes = read_bytes(path);
  return std::string(bytes.begin(), bytes.end());
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Products, WriteEveryFileThatTheSummaryLists) {
  const TemporaryFolder folder;
  const Sample sample;
  const Status status = write_products(sample.forecast, folder / "out");
  ASSERT_TRUE(status.ok()) << status.message();
  const std::vector<std::string> expected = {
      "forecast.nc",
      "mean_01_20180606T1230Z.png",
      "mean_02_20180606T1300Z.png",
      "member01_01_20180606T1230Z.png",
      "member01_02_20180606T1300Z.png",
      "member02_01_20180606T1230Z.png",
      "member02_02_20180606T1300Z.png",
      "member03_01_20180606T1230Z.png",
      "member03_02_20180606T1300Z.png",
      "overview.png",
      "report.html",
      "spread_01_20180606T1230Z.png",
      "spread_02_20180606T1300Z.png",
      "summary.json",
  };
  EXPECT_EQ(names_in(folder / "out"), expected);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"out"});
  const std::string summary = text_of(folder / "out/summary.json");
  for (const std::string& name : expected) {
    EXPECT_EQ(contains(summary, '"' + name + '"'), name != "summary.json") << name;
    EXPECT_NE(parse_frame_name(name).kind, FrameName::Kind::frame) << name << " would be taken for a frame";
  }
  EXPECT_TRUE(contains(summary, "\"hash\": \"" + forecast_hash(sample.forecast) + "\""));
  EXPECT_TRUE(contains(summary, "\"start_time\": \"2018-06-06T12:00Z\""));
  EXPECT_TRUE(contains(summary, "IR </script> \\\"10.7\\\" µm"));
}

TEST(Products, PicturesHaveTheForecastsSizeAndShades) {
  const TemporaryFolder folder;
  const Sample sample;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out", {.member_pictures = 1}).ok());
  const Result<GrayImage> member = load_image(folder / "out/member01_01_20180606T1230Z.png");
  ASSERT_TRUE(member.ok()) << member.message();
  EXPECT_EQ(member->width, 9);
  EXPECT_EQ(member->height, 6);
  // 250 K, half way from 180 K (white) to 320 K (black).
  EXPECT_EQ(member->pixels[0], 128);
  EXPECT_FALSE(fs::exists(folder / "out/member02_01_20180606T1230Z.png"));
  const Result<GrayImage> overview = load_image(folder / "out/overview.png");
  ASSERT_TRUE(overview.ok()) << overview.message();
  EXPECT_GT(overview->width, 640);
}

TEST(Products, ReportIsOneFileWithoutTheNetworkAndEscapesText) {
  const TemporaryFolder folder;
  const Sample sample;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  const std::string report = text_of(folder / "out/report.html");
  EXPECT_FALSE(contains(report, "http"));
  EXPECT_FALSE(contains(report, "IR </script>"));
  EXPECT_TRUE(contains(report, "IR &lt;/script&gt; &quot;10.7&quot; µm"));
  EXPECT_TRUE(contains(report, "data:image/png;base64,iVBORw0KGgo"));
  EXPECT_TRUE(contains(report, "2018-06-06T13:00Z"));
  EXPECT_TRUE(report.ends_with("</body></html>\n"));
}

TEST(Products, ReplaceEarlierProductsAndLeaveNothingBeside) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_products(Sample(3).forecast, folder / "out").ok());
  const Sample second(1, 1);
  const Status status = write_products(second.forecast, folder / "out/");
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"out"});
  EXPECT_EQ(names_in(folder / "out").size(), 7u);
  EXPECT_TRUE(contains(text_of(folder / "out/summary.json"), forecast_hash(second.forecast)));
}

TEST(Products, TakeOverWhatAPowerCutLeft) {
  const TemporaryFolder folder;
  const Sample sample;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  const Bytes before = read_bytes(folder / "out/summary.json");
  // Cut between the two renames of a file system that cannot exchange names.
  fs::rename(folder / "out", folder / "out.previous");
  fs::create_directory(folder / "out.partial");
  write_text(folder / "out.partial/mean_01_20180606T1230Z.png", "half");
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"out"});
  EXPECT_EQ(read_bytes(folder / "out/summary.json"), before);
}

TEST(Products, NeverTouchAFolderWithSomebodysFiles) {
  const TemporaryFolder folder;
  write_text(folder / "thesis.txt", "years of work");
  const Status status = write_products(Sample().forecast, folder.path());
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(contains(status.message(), "thesis.txt")) << status.message();
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"thesis.txt"});
  fs::create_directories(folder / "out/mean_01_20180606T1230Z.png");  // a folder with a product's name
  EXPECT_FALSE(write_products(Sample().forecast, folder / "out").ok());
  EXPECT_TRUE(fs::exists(folder / "out/mean_01_20180606T1230Z.png"));
}

TEST(Products, SayWhenTheOutputCannotBeWritten) {
  const TemporaryFolder folder;
  write_text(folder / "file", "x");
  for (const std::string& path : {folder / "file", folder / "file/out", folder / "no/parent/out",
                                  std::string("/proc/out"), std::string("/"), std::string()}) {
    const Status status = write_products(Sample().forecast, path);
    ASSERT_FALSE(status.ok()) << path;
    EXPECT_TRUE(contains(status.message(), path)) << status.message();
  }
  EXPECT_EQ(text_of(folder / "file"), "x");
}

TEST(Products, RefuseAForecastThatDoesNotFitTogether) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_products(Sample().forecast, folder / "out").ok());
  const Bytes before = read_bytes(folder / "out/summary.json");
  const auto refused = [&](const ForecastProduct& forecast) {
    return !write_products(forecast, folder / "out").ok() && read_bytes(folder / "out/summary.json") == before;
  };
  Sample sample;
  sample.values[17] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(refused(sample.forecast));
  sample = Sample();
  sample.forecast.values = sample.forecast.values.first(5);
  EXPECT_TRUE(refused(sample.forecast));
  for (int* field : {&sample.forecast.members, &sample.forecast.leads, &sample.forecast.height, &sample.forecast.width,
                     &sample.forecast.cadence_seconds}) {
    const int old = std::exchange(*field, 0);
    EXPECT_TRUE(refused(sample.forecast));
    *field = old;
  }
  Sample range;
  range.forecast.range_high = range.forecast.range_low;
  EXPECT_TRUE(refused(range.forecast));
  Sample past;
  past.forecast.past[0].values = past.forecast.past[0].values.first(3);
  EXPECT_TRUE(refused(past.forecast));
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"out"});
}

TEST(Products, HashIsOfTheBitsAndTheShape) {
  Sample sample;
  const std::string hash = forecast_hash(sample.forecast);
  EXPECT_EQ(hash, "443019d9e267267fad84bea8f364e1ffe5a11433ddc6930e669f74b7ee7d04e6");
  std::swap(sample.forecast.members, sample.forecast.leads);
  EXPECT_NE(forecast_hash(sample.forecast), hash);
  std::swap(sample.forecast.members, sample.forecast.leads);
  sample.values[11] = std::nextafter(sample.values[11], 1000.0f);
  EXPECT_NE(forecast_hash(sample.forecast), hash);
}

TEST(Products, MomentsAreMeanAndUnbiasedStandardDeviation) {
  Sample sample(3, 1, 1, 2);
  sample.values = {1.0f, 5.0f, 2.0f, 5.0f, 6.0f, 5.0f};
  sample.forecast.values = sample.values;
  const EnsembleMoments moments = ensemble_moments(sample.forecast);
  EXPECT_FLOAT_EQ(moments.mean[0], 3.0f);
  EXPECT_FLOAT_EQ(moments.spread[0], std::sqrt(7.0f));
  EXPECT_EQ(moments.mean[1], 5.0f);
  EXPECT_EQ(moments.spread[1], 0.0f);
  EXPECT_EQ(ensemble_moments(Sample(1).forecast).spread[0], 0.0f);
}

TEST(Products, AMeanOfItsOwnIsShownAndTheSpreadTellsWhoseItIs) {
  const TemporaryFolder folder;
  Sample sample(3, 1, 1, 2);
  sample.values = {1.0f, 5.0f, 3.0f, 5.0f, 5.0f, 5.0f};  // variances 4 and 0
  sample.forecast.values = sample.values;
  sample.past.resize(2);
  sample.forecast.past.clear();
  const std::vector<float> mean = {4.0f, 4.5f};
  sample.forecast.mean = mean;
  sample.forecast.weight_variance = {0.5};
  const EnsembleMoments moments = ensemble_moments(sample.forecast);
  EXPECT_EQ(moments.mean, mean);
  EXPECT_EQ(moments.spread[0], 2.0f) << "about the members' own mean";
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  const std::string summary = text_of(folder / "out/summary.json");
  EXPECT_TRUE(contains(summary, "\"variance_of_weights\": 0.25, \"variance_of_noise\": 0.75")) << summary;
  sample.forecast.weight_variance.clear();
  EXPECT_FALSE(write_products(sample.forecast, folder / "other").ok()) << "one a lead is missing";
}

TEST(Products, ManyLeadsAndLongFieldsAreDrawn) {
  const TemporaryFolder folder;
  Sample many(1, 20, 4, 4);
  many.forecast.past.clear();
  const Status status = write_products(many.forecast, folder / "many", {.member_pictures = 0});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(write_products(Sample(2, 1, 2, 300).forecast, folder / "wide").ok());
  EXPECT_TRUE(write_products(Sample(2, 1, 300, 2).forecast, folder / "tall").ok());
}

TEST(Palette, SeaGetsLighterEvenlyFromEndToEnd) {
  // Rec. 709 luminance of linear light, then CIE lightness.
  const auto linear = [](std::uint8_t level) {
    const double v = level / 255.0;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  double last = 0.0;
  for (int i = 0; i <= 16; ++i) {
    const Colour c = palette_colour(Palette::sea, static_cast<float>(i) / 16.0f);
    const double y = 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
    const double lightness = 116.0 * std::cbrt(std::max(y, 0.008857)) - 16.0;
    if (i > 0) {
      EXPECT_NEAR(lightness - last, 5.5, 2.0) << i;
    }
    last = lightness;
  }
}

TEST(Palette, ClampsAndInverts) {
  EXPECT_EQ(palette_colour(Palette::grey, -3.0f), (Colour{0, 0, 0}));
  EXPECT_EQ(palette_colour(Palette::grey, 7.0f), (Colour{255, 255, 255}));
  EXPECT_EQ(palette_colour(Palette::inverted_grey, 0.0f), (Colour{255, 255, 255}));
  EXPECT_EQ(palette_colour(Palette::sea, std::numeric_limits<float>::quiet_NaN()), palette_colour(Palette::sea, 0.0f));
}

TEST(Picture, ShrinksFieldsByTheMeanAndCutsOffWhatIsOutside) {
  Picture picture(2, 2, {9, 9, 9});
  const std::vector<float> field = {0.0f, 1.0f, 1.0f, 1.0f, 0.0f, 0.0f, 0.0f, 1.0f};  // 2 × 4
  picture.field(0, 0, 2, 1, field, 2, 4, ColourScale{});
  EXPECT_EQ(picture.rgb()[0], 64);
  EXPECT_EQ(picture.rgb()[3], 191);
  EXPECT_EQ(picture.rgb()[6], 9);
  picture.fill(-5, -5, 100, 100, {1, 2, 3});
  picture.text(-3, -3, "W µ\x01", {4, 4, 4}, 3);
  EXPECT_EQ(picture.rgb().size(), 12u);
}

}  // namespace
}  // namespace altocast
