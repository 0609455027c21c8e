// The kernel set that stations run and servers train with: layout NCHW16c with a halo of one pixel, one
// source compiled for each instruction set, chosen at run time. Every number is summed in one fixed order by
// fused multiply-adds, so all tables and all numbers of threads give the same bits; docs/kernels.md says how.
#pragma once

#include <span>
#include <string_view>

#include "runtime/aligned_vector.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/native/kernel_table.h"

namespace altocast {

using native::KernelTable;

// Tables that this processor can run, the fastest first; never empty.
std::span<const KernelTable* const> available_tables();

// The table named avx512, avx2, neon or scalar; null if it is unknown here or the processor lacks its
// instructions.
const KernelTable* find_table(std::string_view isa);

const KernelTable& best_table();

class NativeKernels final : public Kernels<float> {
 public:
  // threads as for ThreadPool: 0 means all cores. The table must be one of available_tables().
  explicit NativeKernels(const KernelTable& table, int threads = 1);

  std::string_view name() const override { return "native"; }
  std::string_view isa() const { return table_.isa; }
  Layout layout() const override { return {native::kBlock, 1}; }
  std::unique_ptr<Kernels<float>> single_threaded() const override {
    return std::make_unique<NativeKernels>(table_, 1);
  }
  int band_unit() const override { return 4; }  // the side of Winograd's tiles
  void reserve(const WeightSlice& slice, int height, int width) override;
  std::size_t scratch_size(const WeightSlice& slice, int height, int width) const override;
  std::size_t packed_size(const WeightSlice& slice, Direction direction) const override;
  void pack_weights(const float* weight, const WeightSlice& slice, Direction direction, float* packed) override;
  void convolve(std::span<const ConvolutionTerm<float>> terms, const float* bias, const Tensor<float>& dst) override;
  void convolve_activated(std::span<const ConvolutionTerm<float>> terms, const float* bias, ActivationKind kind,
                          const Tensor<float>& z, const Tensor<float>& a) override;
  void convolve_dual(std::span<const DualTerm<float>> terms, const float* bias, const float* tan_bias,
                     const Tensor<float>& dst, const Tensor<float>& tan_dst) override;

  // Relative error against exact sums below 1e-5: the image is summed in chunks of about a thousand pixels.
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
  struct WinogradTerm;
  struct WinogradSum;

  void run_activation(ActivationKind kind, native::Pass pass, const float* z, const float* tan_z, const float* grad_a,
                      const float* tan_grad_a, float* dst, std::size_t count);

  void convolve_and(int activation, std::span<const ConvolutionTerm<float>> terms, const float* bias,
                    const Tensor<float>& dst, const Tensor<float>& activated);
  void convolve_winograd(const WinogradSum& sum);
  void convolve_strips(const WinogradSum& sum, std::span<const native::WinogradFactor> factors);
  void convolve_piecewise(const WinogradSum& sum);
  // Winograd's weights of source channels [src_first, src_first + src_count) for destination blocks [first_block,
  // first_block + blocks): [block][point][source channel][16].
  void pack_winograd(const ConvolutionTerm<float>& term, int src_first, int src_count, int first_block, int blocks,
                     float* packed) const;
  void direct_weight_gradient(std::span<const WeightGradientTerm<float>> terms, const WeightSlice& slice,
                              float* grad_weight);
  void winograd_weight_gradient(std::span<const WeightGradientTerm<float>> terms, const WeightSlice& slice,
                                float* grad_weight);
  void add_block(const float* total, const WeightSlice& slice, int block, float* grad_weight);
  void add_segments(const WeightSlice& slice, int segments, float* grad_weight);

  const KernelTable& table_;
  // Sums of weight gradients, Winograd's tiles and weights; nothing lives in it between calls.
  ScratchVector<float> scratch_;
};

}  // namespace altocast
