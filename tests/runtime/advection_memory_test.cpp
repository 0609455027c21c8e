// Advection allocates when it is made and never after. This program replaces the global operator new to count calls, so
// it is one of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "runtime/advection/advection_ensemble.h"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace altocast {
namespace {

TEST(AdvectionMemory, AForecastAllocatesNothing) {
  ThreadPool pool(2);
  std::vector<float> past(3 * 40 * 60), advected(8 * 40 * 60);
  for (std::size_t i = 0; i < past.size(); ++i) past[i] = static_cast<float>(i * i % 101);
  Advection advection(40, 60);
  const std::size_t before = allocations;
  ASSERT_GT(before, 0u);
  advection.forecast(past, 3, 8, advected, &pool);
  advection.forecast(past, 3, 1, std::span(advected).first(40 * 60), nullptr);
  EXPECT_EQ(allocations, before);
}

TEST(AdvectionMemory, AMemberAllocatesNothing) {
  ThreadPool pool(2);
  std::vector<float> past(2 * 40 * 60), advected(4 * 40 * 60), smoothed(4 * 40 * 60), member(4 * 40 * 60);
  for (std::size_t i = 0; i < past.size(); ++i) past[i] = static_cast<float>(i * i % 101);
  AdvectionEnsemble ensemble(40, 60, 4);
  const std::size_t before = allocations;
  ensemble.forecast(past, 2, advected, smoothed, &pool);
  ensemble.forecast_member(1, 0, member, &pool);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace altocast
