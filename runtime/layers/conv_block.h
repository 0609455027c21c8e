// The network's only layer with weights: [convolution, (group norm), activation] over one source or over the
// concatenation of two. Forward, backward (adjoint), tangent and tangent backward (the R-operator of Pearlmutter,
// 1994):
//   z = Σ_i x_i ∗ w_i + b,  n = norm(z),  y = act(n)
//   ż = Σ_i ẋ_i ∗ w_i + x_i ∗ ẇ_i + ḃ
//   δx_i = δz ⋆ w_i,                    δw_i = corr(x_i, δz),                     δb = Σ δz
//   δẋ_i = δż ⋆ w_i + δz ⋆ ẇ_i,         δẇ_i = corr(ẋ_i, δz) + corr(x_i, δż),     δḃ = Σ δż
// Tangent convolutions are further terms of one convolve call.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "runtime/layers/group_norm.h"

namespace altocast {

// Where a block's parameters lie in φ, and its shape.
struct ConvBlockSpec {
  int sources = 1;
  std::array<WeightSlice, 2> slices;                      // one a source
  std::size_t weight = 0, bias = 0, gamma = 0, beta = 0;  // offsets in φ
  int norm_groups = 0;
  bool activated = true;  // false for the head
  ActivationKind activation = ActivationKind::relu;
};

// What a block (and a network) is built for; each holds what the one before it does, and more memory.
enum class Purpose { forecast, gradient, second_order };

// One image's pass at a fixed height and width. Owns the packed weights and the pre-activations that later passes
// read, so calls must come in order: set_weights; forward; then backward, or set_direction, tangent, tangent_backward.
template <class T>
class ConvBlock {
 public:
  ConvBlock(const ConvBlockSpec& spec, Kernels<T>& kernels, int height, int width, Purpose purpose);

  void set_weights(const T* phi);  // φ must outlive the passes
  void set_direction(const T* tan_phi);

  void forward(std::span<const Tensor<T>> src, const Tensor<T>& dst);

  // grad_dst is overwritten with δz. A grad_src without data is not computed; the others are overwritten. Gradients
  // are added to grad_phi [D].
  void backward(std::span<const Tensor<T>> src, const Tensor<T>& grad_dst, std::span<const Tensor<T>> grad_src,
                T* grad_phi);

  void tangent(std::span<const Tensor<T>> src, std::span<const Tensor<T>> tan_src, const Tensor<T>& tan_dst);

  // The backward pass and its tangent together; both gradients are overwritten and added to as above.
  void tangent_backward(std::span<const Tensor<T>> src, std::span<const Tensor<T>> tan_src, const Tensor<T>& grad_dst,
                        const Tensor<T>& tan_grad_dst, std::span<const Tensor<T>> grad_src,
                        std::span<const Tensor<T>> tan_grad_src, T* grad_phi, T* tan_grad_phi);

  const ConvBlockSpec& spec() const { return spec_; }
  Extent extent() const { return extent_; }

 private:
  const T* forward_weights(int source) const { return packed_[static_cast<std::size_t>(source)].data(); }
  const T* transposed_weights(int source) const { return packed_transposed_[static_cast<std::size_t>(source)].data(); }
  const T* forward_direction(int source) const { return tan_packed_[static_cast<std::size_t>(source)].data(); }
  const T* transposed_direction(int source) const {
    return tan_packed_transposed_[static_cast<std::size_t>(source)].data();
  }
  ConvolutionTerm<T> term(const Tensor<T>& src, const T* packed, int source, Direction direction) const {
    return {src, packed, spec_.slices[static_cast<std::size_t>(source)], direction};
  }
  void pack(const T* phi, std::array<std::vector<T>, 2>& forward, std::array<std::vector<T>, 2>& transposed);
  void source_gradients(const Tensor<T>& grad_z, std::span<const Tensor<T>> grad_src);

  ConvBlockSpec spec_;
  Kernels<T>& kernels_;
  Purpose purpose_;
  Extent extent_;
  const T* phi_ = nullptr;
  const T* tan_phi_ = nullptr;
  std::optional<GroupNorm<T>> norm_;
  std::array<std::vector<T>, 2> packed_, packed_transposed_, tan_packed_, tan_packed_transposed_;
  std::vector<T> z_memory_, n_memory_, tan_z_memory_, tan_n_memory_;
  Tensor<T> z_, n_, tan_z_, tan_n_;  // convolution's output, and what the activation reads (the same without norm)
};

// dst[c] += Σ over pixels of src.
template <class T>
void add_pixel_sums(const Tensor<T>& src, T* dst, ThreadPool& threads);

extern template class ConvBlock<float>;
extern template class ConvBlock<double>;

}  // namespace altocast
