// altocast-train as a process: exit codes, messages, signals, sudden ends and full disks.
#include <gtest/gtest.h>

#include "formats/checkpoint.h"
#include "formats/prior.h"
#include "tests/apps/process.h"
#include "tests/trainer/training_samples.h"

namespace altocast {
namespace {

using std::chrono::milliseconds;

void expect_mention(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
}

class TrainProgram : public testing::Test {
 protected:
  void SetUp() override {
    write_synthetic(folder_ / "frames", 40, 24);
    write_config(settings_);
  }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  void write_config(const FitSettings& settings) { write_text(*this / "config.toml", write_fit_settings(settings)); }

  std::vector<std::string> line(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), ALTOCAST_TRAIN_PROGRAM);
    return arguments;
  }
  ProgramEnd run(const std::vector<std::string>& arguments) { return Program(folder_, line(arguments)).wait(); }
  std::vector<std::string> fit(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"fit",       "--config", *this / "config.toml", "--out", *this / name,
                                       "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(*this / name); }

  const TemporaryFolder folder_;
  FitSettings settings_ = tiny_settings(folder_ / "frames");
};

TEST_F(TrainProgram, FitEndsWithZeroAndTellsWhereThePriorIs) {
  const ProgramEnd end = run(fit("run"));
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(end.out, *this / "run/model.prior\n");
  expect_mention(end.err, {"40 frames", "step 10 of 10", "validation on 3 tasks"});
  EXPECT_TRUE(load_prior(*this / "run/model.prior").ok());
  const ProgramEnd again = run(fit("run"));
  EXPECT_EQ(again.code, 1);
  expect_mention(again.err, {*this / "run", "--resume"});
}

TEST_F(TrainProgram, KilledAtAnyMomentItResumesToTheSamePrior) {
  settings_.steps = 60;
  settings_.warmup_steps = 20;
  settings_.first_order_steps = 20;
  settings_.checkpoint_every = 2;
  write_config(settings_);
  ASSERT_EQ(run(fit("whole")).code, 0);
  int kills = 0;
  ProgramEnd end;
  for (int attempt = 0; attempt < 40; ++attempt) {
    Program program(folder_, line(fit("run", exists("run/checkpoint") ? std::vector<std::string>{"--resume"}
                                                                      : std::vector<std::string>{})));
    if (attempt < 12) {  // the moments fall into different parts of a step and of saving from attempt to attempt
      std::this_thread::sleep_for(milliseconds(20 + 37 * attempt % 101));
      program.send(SIGKILL);
    }
    end = program.wait();
    if (end.code == 0) break;
    ASSERT_EQ(end.signal, SIGKILL) << end.err;
    ++kills;
  }
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_GT(kills, 0);
  EXPECT_TRUE(read_bytes(*this / "run/model.prior") == read_bytes(*this / "whole/model.prior"));
  EXPECT_TRUE(read_bytes(*this / "run/checkpoint") == read_bytes(*this / "whole/checkpoint"));
}

TEST_F(TrainProgram, AskedToStopItWritesACheckpointAndEndsWithZero) {
  settings_.steps = 1000000;
  settings_.checkpoint_every = 1000000;
  write_config(settings_);
  for (const int signal : {SIGTERM, SIGINT}) {
    const std::string name = "run" + std::to_string(signal);
    Program program(folder_, line(fit(name)));
    for (int tries = 0; tries < 2000 && !exists(name + "/log.jsonl"); ++tries)
      std::this_thread::sleep_for(milliseconds(10));
    program.send(signal);
    const ProgramEnd end = program.wait();
    EXPECT_EQ(end.code, 0) << end.err;
    expect_mention(end.err, {"stopped at step", "--resume goes on"});
    const Result<Checkpoint> checkpoint = load_checkpoint(*this / name + "/checkpoint");
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.message();
    EXPECT_GT(checkpoint->step, 0u);
    EXPECT_LT(checkpoint->step, 1000000u);
    EXPECT_TRUE(load_prior(*this / name + "/model.prior").ok());
  }
}

TEST_F(TrainProgram, WrongCommandLinesEndWithTwoAndLeaveNothingBehind) {
  const std::string data = *this / "frames", out = *this / "run";
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"train"},
      {"fit"},
      {"fit", "--out", out},
      {"fit", "--data", data},
      {"fit", "--data", data, "--out", out, "--nonsense"},
      {"fit", "--data", data, "--out", out, "stray"},
      {"fit", "--data", data, "--out", out, "--steps", "many"},
      {"fit", "--data", data, "--out", out, "--steps", "0"},
      {"fit", "--data", data, "--out", out, "--seed", "-1"},
      {"fit", "--data", data, "--out", out, "--seed", "18446744073709551615"},
      {"fit", "--data", data, "--out", out, "--threads", "-1"},
      {"fit", "--data", data, "--out", out, "--threads", "1000000"},
      {"fit", "--data", data, "--out", out, "--kernels", "cuda"},
      {"fit", "--data", data, "--out", out, "--preset", "huge"},
      {"fit", "--data", data, "--out", out, "--validate", data + "@noon"},
      {"check-reference"},
      {"check-reference", "--kernels", "cuda", data},
      {"bench", "--size", "big"}};
  for (const std::vector<std::string>& arguments : lines) {
    const ProgramEnd end = run(arguments);
    EXPECT_EQ(end.code, 2) << testing::PrintToString(arguments) << "\n" << end.err;
    EXPECT_FALSE(end.err.empty());
    EXPECT_EQ(end.out, "");
  }
  EXPECT_FALSE(exists("run"));
}

TEST_F(TrainProgram, HelpAndVersionEndWithZero) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"--version"}, {"fit", "--help"}, {"check-reference", "--help"}, {"bench", "--help"}}) {
    const ProgramEnd end = run(arguments);
    EXPECT_EQ(end.code, 0) << testing::PrintToString(arguments);
    EXPECT_FALSE(end.out.empty());
  }
}

TEST_F(TrainProgram, DataThatAreNotFitEndWithOneAndAreNamed) {
  const auto expect_unfit = [&](const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
    const ProgramEnd end = run(arguments);
    EXPECT_EQ(end.code, 1) << testing::PrintToString(arguments) << "\n" << end.err;
    expect_mention(end.err, parts);
  };
  expect_unfit(fit("a", {"--data", *this / "none"}), {*this / "none"});
  std::filesystem::create_directory(*this / "empty");
  expect_unfit(fit("b", {"--data", *this / "empty"}), {*this / "empty"});
  write_synthetic(*this / "few", 3, 24);
  expect_unfit(fit("c", {"--data", *this / "few"}), {"no run of frames is long enough", "add data"});
  write_synthetic(*this / "small", 20, 12);
  expect_unfit(fit("d", {"--data", *this / "small"}), {*this / "small", "12×12", "lower training.tile"});
  expect_unfit(fit("e", {"--resume"}), {*this / "e", "no checkpoint", "leave --resume out"});
  write_text(*this / "bad.toml", "[training]\nsteps = 0\n");
  expect_unfit({"fit", "--config", *this / "bad.toml", "--out", *this / "f"},
               {"bad.toml: line 2: ", "training.steps must lie in"});
  expect_unfit({"fit", "--config", *this / "none.toml", "--out", *this / "f"}, {"none.toml"});
  write_text(*this / "frames/cache.toml", "cadense = 30\n");
  expect_unfit(fit("g"), {"cache.toml", "line 1", "cadense"});
}

TEST_F(TrainProgram, BrokenFramesAreNamedAndTheRestIsTrainedOn) {
  const std::string broken = frame_path(*this / "frames", SyntheticSettings().start_time + 1800);
  ASSERT_TRUE(std::filesystem::exists(broken));
  std::filesystem::resize_file(broken, std::filesystem::file_size(broken) / 2);
  const ProgramEnd end = run(fit("run"));
  EXPECT_EQ(end.code, 0) << end.err;
  expect_mention(end.err, {broken + ": left out: "});
}

TEST_F(TrainProgram, ARunFolderThatCannotBeMadeIsNamed) {
  write_text(*this / "file", "");
  for (const char* name : {"file", "file/run"}) {
    const ProgramEnd end = run(fit(name));
    EXPECT_EQ(end.code, 1);
    expect_mention(end.err, {*this / name});
  }
}

TEST_F(TrainProgram, AFullDiskLosesNothing) {
  ASSERT_EQ(run(fit("whole")).code, 0);
  ASSERT_EQ(run(fit("run", {"--steps", "4"})).code,
            0);  // the warm-up, which is the same for any number of steps
  const Bytes checkpoint = read_bytes(*this / "run/checkpoint");
  const rlim_t limit = checkpoint.size() / 4;  // config.toml and the log still fit
  const ProgramEnd full = Program(folder_, line(fit("run", {"--resume", "--steps", "10"})), limit).wait();
  EXPECT_EQ(full.code, 1) << full.err;
  expect_mention(full.err, {*this / "run/", "can't write"});
  EXPECT_TRUE(read_bytes(*this / "run/checkpoint") == checkpoint);
  EXPECT_TRUE(load_prior(*this / "run/model.prior").ok());
  for (const auto& entry : std::filesystem::directory_iterator(*this / "run")) {
    EXPECT_NE(entry.path().extension(), ".partial") << entry.path();
  }
  EXPECT_EQ(run(fit("run", {"--resume", "--steps", "10"})).code, 0);
  EXPECT_TRUE(read_bytes(*this / "run/model.prior") == read_bytes(*this / "whole/model.prior"));
}

TEST_F(TrainProgram, ABrokenReferenceCaseEndsWithOneAndIsNamed) {
  std::filesystem::create_directory(*this / "case");
  for (const char* kernels : {"reference", "native", "onednn"}) {
    write_text(*this / "case/spec.json", "{");
    const ProgramEnd end = run({"check-reference", "--kernels", kernels, *this / "case", *this / "none"});
    EXPECT_EQ(end.code, 1);
    EXPECT_EQ(end.out, "");
    expect_mention(end.err, {*this / "case/spec.json", *this / "none/spec.json"});
  }
}

}  // namespace
}  // namespace altocast
