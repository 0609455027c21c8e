// Meta-training on several worker threads.
#include <gtest/gtest.h>

#include "tests/trainer/fit_runs.h"

namespace altocast {
namespace {

TEST_F(Fit, NumberOfThreadsChangesNoBit) {
  expect_finished(run_fit(settings_, *this / "1", {"native", 1, false}));
  const Remains alone = remains(*this / "1");
  for (const int threads : {2, 3, 5}) {
    const std::string path = *this / std::to_string(threads);
    expect_finished(run_fit(settings_, path, {"native", threads, false}));
    expect_same(remains(path), alone);
  }
}

}  // namespace
}  // namespace altocast
