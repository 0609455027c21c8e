// The thread pool: every item once, memory visible to the caller afterwards, subnormals flushed on every
// thread.
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstddef>
#include <exception>
#include <fstream>
#include <limits>
#include <set>
#include <thread>
#include <vector>

namespace altocast {
namespace {

#if defined(__x86_64__) || defined(__aarch64__) || defined(__arm__)
constexpr bool kProcessorFlushes = true;
#else
constexpr bool kProcessorFlushes = false;
#endif

// Half of the smallest normal number, computed at run time: 0 where subnormals are flushed.
float half_of_smallest_normal() {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = smallest * 0.5f;
  return half;
}

// Lets the process take so many more bytes of address space for the object's lifetime.
class MoreAddressSpace {
 public:
  explicit MoreAddressSpace(rlim_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = before_;
    limit.rlim_cur = pages * 4096 + bytes;
    setrlimit(RLIMIT_AS, &limit);
  }
  ~MoreAddressSpace() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

TEST(ThreadPool, ThrowsWhereTheSystemGrantsSomeThreadsAndNotAll) {
#if defined(ALTOCAST_SANITIZED)
  GTEST_SKIP() << "sanitizers take address space of their own";
#endif
  bool refused = false;
  {
    const MoreAddressSpace space(rlim_t{100} << 20);  // a stack takes 8 MiB
    try {
      const ThreadPool pool(64);
    } catch (const std::exception&) {
      refused = true;
    }
  }
  if (!refused) GTEST_SKIP() << "the limit does not act here, as under an emulator";
  ThreadPool pool(3);
  std::atomic<int> items = 0;
  pool.parallel_for(100, [&](int) { ++items; });
  EXPECT_EQ(items, 100);
}

TEST(ThreadPool, EveryItemRunsExactlyOnceForAnyCountAndThreads) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const int count : {0, 1, 2, 3, 7, 8, 9, 64, 1001}) {
      // Plain integers: the pool itself must order the workers' writes before the caller's reads.
      std::vector<int> visits(static_cast<std::size_t>(count), 0);
      pool.parallel_for(count, [&](int item) { ++visits[static_cast<std::size_t>(item)]; });
      for (int item = 0; item < count; ++item) {
        EXPECT_EQ(visits[static_cast<std::size_t>(item)], 1) << "item " << item << " of " << count << ", " << threads;
      }
    }
  }
}

TEST(ThreadPool, ManyShortLoopsInARowLoseNoItem) {
  ThreadPool pool(3);
  std::vector<int> totals(16, 0);
  for (int loop = 0; loop < 500; ++loop) {
    pool.parallel_for(16, [&](int item) { totals[static_cast<std::size_t>(item)] += item + loop; });
  }
  for (int item = 0; item < 16; ++item) {
    EXPECT_EQ(totals[static_cast<std::size_t>(item)], 500 * item + 500 * 499 / 2);
  }
}

TEST(ThreadPool, ItemsAreSpreadOverAllThreadsInContiguousRanges) {
  ThreadPool pool(4);
  std::vector<std::thread::id> owner(8);
  pool.parallel_for(8, [&](int item) { owner[static_cast<std::size_t>(item)] = std::this_thread::get_id(); });
  std::set<std::thread::id> distinct;
  for (std::size_t item = 0; item < owner.size(); item += 2) {
    EXPECT_EQ(owner[item], owner[item + 1]);
    EXPECT_TRUE(distinct.insert(owner[item]).second);
  }
  EXPECT_EQ(owner[0], std::this_thread::get_id());
}

TEST(ThreadPool, SubnormalsAreFlushedInsideOnEveryThreadAndRestoredAfterwards) {
  EXPECT_GT(half_of_smallest_normal(), 0.0f);
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    std::vector<float> halves(16, -1.0f);
    pool.parallel_for(16, [&](int item) { halves[static_cast<std::size_t>(item)] = half_of_smallest_normal(); });
    for (const float half : halves) {
      if (kProcessorFlushes) {
        EXPECT_EQ(half, 0.0f);
      } else {
        EXPECT_GT(half, 0.0f);
      }
    }
    EXPECT_GT(half_of_smallest_normal(), 0.0f) << "the caller's mode is given back";
  }
}

TEST(ThreadPool, ZeroThreadsMeansAllCores) {
  ThreadPool pool(0);
  EXPECT_GE(pool.size(), 1);
  std::atomic<int> sum{0};
  pool.parallel_for(100, [&](int item) { sum += item; });
  EXPECT_EQ(sum.load(), 4950);
}

}  // namespace
}  // namespace altocast
