// The station's whole job through the program: the same forecast, bit for bit, by every instruction set,
// every number of threads, and in one command or two. The canned hash makes it the same by every compiler and
// on every processor that these tests run on.
#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/kernels/native/native_kernels.h"
#include "tests/apps/program.h"
#include "tests/formats/sample_noise.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

// Changes with the synthetic clouds, the random prior and whatever decides the bits of a forecast; never with
// the platform.
constexpr const char* kHash = "c2c9bf7f8f06f05c0d1b776bca8b4bd3281b5e3d79212278141af25e106881f7";
constexpr const char* kAdvectedHash = "ad763fc0448c4c4f333dc7e1bddedb70b73cf6a213a10b47338333611dd31c58";
constexpr const char* kNoisyHash = "0fd42f427176a2dc97eb2849ea5b0a9070cc08b314fdc13e0a295e62b9b397e1";

class SameHash : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(save_prior(small_prior(3), folder_ / "station.prior").ok());
    ASSERT_TRUE(write_synthetic_frames(small_frames(), folder_ / "frames").ok());
  }
  ProgramRun run(const std::string& arguments) { return run_altocast(folder_.path(), arguments); }

  // The hash that a forecast prints, or the message of one that failed.
  std::string hash(const std::string& options) {
    const ProgramRun forecast = run("forecast --frames frames --out forecast --members 3 --seed 5 " + options);
    EXPECT_EQ(forecast.exit_code, 0) << forecast.err;
    EXPECT_TRUE(forecast.out.ends_with("  forecast\n")) << forecast.out;
    return forecast.exit_code == 0 ? forecast.out.substr(0, 64) : forecast.err;
  }

  TemporaryFolder folder_;
};

TEST_F(SameHash, ByEveryInstructionSetAndNumberOfThreads) {
  for (const KernelTable* table : available_tables()) {
    for (const char* threads : {"1", "2", "3"}) {
      EXPECT_EQ(hash("--prior station.prior --adapt --isa " + std::string(table->isa) + " --threads " + threads), kHash)
          << table->isa << ", " << threads << " threads";
    }
  }
  EXPECT_NE(file_text(folder_ / "forecast/summary.json").find(kHash), std::string::npos);
}

TEST_F(SameHash, WithObservationNoiseAndHubersLikelihoodToo) {
  Prior prior = small_prior(3);
  prior.inner.likelihood = Likelihood::huber;
  prior.noise = sample_noise_model(prior.network.leads);
  ASSERT_TRUE(save_prior(prior, folder_ / "noisy.prior").ok());
  for (const KernelTable* table : available_tables()) {
    for (const char* threads : {"1", "3"}) {
      EXPECT_EQ(
          hash("--prior noisy.prior --adapt --no-guard --isa " + std::string(table->isa) + " --threads " + threads),
          kNoisyHash)
          << table->isa << ", " << threads << " threads";
    }
  }
}

TEST_F(SameHash, WithAdvectedFramesUnderTheNetworkToo) {
  Prior prior = small_prior(3, ResidualBase::advected);
  ASSERT_TRUE(save_prior(prior, folder_ / "advected.prior").ok());
  for (const KernelTable* table : available_tables()) {
    for (const char* threads : {"1", "3"}) {
      EXPECT_EQ(hash("--prior advected.prior --adapt --isa " + std::string(table->isa) + " --threads " + threads),
                kAdvectedHash)
          << table->isa << ", " << threads << " threads";
    }
  }
}

// One hash a row of `bench`, for as many rows as combinations were asked for.
TEST_F(SameHash, InEveryRowOfABenchmark) {
  std::string isas;
  std::size_t combinations = 0;
  for (const KernelTable* table : available_tables()) {
    isas += (isas.empty() ? "" : ",") + std::string(table->isa);
    combinations += 2;
  }
  const ProgramRun bench =
      run("bench --preset tiny --size 16x16 --members 2 --repeats 1 --parts forecast --csv "
          "--threads 1,2 --isa " +
          isas);
  ASSERT_EQ(bench.exit_code, 0) << bench.err;
  std::vector<std::string> hashes;
  for (std::size_t end = bench.out.find('\n'); end != std::string::npos; end = bench.out.find('\n', end + 1)) {
    hashes.push_back(bench.out.substr(bench.out.rfind(',', end) + 1, end - bench.out.rfind(',', end) - 1));
  }
  ASSERT_EQ(hashes.size(), 1 + combinations) << bench.out;
  for (std::size_t row = 1; row < hashes.size(); ++row) {
    EXPECT_EQ(hashes[row].size(), 64u);
    EXPECT_EQ(hashes[row], hashes[1]) << bench.out;
  }
}

TEST_F(SameHash, InOneCommandOrInTwo) {
  const ProgramRun adapted = run("adapt --prior station.prior --frames frames --out station.posterior --seed 5");
  ASSERT_EQ(adapted.exit_code, 0) << adapted.err;
  EXPECT_EQ(hash("--posterior station.posterior"), kHash);
}

TEST_F(SameHash, UpToATimeAsIfLaterFramesWereNotThere) {
  const std::string options = "--prior station.prior --adapt --pairs 2 ";
  const std::string earlier = hash(options + "--at 2018-06-06T02:30Z");
  EXPECT_NE(earlier, hash(options));
  std::filesystem::remove(folder_ / "frames/20180606T0300Z.png");
  EXPECT_EQ(hash(options), earlier);
}

TEST_F(SameHash, NotOfAnUnadaptedForecastNorOfAnotherSeed) {
  const std::string unadapted = hash("--prior station.prior");
  EXPECT_NE(unadapted, kHash);
  const ProgramRun other = run("forecast --prior station.prior --frames frames --out forecast --members 3 --seed 6");
  EXPECT_NE(other.out.substr(0, 64), unadapted);
}

TEST_F(SameHash, WhereverThePriorHasMovedTo) {
  namespace fs = std::filesystem;
  ASSERT_EQ(run("adapt --prior station.prior --frames frames --out sub/station.posterior --seed 5").exit_code, 0);
  fs::rename(folder_ / "station.prior", folder_ / "sub/station.prior");
  EXPECT_EQ(hash("--posterior sub/station.posterior"), kHash) << "found beside the posterior";
  fs::rename(folder_ / "sub/station.prior", folder_ / "sub/renamed.prior");
  EXPECT_EQ(hash("--posterior sub/station.posterior --prior sub/renamed.prior"), kHash) << "as given";
}

}  // namespace
}  // namespace altocast
