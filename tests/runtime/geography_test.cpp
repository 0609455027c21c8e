// Where pixels lie on the Earth, lines on the map, and the ensemble at a place.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/frames/frame_cache_settings.h"
#include "runtime/geography/georeference.h"
#include "runtime/geography/map_lines.h"
#include "runtime/products/point_forecast.h"
#include "runtime/products/products.h"
#include "tests/runtime/bit_hash.h"
#include "tests/runtime/frame_files.h"

namespace altocast {
namespace {

// A view of GOES East at the full disk's steps of 2 km, so that positions are scan angles over 56 µrad.
Georeference goes_east() {
  Georeference g;
  g.projection = Georeference::Projection::geostationary;
  g.central_longitude = -75.0;
  g.sweep_x = true;
  g.x_scale = g.y_scale = 1.0;
  return g;
}

TEST(Georeference, AgreesWithTheExampleInTheGoesUsersGuide) {
  // GOES-R Product Definition and User's Guide, volume 3, 5.1.2.8: x = −0.024052, y = 0.095340 rad is 33.846162° N,
  // 84.690932° W.
  const auto place = goes_east().place({-0.024052, 0.095340});
  ASSERT_TRUE(place.has_value());
  EXPECT_NEAR(place->latitude, 33.846162, 1e-6);
  EXPECT_NEAR(place->longitude, -84.690932, 1e-6);
  const auto pixel = goes_east().pixel({33.846162, -84.690932});
  ASSERT_TRUE(pixel.has_value());
  EXPECT_NEAR(pixel->column, -0.024052, 1e-8);
  EXPECT_NEAR(pixel->row, 0.095340, 1e-8);
}

TEST(Georeference, ThereAndBackIsTheSamePixelForBothSweeps) {
  for (const bool sweep_x : {false, true}) {
    Georeference g = goes_east();
    g.sweep_x = sweep_x;
    g.central_longitude = 140.7;
    int seen = 0;
    for (int row = -15; row <= 15; ++row) {
      for (int column = -15; column <= 15; ++column) {
        const PixelPosition position{0.01 * column, 0.01 * row};
        const auto place = g.place(position);
        if (!place) continue;
        ++seen;
        const auto back = g.pixel(*place);
        ASSERT_TRUE(back.has_value()) << row << " " << column;
        EXPECT_NEAR(back->column, position.column, 1e-11);
        EXPECT_NEAR(back->row, position.row, 1e-11);
      }
    }
    EXPECT_NEAR(seen, 3.14 * 15.2 * 15.2, 30) << "the Earth's disk";
  }
}

TEST(Georeference, KnowsNothingBeyondTheLimb) {
  EXPECT_FALSE(goes_east().place({0.2, 0.0}).has_value());
  EXPECT_FALSE(goes_east().pixel({0.0, 105.0}).has_value());
  EXPECT_FALSE(goes_east().pixel({89.0, -75.0}).has_value());
  EXPECT_TRUE(goes_east().pixel({0.0, -75.0 + 80.0}).has_value());
}

TEST(Georeference, HasTheSameBitsEverywhere) {
  BitHash hash;
  for (int i = -100; i <= 100; ++i) {
    const auto place = goes_east().place({0.0011 * i, 0.0007 * i + 0.01});
    ASSERT_TRUE(place.has_value());
    const auto pixel = goes_east().pixel(*place);
    for (const double value : {place->latitude, place->longitude, pixel->column, pixel->row}) {
      hash.add(static_cast<float>(value * 1024.0));
      hash.add(static_cast<float>(value));
    }
  }
  EXPECT_EQ(hash.value(), 650210918759146584u);
}

constexpr const char* kBox =
    "downscale = 2\ncrop = [10, 20, 40, 60]\nstation = \"Hut\"\npalette = \"enhanced\"\n"
    "[georeference]\nprojection = \"latitude_longitude\"\nbox = [50.0, 170.0, 40.0, -170.0]\n";

TEST(ProductSettings, ABoxMeetsCropAndDownscale) {
  const auto settings = parse_frame_cache_settings(kBox, "cache.toml");
  ASSERT_TRUE(settings.ok()) << settings.message();
  EXPECT_EQ(settings->products.station, "Hut");
  EXPECT_EQ(settings->products.palette, Palette::enhanced);
  // 100 rows of 0.1°, 200 columns of 0.1° across the date line; the crop begins at 49° N, 172° E.
  const auto g = settings->products.georeference(100, 200, 10, 20, 2);
  ASSERT_TRUE(g.has_value());
  const auto corner = g->pixel({49.0, 172.0});
  EXPECT_NEAR(corner->row, -0.5, 1e-9);
  EXPECT_NEAR(corner->column, -0.5, 1e-9);
  const auto beyond = g->pixel({49.0 - 0.1, -178.0 - 0.1});  // 9.9° further east: 49.5 pixels of 0.2°
  EXPECT_NEAR(beyond->row, 0.0, 1e-9);
  EXPECT_NEAR(beyond->column, 49.0, 1e-9);
  EXPECT_NEAR(g->place({49.0, 0.0})->longitude, -178.1, 1e-9);
}

TEST(ProductSettings, AGeostationaryViewMeetsCropAndDownscale) {
  const auto settings = parse_frame_cache_settings(
      "[georeference]\nprojection = \"geostationary\"\nlongitude = -75.0\nsweep = \"x\"\nx = [5.6e-05, -0.151844]\ny = "
      "[-5.6e-05, 0.151844]\n",
      "cache.toml");
  ASSERT_TRUE(settings.ok()) << settings.message();
  const auto whole = settings->products.georeference(5424, 5424, 0, 0, 1);
  const auto part = settings->products.georeference(5424, 5424, 1000, 2000, 4);
  const auto at = whole->pixel({20.0, -70.0}), in_part = part->pixel({20.0, -70.0});
  // The middle of the first pixel of the part is that of the whole's columns 2000 … 2003.
  EXPECT_NEAR(in_part->column, (at->column - 2001.5) / 4.0, 1e-6);
  EXPECT_NEAR(in_part->row, (at->row - 1001.5) / 4.0, 1e-6);
}

TEST(ProductSettings, NamesTheLineAndTheMend) {
  const auto message = [](const std::string& text) { return parse_frame_cache_settings(text, "cache.toml").message(); };
  const auto says = [&](const std::string& text, const std::string& part) {
    EXPECT_NE(message(text).find(part), std::string::npos) << message(text);
    EXPECT_NE(message(text).find("cache.toml, line"), std::string::npos) << message(text);
  };
  says("palette = \"rainbow\"", "grey, enhanced, sea or ember");
  says("coastlines = \"c.txt\"", "need a [georeference]");
  for (const char* thresholds : {"250", "[]", "[\"cold\"]", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"})
    says("thresholds = " + std::string(thresholds), "thresholds must");
  says("georeference = 3", "must be a table");
  says("[georeference]\nprojection = \"mercator\"", "geostationary");
  says("[georeference]\nbox = [1, 2, 3, 4]", "projection must be");
  says("[georeference]\nprojection = \"latitude_longitude\"", "needs box");
  says("[georeference]\nprojection = \"latitude_longitude\"\nbox = [10.0, 0.0, 20.0, 5.0]", "edges in degrees");
  says("[georeference]\nprojection = \"geostationary\"\nlongitude = 0.0", "needs longitude, x");
  says("[georeference]\nprojection = \"geostationary\"\nlongitude = 0.0\nx = [0.0, 0.1]\ny = [-1e-5, 0.1]",
       "scale not 0");
  says(
      "[georeference]\nprojection = \"geostationary\"\nlongitude = 0.0\nx = [1e-5, 0.1]\ny = [1e-5, 0.1]\nsweep = "
      "\"z\"",
      "\"x\" or \"y\"");
  says(
      "[georeference]\nprojection = \"geostationary\"\nlongitude = 0.0\nx = [1e-5, 0.1]\ny = [1e-5, 0.1]\nheight = 5.0",
      "metres");
  says("[georeference]\nlatitude = 5.0", "unknown key 'latitude'");
}

TEST(Coastlines, AreReadFromPlainAndGmtText) {
  const auto lines = parse_coastlines(
      "# Lake\n> -Wname\n13.5 51.0\r\n13.6\t51.1\n  13.7, 51.2  # a cape\n\n\n-70 -10\n-71 -11", "c.txt");
  ASSERT_TRUE(lines.ok()) << lines.message();
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].size(), 3u);
  EXPECT_EQ((*lines)[0][2].longitude, 13.7);
  EXPECT_EQ((*lines)[0][2].latitude, 51.2);
  EXPECT_EQ((*lines)[1][1].latitude, -11.0);
  EXPECT_TRUE(parse_coastlines("", "c.txt")->empty());
}

TEST(Coastlines, NameTheLineThatIsNone) {
  for (const char* bad : {"13.5 51.0\n13.6\n", "1 2\n5 95\n", "1 2\nx y\n", "1 2\n3abc 4\n", "1 2\nnan 4\n"}) {
    const auto lines = parse_coastlines(bad, "c.txt");
    ASSERT_FALSE(lines.ok()) << bad;
    EXPECT_NE(lines.message().find("c.txt, line 2"), std::string::npos) << lines.message();
  }
  EXPECT_NE(load_coastlines("/nowhere/c.txt").message().find("/nowhere/c.txt"), std::string::npos);
}

TEST(MapLines, NameANetThatFitsThePicture) {
  const auto g = parse_frame_cache_settings(
                     "[georeference]\nprojection = \"latitude_longitude\"\nbox = [51, 168, 39, -168]", "cache.toml")
                     ->products.georeference(100, 200, 0, 0, 1);
  std::string names;
  for (const MapLine& line : map_lines(*g, {}, 100, 200)) names += line.name + " ";
  EXPECT_EQ(names, "40N 45N 50N 170E 175E 180 175W 170W ");
}

TEST(MapLines, CutCoastsAtThePictureAndBehindTheEarth) {
  Georeference g = goes_east().cropped(0, 0, 1);
  g.x_scale = g.y_scale = 1e-3;
  g.x_offset = g.y_offset = -0.16;
  g.y_scale = -g.y_scale;
  g.y_offset = -g.y_offset;
  // Once round the equator; a piece far from the picture's half that is asked for.
  Coastlines coasts(2);
  for (int i = 0; i <= 360; ++i) coasts[0].push_back({0.0, static_cast<double>(i)});
  coasts[1] = {{-50.0, -75.0}, {-51.0, -75.0}};
  int lines = 0;
  std::size_t points = 0;
  for (const MapLine& line : map_lines(g, coasts, 170, 321)) {
    if (line.kind != MapLine::Kind::coast) continue;
    ++lines;
    points += line.points.size();
    for (std::size_t i = 1; i < line.points.size(); ++i) {
      EXPECT_LT(std::abs(line.points[i].x - line.points[i - 1].x), 5.0f);
      EXPECT_NEAR(line.points[i].y, 160.5f, 0.5f);
    }
  }
  EXPECT_EQ(lines, 2) << "the file begins in the middle of what is seen";
  EXPECT_EQ(points, 164u) << "a little more than 81 degrees to either side, the beginning twice";
}

// A forecast of 5 members on 3 × 4 pixels of 10° from 30° N, 0° E on: at row y, column x all members have
// 100 y + 10 x + member, plus 0.5 a lead.
struct PlacedForecast {
  std::vector<float> values;
  ForecastProduct forecast;
  PlacedForecast() {
    for (int member = 0; member < 5; ++member)
      for (int lead = 0; lead < 2; ++lead)
        for (int i = 0; i < 12; ++i)
          values.push_back(static_cast<float>(100 * (i / 4) + 10 * (i % 4) + member) + 0.5f * static_cast<float>(lead));
    forecast.members = 5;
    forecast.leads = 2;
    forecast.height = 3;
    forecast.width = 4;
    forecast.values = values;
    forecast.start_time = kNoon;
    forecast.cadence_seconds = 900;
    forecast.prior_sha256 = std::string(64, 'a');
    Georeference g;
    g.x_scale = 10.0;
    g.x_offset = 5.0;
    g.y_scale = -10.0;
    g.y_offset = 25.0;
    forecast.georeference = g;
  }
};

TEST(PointForecast, IsTheEnsembleOfThePixel) {
  const TemporaryFolder folder;
  PlacedForecast placed;
  placed.forecast.thresholds = {122.2f};
  ASSERT_TRUE(write_products(placed.forecast, folder / "out", {.member_pictures = 0}).ok());
  const auto point = point_forecast(folder / "out/forecast.nc", {11.0, 29.0});
  ASSERT_TRUE(point.ok()) << point.message();
  EXPECT_EQ(point->row, 1);
  EXPECT_EQ(point->column, 2);
  ASSERT_EQ(point->leads.size(), 2u);
  EXPECT_EQ(point->leads[0].median, 122.0);
  EXPECT_NEAR(point->leads[0].low, 120.4, 1e-9);
  EXPECT_NEAR(point->leads[1].high, 124.1, 1e-9);
  EXPECT_EQ(point->leads[0].probability[0], 40.0);
  EXPECT_EQ(point->leads[1].probability[0], 60.0);
  EXPECT_EQ(point->leads[1].time, kNoon + 1800);
  const std::string table = point_table(*point);
  EXPECT_NE(table.find("2018-06-06T12:15Z"), std::string::npos) << table;
  EXPECT_NE(table.find("40 %"), std::string::npos) << table;
  EXPECT_NE(point_chart(*point).find("</svg>"), std::string::npos);
}

TEST(PointForecast, TellsWhyThereIsNone) {
  const TemporaryFolder folder;
  PlacedForecast placed;
  ASSERT_TRUE(write_products(placed.forecast, folder / "out", {.member_pictures = 0}).ok());
  const auto outside = point_forecast(folder / "out/forecast.nc", {31.0, 5.0});
  EXPECT_NE(outside.message().find("31°N 5°E lies outside"), std::string::npos) << outside.message();
  placed.forecast.georeference.reset();
  ASSERT_TRUE(write_products(placed.forecast, folder / "out", {.member_pictures = 0}).ok());
  const auto nowhere = point_forecast(folder / "out/forecast.nc", {11.0, 29.0});
  EXPECT_NE(nowhere.message().find("[georeference]"), std::string::npos) << nowhere.message();
  write_text(folder / "other.nc", "CDF");
  EXPECT_FALSE(point_forecast(folder / "other.nc", {11.0, 29.0}).ok());
}

}  // namespace
}  // namespace altocast
