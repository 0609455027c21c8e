// What altocast bench prints: for people, for a page (Markdown), for tables (CSV), for programs (JSON).
#pragma once

#include <string>

#include "formats/prior.h"
#include "runtime/station/station_bench.h"

namespace altocast {

struct BenchHost {
  std::string cpu, available_isas, build, governor;
  int cores = 0;
  double celsius = 0;  // NaN if unknown
};
BenchHost bench_host();

// One combination of what was asked for.
struct BenchJob {
  std::string network;  // a preset's name, or "prior"
  const Prior* prior = nullptr;
  BenchSettings settings;
  std::string isa;
  int threads = 0;
  double peak_gflops = 0;  // of all threads used, from the peak of one
};

// Before all jobs, and of each; the texts end with a line break, or are empty.
struct BenchFormat {
  std::string (*header)(const BenchHost& host);
  std::string (*job)(const BenchHost& host, const BenchJob& job, const BenchReport& report);
};
extern const BenchFormat kBenchText, kBenchMarkdown, kBenchCsv, kBenchJson;

}  // namespace altocast
