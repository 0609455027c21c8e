// The station's step on a disk that fails at one call after another: what stands on disk is whole after each, and the
// next step, of the same process or of another after a power cut, makes up for what was cut off. A step draws and
// packs pictures, which takes a while, so each kind of fault takes every fifth call, from another one on;
// ALTOCAST_ALL_FAULTS=1 in the environment makes them take every call.
#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/kernels/make_kernels.h"
#include "runtime/products/output_folder.h"
#include "runtime/watch/station.h"
#include "tests/runtime/faulty_file_calls.h"
#include "tests/runtime/small_station.h"
#include "tests/runtime/watch_station.h"

namespace altocast {
namespace {

constexpr int kFrames = 700;

class WatchFaults : public testing::Test {
 protected:
  WatchFaults()
      : station_(prior(), frames(),
                 "[forecast]\nmembers = 2\nmember_pictures = 0\n"
                 "[adaptation]\nguard = false\npairs = 1\nsteps = 1\n"
                 "[compute]\nthreads = 1\n[keep]\nruns = 3\nfree_mib = 0\n") {
    for (; next_ < 6; ++next_) station_.receive(next_);
    EXPECT_TRUE(open()->step());
    EXPECT_TRUE(station_.published(next_ - 1));
  }

  static Prior prior() {
    Prior small = small_prior(3);
    small.inner.samples = 1;
    return small;
  }
  static SyntheticSettings frames() {
    SyntheticSettings settings = small_frames();
    settings.frames = kFrames;
    settings.height = 9;
    settings.width = 10;
    return settings;
  }

  std::unique_ptr<Station> open() {
    const Result<StationSettings> settings = load_station_settings(station_ / "station.toml");
    EXPECT_TRUE(settings.ok()) << settings.message();
    auto station = Station::open(*settings, *make_kernels("", 1),
                                 {[this](const std::string& line) { log_ += line + "\n"; }, [] { return true; }});
    EXPECT_TRUE(station.ok()) << station.message();
    return station.ok() ? *std::move(station) : nullptr;
  }

  // The next frame comes in; the oldest goes, so that the folder stays small.
  void receive() {
    ASSERT_LT(next_, kFrames);
    station_.receive(next_);
    std::filesystem::remove(station_ / ("frames/" + station_.frame_name(next_ - 6)));
    ++next_;
  }

  // A step with a fault at each of its calls in turn, each for a frame of its own; then a step without.
  void try_all(DiskFault fault, int error_number, bool lose_names, int first) {
    auto station = open();
    ASSERT_TRUE(station);
    const bool all = std::getenv("ALTOCAST_ALL_FAULTS") != nullptr;
    for (int at = all ? 0 : first;; at += all ? 1 : 5) {
      receive();
      log_.clear();
      std::string failed;
      {
        FaultyFileCalls calls(fault, at, error_number);
        station->step();
        failed = calls.failed();
        if (fault != DiskFault::error) {
          station.reset();
          calls.cut_power(lose_names);
        }
      }
      SCOPED_TRACE("call " + std::to_string(at) + ", " + failed + ": " + log_);
      if (fault != DiskFault::lost_sync) {
        ASSERT_EQ(station_.fault(), "");
        ASSERT_TRUE(std::filesystem::exists(station_ / "out/latest/report.html"));
      }
      if (!station) station = open();
      ASSERT_TRUE(station);
      const bool good = station->step();
      ASSERT_TRUE(good) << station_.text(station_ / "out/status.json");
      ASSERT_TRUE(station_.published(next_ - 1));
      if (fault != DiskFault::lost_sync) {
        ASSERT_EQ(station_.fault(), "");
      }
      ASSERT_EQ(std::filesystem::canonical(station_ / "out/latest"),
                std::filesystem::canonical(station_.run(next_ - 1)));
      ASSERT_LE(station_.run_times().size(), 4u);
      if (failed.empty()) {
        EXPECT_GT(at, 30) << "the step makes fewer calls than it should";
        return;
      }
    }
  }

  WatchStation station_;
  int next_ = 0;
  std::string log_;
};

// A folder of products by itself, every call.
TEST(OutputFolderFaults, AtAnyCallTheOldOrTheNewFilesStandTogether) {
  const auto owns = [](std::string_view name) { return name.size() == 1; };
  const std::string names = "abc";
  const auto write = [&](const std::string& folder, const std::string& content) -> Status {
    Result<OutputFolder> output = OutputFolder::create(folder, owns);
    if (!output.ok()) return output.status();
    for (const char name : names)
      ALTOCAST_RETURN_IF_ERROR(output->add(std::string(1, name), std::string_view(content)));
    return output->commit();
  };
  for (const DiskFault fault : {DiskFault::error, DiskFault::cut}) {
    for (const bool lose_names : {false, true}) {
      for (const bool first : {false, true}) {
        bool reached_the_end = false;
        for (int at = 0; !reached_the_end; ++at) {
          ASSERT_LT(at, 100);
          TemporaryFolder folder;
          if (!first) {
            ASSERT_TRUE(write(folder / "out", "old").ok());
          }
          bool good = false;
          {
            FaultyFileCalls calls(fault, at, EIO);
            good = write(folder / "out", "new").ok();
            reached_the_end = calls.failed().empty();
            SCOPED_TRACE(calls.failed() + " at call " + std::to_string(at));
            if (fault == DiskFault::cut) calls.cut_power(lose_names);
          }
          const std::string found = WatchStation::text(folder / "out/a");
          for (const char name : names) EXPECT_EQ(WatchStation::text(folder / "out/" + name), found);
          if (good) {
            EXPECT_EQ(found, "new");
          } else {
            EXPECT_TRUE(found == "new" || found == (first ? "" : "old") || !std::filesystem::exists(folder / "out"));
          }
          EXPECT_TRUE(write(folder / "out", "next").ok());
          EXPECT_EQ(WatchStation::text(folder / "out/c"), "next");
        }
      }
    }
  }
}

TEST_F(WatchFaults, AnErrorOfAnyCallLeavesProductsWholeAndIsMadeUpFor) { try_all(DiskFault::error, EIO, false, 0); }

TEST_F(WatchFaults, ADiskThatIsFullAtAnyCallLeavesProductsWholeAndIsMadeUpFor) {
  try_all(DiskFault::error, ENOSPC, false, 1);
}

TEST_F(WatchFaults, APowerCutAtAnyCallThatKeepsNamesLosesNothing) { try_all(DiskFault::cut, EIO, false, 2); }

TEST_F(WatchFaults, APowerCutAtAnyCallThatLosesNamesLosesNothing) { try_all(DiskFault::cut, EIO, true, 3); }

// A disk that lies cannot keep what it is given; the station still finds its way.
TEST_F(WatchFaults, AfterLostFlushesTheStateStillLoads) { try_all(DiskFault::lost_sync, EIO, false, 4); }

}  // namespace
}  // namespace altocast
