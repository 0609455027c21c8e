// A forecast with a georeference in its frames' cache.toml, and what it says of a place.
#include <gtest/gtest.h>

#include "tests/apps/program.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

TEST(Point, TellsTheEnsembleAtAPlaceOfAForecast) {
  TemporaryFolder folder;
  ASSERT_TRUE(save_prior(small_prior(3), folder / "station.prior").ok());
  ASSERT_TRUE(write_synthetic_frames(small_frames(), folder / "frames").ok());  // 21 × 26
  std::ofstream(folder / "frames/cache.toml", std::ios::app)
      << "crop = [1, 2, 20, 24]\ndownscale = 2\nstation = \"Hut\"\ncoastlines = \"shore.txt\"\n[georeference]\n"
         "projection = \"latitude_longitude\"\nbox = [61.0, -6.0, 40.0, 20.0]\n";
  std::ofstream(folder / "frames/shore.txt") << "0 50\n5 55\n10 52\n";
  const auto run = [&](const std::string& arguments) { return run_altocast(folder.path(), arguments); };
  const ProgramRun forecast = run(
      "forecast --prior station.prior --frames frames --out forecast --members 5 --thresholds 250 --member-pictures 0");
  ASSERT_EQ(forecast.exit_code, 0) << forecast.err;
  // Rows of 2° from 60° N, columns of 2° from 4° W on: 51.5° N, 8.1° E is in row 4, column 6.
  const ProgramRun point = run("point --lat 51.5 --lon=8.1 --forecast forecast --out place.svg");
  ASSERT_EQ(point.exit_code, 0) << point.err;
  for (const char* part :
       {"51.5°N 8.1°E, pixel column 6, row 4", "2018-06-06T03:30Z", "2018-06-06T04:00Z", "below 250 K"}) {
    EXPECT_NE(point.out.find(part), std::string::npos) << part << " in\n" << point.out;
  }
  EXPECT_NE(file_text(folder / "place.svg").find("Hut, 51.5°N 8.1°E"), std::string::npos);
  const ProgramRun outside = run("point --lat 60.5 --lon -3 --nc forecast/forecast.nc");
  EXPECT_EQ(outside.exit_code, 1);
  EXPECT_NE(outside.err.find("outside of the pictures"), std::string::npos) << outside.err;
}

}  // namespace
}  // namespace altocast
