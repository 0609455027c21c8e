// The page of a training run: what it shows, and logs that are not whole.
#include "trainer/training_report.h"

#include <utility>

#include "tests/trainer/fit_runs.h"

namespace altocast {
namespace {

const std::string kConfig = write_fit_settings(FitSettings());

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

std::string report_of(const std::string& log) {
  const Result<std::string> report = training_report("north", log, kConfig);
  EXPECT_TRUE(report.ok()) << report.message();
  return report.ok() ? *report : std::string();
}

TEST(TrainingReport, ShowsAllThatARunLogs) {
  const TemporaryFolder folder;
  write_synthetic(folder / "frames", 60, 40);
  FitSettings settings = tiny_settings(folder / "frames");
  settings.rate_learning_rate = 0.01;
  expect_finished(run_fit(settings, folder / "run"));
  const auto text_of = [&](const std::string& name) {
    const Bytes bytes = read_bytes(folder / "run" + name);
    return std::string(bytes.begin(), bytes.end());
  };
  const Result<std::string> report = training_report("run", text_of("/log.jsonl"), text_of("/config.toml"));
  ASSERT_TRUE(report.ok()) << report.message();
  for (const char* part : {"<title>run: training",
                           "Loss of",
                           "validation",
                           "lead",
                           "support set",
                           "KL divergence",
                           "Norm of the meta-gradient",
                           "were clipped",
                           "observation noise",
                           "Tasks a second",
                           "Seconds since",
                           "Seconds of the gradients",
                           "Hessian-vector products",
                           "GFLOP/s of the gradients",
                           "FMA peak of the cores",
                           "Meta-gradients that were clipped",
                           "How far μ moved",
                           "How far ρ moved",
                           "<h2>Starts",
                           "first line at step 1<",
                           "<h2>Folders",
                           "frames</td><td>40</td><td>40</td><td>60</td>",
                           "moved by adaptation",
                           "moved by training",
                           "rate for ρ",
                           "enc0.a.weight",
                           "[training]"}) {
    EXPECT_NE(report->find(part), std::string::npos) << part;
  }
  EXPECT_EQ(count(*report, "http"), 0u) << "the page needs no network";
  EXPECT_EQ(count(*report, "nan"), 0u);
}

TEST(TrainingReport, LaterLinesOfAResumedRunReplaceEarlierOnes) {
  const std::string once =
      report_of("{\"step\":1,\"phase\":\"warmup\",\"loss\":1}\n{\"step\":2,\"phase\":\"warmup\",\"loss\":3}\n");
  EXPECT_EQ(report_of("{\"step\":1,\"phase\":\"warmup\",\"loss\":1}\n{\"step\":2,\"loss\":9}\n{\"step\":4,\"loss\":9}\n"
                      "{\"step\":2,\"phase\":\"warmup\",\"loss\":3}\n"),
            once);
  EXPECT_EQ(count(once, "<circle"), 2u);
}

TEST(TrainingReport, MovementIsShadedOverThreeDecadesByTensor) {
  FitSettings settings;
  settings.network.depth = 0;
  const std::size_t tensors = parameter_layout(settings.network).size();
  const auto line = [&](int step, const std::vector<double>& moved) {
    json values = std::vector<double>(tensors, 0.0);
    for (std::size_t t = 0; t < moved.size(); ++t) values[t] = moved[t];
    return json{{"step", step}, {"moved_mu", values}}.dump() + "\n";
  };
  const Result<std::string> report =
      training_report("north", line(5, {1.0, 1e-3}) + line(9, {0.1}), write_fit_settings(settings));
  ASSERT_TRUE(report.ok()) << report.message();
  EXPECT_EQ(count(*report, "<rect"), 2 * tensors);
  for (const char* cell :
       {"opacity=\"1\"><title>enc0.a.weight: 1 at 5", "opacity=\"0.67\"><title>enc0.a.weight: 0.1 at 9",
        "opacity=\"0\"><title>enc0.a.bias: 0.001 at 5", "opacity=\"0\"><title>enc0.a.bias: 0 at 9"}) {
    EXPECT_EQ(count(*report, cell), 1u) << cell;
  }
  EXPECT_EQ(count(*report, "How far ρ moved"), 0u) << "nothing to show";
}

TEST(TrainingReport, ALongRunsCellsAreJoined) {
  FitSettings settings;
  settings.network.depth = 0;
  const std::size_t tensors = parameter_layout(settings.network).size();
  std::string log;
  for (int step = 1; step <= 1000; ++step) {
    log += json{{"step", step}, {"moved_mu", std::vector<double>(tensors, step == 495 ? 8.0 : 1.0)}}.dump() + "\n";
  }
  const Result<std::string> report = training_report("north", log, write_fit_settings(settings));
  ASSERT_TRUE(report.ok()) << report.message();
  EXPECT_EQ(count(*report, "<rect"), 100 * tensors);
  EXPECT_EQ(count(*report, "enc0.a.weight: 8 at 500"), 1u);
}

TEST(TrainingReport, AnUnfinishedLastLineAndMissingNumbersAreLeftOut) {
  const std::string line = "{\"step\":1,\"phase\":\"warmup\",\"loss\":null,\"log_noise\":[-1,null]}\n";
  const std::string report = report_of(line + "{\"step\":2,\"lo");
  EXPECT_EQ(report, report_of(line));
  EXPECT_EQ(count(report, "<circle"), 1u);
}

TEST(TrainingReport, TellsWhatIsWrongWithALog) {
  for (const auto& [log, part] : {std::pair{"", "no line yet"}, std::pair{"{\"step\":1}\nrubbish\n", "line 2"},
                                  std::pair{"[1]\n", "line 1"}, std::pair{"{\"loss\":1}\n", "line 1"}}) {
    const Result<std::string> report = training_report("north", log, kConfig);
    ASSERT_FALSE(report.ok());
    EXPECT_NE(report.message().find(part), std::string::npos) << report.message();
  }
  EXPECT_FALSE(training_report("north", "{\"step\":1}\n", "[nonsense").ok());
}

TEST(TrainingReport, NamesAreEscaped) {
  const Result<std::string> report = training_report("<script>", "{\"step\":1,\"loss\":2}\n", kConfig);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(count(*report, "<script"), 0u);
}

}  // namespace
}  // namespace altocast
