#include "runtime/kernels/peak.h"

#include <algorithm>
#include <chrono>

#include "runtime/thread_pool.h"

namespace altocast {

double measure_fma_peak(const native::KernelTable& table) {
  const FlushSubnormals flush;
  using Clock = std::chrono::steady_clock;
  const auto seconds = [&](long rounds) {
    const auto start = Clock::now();
    volatile float sink = table.fma_loop(rounds);
    static_cast<void>(sink);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  long rounds = 1000;
  double best = seconds(rounds);
  while (best < 2e-3) best = seconds(rounds *= 2);
  for (int run = 0; run < 10; ++run) best = std::min(best, seconds(rounds));
  return 2e-9 * static_cast<double>(rounds) * table.fma_per_round / best;
}

}  // namespace altocast
