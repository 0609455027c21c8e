// Latency and memory of what a station does, measured on this machine: the same calls as adapt and forecast make.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/kernels/kernels.h"
#include "runtime/station/ensemble.h"

namespace altocast {

inline constexpr const char* kBenchParts[] = {"load",     "pack_weights", "forward", "gradient", "adaptation_step",
                                              "forecast", "layers"};

struct BenchSettings {
  int height = 192, width = 192;
  int members = 16;
  int repeats = 20;                // at most, for each figure; slow ones stop after `seconds`
  double seconds = 3.0;            // of each figure
  std::vector<std::string> parts;  // of kBenchParts; none: all
  EnsembleThrift thrift;           // of forward and forecast
};

// One thing measured.
struct BenchFigure {
  std::string name;
  int runs = 0;
  double median = 0, p95 = 0, fastest = 0;  // seconds
  double spread = 0;                        // from the first to the third quartile, seconds
  double flops = 0;                         // of one run; 0 where arithmetic is not what it is about
  std::size_t activation_bytes = 0;         // of the network's buffers; 0 where there are none
  std::uint64_t peak_rss_bytes = 0;         // of the process while it was measured, with what it takes; 0 for a layer

  double gflops() const { return flops / median * 1e-9; }
};

struct BenchReport {
  std::vector<BenchFigure> figures;  // in kBenchParts' order
  std::vector<BenchFigure> layers;   // each step of a forward pass, in order
  std::string hash;                  // of the forecast (runtime/products.h): the same on every machine
};

// Runs on synthetic frames with the prior's normalisation. An adaptation step is one inner step over the prior's number
// of support pairs; the forecast includes drawing the members' weights.
BenchReport bench_station(const Prior& prior, const BenchSettings& settings, Kernels<float>& kernels);

}  // namespace altocast
