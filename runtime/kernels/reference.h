// The kernel set by definition: plain loops over plain NCHW, in float or double, every sum in the order that it is
// written. The oracle of the fast sets and, in double, of the derivatives; not meant to be fast.
#pragma once

#include "runtime/kernels/kernels.h"

namespace altocast {

template <class T>
class ReferenceKernels final : public Kernels<T> {
 public:
  explicit ReferenceKernels(int threads = 1) : Kernels<T>(threads) {}

  std::string_view name() const override { return "reference"; }
  Layout layout() const override { return {1, 0}; }
  void reserve(const WeightSlice&, int, int) override {}
  std::size_t packed_size(const WeightSlice& slice, Direction direction) const override;
  void pack_weights(const T* weight, const WeightSlice& slice, Direction direction, T* packed) override;
  void convolve(std::span<const ConvolutionTerm<T>> terms, const T* bias, const Tensor<T>& dst) override;
  void convolve_backward_weights(std::span<const WeightGradientTerm<T>> terms, const WeightSlice& slice,
                                 T* grad_weight) override;
  void activate(ActivationKind kind, const T* z, T* a, std::size_t count) override;
  void activate_backward(ActivationKind kind, const T* z, const T* grad_a, T* grad_z, std::size_t count) override;
  void activate_tangent(ActivationKind kind, const T* z, const T* tan_z, T* tan_a, std::size_t count) override;
  void activate_tangent_backward(ActivationKind kind, const T* z, const T* tan_z, const T* grad_a, const T* tan_grad_a,
                                 T* tan_grad_z, std::size_t count) override;
};

extern template class ReferenceKernels<float>;
extern template class ReferenceKernels<double>;

}  // namespace altocast
