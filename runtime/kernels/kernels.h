// The few heavy primitives that a network pass needs, behind one interface, so that networks, the inner loop and the
// meta-gradient are written once. Three implementations:
//   reference  plain loops in float or double: the definition that the others are tested against
//   native     NCHW16c with halo, one source compiled for every instruction set, the same bits on all of them
//   oneDNN     the trainer's on x86 servers (trainer/onednn)
// What is cheap beside convolution (pooling, upsampling, group norm, loss) is written over Tensor's layout in
// runtime/layers and serves all three.
//
// A kernel set belongs to one caller at a time (it owns scratch memory and a thread pool). reserve() is where it
// allocates; the other calls do not. Shapes are the caller's duty and only asserted. Nothing fails, but for what a
// set's status() tells.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "formats/network_spec.h"
#include "formats/status.h"
#include "runtime/tensor.h"
#include "runtime/thread_pool.h"

namespace altocast {

// Input channels [in_first, in_first + in_count) of a convolution weight [out, in_total, kernel, kernel]; kernel is 1
// or 3. A convolution over a concatenation is the sum over its sources, each with its own slice, so that
// concatenating costs nothing.
struct WeightSlice {
  int out = 0;
  int in_total = 0;
  int in_first = 0;
  int in_count = 0;
  int kernel = 0;
};

// forward: y = x ∗ w, in_count → out channels. transposed: the adjoint δx = δy ⋆ w, out → in_count channels, which is
// the forward convolution with flipped, transposed weights.
enum class Direction { forward, transposed };

template <class T>
struct ConvolutionTerm {
  Tensor<T> src;
  const T* packed = nullptr;  // from pack_weights
  WeightSlice slice;
  Direction direction = Direction::forward;
  const T* weight = nullptr;  // [out, in_total, kernel, kernel]; read in place of `packed` where packed_size is 0
};

// The same in dual numbers: (src + η tan_src) ∗ (w + η ẇ), η² = 0.
template <class T>
struct DualTerm {
  ConvolutionTerm<T> weights;
  ConvolutionTerm<T> direction;  // ẇ; of the same src, slice and direction
  Tensor<T> tan_src;             // without data: zero
};

template <class T>
struct WeightGradientTerm {
  Tensor<T> src;       // x, in_count channels
  Tensor<T> grad_dst;  // δy, out channels
};

template <class T>
class Kernels {
 public:
  explicit Kernels(int threads) : threads_(threads) {}
  virtual ~Kernels() = default;
  Kernels(const Kernels&) = delete;
  Kernels& operator=(const Kernels&) = delete;

  virtual std::string_view name() const = 0;
  virtual Layout layout() const = 0;

  // The first failure of a library underneath; what it should have computed is NaN.
  virtual Status status() const { return {}; }
  ThreadPool& threads() { return threads_; }
  const ThreadPool& threads() const { return threads_; }

  // Another set that gives the same bits on the thread that calls it alone; null where a set does not offer one.
  virtual std::unique_ptr<Kernels<T>> single_threaded() const { return nullptr; }

  // Whether an image can be convolved in bands of rows to the same bits: where this is not 0, if a band's first row is
  // a multiple of it, its last row is the one before such a row or the image's last, and its halo rows hold the
  // image's.
  virtual int band_unit() const { return 0; }

  // Announces a convolution that will be called at this height and width, in both directions and for its weight
  // gradient; scratch memory and primitives are made here.
  virtual void reserve(const WeightSlice& slice, int height, int width) = 0;

  // Elements of the scratch memory that it makes for this one; several share the largest.
  virtual std::size_t scratch_size(const WeightSlice&, int, int) const { return 0; }

  // Elements of the packed form of a slice; 0 where convolve reads the weights as they are.
  virtual std::size_t packed_size(const WeightSlice& slice, Direction direction) const = 0;

  // Rearranges the slice of `weight` [out, in_total, kernel, kernel] into the form that convolve reads.
  virtual void pack_weights(const T* weight, const WeightSlice& slice, Direction direction, T* packed) = 0;

  // dst = bias + Σ over terms of src ∗ weights: stride 1, zero padding that keeps the size. bias [channels of dst] or
  // null. Terms share height, width and output channels; dst overlaps no src. At most kMaxTerms terms.
  static constexpr int kMaxTerms = 4;
  virtual void convolve(std::span<const ConvolutionTerm<T>> terms, const T* bias, const Tensor<T>& dst) = 0;

  // The same to z, and a = act(z), to the same bits as two calls; a has z's shape and may be z, and then z is lost.
  virtual void convolve_activated(std::span<const ConvolutionTerm<T>> terms, const T* bias, ActivationKind kind,
                                  const Tensor<T>& z, const Tensor<T>& a) {
    convolve(terms, bias, z);
    activate(kind, z.data, a.data, z.size());
  }

  // In dual numbers, dst + η tan_dst = bias + η tan_bias + Σ (src + η tan_src) ∗ (w + η ẇ), to the same bits as two
  // calls of convolve: tan_dst = tan_bias + Σ (tan_src ∗ w + src ∗ ẇ). A dst without data is not computed. At most
  // kMaxTerms / 2 terms.
  virtual void convolve_dual(std::span<const DualTerm<T>> terms, const T* bias, const T* tan_bias, const Tensor<T>& dst,
                             const Tensor<T>& tan_dst) {
    std::array<ConvolutionTerm<T>, kMaxTerms> primal, tangent;
    std::size_t primals = 0, tangents = 0;
    for (const DualTerm<T>& term : terms) {
      primal[primals++] = term.weights;
      if (term.tan_src.data) {
        tangent[tangents] = term.weights;
        tangent[tangents++].src = term.tan_src;
      }
      tangent[tangents++] = term.direction;
    }
    if (dst.data) convolve(std::span(primal).first(primals), bias, dst);
    convolve(std::span(tangent).first(tangents), tan_bias, tan_dst);
  }

  // grad_weight[:, in_first … ] += Σ over terms, pixels of src ⊗ grad_dst; grad_weight is the whole canonical tensor
  // [out, in_total, kernel, kernel].
  virtual void convolve_backward_weights(std::span<const WeightGradientTerm<T>> terms, const WeightSlice& slice,
                                         T* grad_weight) = 0;

  // Activations over `count` contiguous elements; act(0) = 0, so halos stay zero. Destinations may alias sources.
  //   a = act(z);   grad_z = act'(z) grad_a;   tan_a = act'(z) tan_z
  //   tan_grad_z = act''(z) tan_z grad_a + act'(z) tan_grad_a
  virtual void activate(ActivationKind kind, const T* z, T* a, std::size_t count) = 0;
  virtual void activate_backward(ActivationKind kind, const T* z, const T* grad_a, T* grad_z, std::size_t count) = 0;
  virtual void activate_tangent(ActivationKind kind, const T* z, const T* tan_z, T* tan_a, std::size_t count) = 0;
  virtual void activate_tangent_backward(ActivationKind kind, const T* z, const T* tan_z, const T* grad_a,
                                         const T* tan_grad_a, T* tan_grad_z, std::size_t count) = 0;

 private:
  ThreadPool threads_;
};

}  // namespace altocast
