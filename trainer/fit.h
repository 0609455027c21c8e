// Meta-training from data folders to a prior file: the loop over warm-up, first order and second order, with
// reports, validation, checkpoints and an orderly end on request.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "formats/status.h"
#include "trainer/communicator.h"
#include "trainer/meta_batch.h"
#include "trainer/run_directory.h"

namespace altocast {

struct FitOptions {
  std::string kernels = "native";
  int threads = 0;  // of this rank; 0 = its share of the machine's cores
  bool resume = false;
  int keep_mib = kDefaultKeepMib;  // a thread's memory for inner passes; time against memory, never bits
  std::string store{};             // folder of decoded frames; empty: they are kept in memory
};

// What a caller may show while training runs.
struct FitProgress {
  int step = 0, steps = 0;
  Phase phase = Phase::warmup;
  double loss = 0;
  double tasks_per_second = 0;
  double seconds_left = 0;  // estimated from the rate of the current phase's steps
};

struct FitCallbacks {
  std::function<void(const std::string&)> notice = [](const std::string&) {};    // a line for people
  std::function<void(const FitProgress&)> progress = [](const FitProgress&) {};  // after every step
  const std::atomic<bool>* stop = nullptr;  // becomes true on any rank: all write a checkpoint and return
};

struct FitOutcome {
  bool finished = false;  // false: stopped on request; --resume goes on
  int step = 0;
};

// Trains in `run` (opened with options.resume). The same settings and data give the same bits whatever the number of
// ranks and threads, and with any interruptions in between. With resume, `settings` must be the run's own but for
// training.steps and the intervals of reports and checkpoints.
// Collective: all ranks train, and return alike. Rank 0's settings are everybody's, and it alone reads and writes the
// run's folder: on the others `settings` is not looked at and `run` is null. Each rank reads the frames itself.
Result<FitOutcome> fit(const FitSettings& settings, const FitOptions& options, RunDirectory* run, Communicator& ranks,
                       const FitCallbacks& callbacks);

}  // namespace altocast
