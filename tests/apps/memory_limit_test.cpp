// A limit of memory bounds what the whole program takes, and changes no bit of its forecast.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/apps/program.h"
#include "tests/formats/sample_noise.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

// What the command prints, and the most MiB that it had in memory.
struct Measured {
  std::string out;
  long mebibytes = 0;
};

Measured measure(const TemporaryFolder& folder, const std::string& arguments) {
  const std::string line = "cd '" + folder.path() + "' && exec " ALTOCAST_RUN " " + arguments + " > out.txt";
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  struct rusage usage {};
  EXPECT_EQ(wait4(child, &status, 0, &usage), child);
  EXPECT_EQ(status, 0);
  return {file_text(folder / "out.txt"), usage.ru_maxrss / 1024 + 1};
}

TEST(MemoryLimit, BoundsTheWholeRunAndChangesNoBit) {
  const TemporaryFolder folder;
  NetworkSpec spec = *preset("small");
  spec.leads = 2;
  Prior prior = random_prior(spec, 1);
  prior.noise = sample_noise_model(spec.leads);
  prior.cadence_seconds = 1800;
  ASSERT_TRUE(save_prior(prior, folder / "station.prior").ok());
  SyntheticSettings frames = small_frames();
  frames.frames = 4;
  frames.height = 500;
  frames.width = 420;
  ASSERT_TRUE(write_synthetic_frames(frames, folder / "frames").ok());

  const ProgramRun plan = run_altocast(
      folder.path(), "info station.prior --plan --size 500x420 --members 1 --threads 1 --memory-limit 80 --json");
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_NE(plan.out.find("\"limited\":{\"bytes\":"), std::string::npos) << plan.out;
  EXPECT_EQ(plan.out.find("\"band\":0,\"noise_tables\":false"), std::string::npos) << "bands are needed";
  const std::string forecast =
      "forecast --prior station.prior --frames frames --out forecast --members 1 --member-pictures 0 --threads 1";
  const Measured limited = measure(folder, forecast + " --memory-limit 80");
  const Measured whole = measure(folder, forecast);
  EXPECT_EQ(limited.out, whole.out);
  EXPECT_LE(limited.mebibytes, 80);
  EXPECT_GT(whole.mebibytes, 80) << "else the test shows nothing";

  const ProgramRun refused = run_altocast(folder.path(), forecast + " --memory-limit 20");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("takes at least"), std::string::npos) << refused.err;
  EXPECT_EQ(run_altocast(folder.path(), forecast + " --memory-limit 0").exit_code, 2);
}

}  // namespace
}  // namespace altocast
