// watch_soak PROGRAM kills [N] [SEED] | day [SECONDS] [SEED] | memory | latency [THREADS] [FRAMES] [SIDE]
//
// The long trials of `altocast watch`, which docs/station.md quotes. PROGRAM may have words before it:
// "qemu-aarch64-static build/aarch64/apps/altocast".
//   kills     kill -9 at N (200) random moments while tiny frames come in; nothing is lost, repeated or half-written
//   day       144 frames, one every SECONDS (6: a day of ten-minute frames at 100 times its speed), 5 % missing, 2 %
//             damaged, 20 × kill -9; every slot that could have a forecast has one
//   memory    the same 144 frames at full speed by one process: its memory and descriptors after slots 10 and 140
//   latency   from each of FRAMES (6) frames on disk to its products: the shipped prior (`small`) at SIDE × SIDE (256)
//             pixels, 8 pairs, 3 steps, the guard, 16 members; and the last forecast's hash, which is the same on
//             every processor (with FRAMES 0: that of the first forecast alone)
// Exit code 0 if what they claim holds.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include "runtime/station/random_prior.h"
#include "tests/runtime/small_station.h"
#include "tests/runtime/watch_station.h"

namespace altocast {
namespace {

using Clock = std::chrono::steady_clock;

double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }
void sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

class Process {
 public:
  Process(std::string program, const WatchStation& station) : program_(std::move(program)), station_(station) {}
  ~Process() {
    if (child_ > 0) end(SIGKILL);
  }
  void start(const char* more = nullptr) {
    child_ = fork();
    if (child_ != 0) return;
    const std::string log = station_ / "log";
    if (std::freopen(log.c_str(), "a", stderr) == nullptr) _exit(126);
    std::vector<std::string> words{"watch", "--config", station_ / "station.toml"};
    if (more) words.emplace_back(more);
    std::istringstream program(program_);
    words.insert(words.begin(), std::istream_iterator<std::string>(program), {});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int end(int signal) {
    kill(child_, signal);
    return wait();
  }
  int wait() {
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return status;
  }
  long rss_kib() const {
    std::ifstream file("/proc/" + std::to_string(child_) + "/status");
    for (std::string word; file >> word;) {
      if (word == "VmRSS:") {
        long kib = 0;
        file >> kib;
        return kib;
      }
    }
    return 0;
  }
  double cpu_seconds() const {
    std::ifstream file("/proc/" + std::to_string(child_) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  std::size_t descriptors() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(child_) + "/fd"))
      ++count;
    return count;
  }

 private:
  std::string program_;
  const WatchStation& station_;
  pid_t child_ = -1;
};

bool complain(const std::string& what) {
  std::printf("FAILED: %s\n", what.c_str());
  return false;
}

// The runs that stood before still stand as they were.
bool none_repeated(const std::map<std::string, std::int64_t>& before,
                   const std::map<std::string, std::int64_t>& after) {
  for (const auto& [run, time] : before) {
    const auto found = after.find(run);
    if (found == after.end()) return complain(run + " was lost");
    if (found->second != time) return complain(run + " was made again");
  }
  return true;
}

bool kills(const std::string& program, int count, unsigned seed) {
  SyntheticSettings frames = small_frames();
  frames.frames = count / 2 + 20;
  WatchStation station(small_prior(3), frames,
                       "[forecast]\nmembers = 3\nmember_pictures = 1\ncatch_up = 10080\n[compute]\nthreads = 1\n"
                       "[keep]\nruns = 0\nfree_mib = 0\n");
  std::mt19937 random(seed);
  Process process(program, station);
  int received = 0;
  for (; received < 3; ++received) station.receive(received);
  // How long a step takes on this machine; a kill comes within about two.
  const double begin = now();
  process.start("--once");
  if (process.wait() != 0) return complain("the first step did not end well");
  const double step = now() - begin;
  std::map<std::string, std::int64_t> runs = station.run_times();
  for (int i = 0; i < count; ++i) {
    process.start();
    sleep(std::uniform_real_distribution<>(0.0, 0.5 * step)(random));
    if (i % 2 == 0) station.receive(received++);
    sleep(std::uniform_real_distribution<>(0.0, 1.5 * step)(random));
    process.end(SIGKILL);
    if (const std::string fault = station.fault(); !fault.empty()) return complain(fault);
    const auto standing = station.run_times();
    if (!none_repeated(runs, standing)) return false;
    runs = standing;
  }
  const std::size_t before = runs.size();
  process.start("--once");
  if (process.wait() != 0)
    return complain("the last step did not end well; see the log:\n" + station.text(station / "log"));
  if (!none_repeated(runs, station.run_times())) return false;
  if (const std::string fault = station.fault(); !fault.empty()) return complain(fault);
  int expected = 0;
  for (int i = 2; i < received; ++i, ++expected) {
    if (!station.published(i)) return complain("no forecast from frame " + std::to_string(i));
  }
  std::printf("kills: %d times kill -9; %d forecasts, %zu of them between kills; none lost, repeated or cut\n", count,
              expected, before);
  return true;
}

enum class Fate { comes, missing, cut, damaged };

bool day(const std::string& program, double seconds, unsigned seed) {
  const Prior prior = [] {
    Prior tiny = random_prior(*preset("tiny"), 3);
    tiny.support_pairs = 4;
    tiny.cadence_seconds = 600;
    return tiny;
  }();
  SyntheticSettings frames;
  frames.frames = 144;
  frames.height = frames.width = 64;
  frames.cadence_seconds = 600;
  WatchStation station(prior, frames,
                       "[forecast]\nmembers = 8\n[compute]\nthreads = 1\nnice = 0\n[keep]\nruns = 0\nfree_mib = 0\n");
  std::mt19937 random(seed);
  std::vector<Fate> fates;
  for (int i = 0; i < frames.frames; ++i) {
    const auto draw = random() % 100;
    fates.push_back(i < 8       ? Fate::comes
                    : draw < 5  ? Fate::missing
                    : draw == 5 ? Fate::cut
                    : draw == 6 ? Fate::damaged
                                : Fate::comes);
  }
  std::vector<double> kill_times;
  for (int i = 0; i < 20; ++i)
    kill_times.push_back(std::uniform_real_distribution<>(1.0, seconds * frames.frames)(random));
  std::sort(kill_times.begin(), kill_times.end());

  for (int i = 0; i < 4; ++i) station.receive(i);
  Process process(program, station);
  process.start();
  const double begin = now();
  std::size_t killed = 0;
  int late = 0;
  for (int i = 4; i <= frames.frames; ++i) {
    while (now() - begin < seconds * (i - 3)) {
      sleep(0.01);
      if (killed < kill_times.size() && now() - begin > kill_times[killed]) {
        process.end(SIGKILL);
        if (const std::string fault = station.fault(); !fault.empty()) return complain(fault);
        process.start();
        ++killed;
      }
    }
    const bool could =
        i > 4 && std::all_of(fates.begin() + i - 4, fates.begin() + i, [](Fate fate) { return fate == Fate::comes; });
    if (could && !station.published(i - 1)) ++late;
    if (i == frames.frames) break;
    if (fates[static_cast<std::size_t>(i)] == Fate::comes) station.receive(i);
    if (fates[static_cast<std::size_t>(i)] == Fate::cut) station.receive_damaged(i, true);
    if (fates[static_cast<std::size_t>(i)] == Fate::damaged) station.receive_damaged(i, false);
  }
  const int status = process.end(SIGTERM);
  if (status != 0) return complain("SIGTERM did not end it cleanly");
  if (const std::string fault = station.fault(); !fault.empty()) return complain(fault);
  int possible = 0, missing = 0, damaged = 0, surplus = 0;
  for (int i = 0; i < frames.frames; ++i) {
    missing += fates[static_cast<std::size_t>(i)] == Fate::missing;
    damaged += fates[static_cast<std::size_t>(i)] == Fate::cut || fates[static_cast<std::size_t>(i)] == Fate::damaged;
    if (i < 3) continue;
    const bool could =
        std::all_of(fates.begin() + i - 3, fates.begin() + i + 1, [](Fate fate) { return fate == Fate::comes; });
    possible += could;
    if (could && !station.published(i)) return complain("no forecast from frame " + std::to_string(i));
    surplus += !could && station.published(i);
  }
  std::printf(
      "day: 144 slots of %g s, %d missing, %d damaged, %zu times kill -9: %d slots could have a forecast, all have one "
      "(%d of them not before the next frame came); %d others have one\n",
      seconds, missing, damaged, killed, possible, late, surplus);
  return surplus == 0;
}

// Feeds frames as fast as they are taken; calls look(frame, seconds until published) once the process rests again.
template <class Look>
bool feed(const WatchStation& station, int first, int count, const Look& look) {
  for (int i = first; i < count; ++i) {
    const double begin = now();
    station.receive(i);
    while (!station.published(i)) {
      if (now() - begin > 7200) return complain("no forecast from frame " + std::to_string(i));
      sleep(0.005);
    }
    const double seconds = now() - begin;
    // The last that it does for a frame is to tell of it.
    const std::string told = "\"from\":\"" + format_time(station.slot(i)) + "\"";
    while (station.text(station / "out/status.json").find(told) == std::string::npos) sleep(0.01);
    sleep(0.3);
    look(i, seconds);
  }
  return true;
}

bool memory(const std::string& program) {
  Prior prior = random_prior(*preset("tiny"), 3);
  prior.support_pairs = 4;
  prior.cadence_seconds = 600;
  SyntheticSettings frames;
  frames.frames = 144;
  frames.height = frames.width = 96;
  frames.cadence_seconds = 600;
  WatchStation station(prior, frames,
                       "[forecast]\nmembers = 8\n[compute]\nthreads = 1\nnice = 0\n[keep]\nruns = 24\nfree_mib = 0\n");
  for (int i = 0; i < 12; ++i) station.receive(i);
  Process process(program, station);
  process.start();
  long rss[2] = {0, 0};
  std::size_t files[2] = {0, 0};
  const bool fed = feed(station, 12, frames.frames, [&](int i, double) {
    if (i % 10 == 0)
      std::fflush(stdout),
          std::printf("slot %d: %ld KiB, %zu descriptors\n", i, process.rss_kib(), process.descriptors());
    if (i != 22 && i != 143) return;
    rss[i == 143] = process.rss_kib();
    files[i == 143] = process.descriptors();
  });
  if (!fed) return false;
  const double cpu = process.cpu_seconds();
  sleep(10);
  const double idle = process.cpu_seconds() - cpu;
  const double growth = static_cast<double>(rss[1]) / static_cast<double>(rss[0]) - 1;
  std::printf(
      "memory: %ld KiB after 10 slots, %ld KiB after 131 (%+.2f %%); %zu and %zu descriptors; %.2f s of processor "
      "time in 10 s without frames\n",
      rss[0], rss[1], 100 * growth, files[0], files[1], idle);
  return growth < 0.02 && files[0] == files[1] && idle < 0.05;
}

bool latency(const std::string& program, const std::string& threads, int count, int side) {
  const std::string shipped = ALTOCAST_SOURCE_DIR "/share/altocast/priors/infrared.prior";
  constexpr int kBefore = 28;  // 8 pairs for the guard's trial, and the 8 frames that it holds back
  SyntheticSettings frames;
  frames.frames = kBefore + count;
  frames.height = frames.width = side;
  frames.cadence_seconds = 600;
  WatchStation station(small_prior(1), frames,
                       "[forecast]\nmembers = 16\n[adaptation]\npairs = 8\nsteps = 3\n[compute]\nnice = 0\nbudget = "
                       "86400\nthreads = " +
                           threads + "\n[keep]\nfree_mib = 0\n");
  std::filesystem::copy_file(shipped, station / "station.prior", std::filesystem::copy_options::overwrite_existing);
  for (int i = 0; i < kBefore; ++i) station.receive(i);
  Process process(program, station);
  process.start();
  while (!station.published(kBefore - 1)) sleep(0.1);
  sleep(1);
  std::vector<double> times;
  const double cpu = process.cpu_seconds();
  if (!feed(station, kBefore, frames.frames, [&](int, double seconds) { times.push_back(seconds); })) return false;
  const std::string summary = station.text(station.run(frames.frames - 1) + "/summary.json");
  std::printf("%s%s\n", station.text(station / "log").c_str(), summary.substr(0, summary.find(',')).c_str());
  if (times.empty()) return true;
  std::sort(times.begin(), times.end());
  std::printf(
      "latency: from a frame on disk to its products, %s threads: median %.2f s, fastest %.2f s, slowest %.2f s of "
      "%zu; %.2f s of processor time each; %ld KiB\n",
      threads.c_str(), times[times.size() / 2], times.front(), times.back(), times.size(),
      (process.cpu_seconds() - cpu) / static_cast<double>(times.size()), process.rss_kib());
  return times[times.size() / 2] < 10;
}

}  // namespace
}  // namespace altocast

int main(int argc, char** argv) {
  using namespace altocast;
  const std::string trial = argc > 2 ? argv[2] : "";
  const auto number = [&](int at, double fallback) { return argc > at ? std::atof(argv[at]) : fallback; };
  bool good = false;
  if (trial == "kills") {
    good = kills(argv[1], static_cast<int>(number(3, 200)), static_cast<unsigned>(number(4, 1)));
  } else if (trial == "day") {
    good = day(argv[1], number(3, 6), static_cast<unsigned>(number(4, 1)));
  } else if (trial == "memory") {
    good = memory(argv[1]);
  } else if (trial == "latency") {
    good = latency(argv[1], argc > 3 ? argv[3] : "2", static_cast<int>(number(4, 6)), static_cast<int>(number(5, 256)));
  } else {
    std::fprintf(stderr,
                 "usage: watch_soak PROGRAM kills [N] [SEED] | day [SECONDS] [SEED] | memory | latency [THREADS] "
                 "[FRAMES] [SIDE]\n");
    return 2;
  }
  return good ? 0 : 1;
}
