#include "runtime/layers/conv_block.h"

#include <algorithm>

namespace altocast {
namespace {

template <class T>
Tensor<T> allocate(AlignedVector<T>& memory, Extent extent, Layout layout) {
  memory.assign(tensor_size<T>(extent, layout), T{0});
  return {memory.data(), extent, layout};
}

template <int kBlock, class T>
void add_block_sums(const Tensor<T>& src, int b, T* dst) {
  const int block = kBlock > 0 ? kBlock : src.layout.block;
  constexpr int kMaxBlock = 16;
  double sums[kMaxBlock] = {};
  for (int y = 0; y < src.extent.height; ++y) {
    T row_sums[kMaxBlock] = {};
    const T* row = src.row(b, y);
    for (int x = 0; x < src.extent.width; ++x) {
      for (int i = 0; i < block; ++i) row_sums[i] += row[x * block + i];
    }
    for (int i = 0; i < block; ++i) sums[i] += static_cast<double>(row_sums[i]);
  }
  for (int i = 0; i < block && b * block + i < src.extent.channels; ++i) dst[b * block + i] += static_cast<T>(sums[i]);
}

}  // namespace

template <class T>
void add_pixel_sums(const Tensor<T>& src, T* dst, ThreadPool& threads) {
  threads.parallel_for(src.blocks(), [&](int b) {
    if (src.layout.block == 16) {
      add_block_sums<16>(src, b, dst);
    } else {
      add_block_sums<0>(src, b, dst);
    }
  });
}

template <class T>
ConvBlock<T>::ConvBlock(const ConvBlockSpec& spec, Kernels<T>& kernels, int height, int width, Purpose purpose)
    : spec_(spec), kernels_(kernels), purpose_(purpose), extent_{spec.slices[0].out, height, width} {
  for (int i = 0; i < spec.sources; ++i) {
    const WeightSlice& slice = spec_.slices[static_cast<std::size_t>(i)];
    const auto at = static_cast<std::size_t>(i);
    kernels.reserve(slice, height, width);
    packed_[at].assign(kernels.packed_size(slice, Direction::forward), T{0});
    if (purpose >= Purpose::gradient)
      packed_transposed_[at].assign(kernels.packed_size(slice, Direction::transposed), T{0});
    if (purpose == Purpose::second_order) {
      tan_packed_[at] = packed_[at];
      tan_packed_transposed_[at] = packed_transposed_[at];
    }
  }
  const Layout layout = kernels.layout();
  if (spec.norm_groups > 0) norm_.emplace(extent_.channels, spec.norm_groups);
  // A forecast works in place, and the head has no activation to come back to.
  if (purpose == Purpose::forecast || !spec.activated) return;
  if (norm_) n_ = allocate(n_memory_, extent_, layout);
  if (purpose != Purpose::second_order) return;
  tan_z_ = allocate(tan_z_memory_, extent_, layout);
  tan_n_ = norm_ ? allocate(tan_n_memory_, extent_, layout) : tan_z_;
}

template <class T>
void ConvBlock<T>::pack(const T* phi, std::array<AlignedVector<T>, 2>& forward,
                        std::array<AlignedVector<T>, 2>& transposed) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(spec_.sources); ++i) {
    if (!forward[i].empty()) {
      kernels_.pack_weights(phi + spec_.weight, spec_.slices[i], Direction::forward, forward[i].data());
    }
    if (!transposed[i].empty()) {
      kernels_.pack_weights(phi + spec_.weight, spec_.slices[i], Direction::transposed, transposed[i].data());
    }
  }
}

template <class T>
void ConvBlock<T>::set_weights(const T* phi) {
  phi_ = phi;
  pack(phi, packed_, packed_transposed_);
}

template <class T>
void ConvBlock<T>::set_direction(const T* tan_phi) {
  tan_phi_ = tan_phi;
  pack(tan_phi, tan_packed_, tan_packed_transposed_);
}

template <class T>
void ConvBlock<T>::forward(std::span<const Tensor<T>> src, const Tensor<T>& z, const Tensor<T>& dst) {
  std::array<ConvolutionTerm<T>, 2> terms;
  for (int i = 0; i < spec_.sources; ++i) {
    const auto at = static_cast<std::size_t>(i);
    terms[at] = weights(src[at], i, Direction::forward);
  }
  const std::span given = std::span<const ConvolutionTerm<T>>(terms).first(static_cast<std::size_t>(spec_.sources));
  if (spec_.activated && !norm_) {
    kernels_.convolve_activated(given, phi_ + spec_.bias, spec_.activation, z, dst);
    return;
  }
  kernels_.convolve(given, phi_ + spec_.bias, z);
  recall(z, dst);
}

template <class T>
void ConvBlock<T>::recall(const Tensor<T>& z, const Tensor<T>& dst) {
  const Tensor<T> n = norm_ ? (n_.data ? n_ : dst) : z;
  if (norm_) norm_->forward(z, phi_ + spec_.gamma, phi_ + spec_.beta, n, kernels_.threads());
  if (!spec_.activated) return;
  if (dst.spare_rows == 0) return kernels_.activate(spec_.activation, n.data, dst.data, dst.size());
  const std::size_t rows = static_cast<std::size_t>(dst.extent.height) * dst.row_stride();
  const auto margin = static_cast<std::ptrdiff_t>(dst.layout.halo * dst.layout.block);
  for (int b = 0; b < dst.blocks(); ++b) {
    kernels_.activate(spec_.activation, n.row(b, 0) - margin, dst.row(b, 0) - margin, rows);
  }
}

template <class T>
const Tensor<T>& ConvBlock<T>::pre_activation_gradient(const Tensor<T>& z, const Tensor<T>& grad_dst,
                                                       const Tensor<T>& grad_z) {
  if (!spec_.activated) return grad_dst;
  kernels_.activate_backward(spec_.activation, activation_input(z).data, grad_dst.data, grad_z.data, grad_z.size());
  return grad_z;
}

template <class T>
void ConvBlock<T>::backward(std::span<const Tensor<T>> src, const Tensor<T>& z, const Tensor<T>& grad_dst,
                            const Tensor<T>& grad_z, std::span<const Tensor<T>> grad_src, T* grad_phi) {
  const Tensor<T>& grad = pre_activation_gradient(z, grad_dst, grad_z);
  if (norm_) {
    norm_->backward(z, phi_ + spec_.gamma, grad, grad, grad_phi ? grad_phi + spec_.gamma : nullptr,
                    grad_phi ? grad_phi + spec_.beta : nullptr, kernels_.threads());
  }
  for (int i = 0; i < spec_.sources; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (grad_phi) {
      const WeightGradientTerm<T> pair{src[at], grad};
      kernels_.convolve_backward_weights(std::span(&pair, 1), spec_.slices[at], grad_phi + spec_.weight);
    }
    if (grad_src[at].data) {
      const ConvolutionTerm<T> transposed = weights(grad, i, Direction::transposed);
      kernels_.convolve(std::span(&transposed, 1), nullptr, grad_src[at]);
    }
  }
  if (grad_phi) add_pixel_sums(grad, grad_phi + spec_.bias, kernels_.threads());
}

template <class T>
void ConvBlock<T>::convolve_dual(std::span<const Tensor<T>> src, std::span<const Tensor<T>> tan_src, const Tensor<T>& z,
                                 const Tensor<T>& tan_dst) {
  std::array<DualTerm<T>, 2> terms;
  for (int i = 0; i < spec_.sources; ++i) {
    const auto at = static_cast<std::size_t>(i);
    terms[at] = dual(src[at], tan_src[at], i, Direction::forward);
  }
  kernels_.convolve_dual(std::span(terms).first(static_cast<std::size_t>(spec_.sources)), phi_ + spec_.bias,
                         tan_phi_ + spec_.bias, z, spec_.activated ? tan_z_ : tan_dst);
}

template <class T>
void ConvBlock<T>::finish_tangent(const Tensor<T>& z, const Tensor<T>& tan_dst) {
  if (norm_) {
    norm_->tangent(z, tan_z_, phi_ + spec_.gamma, tan_phi_ + spec_.gamma, tan_phi_ + spec_.beta, tan_n_,
                   kernels_.threads());
  }
  if (spec_.activated) {
    kernels_.activate_tangent(spec_.activation, activation_input(z).data, tan_n_.data, tan_dst.data, tan_dst.size());
  }
}

template <class T>
void ConvBlock<T>::tangent(std::span<const Tensor<T>> src, const Tensor<T>& z, std::span<const Tensor<T>> tan_src,
                           const Tensor<T>& tan_dst) {
  convolve_dual(src, tan_src, {}, tan_dst);
  finish_tangent(z, tan_dst);
}

template <class T>
void ConvBlock<T>::forward_and_tangent(std::span<const Tensor<T>> src, const Tensor<T>& z, const Tensor<T>& dst,
                                       std::span<const Tensor<T>> tan_src, const Tensor<T>& tan_dst) {
  convolve_dual(src, tan_src, z, tan_dst);
  recall(z, dst);
  finish_tangent(z, tan_dst);
}

template <class T>
void ConvBlock<T>::tangent_backward(std::span<const Tensor<T>> src, const Tensor<T>& z,
                                    std::span<const Tensor<T>> tan_src, const Tensor<T>& grad_dst,
                                    const Tensor<T>& grad_z, std::span<const Tensor<T>> grad_src,
                                    const Tensor<T>& tan_grad_dst, std::span<const Tensor<T>> tan_grad_src,
                                    T* tan_grad_phi) {
  if (spec_.activated) {
    kernels_.activate_tangent_backward(spec_.activation, activation_input(z).data, tan_n_.data, grad_dst.data,
                                       tan_grad_dst.data, tan_grad_dst.data, tan_grad_dst.size());
  }
  const Tensor<T>& grad = pre_activation_gradient(z, grad_dst, grad_z);
  if (norm_) {
    norm_->tangent_backward(z, tan_z_, phi_ + spec_.gamma, tan_phi_ + spec_.gamma, grad, tan_grad_dst, tan_grad_dst,
                            tan_grad_phi + spec_.gamma, tan_grad_phi + spec_.beta, kernels_.threads());
    norm_->backward(z, phi_ + spec_.gamma, grad, grad, nullptr, nullptr, kernels_.threads());
  }
  for (int i = 0; i < spec_.sources; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::array<WeightGradientTerm<T>, 2> pairs{{{src[at], tan_grad_dst}, {tan_src[at], grad}}};
    kernels_.convolve_backward_weights(std::span(pairs).first(tan_src[at].data ? 2 : 1), spec_.slices[at],
                                       tan_grad_phi + spec_.weight);
    if (!tan_grad_src[at].data) continue;
    const DualTerm<T> term = dual(grad, tan_grad_dst, i, Direction::transposed);
    kernels_.convolve_dual(std::span(&term, 1), nullptr, nullptr, grad_src[at], tan_grad_src[at]);
  }
  add_pixel_sums(tan_grad_dst, tan_grad_phi + spec_.bias, kernels_.threads());
}

template class ConvBlock<float>;
template class ConvBlock<double>;

}  // namespace altocast
