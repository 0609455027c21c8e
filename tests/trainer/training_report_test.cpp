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
  settings.rates_per_step = true;
  expect_finished(run_fit(settings, folder / "run"));
  const auto text_of = [&](const std::string& name) {
    const Bytes bytes = read_bytes(folder / "run" + name);
    return std::string(bytes.begin(), bytes.end());
  };
  const Result<std::string> report = training_report("run", text_of("/log.jsonl"), text_of("/config.toml"));
  ASSERT_TRUE(report.ok()) << report.message();
  for (const char* part :
       {"<title>run: training", "Loss of", "validation", "lead", "support set", "KL divergence",
        "Norm of the meta-gradient", "were clipped", "observation noise", "Tasks a second", "Seconds since",
        "moved by adaptation", "rate for ρ, step 2", "enc0.a.weight", "[training]"}) {
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
