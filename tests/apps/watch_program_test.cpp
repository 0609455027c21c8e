// `altocast watch` as a process: killed at random moments, ended and told to read its settings again by signals, and
// speaking to systemd. tests/apps/watch_soak.cpp has the long trials.
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <functional>
#include <random>
#include <sstream>
#include <thread>

#include "tests/apps/process.h"
#include "tests/runtime/small_station.h"
#include "tests/runtime/watch_station.h"

namespace altocast {
namespace {

constexpr const char* kOptions =
    "[forecast]\nmembers = 2\nmember_pictures = 0\n[compute]\nthreads = 1\nnice = 0\n[keep]\nruns = 0\nfree_mib = 0\n";

void sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

class WatchProgram : public testing::Test {
 protected:
  WatchProgram() : station_(small_prior(3), frames(), kOptions) {
    EXPECT_TRUE(station_.good());
    for (; received_ < 3; ++received_) station_.receive(received_);
  }
  static SyntheticSettings frames() {
    SyntheticSettings settings = small_frames();
    settings.frames = 12;
    return settings;
  }

  // The toolchain's emulator before the program, if there is one.
  static std::vector<std::string> run(const std::vector<std::string>& arguments) {
    std::istringstream words(ALTOCAST_RUN_WORDS);
    std::vector<std::string> all;
    for (std::string word; words >> word;) all.push_back(word);
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  std::vector<std::string> command() const { return run({"watch", "--config", station_ / "station.toml"}); }
  std::vector<std::string> command(const char* more) const {
    return run({"watch", "--config", station_ / "station.toml", more});
  }
  static bool soon(const std::function<bool()>& holds) {
    for (int i = 0; i < 12000 && !holds(); ++i) sleep(0.01);
    return holds();
  }
  bool says(const std::string& text) const {
    return station_.text(station_ / "out/status.json").find(text) != std::string::npos;
  }

  WatchStation station_;
  int received_ = 0;
};

TEST_F(WatchProgram, KilledAtRandomMomentsLosesNothingAndRepeatsNothing) {
  std::mt19937 random(1);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(Program(station_.folder(), command("--once")).wait().code, 0);
  const double step = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  auto runs = station_.run_times();
  for (int i = 0; i < 5; ++i) {
    station_.receive(received_++);
    Program program(station_.folder(), command());
    sleep(std::uniform_real_distribution<>(0.0, 2.0 * step)(random));
    program.send(SIGKILL);
    EXPECT_EQ(program.wait().signal, SIGKILL);
    ASSERT_EQ(station_.fault(), "");
  }
  const ProgramEnd end = Program(station_.folder(), command("--once")).wait();
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(station_.fault(), "");
  for (int i = 2; i < received_; ++i) EXPECT_TRUE(station_.published(i)) << i;
  const auto after = station_.run_times();
  for (const auto& [run, time] : runs) EXPECT_EQ(after.at(run), time) << run;
}

TEST_F(WatchProgram, TakesUpFramesAsTheyComeAndEndsCleanlyOnSigterm) {
  Program program(station_.folder(), command());
  ASSERT_TRUE(soon([&] { return station_.published(2); }));
  station_.receive(3);
  EXPECT_TRUE(soon([&] { return station_.published(3); }));
  program.send(SIGTERM);
  const ProgramEnd end = program.wait();
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_TRUE(says("\"state\":\"stopped\""));
  EXPECT_EQ(station_.fault(), "");
}

TEST_F(WatchProgram, OnSighupReadsItsSettingsAndKeepsTheFormerOnesIfTheyAreBroken) {
  Program program(station_.folder(), command());
  ASSERT_TRUE(soon([&] { return station_.published(2); }));
  station_.write_settings("[forecast]\nmembers = \"many\"\n");
  program.send(SIGHUP);
  EXPECT_TRUE(
      soon([&] { return says("members must be a whole number") && says("the former settings stay in force"); }));
  station_.receive(3);
  EXPECT_TRUE(soon([&] { return station_.published(3); }));
  station_.write_settings("[forecast]\nmembers = 3\nmember_pictures = 0\n[compute]\nnice = 0\n[keep]\nfree_mib = 0\n");
  program.send(SIGHUP);
  station_.receive(4);
  EXPECT_TRUE(soon([&] { return station_.published(4) && says("\"problems\":[]"); }));
  EXPECT_TRUE(says("\"members\":3"));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().code, 0);
}

TEST_F(WatchProgram, TellsTheServiceManagerThatItIsReadyAliveAndStopping) {
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = station_ / "notify";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  timeval patience{60, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  setenv("WATCHDOG_USEC", "200000", 1);
  Program program(station_.folder(), command());
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  const auto hears = [&](const std::string& words) {
    char buffer[512];
    for (int i = 0; i < 100; ++i) {
      const ssize_t got = recv(socket, buffer, sizeof buffer, 0);
      if (got < 0) return false;
      if (std::string(buffer, static_cast<std::size_t>(got)).starts_with(words)) return true;
    }
    return false;
  };
  EXPECT_TRUE(hears("READY=1"));
  EXPECT_TRUE(hears("STATUS=last forecast from 2018-06-06T01:00Z"));
  EXPECT_TRUE(hears("WATCHDOG=1"));
  program.send(SIGTERM);
  EXPECT_TRUE(hears("STOPPING=1"));
  EXPECT_EQ(program.wait().code, 0);
  close(socket);
}

TEST_F(WatchProgram, OtherCommandsTakeItsSettingsForTheFolderOfFrames) {
  station_.receive(received_++);
  std::filesystem::remove(station_ / "frames/cache.toml");
  station_.write_settings(kOptions, "cadence = 30\ncrop = [1, 2, 20, 24]\nunits = \"K\"\nscale = -0.5\noffset = 330\n");
  ASSERT_EQ(Program(station_.folder(), command("--once")).wait().code, 0);
  const ProgramEnd end = Program(station_.folder(), run({"forecast", "--prior", station_ / "station.prior", "--frames",
                                                         station_ / "station.toml", "--out", station_ / "by-hand",
                                                         "--members", "2", "--adapt"}))
                             .wait();
  ASSERT_EQ(end.code, 0) << end.err;
  const std::string summary = station_.text(station_ / "by-hand/summary.json");
  EXPECT_NE(summary.find("\"units\": \"K\""), std::string::npos) << summary;
  const std::string hash = summary.substr(summary.find("\"hash\""), 40);
  EXPECT_NE(station_.text(station_.run(3) + "/summary.json").find(hash), std::string::npos) << summary;
}

TEST_F(WatchProgram, SettingsThatCannotBeUsedAreExitCodeOne) {
  station_.write_settings("[forecast]\nmember = 3\n");
  const ProgramEnd end = Program(station_.folder(), command("--once")).wait();
  EXPECT_EQ(end.code, 1);
  EXPECT_NE(end.err.find("station.toml, line 4: unknown key 'member'"), std::string::npos) << end.err;
}

}  // namespace
}  // namespace altocast
