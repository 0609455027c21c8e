// Canned convolution problems for tests of kernel sets: the same numbers in any layout and precision.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/aligned_vector.h"
#include "runtime/kernels/kernels.h"
#include "runtime/random.h"

namespace altocast {

// A tensor that owns its memory; halo and padding channels start as zeros.
template <class T>
class OwnedTensor {
 public:
  OwnedTensor(Extent extent, Layout layout)
      : data_(tensor_size<T>(extent, layout)), view_{data_.data(), extent, layout} {}
  const Tensor<T>& view() const { return view_; }
  const AlignedVector<T>& data() const { return data_; }

 private:
  AlignedVector<T> data_;
  Tensor<T> view_;
};

// Floats, whatever T: the oracle starts from the same numbers.
template <class T>
std::vector<T> normal_vector(std::size_t size, std::uint64_t stream) {
  std::vector<float> z(size);
  fill_normal(1, stream, 0, std::span<float>(z));
  return {z.begin(), z.end()};
}

template <class T>
OwnedTensor<T> normal_tensor(Extent extent, Layout layout, std::uint64_t stream) {
  OwnedTensor<T> tensor(extent, layout);
  const auto z = normal_vector<T>(static_cast<std::size_t>(extent.channels * extent.height * extent.width), stream);
  std::size_t i = 0;
  for (int c = 0; c < extent.channels; ++c) {
    for (int y = 0; y < extent.height; ++y) {
      for (int x = 0; x < extent.width; ++x) tensor.view().at(c, y, x) = z[i++];
    }
  }
  return tensor;
}

// A convolution over the concatenation of sources with in[0], in[1] … channels.
struct ConvolutionCase {
  std::vector<int> in;
  int out = 0;
  int height = 0;
  int width = 0;
  int kernel = 3;

  int in_total() const {
    int total = 0;
    for (const int n : in) total += n;
    return total;
  }
  WeightSlice slice(std::size_t term) const {
    int first = 0;
    for (std::size_t t = 0; t < term; ++t) first += in[t];
    return {out, in_total(), first, in[term], kernel};
  }
  std::size_t weights() const { return static_cast<std::size_t>(out * in_total() * kernel * kernel); }
};

// Plain NCHW values of what the three convolutions give.
template <class T>
struct ConvolutionResult {
  std::vector<T> forward;            // y
  std::vector<std::vector<T>> back;  // δx of each source
  std::vector<T> weights;            // of every source, two terms each
  std::vector<float> raw_forward;    // y with halo and padding, as the kernels left it
};

template <class T>
void append(const Tensor<T>& tensor, std::vector<T>& values) {
  for (int c = 0; c < tensor.extent.channels; ++c) {
    for (int y = 0; y < tensor.extent.height; ++y) {
      for (int x = 0; x < tensor.extent.width; ++x) values.push_back(tensor.at(c, y, x));
    }
  }
}

template <class T>
ConvolutionResult<T> run_case(Kernels<T>& kernels, const ConvolutionCase& problem) {
  ConvolutionResult<T> result;
  const Layout layout = kernels.layout();
  const std::vector<T> weight = normal_vector<T>(problem.weights(), 1);
  const std::vector<T> bias = normal_vector<T>(static_cast<std::size_t>(problem.out), 2);
  const Extent out_extent{problem.out, problem.height, problem.width};
  const OwnedTensor<T> grad = normal_tensor<T>(out_extent, layout, 3);
  const OwnedTensor<T> tan_grad = normal_tensor<T>(out_extent, layout, 4);
  result.weights = normal_vector<T>(problem.weights(), 5);

  std::vector<OwnedTensor<T>> sources;
  std::vector<std::vector<T>> packed;
  std::vector<ConvolutionTerm<T>> terms;
  for (std::size_t t = 0; t < problem.in.size(); ++t) {
    const WeightSlice slice = problem.slice(t);
    const Extent extent{problem.in[t], problem.height, problem.width};
    kernels.reserve(slice, problem.height, problem.width);
    sources.push_back(normal_tensor<T>(extent, layout, 10 + t));
    packed.emplace_back(kernels.packed_size(slice, Direction::forward));
    kernels.pack_weights(weight.data(), slice, Direction::forward, packed.back().data());
    terms.push_back({sources.back().view(), packed.back().data(), slice, Direction::forward, weight.data()});

    std::vector<T> transposed(kernels.packed_size(slice, Direction::transposed));
    kernels.pack_weights(weight.data(), slice, Direction::transposed, transposed.data());
    const OwnedTensor<T> grad_src(extent, layout);
    const ConvolutionTerm<T> back{grad.view(), transposed.data(), slice, Direction::transposed, weight.data()};
    kernels.convolve({&back, 1}, nullptr, grad_src.view());
    append(grad_src.view(), result.back.emplace_back());

    const OwnedTensor<T> tan_src = normal_tensor<T>(extent, layout, 20 + t);
    const WeightGradientTerm<T> gradient_terms[] = {{sources.back().view(), tan_grad.view()},
                                                    {tan_src.view(), grad.view()}};
    kernels.convolve_backward_weights(gradient_terms, slice, result.weights.data());
  }
  const OwnedTensor<T> dst(out_extent, layout);
  kernels.convolve(terms, bias.data(), dst.view());
  append(dst.view(), result.forward);
  result.raw_forward.assign(dst.data().begin(), dst.data().end());
  return result;
}

}  // namespace altocast
