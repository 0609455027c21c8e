// Meta-training on several ranks, here threads of one process.
#include <gtest/gtest.h>

#include "tests/trainer/fit_runs.h"
#include "tests/trainer/thread_ranks.h"

namespace altocast {
namespace {

// What each rank returned. Rank `stopper` asks to stop after `stop_at` steps.
std::vector<Result<FitOutcome>> run_fit_on(int size, const FitSettings& settings, const std::string& path,
                                           const FitOptions& options, int stopper = 0, int stop_at = -1) {
  std::vector<Result<FitOutcome>> outcomes(static_cast<std::size_t>(size), Status::error("not run"));
  Result<RunDirectory> run = RunDirectory::open(path, options.resume);
  EXPECT_TRUE(run.ok()) << run.message();
  if (!run.ok()) return outcomes;
  ThreadRanks(size).run([&](Communicator& ranks) {
    const bool leads = ranks.rank() == 0;
    std::atomic<bool> stop = false;
    FitCallbacks callbacks;
    callbacks.stop = &stop;
    callbacks.progress = [&](const FitProgress& progress) {
      stop = ranks.rank() == stopper && progress.step == stop_at;
    };
    outcomes[static_cast<std::size_t>(ranks.rank())] =
        fit(leads ? settings : FitSettings(), options, leads ? &*run : nullptr, ranks, callbacks);
  });
  return outcomes;
}

TEST_F(Fit, NumberOfRanksChangesNoBit) {
  settings_.rate_learning_rate = 0.05;
  settings_.average_decay = 0.9;
  expect_finished(run_fit(settings_, *this / "1"));
  const Remains alone = remains(*this / "1");
  for (const auto& [size, threads] : {std::pair{2, 1}, {3, 2}, {4, 1}}) {
    const std::string path = *this / std::to_string(size);
    for (const auto& outcome : run_fit_on(size, settings_, path, {"native", threads, false})) expect_finished(outcome);
    expect_same(remains(path), alone);
  }
}

TEST_F(Fit, AnyRankMayStopAllAndAnotherNumberOfRanksResumes) {
  expect_finished(run_fit(settings_, *this / "whole"));
  for (const int step : {2, 6, 9}) {
    const std::string path = *this / std::to_string(step);
    for (const auto& outcome : run_fit_on(2, settings_, path, {"native", 1, false}, 1, step)) {
      ASSERT_TRUE(outcome.ok()) << outcome.message();
      EXPECT_FALSE(outcome->finished);
      EXPECT_EQ(outcome->step, step);
    }
    for (const auto& outcome : run_fit_on(3, settings_, path, resuming())) expect_finished(outcome);
    expect_same(remains(path), remains(*this / "whole"));
  }
}

TEST_F(Fit, WhatFailsOnOneRankFailsOnAll) {
  // Rank 0 can't write: a folder is in the way.
  std::filesystem::create_directories(*this / "run/checkpoint.partial");
  for (const auto& outcome : run_fit_on(3, settings_, *this / "run", {"native", 1, false})) {
    expect_refused(outcome, {*this / "run/checkpoint"});
  }
  // It can't read either.
  std::filesystem::create_directories(*this / "damaged");
  write_bytes(*this / "damaged/checkpoint", Bytes(100));
  for (const auto& outcome : run_fit_on(2, settings_, *this / "damaged", resuming())) {
    expect_refused(outcome, {*this / "damaged/checkpoint"});
  }
  settings_.learning_rate = 1e6;
  settings_.checkpoint_every = 4;
  for (const auto& outcome : run_fit_on(2, settings_, *this / "diverged", {"native", 1, false})) {
    expect_refused(outcome, {"diverged at step 5"});
  }
  settings_.data = {*this / "none"};
  for (const auto& outcome : run_fit_on(2, settings_, *this / "no-data", {"native", 1, false})) {
    expect_refused(outcome, {*this / "none"});
  }
}

}  // namespace
}  // namespace altocast
