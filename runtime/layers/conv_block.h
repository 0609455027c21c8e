// The network's only layer with weights: [convolution, (group norm), activation] over one source or over the
// concatenation of two. Forward, backward (adjoint), tangent and tangent backward (the R-operator of Pearlmutter,
// 1994):
//   z = Σ_i x_i ∗ w_i + b,  n = norm(z),  y = act(n)
//   ż = Σ_i ẋ_i ∗ w_i + x_i ∗ ẇ_i + ḃ
//   δx_i = δz ⋆ w_i,                    δw_i = corr(x_i, δz),                     δb = Σ δz
//   δẋ_i = δż ⋆ w_i + δz ⋆ ẇ_i,         δẇ_i = corr(ẋ_i, δz) + corr(x_i, δż),     δḃ = Σ δż
// A layer and its tangent are one convolution in dual numbers.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "runtime/aligned_vector.h"
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

// One image's pass at a fixed height and width. Owns the packed weights, where the kernels want such, and what the
// normalisation leaves; the caller
// keeps the pre-activation z between calls, which come in order: set_weights; forward (or recall of an earlier z); then
// backward, or set_direction, tangent, tangent_backward; or set_direction, forward_and_tangent, tangent_backward. A
// block without activation has dst = z and grad_z = grad_dst.
template <class T>
class ConvBlock {
 public:
  ConvBlock(const ConvBlockSpec& spec, Kernels<T>& kernels, int height, int width, Purpose purpose);

  void set_weights(const T* phi);        // φ must outlive the passes
  void set_direction(const T* tan_phi);  // so must this

  // z may be dst, where nothing is to follow. Without norm, tensors may be bands of rows.
  void forward(std::span<const Tensor<T>> src, const Tensor<T>& z, const Tensor<T>& dst);

  // dst from the z of an earlier forward at the same weights.
  void recall(const Tensor<T>& z, const Tensor<T>& dst);

  // Writes δz to grad_z. A grad_src without data is not computed; the others are overwritten. Gradients are added to
  // grad_phi [D], unless it is null.
  void backward(std::span<const Tensor<T>> src, const Tensor<T>& z, const Tensor<T>& grad_dst, const Tensor<T>& grad_z,
                std::span<const Tensor<T>> grad_src, T* grad_phi);

  void tangent(std::span<const Tensor<T>> src, const Tensor<T>& z, std::span<const Tensor<T>> tan_src,
               const Tensor<T>& tan_dst);

  // Both at once, which costs less.
  void forward_and_tangent(std::span<const Tensor<T>> src, const Tensor<T>& z, const Tensor<T>& dst,
                           std::span<const Tensor<T>> tan_src, const Tensor<T>& tan_dst);

  // The tangent of backward; grad_dst, grad_z and grad_src are backward's, and so is what is written to the latter two.
  // Overwrites tan_grad_dst with δż and the tan_grad_src that have data, and adds to tan_grad_phi [D].
  void tangent_backward(std::span<const Tensor<T>> src, const Tensor<T>& z, std::span<const Tensor<T>> tan_src,
                        const Tensor<T>& grad_dst, const Tensor<T>& grad_z, std::span<const Tensor<T>> grad_src,
                        const Tensor<T>& tan_grad_dst, std::span<const Tensor<T>> tan_grad_src, T* tan_grad_phi);

  const ConvBlockSpec& spec() const { return spec_; }
  Extent extent() const { return extent_; }

 private:
  // Terms of w, and of w and ẇ.
  ConvolutionTerm<T> weights(const Tensor<T>& src, int source, Direction direction) const {
    return term(src, (direction == Direction::forward ? packed_ : packed_transposed_)[static_cast<std::size_t>(source)],
                source, direction, phi_);
  }
  DualTerm<T> dual(const Tensor<T>& src, const Tensor<T>& tan_src, int source, Direction direction) const {
    const auto& packed = direction == Direction::forward ? tan_packed_ : tan_packed_transposed_;
    return {weights(src, source, direction),
            term(src, packed[static_cast<std::size_t>(source)], source, direction, tan_phi_), tan_src};
  }
  ConvolutionTerm<T> term(const Tensor<T>& src, const AlignedVector<T>& packed, int source, Direction direction,
                          const T* phi) const {
    return {src, packed.data(), spec_.slices[static_cast<std::size_t>(source)], direction, phi + spec_.weight};
  }
  void pack(const T* phi, std::array<AlignedVector<T>, 2>& forward, std::array<AlignedVector<T>, 2>& transposed);
  // z, if it has data, and ż, which is ẏ if nothing follows.
  void convolve_dual(std::span<const Tensor<T>> src, std::span<const Tensor<T>> tan_src, const Tensor<T>& z,
                     const Tensor<T>& tan_dst);
  // ẏ from ż.
  void finish_tangent(const Tensor<T>& z, const Tensor<T>& tan_dst);
  const Tensor<T>& activation_input(const Tensor<T>& z) const { return norm_ ? n_ : z; }
  // δz from δy; returns where it is.
  const Tensor<T>& pre_activation_gradient(const Tensor<T>& z, const Tensor<T>& grad_dst, const Tensor<T>& grad_z);

  ConvBlockSpec spec_;
  Kernels<T>& kernels_;
  Purpose purpose_;
  Extent extent_;
  const T* phi_ = nullptr;
  const T* tan_phi_ = nullptr;
  std::optional<GroupNorm<T>> norm_;
  std::array<AlignedVector<T>, 2> packed_, packed_transposed_, tan_packed_, tan_packed_transposed_;
  AlignedVector<T> n_memory_, tan_z_memory_, tan_n_memory_;
  Tensor<T> n_;              // norm(z), if there is a norm and a pass may follow the forward one
  Tensor<T> tan_z_, tan_n_;  // ż and ṅ (the same without norm)
};

// dst[c] += Σ over pixels of src.
template <class T>
void add_pixel_sums(const Tensor<T>& src, T* dst, ThreadPool& threads);

extern template class ConvBlock<float>;
extern template class ConvBlock<double>;

}  // namespace altocast
