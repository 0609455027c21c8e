// Which cores a command line means, and that threads stay on them.
#include "runtime/cores.h"

#include <gtest/gtest.h>

#include <thread>

#include "runtime/thread_pool.h"

namespace altocast {
namespace {

TEST(Cores, AreReadFromListsAndMasks) {
  EXPECT_EQ(*parse_cores("0"), std::vector<int>{0});
  EXPECT_EQ(*parse_cores("4-7,0,5"), (std::vector<int>{0, 4, 5, 6, 7}));
  EXPECT_EQ(*parse_cores("0xf0"), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(*parse_cores("0x10000000000000001"), (std::vector<int>{0, 64}));
}

TEST(Cores, AnythingElseIsRefused) {
  for (const char* text :
       {"", "0x", "0x0", "0xg", "-1", "1-", "3-1", "1,", ",1", "1 2", "1024", "0-1024", "99999999999"}) {
    EXPECT_FALSE(parse_cores(text).ok()) << text;
  }
}

TEST(Cores, ThreadsThatAreStartedLaterStayOnThem) {
  int before = 0, after = 0;
  std::thread([&] {
    before = available_cores();
    if (run_on_cores({0}).ok()) after = ThreadPool(0).size();
  }).join();
  if (after == 0) GTEST_SKIP() << "this process may not run on core 0";
  EXPECT_GE(before, 1);
  EXPECT_EQ(after, 1);
}

}  // namespace
}  // namespace altocast
