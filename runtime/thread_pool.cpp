#include "runtime/thread_pool.h"

#include <algorithm>
#include <chrono>

#if defined(__linux__)
#  include <sched.h>
#endif
#if defined(__x86_64__)
#  include <xmmintrin.h>
#endif

namespace altocast {
namespace {

#if defined(__x86_64__)
constexpr std::uint64_t kFlushBits = 0x8040;  // FTZ | DAZ
std::uint64_t read_control() { return _mm_getcsr(); }
void write_control(std::uint64_t bits) { _mm_setcsr(static_cast<unsigned>(bits)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlushBits = std::uint64_t{1} << 24;  // FZ
std::uint64_t read_control() {
  std::uint64_t bits;
  asm volatile("mrs %0, fpcr" : "=r"(bits));
  return bits;
}
void write_control(std::uint64_t bits) { asm volatile("msr fpcr, %0" : : "r"(bits)); }
#elif defined(__arm__) && defined(__ARM_FP)
constexpr std::uint64_t kFlushBits = std::uint64_t{1} << 24;  // FZ
std::uint64_t read_control() {
  std::uint32_t bits;
  asm volatile("vmrs %0, fpscr" : "=r"(bits));
  return bits;
}
void write_control(std::uint64_t bits) {
  const auto low = static_cast<std::uint32_t>(bits);
  asm volatile("vmsr fpscr, %0" : : "r"(low));
}
#else
constexpr std::uint64_t kFlushBits = 0;
std::uint64_t read_control() { return 0; }
void write_control(std::uint64_t) {}
#endif

// Leaves the core's shared parts to others for an instant.
void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

void join_all(std::vector<std::thread>& threads) {
  for (std::thread& thread : threads) thread.join();
}

// The part of [0, count) that thread `index` of `threads` computes.
int range_begin(int count, int threads, int index) {
  return static_cast<int>(static_cast<std::int64_t>(count) * index / threads);
}

}  // namespace

int available_cores() {
#if defined(__linux__)
  // A set too small for the machine's cores is refused, and all of them are taken to be free.
  if (cpu_set_t cores; sched_getaffinity(0, sizeof cores, &cores) == 0) return std::max(1, CPU_COUNT(&cores));
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

FlushSubnormals::FlushSubnormals() : saved_(read_control()) { write_control(saved_ | kFlushBits); }
FlushSubnormals::~FlushSubnormals() { write_control(saved_); }

ThreadPool::ThreadPool(int threads) {
  const int cores = available_cores();
  if (threads <= 0) threads = cores;
  spin_ = threads <= cores;
  workers_.reserve(static_cast<std::size_t>(threads) - 1);
  // Where the system refuses a thread, std::thread throws; those that run must end before the vector does.
  struct Started {
    ThreadPool* pool;
    ~Started() {
      if (!pool) return;
      pool->start(0, nullptr, nullptr);
      join_all(pool->workers_);
    }
  } started{this};
  for (int index = 1; index < threads; ++index) workers_.emplace_back([this, index] { work(index); });
  started.pool = nullptr;
}

ThreadPool::~ThreadPool() {
  start(0, nullptr, nullptr);
  join_all(workers_);
}

// Returns when `value` is seen to differ from `old`.
void ThreadPool::wait_while_equal(const std::atomic<std::uint32_t>& value, std::uint32_t old) const {
  if (spin_) {
    using Clock = std::chrono::steady_clock;
    constexpr auto kWakingUp = std::chrono::microseconds(50);
    constexpr int kChecks = 64;  // between looks at the clock
    const Clock::time_point start = Clock::now();
    do {
      for (int check = 0; check < kChecks; ++check) {
        if (value.load(std::memory_order_acquire) != old) return;
        pause();
      }
    } while (Clock::now() - start < kWakingUp);
  }
  value.wait(old, std::memory_order_acquire);
}

void ThreadPool::start(int count, Range range, const void* context) {
  range_ = range;
  context_ = context;
  count_ = count;
  running_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
}

void ThreadPool::run(int count, Range range, const void* context) {
  const FlushSubnormals flush;
  if (workers_.empty() || count <= 1) {
    range(context, 0, count);
    return;
  }
  start(count, range, context);
  range(context, 0, range_begin(count, size(), 1));
  while (const std::uint32_t running = running_.load(std::memory_order_acquire)) wait_while_equal(running_, running);
}

void ThreadPool::work(int index) {
  const FlushSubnormals flush;
  for (std::uint32_t seen = 0;; ++seen) {
    wait_while_equal(generation_, seen);
    if (!range_) return;
    const int first = range_begin(count_, size(), index);
    const int last = range_begin(count_, size(), index + 1);
    if (first < last) range_(context_, first, last);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

}  // namespace altocast
