// What a run's settings do not tell of it: on what machine it runs, how, and over which frames. The log holds it, for
// each time that the program is started.
#pragma once

#include <string>

#include "trainer/archive.h"

namespace altocast {

struct RunFacts {
  std::string kernels;
  int threads = 0;
  int ranks = 1;
  int keep_mib = 0;
  double archive_seconds = 0;  // to open and decode all folders
  double fma_peak_gflops = 0;  // of one core
};

// With the program's version, the time, the machine, the network's size and the archive's folders, as one JSON object.
std::string to_json(const RunFacts& facts, const FitSettings& settings, const Archive& archive);

}  // namespace altocast
