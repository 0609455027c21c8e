// Training runs in temporary folders, and what they leave there.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/trainer/training_samples.h"
#include "trainer/fit.h"

namespace altocast {

using nlohmann::json;

inline Result<FitOutcome> run_fit(const FitSettings& settings, const std::string& path, FitOptions options = {},
                                  int stop_at = -1) {
  Result<RunDirectory> run = RunDirectory::open(path, options.resume);
  if (!run.ok()) return run.status();
  if (options.threads == 0) options.threads = 1;
  std::atomic<bool> stop = stop_at == 0;
  FitCallbacks callbacks;
  callbacks.stop = &stop;
  callbacks.progress = [&](const FitProgress& progress) { stop = progress.step == stop_at; };
  return fit(settings, options, &*run, *make_serial_communicator(), callbacks);
}

inline FitOptions resuming() { return {"native", 1, true}; }

inline void expect_finished(const Result<FitOutcome>& outcome) {
  ASSERT_TRUE(outcome.ok()) << outcome.message();
  EXPECT_TRUE(outcome->finished);
}

inline std::vector<json> log_of(const std::string& path) {
  std::ifstream file(path + "/log.jsonl");
  std::vector<json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line, nullptr, false));
  return lines;
}

// All that training leaves in a run's folder but what tells how and in what time.
struct Remains {
  Bytes prior, checkpoint;
  std::string config, log;
  bool operator==(const Remains&) const = default;
};

inline Remains remains(const std::string& path) {
  Remains r{read_bytes(path + "/model.prior"), read_bytes(path + "/checkpoint"), {}, {}};
  const Bytes config = read_bytes(path + "/config.toml");
  r.config.assign(config.begin(), config.end());
  for (json line : log_of(path)) {
    for (const char* timing : {"tasks_per_second", "gflops", "share_of_peak", "seconds"}) {
      EXPECT_EQ(line.erase(timing), 1u) << timing;
    }
    EXPECT_TRUE(line.erase("run") == 1u || !r.log.empty()) << "the first line tells about the run";
    r.log += line.dump() + "\n";
  }
  return r;
}

inline void expect_same(const Remains& a, const Remains& b) {
  EXPECT_FALSE(a.prior.empty());
  EXPECT_TRUE(a.prior == b.prior) << "priors differ";
  EXPECT_TRUE(a.checkpoint == b.checkpoint) << "checkpoints differ";
  EXPECT_EQ(a.config, b.config);
  EXPECT_EQ(a.log, b.log);
}

inline void expect_refused(const Result<FitOutcome>& outcome, const std::vector<std::string>& parts) {
  ASSERT_FALSE(outcome.ok());
  for (const std::string& part : parts) {
    EXPECT_NE(outcome.message().find(part), std::string::npos) << outcome.message() << "\nlacks: " << part;
  }
}

class Fit : public testing::Test {
 protected:
  void SetUp() override { write_synthetic(folder_ / "frames", 40, 24); }
  std::string operator/(const std::string& name) const { return folder_ / name; }

  const TemporaryFolder folder_;
  FitSettings settings_ = tiny_settings(folder_ / "frames");
};

}  // namespace altocast
