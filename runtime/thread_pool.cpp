#include "runtime/thread_pool.h"

#include <algorithm>

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

// The part of [0, count) that thread `index` of `threads` computes.
int range_begin(int count, int threads, int index) {
  return static_cast<int>(static_cast<std::int64_t>(count) * index / threads);
}

}  // namespace

FlushSubnormals::FlushSubnormals() : saved_(read_control()) { write_control(saved_ | kFlushBits); }
FlushSubnormals::~FlushSubnormals() { write_control(saved_); }

ThreadPool::ThreadPool(int threads) {
  if (threads <= 0) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  workers_.reserve(static_cast<std::size_t>(threads) - 1);
  for (int index = 1; index < threads; ++index) workers_.emplace_back([this, index] { work(index); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int count, Range range, const void* context) {
  const FlushSubnormals flush;
  if (workers_.empty() || count <= 1) {
    range(context, 0, count);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    range_ = range;
    context_ = context;
    count_ = count;
    running_ = static_cast<int>(workers_.size());
    ++generation_;
  }
  start_.notify_all();
  range(context, 0, range_begin(count, size(), 1));
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return running_ == 0; });
}

void ThreadPool::work(int index) {
  const FlushSubnormals flush;
  std::uint64_t seen = 0;
  for (;;) {
    std::unique_lock lock(mutex_);
    start_.wait(lock, [&] { return stop_ || generation_ != seen; });
    if (stop_) return;
    seen = generation_;
    const Range range = range_;
    const void* context = context_;
    const int count = count_;
    const int threads = static_cast<int>(workers_.size()) + 1;
    lock.unlock();
    const int first = range_begin(count, threads, index);
    const int last = range_begin(count, threads, index + 1);
    if (first < last) range(context, first, last);
    lock.lock();
    if (--running_ == 0) done_.notify_one();
  }
}

}  // namespace altocast
