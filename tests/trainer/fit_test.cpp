// Meta-training end to end with a tiny network: what decides the prior's bits and what does not, what a run
// survives, what it refuses.
#include "trainer/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "runtime/flop_count.h"
#include "runtime/station/host.h"
#include "tests/trainer/fit_runs.h"

namespace altocast {
namespace {

TEST_F(Fit, StoppingAtAnyStepAndResumingChangesNoBit) {
  expect_finished(run_fit(settings_, *this / "whole"));
  const Remains whole = remains(*this / "whole");
  for (int step = 0; step < settings_.steps; ++step) {
    const std::string path = *this / std::to_string(step);
    const Result<FitOutcome> stopped = run_fit(settings_, path, {}, step);
    ASSERT_TRUE(stopped.ok()) << stopped.message();
    EXPECT_FALSE(stopped->finished);
    EXPECT_EQ(stopped->step, step);
    expect_finished(run_fit(settings_, path, resuming()));
    expect_same(remains(path), whole);
  }
}

TEST_F(Fit, ResumingAFinishedRunLeavesItAsItIs) {
  expect_finished(run_fit(settings_, *this / "run"));
  const Remains before = remains(*this / "run");
  expect_finished(run_fit(settings_, *this / "run", resuming()));
  expect_same(remains(*this / "run"), before);
}

TEST_F(Fit, EndingBetweenTheLastPriorAndItsCheckpointLosesNothing) {
  expect_finished(run_fit(settings_, *this / "whole"));
  ASSERT_TRUE(run_fit(settings_, *this / "run", {}, 5).ok());
  // As if the process had been killed after the log and the prior of step 10, before their checkpoint.
  for (const char* name : {"/model.prior", "/log.jsonl"}) {
    std::filesystem::copy_file(*this / "whole" + name, *this / "run" + name,
                               std::filesystem::copy_options::overwrite_existing);
  }
  std::ofstream(*this / "run/log.jsonl", std::ios::app) << "{\"step\":11,\"ph";
  expect_finished(run_fit(settings_, *this / "run", resuming()));
  expect_same(remains(*this / "run"), remains(*this / "whole"));
}

TEST_F(Fit, ALogWithoutACheckpointIsBegunAnew) {
  expect_finished(run_fit(settings_, *this / "whole"));
  expect_finished(run_fit(settings_, *this / "run"));
  std::filesystem::remove(*this / "run/checkpoint");  // as if it had been killed before the first
  expect_finished(run_fit(settings_, *this / "run"));
  expect_same(remains(*this / "run"), remains(*this / "whole"));
}

TEST_F(Fit, LogHoldsALineOfJsonForEveryReport) {
  expect_finished(run_fit(settings_, *this / "run"));
  const std::vector<json> log = log_of(*this / "run");
  ASSERT_EQ(log.size(), 10u);
  for (std::size_t i = 0; i < log.size(); ++i) {
    ASSERT_TRUE(log[i].is_object()) << i;
    EXPECT_EQ(log[i].at("step"), i + 1);
    EXPECT_EQ(log[i].at("phase"), i < 4 ? "warmup" : i < 7 ? "first_order" : "second_order");
    EXPECT_TRUE(log[i].at("loss").is_number());
    EXPECT_EQ(log[i].contains("validation"), i == 3 || i == 7 || i == 9) << i;
    EXPECT_EQ(log[i].contains("kl"), i >= 4);
  }
  const json& validation = log.back().at("validation");
  const std::vector<double> tasks = validation.at("task_nll_after");
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_NEAR(validation.at("nll_after").get<double>(), (tasks[0] + tasks[1] + tasks[2]) / 3, 1e-9);
}

TEST_F(Fit, LogTellsOnWhatAndOverWhichFramesAtEveryStart) {
  write_synthetic(*this / "more", 30, 32);
  settings_.data.push_back(*this / "more");
  ASSERT_TRUE(run_fit(settings_, *this / "run", {}, 5).ok());
  expect_finished(run_fit(settings_, *this / "run", {"native", 2, true, 5}));
  const std::vector<json> log = log_of(*this / "run");
  ASSERT_EQ(log.size(), 10u);
  for (std::size_t i = 0; i < log.size(); ++i) EXPECT_EQ(log[i].contains("run"), i == 0 || i == 5) << i;
  const json& first = log[0].at("run");
  const json& second = log[5].at("run");
  EXPECT_EQ(first.at("version"), version());
  EXPECT_EQ(first.at("kernels"), "native");
  EXPECT_EQ(second.at("kernels"), "native");
  EXPECT_EQ(first.at("threads"), 1);
  EXPECT_EQ(second.at("threads"), 2);
  EXPECT_EQ(second.at("keep_mib"), 5);
  EXPECT_EQ(first.at("preset"), "custom");
  EXPECT_EQ(first.at("weights"), parameter_count(settings_.network));
  EXPECT_GT(first.at("fma_peak_gflops"), 0.0);
  EXPECT_GT(first.at("archive_seconds"), 0.0);
  // The last 15 % are validated on; the gap of an hour before them is two frames.
  EXPECT_EQ(first.at("folders"),
            json::parse(R"([{"path":")" + settings_.data[0] + R"(","height":24,"width":24,"frames":40,"training":32,)" +
                        R"("validation":6},{"path":")" + settings_.data[1] +
                        R"(","height":32,"width":32,"frames":30,"training":23,"validation":5}])"));
}

TEST_F(Fit, LogTellsSecondsOfEachPartAndOperationsByCount) {
  expect_finished(run_fit(settings_, *this / "run"));
  ASSERT_EQ(settings_.warmup_tile, settings_.tile);
  const double forward = count_flops(settings_.network, settings_.tile, settings_.tile).forward;
  for (const json& line : log_of(*this / "run")) {
    const json& seconds = line.at("seconds");
    double parts = 0;
    for (const char* part : {"loading", "inner_loop", "outer", "hessian_vector", "reduction"}) {
      const double value = seconds.at(part);
      EXPECT_GE(value, 0.0) << part;
      parts += value;
    }
    const double gradient = seconds.at("gradient");
    EXPECT_LE(parts, gradient);
    EXPECT_GT(seconds.at("loading"), 0.0);
    EXPECT_GT(seconds.at("outer"), 0.0);
    EXPECT_EQ(seconds.at("inner_loop") > 0.0, line.at("phase") != "warmup");
    EXPECT_EQ(seconds.at("hessian_vector") > 0.0, line.at("phase") == "second_order");
    // Two inner steps with two samples on two pairs, a query pair with one sample; a gradient is three forward passes,
    // a product from a kept pass six.
    const double forwards = line.at("phase") == "warmup" ? 3 : line.at("phase") == "first_order" ? 27 : 27 + 8 * 6;
    const double gflop = settings_.meta_batch * forwards * forward * 1e-9;
    EXPECT_NEAR(line.at("gflops").get<double>() * gradient, gflop, 1e-9 * gflop);
    EXPECT_GT(line.at("share_of_peak"), 0.0);
  }
}

TEST_F(Fit, LogTellsHowFarTrainingMovesEachTensorAndHowOftenItsGradientIsClipped) {
  settings_.gradient_clip = 1e-6;
  settings_.report_every = 3;
  expect_finished(run_fit(settings_, *this / "whole"));
  const std::vector<json> log = log_of(*this / "whole");  // after steps 3, 4, 6, 8, 9, 10
  ASSERT_EQ(log.size(), 6u);
  const std::size_t tensors = parameter_layout(settings_.network).size();
  std::uint64_t before = 0;
  for (const json& line : log) {
    const std::uint64_t step = line.at("step");
    EXPECT_EQ(line.at("clipped_gradients_mu"), step - before);
    EXPECT_EQ(line.at("moved_mu").size(), tensors);
    EXPECT_EQ(line.contains("moved_rho"), step > 4);
    EXPECT_EQ(line.contains("clipped_gradients_rho"), step > 4);
    before = step;
  }
  // Adam's first step is the rate for every weight that has a gradient; the rate falls with the cosine.
  FitSettings one = settings_;
  one.steps = one.report_every = 1;
  one.gradient_clip = 0;
  expect_finished(run_fit(one, *this / "one"));
  const json line = log_of(*this / "one").at(0);
  EXPECT_NEAR(line.at("moved_mu").back().get<double>(), one.warmup_learning_rate, 1e-3 * one.warmup_learning_rate);
  EXPECT_EQ(line.at("clipped_gradients_mu"), 0);

  // A checkpoint between two lines holds what the next one needs.
  ASSERT_TRUE(run_fit(settings_, *this / "parts", {}, 5).ok());
  expect_finished(run_fit(settings_, *this / "parts", resuming()));
  expect_same(remains(*this / "parts"), remains(*this / "whole"));
}

TEST_F(Fit, PriorTellsHowToAdaptAndForecastWithIt) {
  settings_.normalisation = {100.0f, 50.0f};
  settings_.inner.flipout = true;
  expect_finished(run_fit(settings_, *this / "run"));
  const Result<LoadedPrior> loaded = load_prior(*this / "run/model.prior");
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  const Prior& prior = loaded->prior;
  EXPECT_EQ(prior.network, settings_.network);
  EXPECT_EQ(prior.inner, settings_.inner);
  EXPECT_EQ(prior.support_pairs, 2);
  EXPECT_EQ(prior.normalisation, settings_.normalisation);
  EXPECT_EQ(prior.cadence_seconds, 1800);
  for (const float rate : prior.rate_mu) EXPECT_EQ(rate, settings_.rate_mu);
  for (const float rate : prior.rate_rho) EXPECT_EQ(rate, settings_.rate_rho);
  for (const float rho : prior.rho) EXPECT_TRUE(rho >= settings_.rho_low - 0.02 && rho <= settings_.rho_high + 0.02);
  const json facts = json::parse(prior.facts);
  EXPECT_EQ(facts.at("steps"), 10);
  EXPECT_EQ(facts.at("data"), json::array({settings_.data.front()}));
  EXPECT_EQ(facts.at("validation").at("tasks"), 3);
}

TEST_F(Fit, LearnedRatesDifferByTensorAndSurviveInterruption) {
  settings_.rate_learning_rate = 0.05;
  expect_finished(run_fit(settings_, *this / "whole"));
  const Result<LoadedPrior> loaded = load_prior(*this / "whole/model.prior");
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  for (const std::vector<float>& rates : {loaded->prior.rate_mu, loaded->prior.rate_rho}) {
    for (const float rate : rates) EXPECT_GT(rate, 0.0f);
    EXPECT_NE(*std::min_element(rates.begin(), rates.end()), *std::max_element(rates.begin(), rates.end()));
  }
  ASSERT_TRUE(run_fit(settings_, *this / "parts", {}, 8).ok());
  expect_finished(run_fit(settings_, *this / "parts", resuming()));
  EXPECT_EQ(remains(*this / "parts").prior, remains(*this / "whole").prior);
}

// The planes of a run's checkpoint.
std::vector<float> plane_of(const std::string& run, const char* name) {
  const Result<Checkpoint> checkpoint = load_checkpoint(run + "/checkpoint");
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.message();
  const std::vector<float>* plane = checkpoint->find_f32(name);
  return plane ? *plane : std::vector<float>();
}

TEST_F(Fit, TheMovingAverageIsWhatThePriorHoldsAndLeavesTrainingAsItIs) {
  settings_.rate_learning_rate = 0.05;
  FitSettings averaged = settings_;
  averaged.average_decay = 0.3;
  const char* names[] = {"mu", "rho", "log_noise", "rate_mu", "rate_rho"};
  std::vector<std::vector<double>> expected;
  for (int step = 0; step <= settings_.steps; ++step) {
    const std::string path = *this / std::to_string(step);
    ASSERT_TRUE(run_fit(settings_, path, {}, step).ok());
    const int since = step <= settings_.warmup_steps ? step : step - settings_.warmup_steps;  // steps of its phase
    const double decay = std::min(0.3, since / (9.0 + since));
    for (std::size_t i = 0; i < std::size(names); ++i) {
      const std::vector<float> learned = plane_of(path, names[i]);
      if (step == 0) expected.emplace_back(learned.begin(), learned.end());
      if (step == 0) continue;
      for (std::size_t d = 0; d < learned.size(); ++d) {
        expected[i][d] = decay * expected[i][d] + (1 - decay) * static_cast<double>(learned[d]);
      }
    }
  }
  const std::string whole = *this / std::to_string(settings_.steps), run = *this / "averaged";
  expect_finished(run_fit(averaged, run));
  for (std::size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(plane_of(run, names[i]), plane_of(whole, names[i]));
    const std::vector<float> average = plane_of(run, (std::string("average.") + names[i]).c_str());
    ASSERT_EQ(average.size(), expected[i].size());
    for (std::size_t d = 0; d < average.size(); ++d) EXPECT_NEAR(average[d], expected[i][d], 1e-6);
  }
  const Prior prior = load_prior(run + "/model.prior")->prior;
  EXPECT_EQ(prior.log_noise, plane_of(run, "average.log_noise"));
  EXPECT_EQ(prior.rate_mu, plane_of(run, "average.rate_mu"));
  EXPECT_TRUE(plane_of(whole, "average.mu").empty());
}

TEST_F(Fit, WithEveryOptionOfTheMethodStoppingAndResumingChangesNoBit) {
  settings_.rate_learning_rate = 0.05;
  settings_.order_annealing_steps = 4;
  settings_.average_decay = 0.9;
  settings_.theta_posterior = ThetaPosterior::gaussian;
  settings_.hyper_prior_weight = 1e-3;
  expect_finished(run_fit(settings_, *this / "whole"));
  for (const int step : {0, 3, 6, 8}) {
    const std::string path = *this / std::to_string(step);
    ASSERT_TRUE(run_fit(settings_, path, {}, step).ok());
    expect_finished(run_fit(settings_, path, resuming()));
    expect_same(remains(path), remains(*this / "whole"));
  }
}

TEST_F(Fit, AGaussianOverThetaDrawsAnewForEachStepAndThePriorHoldsItsMean) {
  settings_.theta_posterior = ThetaPosterior::gaussian;
  settings_.hyper_prior_weight = 1e-3;
  settings_.initial_theta_spread = -20;  // a draw is all but the mean
  expect_finished(run_fit(settings_, *this / "narrow"));
  settings_.initial_theta_spread = -4;
  expect_finished(run_fit(settings_, *this / "wide"));
  settings_.theta_posterior = ThetaPosterior::dirac;
  expect_finished(run_fit(settings_, *this / "dirac"));
  const auto loss = [&](const char* name) { return log_of(*this / name).back().at("loss").get<double>(); };
  EXPECT_NEAR(loss("narrow"), loss("dirac"), 1e-4);
  EXPECT_GT(std::abs(loss("wide") - loss("dirac")), 1e-4);
  const std::vector<float> prior_mu = load_prior(*this / "wide/model.prior")->prior.mu;
  const std::vector<float> mean = plane_of(*this / "wide", "mu");
  for (std::size_t d = 0; d < mean.size(); ++d) EXPECT_NEAR(prior_mu[d], mean[d], 1e-3);  // files round
  const std::vector<float> spread = plane_of(*this / "wide", "theta_spread_mu");
  ASSERT_EQ(spread.size(), parameter_count(settings_.network));
  EXPECT_NE(spread.front(), -4);
  EXPECT_TRUE(plane_of(*this / "dirac", "theta_spread_mu").empty());
}

TEST_F(Fit, ARunStartsFromAPriorOfItsOwnKind) {
  expect_finished(run_fit(settings_, *this / "first"));
  settings_.initial = *this / "first/model.prior";
  settings_.warmup_steps = 0;
  const Result<FitOutcome> stopped = run_fit(settings_, *this / "second", {}, 0);
  ASSERT_TRUE(stopped.ok()) << stopped.message();
  const Result<LoadedPrior> first = load_prior(*this / "first/model.prior");
  const Result<LoadedPrior> second = load_prior(*this / "second/model.prior");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(second->prior.mu, first->prior.mu);
  EXPECT_EQ(second->prior.log_noise, first->prior.log_noise);
  expect_finished(run_fit(settings_, *this / "second", resuming()));

  settings_.network.base_channels = 3;
  expect_refused(run_fit(settings_, *this / "third"), {settings_.initial, "network.base_channels = 4 (the run 3)"});
  settings_.network.base_channels = 4;
  settings_.normalisation.scale = 32;
  expect_refused(run_fit(settings_, *this / "third"), {settings_.initial, "data.scale = 64 (the run 128, 32)"});
  settings_.initial = *this / "none.prior";
  expect_refused(run_fit(settings_, *this / "third"), {settings_.initial});
}

TEST_F(Fit, WithAStoreOfFramesNoBitChanges) {
  expect_finished(run_fit(settings_, *this / "memory"));
  FitOptions stored;
  stored.store = *this / "store";
  for (const char* run : {"making", "taking"}) {
    expect_finished(run_fit(settings_, *this / run, stored));
    expect_same(remains(*this / run), remains(*this / "memory"));
  }
}

TEST_F(Fit, OtherKernelsAreRefusedOnResuming) {
  ASSERT_TRUE(run_fit(settings_, *this / "run", {}, 5).ok());
  FitOptions other = resuming();
  other.kernels = "reference";
  expect_refused(run_fit(settings_, *this / "run", other),
                 {*this / "run", "'native'", "'reference'", "--kernels native"});
}

TEST_F(Fit, ChangedFramesAreToldOnResuming) {
  ASSERT_TRUE(run_fit(settings_, *this / "run", {}, 3).ok());
  const auto notices_of_going_on = [&](int stop_at) {
    Result<RunDirectory> run = RunDirectory::open(*this / "run", true);
    std::vector<std::string> notices;
    std::atomic<bool> stop = false;
    FitCallbacks callbacks;
    callbacks.stop = &stop;
    callbacks.notice = [&](const std::string& line) { notices.push_back(line); };
    callbacks.progress = [&](const FitProgress& progress) { stop = progress.step == stop_at; };
    EXPECT_TRUE(fit(settings_, resuming(), &*run, *make_serial_communicator(), callbacks).ok());
    return std::count_if(notices.begin(), notices.end(), [](const std::string& line) {
      return line.find("frames are not those") != std::string::npos;
    });
  };
  EXPECT_EQ(notices_of_going_on(4), 0);
  std::filesystem::remove(frame_path(settings_.data.front(), kNoon));
  EXPECT_EQ(notices_of_going_on(5), 1);
  EXPECT_EQ(notices_of_going_on(6), 0);  // it is the run's data now
}

TEST_F(Fit, WhatAPriorCannotHoldIsToldBeforeTraining) {
  std::filesystem::create_directory(*this / "slow");
  for (int i = 0; i < 40; ++i) {  // a frame in ten days
    write_bytes(frame_path(*this / "slow", kNoon + std::int64_t{i} * 864000), frame_png(24, 24, i));
  }
  settings_.data = {*this / "slow"};
  expect_refused(run_fit(settings_, *this / "run"), {"run/model.prior", "one week"});
  EXPECT_FALSE(std::filesystem::exists(*this / "run/checkpoint"));
}

TEST_F(Fit, SettingsThatDecideThePriorMayNotChangeOnResuming) {
  ASSERT_TRUE(run_fit(settings_, *this / "run", {}, 5).ok());
  const Remains before = remains(*this / "run");
  const std::function<void(FitSettings&)> changes[] = {
      [](FitSettings& s) { s.seed = 2; },         [](FitSettings& s) { s.network.base_channels = 8; },
      [](FitSettings& s) { s.meta_batch = 4; },   [](FitSettings& s) { s.rate_mu *= 1.0001f; },
      [](FitSettings& s) { s.warmup_steps = 5; }, [](FitSettings& s) { s.data.push_back(s.data.front()); }};
  for (const auto& change : changes) {
    FitSettings changed = settings_;
    change(changed);
    expect_refused(run_fit(changed, *this / "run", resuming()), {*this / "run", "config.toml", "only training.steps"});
  }
  expect_same(remains(*this / "run"), before);
  FitSettings fewer = settings_;
  fewer.steps = 4;
  expect_refused(run_fit(fewer, *this / "run", resuming()), {"at step 5 already", "--steps 5"});
}

TEST_F(Fit, StepsAndIntervalsMayChangeOnResuming) {
  ASSERT_TRUE(run_fit(settings_, *this / "run", {}, 5).ok());
  FitSettings longer = settings_;
  longer.steps = 12;
  longer.report_every = 3;
  longer.checkpoint_every = 7;
  longer.validate_every = 6;
  const Result<FitOutcome> outcome = run_fit(longer, *this / "run", resuming());
  expect_finished(outcome);
  EXPECT_EQ(outcome->step, 12);
  EXPECT_EQ(log_of(*this / "run").size(), 5u + 3u);  // 6, 9, 12
  const Result<FitSettings> config = RunDirectory::read_config(*this / "run");
  ASSERT_TRUE(config.ok()) << config.message();
  EXPECT_EQ(*config, longer);
}

TEST_F(Fit, AFolderThatHoldsARunIsNotOverwritten) {
  expect_finished(run_fit(settings_, *this / "run"));
  const Remains before = remains(*this / "run");
  expect_refused(run_fit(settings_, *this / "run"), {*this / "run", "holds a run already", "--resume"});
  expect_same(remains(*this / "run"), before);
}

TEST_F(Fit, AFolderWithoutARunIsNotResumed) {
  expect_refused(run_fit(settings_, *this / "none", resuming()), {*this / "none", "no checkpoint"});
  EXPECT_FALSE(std::filesystem::exists(*this / "none"));
}

TEST_F(Fit, ASecondProcessIsKeptOut) {
  const Result<RunDirectory> first = RunDirectory::open(*this / "run", false);
  ASSERT_TRUE(first.ok()) << first.message();
  expect_refused(run_fit(settings_, *this / "run"), {*this / "run", "another altocast-train"});
}

TEST_F(Fit, ADamagedCheckpointIsNamed) {
  ASSERT_TRUE(run_fit(settings_, *this / "run", {}, 5).ok());
  Bytes bytes = read_bytes(*this / "run/checkpoint");
  bytes[bytes.size() / 2] ^= 1;
  write_bytes(*this / "run/checkpoint", bytes);
  expect_refused(run_fit(settings_, *this / "run", resuming()), {*this / "run/checkpoint"});
}

TEST_F(Fit, DivergenceIsToldAndTheCheckpointBeforeItStands) {
  settings_.learning_rate = 1e6;
  settings_.checkpoint_every = 4;  // the last of the warm-up
  ASSERT_TRUE(run_fit(settings_, *this / "before", {}, 4).ok());
  expect_refused(run_fit(settings_, *this / "run"),
                 {*this / "run", "diverged at step 5", "learning_rate", "inner.clip_mu"});
  EXPECT_TRUE(read_bytes(*this / "run/checkpoint") == read_bytes(*this / "before/checkpoint"));
  EXPECT_TRUE(load_prior(*this / "run/model.prior").ok());
}

TEST_F(Fit, AnUnstableInnerLoopIsToldBeforeItIsRun) {
  settings_.warmup_steps = 0;
  settings_.initial_rho = -12;
  settings_.rho_low = -13;
  settings_.rate_mu = 1.0f;
  expect_refused(run_fit(settings_, *this / "run"),
                 {"inner loop is unstable at step 0", "inner.rate_mu", "prior.rho_low"});
}

// At the start the stiffest step goes half of the way to the KL divergence's minimum; Adam multiplies rates by e^3 or
// divides them at each step.
TEST_F(Fit, LearnedRatesStayWhereInnerStepsAreStable) {
  settings_.warmup_steps = 0;
  settings_.initial_rho = -3;
  settings_.rate_mu = 1e-4f;
  settings_.rate_learning_rate = 3.0;
  const double terms = settings_.network.leads * settings_.tile * settings_.tile;
  const auto stiffness = [&](double rho, float rate) {
    return static_cast<double>(settings_.inner.kl_weight) / terms * std::exp(-2.0 * rho) * static_cast<double>(rate);
  };
  settings_.inner.kl_weight *= static_cast<float>(0.5 / stiffness(settings_.initial_rho, settings_.rate_mu));
  expect_finished(run_fit(settings_, *this / "run"));
  const Result<LoadedPrior> loaded = load_prior(*this / "run/model.prior");
  ASSERT_TRUE(loaded.ok());
  double largest = 0;
  const std::vector<ParameterTensor> tensors = parameter_layout(settings_.network);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    for (std::size_t d = tensors[t].offset; d < tensors[t].offset + tensors[t].size; ++d) {
      largest = std::max(largest, stiffness(static_cast<double>(loaded->prior.rho[d]), loaded->prior.rate_mu[t]));
    }
  }
  EXPECT_GT(largest, 0.9);
  EXPECT_LT(largest, 1.01);
}

TEST_F(Fit, FoldersWhoseNamesConfigTomlCannotHoldAreRefused) {
  settings_.data = {*this / "frames\xff"};
  expect_refused(run_fit(settings_, *this / "run"), {"UTF-8"});
  settings_.data = {*this / "frames"};
  settings_.validation = {{*this / "at@home", ""}};
  expect_refused(run_fit(settings_, *this / "run"), {"'@'"});
}

TEST_F(Fit, RunsTooShortForATaskAreToldWithWhatATaskTakes) {
  write_synthetic(*this / "short", 5, 24);
  settings_.data = {*this / "short"};
  settings_.validation_share = 0;
  expect_refused(run_fit(settings_, *this / "run"), {"no run of frames is long enough", "6 consecutive frames"});
}

}  // namespace
}  // namespace altocast
