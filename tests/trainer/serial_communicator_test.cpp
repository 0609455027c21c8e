// What a build without MPI makes of being started by mpirun. communicator.cpp is compiled into this test without MPI,
// whatever the rest of the build has.
#include <gtest/gtest.h>

#include <cstdlib>

#include "trainer/communicator.h"

namespace altocast {
namespace {

class SerialCommunicator : public testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "SLURM_NTASKS"}) unsetenv(name);
  }
  static void expect_alone() {
    const Result<std::unique_ptr<Communicator>> ranks = join_ranks();
    ASSERT_TRUE(ranks.ok()) << ranks.message();
    EXPECT_EQ((*ranks)->size(), 1);
    EXPECT_EQ((*ranks)->rank(), 0);
  }
  static void expect_refused(const char* name, const char* size) {
    setenv(name, size, 1);
    const Result<std::unique_ptr<Communicator>> ranks = join_ranks();
    ASSERT_FALSE(ranks.ok()) << name;
    for (const char* part : {"one of 3 processes", "without MPI", "ALTOCAST_MPI=ON"}) {
      EXPECT_NE(ranks.message().find(part), std::string::npos) << ranks.message();
    }
    unsetenv(name);
  }
};

TEST_F(SerialCommunicator, AProcessAloneIsARankAlone) {
  expect_alone();
  setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
  expect_alone();
}

TEST_F(SerialCommunicator, SeveralProcessesAreRefusedWithTheMend) {
  expect_refused("OMPI_COMM_WORLD_SIZE", "3");
  expect_refused("PMI_SIZE", "3");
  setenv("PMIX_RANK", "0", 1);
  expect_refused("SLURM_NTASKS", "3");
}

}  // namespace
}  // namespace altocast
