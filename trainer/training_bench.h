// How long the parts of meta-training take on this machine: one task of random frames, timed part by part, several
// kernel sets in turns.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "trainer/communicator.h"
#include "trainer/meta_gradient.h"

namespace altocast {

// forward: one sample; gradient and hvp: the support set (hvp recomputes the primal passes); meta_gradient and
// first_order: the whole task. reduction: the sum of a step's gradients, two tasks on each rank.
inline constexpr std::array<std::string_view, 6> kTrainingBenchParts = {"forward",       "gradient",    "hvp",
                                                                        "meta_gradient", "first_order", "reduction"};

struct TrainingBenchSettings {
  NetworkSpec network;
  std::string preset;
  int height = 128, width = 128;
  int support = 4, query = 4;
  int inner_steps = 3, samples = 1;
  bool flipout = false;
  std::vector<std::string> kernels = {"native"};  // as in make_training_kernels
  std::vector<std::string> parts{kTrainingBenchParts.begin(), kTrainingBenchParts.end()};  // those to time
  int threads = 1;                                                                         // of a rank, within the task
  int repetitions = 5;
  int keep_mib = kDefaultKeepMib;
};

struct TimedPart {
  std::string name;
  double seconds = 0;    // median
  double spread = 0;     // (largest − smallest) / median
  double flops = 0;      // of its convolutions, by count
  double gradients = 0;  // the same in gradients of the support set
};

struct TimedKernels {
  std::string kernels;
  std::vector<TimedPart> parts;
  int products = 0, products_kept = 0;  // of the meta-gradient: see MetaReport
};

struct TrainingBenchReport {
  TrainingBenchSettings settings;
  int ranks = 1;
  double fma_peak_gflops = 0;  // of one core, a register-only loop timed beside the parts; times threads for the share
  std::vector<TimedKernels> sets;
  double peak_rss_mib = 0;  // of the process: a part's own where it is alone, with one kernel set

  std::string to_json() const;  // a line a kernel set
  std::string to_text() const;
};

// Each repetition times every kernel set once, one after the other, so that a change of the machine's pace meets all.
// Parts must be of kTrainingBenchParts. Fails on an unknown kernel set. Collective: each rank computes a task of its
// own, and waits for the others at the end of each repetition, which is part of its time.
Result<TrainingBenchReport> run_training_bench(const TrainingBenchSettings& settings, Communicator& ranks);

}  // namespace altocast
