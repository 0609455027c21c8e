#include "runtime/products/products.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>

#include "formats/image.h"
#include "runtime/frames/frame_name.h"
#include "runtime/products/chart.h"
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
  const auto status = write_products(sample.forecast, folder / "out");
  ASSERT_TRUE(status.ok()) << status.message();
  const std::vector<std::string> expected = {
      "forecast.nc",
      "loop.png",
      "mean_01_20180606T1230Z.png",
      "mean_02_20180606T1300Z.png",
      "member01_01_20180606T1230Z.png",
      "member01_02_20180606T1300Z.png",
      "member02_01_20180606T1230Z.png",
      "member02_02_20180606T1300Z.png",
      "member03_01_20180606T1230Z.png",
      "member03_02_20180606T1300Z.png",
      "overview.png",
      "probability1_01_20180606T1230Z.png",
      "probability1_02_20180606T1300Z.png",
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

TEST(Products, PicturesShowTheFieldEnlargedUnderItsCaption) {
  const TemporaryFolder folder;
  const Sample sample;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out", {.member_pictures = 1}).ok());
  const Result<GrayImage> member = load_image(folder / "out/member01_01_20180606T1230Z.png");
  ASSERT_TRUE(member.ok()) << member.message();
  EXPECT_EQ(member->width, 384);
  EXPECT_GT(member->height, 6 * 8);
  // The first pixel, eight times as large in the middle: 250 K, half way from 180 K (white) to 320 K (black).
  const std::size_t caption = 50, left = (384 - 9 * 8) / 2;
  EXPECT_EQ(member->pixels[caption * 384 + left], 128);
  EXPECT_EQ(member->pixels[(caption + 7) * 384 + left + 7], 128);
  int bright = 0;
  for (std::size_t i = 0; i < caption * 384; ++i) bright += member->pixels[i] > 200;
  EXPECT_GT(bright, 300) << "the time";
  EXPECT_FALSE(fs::exists(folder / "out/member02_01_20180606T1230Z.png"));
  const Result<GrayImage> overview = load_image(folder / "out/overview.png");
  ASSERT_TRUE(overview.ok()) << overview.message();
  EXPECT_GT(overview->width, 640);
}

TEST(Products, AreTheSameFilesWithAnyNumberOfThreads) {
  const TemporaryFolder folder;
  const Sample sample(5, 3, 20, 30);
  ThreadPool threads(3);
  ASSERT_TRUE(write_products(sample.forecast, folder / "alone").ok());
  const auto hash = write_products(sample.forecast, folder / "together", {.threads = &threads});
  ASSERT_TRUE(hash.ok()) << hash.message();
  EXPECT_EQ(*hash, forecast_hash(sample.forecast));
  const std::vector<std::string> names = names_in(folder / "alone");
  ASSERT_EQ(names_in(folder / "together"), names);
  for (const std::string& name : names)
    EXPECT_EQ(read_bytes(folder / "together/" + name), read_bytes(folder / "alone/" + name)) << name;
}

TEST(Products, ABridgedFrameIsMarkedWhereItsTimeStands) {
  const TemporaryFolder folder;
  Sample sample(3, 2, 60, 90);
  ASSERT_TRUE(write_products(sample.forecast, folder / "observed", {.member_pictures = 0}).ok());
  sample.forecast.past[0].bridged = true;
  ASSERT_TRUE(write_products(sample.forecast, folder / "bridged", {.member_pictures = 0}).ok());
  EXPECT_TRUE(contains(text_of(folder / "bridged/report.html"), "[\"2018-06-06 11:30 UTC\",\"bridged\"]"));
  EXPECT_TRUE(contains(text_of(folder / "bridged/report.html"), "[\"2018-06-06 12:00 UTC\",\"observed\"]"));
  EXPECT_TRUE(contains(text_of(folder / "bridged/summary.json"), "\"bridged\": [\"2018-06-06T11:30Z\"]"));
  // In pictures: something else stands where captions are, and the fields are the same.
  const auto other_rows = [&](const char* name) {
    const Result<GrayImage> a = load_image(folder / "observed/" + name), b = load_image(folder / "bridged/" + name);
    std::vector<int> rows;
    if (!a.ok() || !b.ok() || a->pixels.size() != b->pixels.size()) return rows;
    for (std::size_t i = 0; i < a->pixels.size(); ++i) {
      const int row = static_cast<int>(i) / a->width;
      if (a->pixels[i] != b->pixels[i] && (rows.empty() || rows.back() != row)) rows.push_back(row);
    }
    return rows;
  };
  const std::vector<int> loop = other_rows("loop.png"), overview = other_rows("overview.png");
  ASSERT_GT(loop.size(), 6u);
  EXPECT_LT(*std::find_if(loop.begin(), loop.end(), [](int row) { return row > 0; }), 50);
  EXPECT_TRUE(std::none_of(loop.begin(), loop.end(), [](int row) { return row >= 50 && row < 50 + 60 * 5; }));
  ASSERT_GT(overview.size(), 6u);
  EXPECT_GE(overview.front(), 84);
  EXPECT_LT(overview.back(), 84 + 28) << "the line of times above the observed frames";
}

TEST(Products, ProbabilityIsTheShareOfMembersBeyondTheThreshold) {
  const TemporaryFolder folder;
  Sample sample(4, 1, 1, 2);
  sample.values = {1.0f, 9.0f, 2.0f, 9.0f, 3.0f, 9.0f, 4.0f, 9.0f};
  sample.forecast.values = sample.values;
  sample.forecast.past.clear();
  const auto summary = [&](bool bright_is_low, std::vector<float> thresholds) {
    sample.forecast.bright_is_low = bright_is_low;
    sample.forecast.thresholds = std::move(thresholds);
    EXPECT_TRUE(write_products(sample.forecast, folder / "out").ok());
    return text_of(folder / "out/summary.json");
  };
  std::string text = summary(true, {2.5f, 10.0f});
  EXPECT_TRUE(contains(text, "\"thresholds\": [2.5,10]")) << text;
  EXPECT_TRUE(contains(text, "\"probability\": [0.25,1]")) << "half of the members at half of the pixels: " << text;
  EXPECT_TRUE(contains(text, "\"event\": \"below\""));
  EXPECT_TRUE(fs::exists(folder / "out/probability2_01_20180606T1230Z.png"));
  text = summary(false, {3.0f});
  EXPECT_TRUE(contains(text, "\"probability\": [0.625]")) << "a value at the threshold is not above it: " << text;
  sample.forecast.thresholds.resize(10);
  EXPECT_FALSE(write_products(sample.forecast, folder / "out").ok());
}

TEST(Products, WithoutPicturesTheNumbersAreTheSame) {
  const TemporaryFolder folder;
  Sample sample;
  ASSERT_TRUE(write_products(sample.forecast, folder / "all").ok());
  ASSERT_TRUE(write_products(sample.forecast, folder / "numbers", {.pictures = false}).ok());
  EXPECT_EQ(text_of(folder / "numbers/forecast.nc"), text_of(folder / "all/forecast.nc"));
  const std::string summary = text_of(folder / "numbers/summary.json");
  EXPECT_TRUE(contains(summary, forecast_hash(sample.forecast)));
  EXPECT_FALSE(contains(summary, ".png")) << summary;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "numbers"), fs::directory_iterator()), 2);
}

TEST(Products, WithoutThresholdsTheBrightestTenthOfTheNewestFrameIsTheEvent) {
  const TemporaryFolder folder;
  Sample sample(1, 1, 10, 10);
  for (std::size_t i = 0; i < 100; ++i) sample.past[100 + i] = 200.0f + static_cast<float>(i * 37 % 100);
  sample.forecast.bright_is_low = false;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  EXPECT_TRUE(contains(text_of(folder / "out/summary.json"), "\"thresholds\": [289.5]"));
  sample.forecast.bright_is_low = true;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  EXPECT_TRUE(contains(text_of(folder / "out/summary.json"), "\"thresholds\": [209.5]"));
}

TEST(Products, TheReportTellsOfScoresFeedAndAdaptationWhatIsKnown) {
  const TemporaryFolder folder;
  Sample sample;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  const std::string bare = text_of(folder / "out/report.html");
  for (const char* part : {"lately", "Frames from", "Adaptation to"}) EXPECT_FALSE(contains(bare, part)) << part;
  const double none = std::numeric_limits<double>::quiet_NaN();
  sample.forecast.scores =
      RecentScores{kNoon - 86400, kNoon - 3600, 41, "MAE", {{"forecast", {3.0, none}}, {"persistence", {4.0, 6.0}}}};
  sample.forecast.feed = FeedHealth{kNoon - 86400, 46, 2, 1, {{"a<b.png", "cut off & short"}}, 7};
  sample.forecast.adaptation = AdaptationFacts{false, "It verified worse.", kNoon - 7200, kNoon, 8, 3, none, none, 5};
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  const std::string report = text_of(folder / "out/report.html");
  for (const char* part :
       {"25 % better than persistence", "<svg viewBox", "a&lt;b.png", "cut off &amp; short", "and 6 more files",
        "2 frames missing", "Not used", "It verified worse.", "5 of them before the last gap"}) {
    EXPECT_TRUE(contains(report, part)) << part;
  }
  EXPECT_FALSE(contains(report, "nan"));
  EXPECT_FALSE(contains(report, "corrected"));
  sample.forecast.adaptation->used = true;
  sample.forecast.adaptation->hour_pairs = 4;
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  EXPECT_TRUE(contains(text_of(folder / "out/report.html"), "by 4 pairs from this hour of the days before"));
}

TEST(Products, StationAndMapAreInTheFiles) {
  const TemporaryFolder folder;
  Sample sample;
  sample.forecast.station = "Hut";
  sample.forecast.georeference = Georeference();
  sample.forecast.coastlines = {{{0.5, -1.0}, {-3.0, 4.0}}};
  ASSERT_TRUE(write_products(sample.forecast, folder / "out").ok());
  EXPECT_TRUE(contains(text_of(folder / "out/summary.json"), "\"station\": \"Hut\""));
  const std::string report = text_of(folder / "out/report.html");
  EXPECT_TRUE(contains(report, "<h1>Hut</h1>"));
  EXPECT_TRUE(contains(report, "class=\"coast\" d=\"M"));
  EXPECT_TRUE(contains(text_of(folder / "out/forecast.nc"), "grid_mapping_name"));
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
  const auto status = write_products(second.forecast, folder / "out/");
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"out"});
  EXPECT_EQ(names_in(folder / "out").size(), 9u);
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
  const auto status = write_products(Sample().forecast, folder.path());
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
    const auto status = write_products(Sample().forecast, path);
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
  const auto status = write_products(many.forecast, folder / "many", {.member_pictures = 0});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(write_products(Sample(2, 1, 2, 300).forecast, folder / "wide").ok());
  EXPECT_TRUE(write_products(Sample(2, 1, 300, 2).forecast, folder / "tall").ok());
}

double linear(std::uint8_t level) {
  const double v = level / 255.0;
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}
// CIE lightness from the Rec. 709 luminance of linear light.
double lightness(const Colour& c) {
  const double y = 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
  return 116.0 * std::cbrt(std::max(y, 0.008857)) - 16.0;
}

TEST(Charts, AGapSplitsALineAndEveryPointTellsItsNumbers) {
  const std::string figure =
      line_figure("error < 3", "step", {{"a & b", {{1, 2}, {2, std::nan("")}, {3, 4}, {4, 2.5}}}, {"none", {}}}, {2});
  EXPECT_TRUE(contains(figure, "<figcaption>error &lt; 3</figcaption>"));
  EXPECT_TRUE(contains(figure, "<title>a &amp; b: 2.5 at 4</title>"));
  EXPECT_TRUE(contains(figure, "class=\"mark\""));
  EXPECT_FALSE(contains(figure, "none<")) << "a line without points has no name in the legend";
  const std::size_t line = figure.rfind("stroke-linejoin");  // the first is drawn last
  const std::string path = figure.substr(line, figure.find("/>", line) - line);
  EXPECT_EQ(std::count(path.begin(), path.end(), 'M'), 2) << path;
  EXPECT_EQ(std::count(path.begin(), path.end(), 'L'), 1) << path;
  EXPECT_EQ(line_figure("", "", {{"a", {{1, std::nan("")}}}}), "");

  const std::string heat = heat_figure("moved", "step", {{"conv", {{0, 1, 1e-9}, {1, 2, 0.5}}}});
  EXPECT_TRUE(contains(heat, "opacity=\"0\"><title>conv: 1e-09 at 1</title>")) << heat;
  EXPECT_TRUE(contains(heat, "opacity=\"1\"><title>conv: 0.5 at 2</title>")) << heat;
  EXPECT_EQ(heat_figure("", "", {{"conv", {{0, 1, 0}}}}), "");
}

TEST(Palette, SeaAndEmberGetLighterEvenlyFromEndToEnd) {
  for (const Palette palette : {Palette::sea, Palette::ember}) {
    double last = 0.0;
    for (int i = 0; i <= 16; ++i) {
      const double now = lightness(palette_colour(palette, static_cast<float>(i) / 16.0f));
      if (i > 0) {
        EXPECT_NEAR(now - last, 5.3, 2.2) << i;
      }
      last = now;
    }
  }
}

// What red-blind, green-blind and blue-blind eyes make of a colour (Viénot, Brettel & Mollon 1999 for the first two, a
// projection along blue for the third), in linear light.
std::array<double, 3> seen(const Colour& c, int blindness) {
  const double r = linear(c.red), g = linear(c.green), b = linear(c.blue);
  if (blindness == 0) return {0.1124 * r + 0.8876 * g, 0.1124 * r + 0.8876 * g, 0.0040 * r - 0.0040 * g + b};
  if (blindness == 1) return {0.2927 * r + 0.7073 * g, 0.2927 * r + 0.7073 * g, -0.0223 * r + 0.0223 * g + b};
  return {r, 0.7 * g + 0.3 * b, 0.7 * g + 0.3 * b};
}

TEST(Palette, EnhancedTellsColdTopsFromGreyCloudsToAnyEye) {
  for (int blindness = 0; blindness < 3; ++blindness) {
    for (int cold = 0; cold <= 20; ++cold) {
      const auto top =
          seen(palette_colour(Palette::enhanced, 0.56f + 0.44f * static_cast<float>(cold) / 20.0f), blindness);
      for (int warm = 0; warm <= 54; ++warm) {
        const auto cloud = seen(palette_colour(Palette::enhanced, 0.01f * static_cast<float>(warm)), blindness);
        double apart = 0.0;
        for (std::size_t i = 0; i < 3; ++i) apart += std::abs(std::cbrt(std::max(top[i], 0.0)) - std::cbrt(cloud[i]));
        EXPECT_GT(apart, 0.05) << "blindness " << blindness << ", cold " << cold << ", warm " << warm;
      }
    }
  }
}

TEST(Palette, ClampsAndHasItsNames) {
  EXPECT_EQ(palette_colour(Palette::grey, -3.0f), (Colour{0, 0, 0}));
  EXPECT_EQ(palette_colour(Palette::grey, 7.0f), (Colour{255, 255, 255}));
  EXPECT_EQ(palette_colour(Palette::sea, std::numeric_limits<float>::quiet_NaN()), palette_colour(Palette::sea, 0.0f));
  EXPECT_EQ(palette_named("ember"), Palette::ember);
  EXPECT_EQ(palette_named("rainbow"), std::nullopt);
}

TEST(Picture, DrawsInvertedScalesAndLinesFromEndToEnd) {
  Picture picture(9, 3, {9, 9, 9});
  picture.field(0, 0, 1, 1, std::vector<float>{0.0f}, 1, 1, {Palette::grey, 0.0f, 1.0f, true});
  EXPECT_EQ(picture.rgb()[0], 255);
  picture.line(8, 2, 0, 0, {1, 2, 3});
  for (const std::size_t pixel : {std::size_t{0}, std::size_t{9 + 4}, std::size_t{18 + 8}})
    EXPECT_EQ(picture.rgb()[3 * pixel], 1);
}

TEST(Picture, OfAPaletteAndFewOtherColoursIsAByteAPixel) {
  Picture picture(64, 64, {18, 20, 24});
  std::vector<float> field(64 * 64);
  for (std::size_t i = 0; i < field.size(); ++i) field[i] = static_cast<float>(i) / 4096.0f;
  picture.field(0, 16, 64, 48, field, 64, 64, {Palette::sea});
  picture.text(0, 0, "12:00", {228, 231, 235}, 2);
  ColourTable table({Palette::sea});
  EXPECT_TRUE(index_picture(picture, table).ok());
  EXPECT_LT(table.colours.size(), 247u);
  for (int i = 0; i < 64; ++i) picture.set(i, 0, {static_cast<std::uint8_t>(i), 1, 2});
  EXPECT_FALSE(index_picture(picture, table).ok());
  const auto png = encode_picture(picture, ColourTable({Palette::sea}));
  ASSERT_TRUE(png.ok());
  EXPECT_TRUE(decode_image(*png).ok());
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
