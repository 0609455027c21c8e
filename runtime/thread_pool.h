// A fixed set of worker threads that run one indexed loop at a time. Work is split statically, and every caller
// writes its loops so that an item's result does not depend on who computes it; so the number of threads never
// changes a bit. A network pass is a row of loops of a tenth of a millisecond, so who waits first spins for about as
// long as waking up would take, unless there are more threads than cores, and then sleeps. Every thread (the caller's
// included, while it is inside run) flushes subnormal numbers to zero, as armv7 always does.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace altocast {

// The cores that the calling process may run on, at least 1: what taskset or mpirun bind it to counts.
int available_cores();

// Flushes subnormals to zero in the calling thread for the object's lifetime (MXCSR, FPCR, FPSCR; riscv64 has no
// such mode, and its kernels flush by themselves).
class FlushSubnormals {
 public:
  FlushSubnormals();
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  std::uint64_t saved_;
};

class ThreadPool {
 public:
  // threads = 0 means all available cores; 1 runs everything in the caller.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(item) for item = 0 … count − 1, contiguous ranges of items a thread, and returns when all are done.
  // One caller at a time; not reentrant; allocates nothing.
  template <class Body>
  void parallel_for(int count, const Body& body) {
    run(
        count,
        [](const void* context, int first, int last) {
          const Body& f = *static_cast<const Body*>(context);
          for (int item = first; item < last; ++item) f(item);
        },
        &body);
  }

 private:
  using Range = void (*)(const void* context, int first, int last);
  void run(int count, Range range, const void* context);
  void start(int count, Range range, const void* context);
  void work(int index);
  void wait_while_equal(const std::atomic<std::uint32_t>& value, std::uint32_t old) const;

  bool spin_ = false;
  // The loop at hand; a null range ends the workers. Written while no worker runs, published by generation_.
  Range range_ = nullptr;
  const void* context_ = nullptr;
  int count_ = 0;
  std::atomic<std::uint32_t> generation_ = 0;
  std::atomic<std::uint32_t> running_ = 0;
  std::vector<std::thread> workers_;
};

}  // namespace altocast
