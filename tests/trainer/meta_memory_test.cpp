// What a meta-gradient allocates. This program replaces the global operator new and delete to count the bytes in use,
// so it is one of its own; what the C library rounds a request up to counts too.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "runtime/kernels/reference.h"
#include "runtime/random.h"
#include "trainer/meta_gradient.h"

namespace {

std::atomic<std::size_t> bytes_in_use{0}, peak_bytes{0};

void* counted(void* memory) {
  if (!memory) std::abort();
  const std::size_t now = bytes_in_use += malloc_usable_size(memory);
  std::size_t peak = peak_bytes;
  while (peak < now && !peak_bytes.compare_exchange_weak(peak, now)) {
  }
  return memory;
}

void release(void* memory) {
  bytes_in_use -= malloc_usable_size(memory);
  std::free(memory);
}

std::size_t rounded_up(std::size_t size, std::size_t multiple) { return (size + multiple - 1) / multiple * multiple; }

}  // namespace

void* operator new(std::size_t size) { return counted(std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto multiple = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(multiple, rounded_up(size, multiple)));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace altocast {
namespace {

constexpr int kSize = 8;  // of an image: small beside the weights, so that a step's vectors are most of the memory

NetworkSpec tiny_spec() {
  Result<NetworkSpec> spec = preset("tiny");
  return *spec;
}

// What a network and its Hessian-vector products take on these small images.
std::size_t network_memory() {
  ReferenceKernels<float> kernels;
  const std::size_t before = bytes_in_use;
  UNet<float> network(tiny_spec(), kernels, kSize, kSize, Purpose::second_order);
  const HessianVector<float> products(network);
  return bytes_in_use - before;
}

// The most bytes in use at a time while a meta-gradient through `steps` inner steps, without kept passes,
// is made and run twice.
std::size_t peak_memory(int steps) {
  const NetworkSpec spec = tiny_spec();
  const std::size_t size = parameter_count(spec);
  const std::size_t tensors = parameter_layout(spec).size();
  std::vector<float> frames(static_cast<std::size_t>((spec.input_frames + spec.leads) * kSize * kSize));
  fill_normal(1, 0, 0, std::span<float>(frames));
  const Sample<float> sample =
      make_sample(spec, frames.data(), nullptr, frames.data() + spec.input_frames * kSize * kSize, kSize, kSize);
  const Task<float> task{{sample, sample}, {sample}};
  Gaussian<float> theta(size), grad_theta(size);
  fill_normal(1, 1, 0, std::span<float>(theta.mu));
  for (float& mu : theta.mu) mu *= 0.05f;
  std::fill(theta.rho.begin(), theta.rho.end(), -5.0f);
  const std::vector<float> log_noise(static_cast<std::size_t>(spec.leads));
  std::vector<double> grad_log_noise(log_noise.size());
  ReferenceKernels<float> kernels;

  const std::size_t before = bytes_in_use;
  peak_bytes = before;
  UNet<float> network(spec, kernels, kSize, kSize, Purpose::second_order);
  InnerLoopSettings inner;
  inner.steps = steps;
  InnerLoop<float> inner_loop(network, inner, {std::vector<float>(tensors, 1e-4f), std::vector<float>(tensors, 1e-4f)});
  MetaGradient<float> meta_gradient(inner_loop, {}, 0);
  for (int i = 0; i < 2; ++i) {
    CounterNoise<float> inner_noise(1, false), outer_noise(2, false);
    meta_gradient.accumulate(theta, log_noise, task, inner_noise, outer_noise, MetaOrder::second, grad_theta,
                             grad_log_noise);
  }
  return peak_bytes - before;
}

TEST(MetaMemory, GrowsByOneFloatAWeightForEachInnerStep) {
  // Beside the vectors: the step's report and the list of its passes, some hundred bytes.
  const std::size_t limit = sizeof(float) * parameter_count(tiny_spec()) + 1024;
  const std::size_t one = peak_memory(1), five = peak_memory(5), twenty = peak_memory(20);
  EXPECT_LE((five - one) / 4, limit);
  EXPECT_LE((twenty - five) / 15, limit);
}

// The table of docs/derivation.md: v in λ's place, φ, u, and one a step. θ and its gradient are the caller's.
TEST(MetaMemory, HoldsFourVectorsOfTheWeightsAndOneForEachInnerStep) {
  const std::size_t size = sizeof(float) * parameter_count(tiny_spec());
  for (const int steps : {1, 5}) {
    const std::size_t vectors = 4 + static_cast<std::size_t>(steps);
    const std::size_t peak = peak_memory(steps);
    EXPECT_GE(peak, vectors * size) << steps;
    EXPECT_LT(peak - network_memory(), vectors * size + size / 2) << steps;  // half a vector for all that is small
  }
}

}  // namespace
}  // namespace altocast
