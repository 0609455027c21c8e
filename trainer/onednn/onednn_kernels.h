// The trainer's kernel set on x86 servers: convolutions by oneDNN's just-in-time compiled direct primitives.
// Tensors are used in place, since Layout{16, 0} (with AVX-512, else Layout{8, 0}) is oneDNN's nChw16c
// (nChw8c) with N = 1. Channels that don't fill a block are computed as zeros, so a layer with four inputs
// costs as much as one with sixteen. All of oneDNN's interface stays in this folder.
//
// Threads. oneDNN runs on OpenMP, whose number of threads is a setting of the calling thread. Every call here
// sets it to this set's number and puts it back, so any number of kernel sets can run at once, each in its
// own std::thread; with threads = 1 no OpenMP thread is ever started. That is how to use many cores: more
// than one thread a set speeds up the convolutions only, threads() having a single one. Results are the same
// bits from run to run for a given CPU and number of threads; they differ between numbers of threads (weight
// gradients are then summed in parts).
#pragma once

#include <memory>

#include "formats/status.h"
#include "runtime/kernels/kernels.h"

namespace altocast {

class OneDnnKernels final : public Kernels<float> {
 public:
  ~OneDnnKernels() override;

  // The first failure of oneDNN (out of memory, as far as we know the only one possible). What a failed call
  // should have written is NaN then; look here once a pass.
  Status status() const override;

  std::string_view name() const override { return "onednn"; }
  Layout layout() const override;
  void reserve(const WeightSlice& slice, int height, int width) override;
  std::size_t packed_size(const WeightSlice& slice, Direction direction) const override;
  void pack_weights(const float* weight, const WeightSlice& slice, Direction direction, float* packed) override;
  // A shape that was not reserved is made at its first call.
  void convolve(std::span<const ConvolutionTerm<float>> terms, const float* bias, const Tensor<float>& dst) override;
  void convolve_backward_weights(std::span<const WeightGradientTerm<float>> terms, const WeightSlice& slice,
                                 float* grad_weight) override;
  void activate(ActivationKind kind, const float* z, float* a, std::size_t count) override;
  void activate_backward(ActivationKind kind, const float* z, const float* grad_a, float* grad_z,
                         std::size_t count) override;
  void activate_tangent(ActivationKind kind, const float* z, const float* tan_z, float* tan_a,
                        std::size_t count) override;
  void activate_tangent_backward(ActivationKind kind, const float* z, const float* tan_z, const float* grad_a,
                                 const float* tan_grad_a, float* tan_grad_z, std::size_t count) override;

 private:
  friend Result<std::unique_ptr<OneDnnKernels>> make_onednn_kernels(int threads);
  class PrimitiveCache;

  explicit OneDnnKernels(int threads);
  std::unique_ptr<PrimitiveCache> cache_;
};

// threads = 0 means all cores. Fails if oneDNN can't be used on this machine. The result may be moved between
// threads, but only one may call it at a time.
Result<std::unique_ptr<OneDnnKernels>> make_onednn_kernels(int threads);

}  // namespace altocast
