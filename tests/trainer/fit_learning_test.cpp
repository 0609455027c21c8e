// Meta-training learns what there is to learn.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/trainer/fit_runs.h"

namespace altocast {
namespace {

// Stripes that move by a pixel a frame (to any side, after a task's symmetry): persistence is wrong, and
// motion is all there is to learn. The inner rate is so high that adapting the warm-up's network spoils it;
// only training through the inner steps makes a prior that adaptation improves.
TEST(FitLearns, MotionAndHowToAdaptToIt) {
  const TemporaryFolder folder;
  write_frames_of(folder / "frames", 60, 24, [](int t, int y, int x) {
    const double phase = 2 * std::numbers::pi / 12 * (x - t);
    return static_cast<int>(128 + 80 * std::sin(phase) + 20 * std::sin(2 * phase + y * 0.5));
  });
  FitSettings settings = tiny_settings(folder / "frames");
  settings.warmup_steps = 300;
  settings.first_order_steps = 0;
  settings.steps = 360;
  settings.warmup_learning_rate = 5e-3;
  settings.learning_rate = 1e-3;
  settings.inner.steps = 3;
  settings.rate_mu = 1e-2f;
  settings.validation_tasks = 16;
  settings.validate_every = settings.report_every = settings.checkpoint_every = 300;
  expect_finished(run_fit(settings, folder / "run"));

  const std::vector<json> log = log_of(folder / "run");
  ASSERT_EQ(log.size(), 2u);
  const json& warm = log[0].at("validation");
  const json& trained = log[1].at("validation");
  const auto number = [](const json& value) { return value.get<double>(); };
  for (std::size_t lead = 0; lead < 2; ++lead) {
    const double persistence = number(warm.at("mae_persistence")[lead]);
    EXPECT_GT(persistence, 0.2);
    EXPECT_LT(number(warm.at("mae_before")[lead]), 0.5 * persistence);
    EXPECT_LT(number(trained.at("mae_after")[lead]), 0.5 * persistence);
  }
  EXPECT_GT(number(warm.at("nll_after")), number(warm.at("nll_before")) + 0.5);
  EXPECT_LT(number(trained.at("nll_after")), number(trained.at("nll_before")));
}

}  // namespace
}  // namespace altocast
