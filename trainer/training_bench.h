// How long the parts of meta-training take on this machine: one task of random frames, timed part by part.
#pragma once

#include <string>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "trainer/meta_gradient.h"

namespace altocast {

struct TrainingBenchSettings {
  NetworkSpec network;
  std::string preset;
  int height = 128, width = 128;
  int support = 4, query = 4;
  int inner_steps = 3, samples = 1;
  std::string kernels = "native";
  int threads = 1;  // within the task
  int repetitions = 5;
  int keep_mib = kDefaultKeepMib;
};

struct TimedPart {
  std::string name;    // forward, gradient, hvp, meta_gradient, first_order
  double seconds = 0;  // median
  double spread = 0;   // (largest − smallest) / median
  double flops = 0;    // of its convolutions, by count
};

struct TrainingBenchReport {
  TrainingBenchSettings settings;
  double fma_peak_gflops = 0;  // of one core, a register-only loop timed beside the parts; times threads for the share
  std::vector<TimedPart> parts;
  int products = 0, products_kept = 0;  // of the meta-gradient: see MetaReport
  double peak_rss_mib = 0;

  std::string to_json() const;
  std::string to_text() const;
};

// forward: one sample; gradient and hvp: the support set (hvp recomputes the primal passes); meta_gradient and
// first_order: the whole task.
Result<TrainingBenchReport> run_training_bench(const TrainingBenchSettings& settings);

}  // namespace altocast
