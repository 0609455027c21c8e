#include "runtime/kernels/reference.h"

#include <algorithm>

#include "runtime/elementary.h"

namespace altocast {
namespace {

// Value and first two derivatives of an activation at z. σ is the logistic function, silu(z) = z σ(z):
//   silu' = σ (1 + z (1 − σ)),   silu'' = σ (1 − σ) (2 + z (1 − 2σ))
template <class T>
struct Activation {
  T value, first, second;
};

template <class T>
Activation<T> evaluate(ActivationKind kind, T z) {
  if (kind == ActivationKind::relu) return z > 0 ? Activation<T>{z, 1, 0} : Activation<T>{0, 0, 0};
  const T sigma = T{1} / (T{1} + portable_exp(-z));
  const T rest = T{1} - sigma;
  return {z * sigma, sigma * (T{1} + z * rest), sigma * rest * (T{2} + z * (T{1} - T{2} * sigma))};
}

// The part [first, last) of an image axis whose shift by `offset` stays inside [0, extent).
struct Span {
  int first, last;
};
Span shifted_span(int extent, int offset) { return {std::max(0, -offset), extent - std::max(0, offset)}; }

}  // namespace

template <class T>
std::size_t ReferenceKernels<T>::packed_size(const WeightSlice& slice, Direction) const {
  return static_cast<std::size_t>(slice.out) * static_cast<std::size_t>(slice.in_count) *
         static_cast<std::size_t>(slice.kernel * slice.kernel);
}

// packed is [dst channels][src channels][kernel][kernel]; transposed swaps the channel axes and flips both others.
template <class T>
void ReferenceKernels<T>::pack_weights(const T* weight, const WeightSlice& slice, Direction direction, T* packed) {
  const int taps = slice.kernel * slice.kernel;
  const bool forward = direction == Direction::forward;
  for (int out = 0; out < slice.out; ++out) {
    for (int in = 0; in < slice.in_count; ++in) {
      const T* src = weight + (static_cast<std::size_t>(out) * static_cast<std::size_t>(slice.in_total) +
                               static_cast<std::size_t>(slice.in_first + in)) *
                                  static_cast<std::size_t>(taps);
      const int row = forward ? out * slice.in_count + in : in * slice.out + out;
      T* dst = packed + static_cast<std::size_t>(row) * static_cast<std::size_t>(taps);
      for (int tap = 0; tap < taps; ++tap) dst[tap] = src[forward ? tap : taps - 1 - tap];
    }
  }
}

template <class T>
void ReferenceKernels<T>::convolve(std::span<const ConvolutionTerm<T>> terms, const T* bias, const Tensor<T>& dst) {
  const int height = dst.extent.height;
  const int width = dst.extent.width;
  this->threads().parallel_for(dst.extent.channels, [&](int out) {
    T* plane = dst.row(out, 0);
    std::fill_n(plane, static_cast<std::size_t>(height) * static_cast<std::size_t>(width), bias ? bias[out] : T{0});
    for (const ConvolutionTerm<T>& term : terms) {
      const int kernel = term.slice.kernel;
      const int channels = term.src.extent.channels;
      const T* weight =
          term.packed + static_cast<std::size_t>(out) * static_cast<std::size_t>(channels * kernel * kernel);
      for (int in = 0; in < channels; ++in) {
        for (int ky = 0; ky < kernel; ++ky) {
          for (int kx = 0; kx < kernel; ++kx) {
            const T w = *weight++;
            const int dy = ky - kernel / 2;
            const int dx = kx - kernel / 2;
            const Span ys = shifted_span(height, dy);
            const Span xs = shifted_span(width, dx);
            for (int y = ys.first; y < ys.last; ++y) {
              const T* src_row = term.src.row(in, y + dy) + dx;
              T* dst_row = dst.row(out, y);
              for (int x = xs.first; x < xs.last; ++x) dst_row[x] += w * src_row[x];
            }
          }
        }
      }
    }
  });
}

template <class T>
void ReferenceKernels<T>::convolve_backward_weights(std::span<const WeightGradientTerm<T>> terms,
                                                    const WeightSlice& slice, T* grad_weight) {
  const int kernel = slice.kernel;
  this->threads().parallel_for(slice.out, [&](int out) {
    T* grad = grad_weight + static_cast<std::size_t>(out) * static_cast<std::size_t>(slice.in_total * kernel * kernel) +
              static_cast<std::size_t>(slice.in_first * kernel * kernel);
    for (int in = 0; in < slice.in_count; ++in) {
      for (int ky = 0; ky < kernel; ++ky) {
        for (int kx = 0; kx < kernel; ++kx) {
          const int dy = ky - kernel / 2;
          const int dx = kx - kernel / 2;
          double sum = 0;
          for (const WeightGradientTerm<T>& term : terms) {
            const Span ys = shifted_span(term.src.extent.height, dy);
            const Span xs = shifted_span(term.src.extent.width, dx);
            for (int y = ys.first; y < ys.last; ++y) {
              const T* src_row = term.src.row(in, y + dy) + dx;
              const T* grad_row = term.grad_dst.row(out, y);
              for (int x = xs.first; x < xs.last; ++x)
                sum += static_cast<double>(src_row[x]) * static_cast<double>(grad_row[x]);
            }
          }
          *grad++ += static_cast<T>(sum);
        }
      }
    }
  });
}

template <class T>
void ReferenceKernels<T>::activate(ActivationKind kind, const T* z, T* a, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) a[i] = evaluate(kind, z[i]).value;
}

template <class T>
void ReferenceKernels<T>::activate_backward(ActivationKind kind, const T* z, const T* grad_a, T* grad_z,
                                            std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) grad_z[i] = evaluate(kind, z[i]).first * grad_a[i];
}

template <class T>
void ReferenceKernels<T>::activate_tangent(ActivationKind kind, const T* z, const T* tan_z, T* tan_a,
                                           std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) tan_a[i] = evaluate(kind, z[i]).first * tan_z[i];
}

template <class T>
void ReferenceKernels<T>::activate_tangent_backward(ActivationKind kind, const T* z, const T* tan_z, const T* grad_a,
                                                    const T* tan_grad_a, T* tan_grad_z, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Activation<T> act = evaluate(kind, z[i]);
    tan_grad_z[i] = act.second * tan_z[i] * grad_a[i] + act.first * tan_grad_a[i];
  }
}

template class ReferenceKernels<float>;
template class ReferenceKernels<double>;

}  // namespace altocast
