// altocast-train under mpirun: the same bits from any number of processes, and an orderly end whatever happens to one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "formats/checkpoint.h"
#include "formats/prior.h"
#include "tests/apps/process.h"
#include "tests/trainer/training_samples.h"

namespace altocast {
namespace {

using std::chrono::milliseconds;

class MpiProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string(ALTOCAST_MPIEXEC).empty()) GTEST_SKIP() << "no mpirun, or altocast-train was built without MPI";
    // Open MPI's: more processes than cores, also as root in a container; others don't look at them.
    for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "PRTE_ALLOW_RUN_AS_ROOT",
                             "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe"}) {
      setenv(name, "1", 1);
    }
    setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 1);
    setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 1);
    write_synthetic(folder_ / "frames", 40, 24);
    write_config();
  }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  void write_config() { write_text(*this / "config.toml", write_fit_settings(settings_)); }
  bool exists(const std::string& name) const { return std::filesystem::exists(*this / name); }

  // ranks = 0: without mpirun.
  std::vector<std::string> fit(int ranks, const std::string& name, int threads = 1,
                               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> line;
    if (ranks > 0) line = {ALTOCAST_MPIEXEC, "-n", std::to_string(ranks)};
    for (const std::string& argument :
         {std::string(ALTOCAST_TRAIN_PROGRAM), std::string("fit"), std::string("--config"), *this / "config.toml",
          std::string("--out"), *this / name, std::string("--threads"), std::to_string(threads)}) {
      line.push_back(argument);
    }
    line.insert(line.end(), more.begin(), more.end());
    return line;
  }
  ProgramEnd run(const std::vector<std::string>& line) { return Program(folder_, line).wait(); }

  void wait_for(const std::string& name) const {
    for (int tries = 0; tries < 6000 && !exists(name); ++tries) std::this_thread::sleep_for(milliseconds(10));
    ASSERT_TRUE(exists(name));
  }

  // The process of a rank of this test's run.
  pid_t process_of(int rank) const {
    const auto text_of = [](const std::filesystem::path& path) {
      std::ostringstream text;
      text << std::ifstream(path).rdbuf();
      return text.str();
    };
    const auto holds = [](const std::string& text, const std::string& part) {
      return text.find(part) != std::string::npos;
    };
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
      const std::string command = text_of(entry.path() / "cmdline"), environment = text_of(entry.path() / "environ");
      if (!command.starts_with(ALTOCAST_TRAIN_PROGRAM) || !holds(command, *this / "config.toml")) continue;
      const std::string end = std::to_string(rank) + '\0';
      if (holds(environment, "OMPI_COMM_WORLD_RANK=" + end) || holds(environment, "PMI_RANK=" + end)) {
        return std::stoi(name);
      }
    }
    return 0;
  }

  void expect_same(const std::string& a, const std::string& b) const {
    for (const char* file : {"/model.prior", "/checkpoint"}) {
      EXPECT_TRUE(read_bytes(*this / a + file) == read_bytes(*this / b + file)) << a << file << " differs from " << b;
    }
  }

  const TemporaryFolder folder_;
  FitSettings settings_ = tiny_settings(folder_ / "frames");
};

void expect_mention(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
}

TEST_F(MpiProgram, NumberOfProcessesAndThreadsChangesNoBit) {
  ASSERT_EQ(run(fit(0, "alone")).code, 0);
  for (const int ranks : {1, 2, 4}) {
    for (const int threads : {1, 2}) {
      const std::string name = std::to_string(ranks) + "x" + std::to_string(threads);
      const ProgramEnd end = run(fit(ranks, name, threads));
      EXPECT_EQ(end.code, 0) << end.err;
      EXPECT_EQ(end.out, *this / name + "/model.prior\n");  // said by rank 0 alone
      expect_same(name, "alone");
    }
  }
}

TEST_F(MpiProgram, AKilledProcessEndsTheJobWhichResumesWithAnotherNumber) {
  settings_.steps = 60;
  settings_.warmup_steps = 20;
  settings_.first_order_steps = 20;
  settings_.checkpoint_every = 2;
  write_config();
  ASSERT_EQ(run(fit(0, "whole")).code, 0);
  Program program(folder_, fit(2, "run"));
  wait_for("run/checkpoint");
  const pid_t victim = process_of(1);
  ASSERT_GT(victim, 0);
  kill(victim, SIGKILL);
  const ProgramEnd end = program.wait();
  EXPECT_NE(end.code, 0);
  std::string said = end.err + end.out;
  std::transform(said.begin(), said.end(), said.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  expect_mention(said, {"signal", "9", "killed"});
  ASSERT_LT(load_checkpoint(*this / "run/checkpoint")->step, 60u);

  const ProgramEnd resumed = run(fit(3, "run", 1, {"--resume"}));
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  expect_same("run", "whole");
}

TEST_F(MpiProgram, AskedToStopOnAnyRankAllStopWithACheckpoint) {
  settings_.steps = settings_.checkpoint_every = 1000000;
  write_config();
  const auto expect_stopped = [&](const std::string& name, const std::function<void(Program&)>& ask) {
    Program program(folder_, fit(2, name));
    wait_for(name + "/log.jsonl");
    ask(program);
    const ProgramEnd end = program.wait();
    EXPECT_EQ(end.code, 0) << end.err;
    expect_mention(end.err, {"stopped at step", "--resume goes on"});
    EXPECT_TRUE(load_checkpoint(*this / name + "/checkpoint").ok());
  };
  expect_stopped("term", [&](Program&) { ASSERT_EQ(kill(process_of(1), SIGTERM), 0); });
  expect_stopped("usr1", [&](Program& mpirun) { mpirun.send(SIGUSR1); });  // which it passes on
}

TEST_F(MpiProgram, WhatRankZeroCannotWriteEndsTheJobWithItsMessage) {
  std::filesystem::create_directories(*this / "run/checkpoint.partial");
  const ProgramEnd end = run(fit(2, "run"));
  EXPECT_NE(end.code, 0);
  expect_mention(end.err, {"altocast-train fit: ", *this / "run/checkpoint"});
  const ProgramEnd second = run(fit(2, "none", 1, {"--resume"}));
  EXPECT_NE(second.code, 0);
  expect_mention(second.err, {*this / "none", "no checkpoint"});
  EXPECT_FALSE(exists("none"));
}

}  // namespace
}  // namespace altocast
