// oneDNN primitives with their arguments bound, so that a call sets four or five pointers and runs, without
// allocating. Internal to trainer/onednn; the functions that make primitives throw dnnl::error.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <dnnl.hpp>
#include <span>

namespace altocast::onednn {

// A convolution of stride 1 that keeps height and width. Channels are counted in whole blocks: oneDNN never
// sees padding, which it would have to clear on every call.
struct ConvolutionShape {
  int in_blocks = 0;
  int out_blocks = 0;
  int kernel = 0;
  int height = 0;
  int width = 0;
  auto operator<=>(const ConvolutionShape&) const = default;
};

class Primitive {
 public:
  static constexpr std::size_t kMaxArguments = 4;

  struct Argument {
    int index = 0;  // DNNL_ARG_…
    dnnl::memory::desc form;
  };

  // `scratchpad` is what the primitive's description says it needs as working memory, possibly nothing.
  Primitive(const dnnl::engine& engine, dnnl::primitive primitive, std::span<const Argument> arguments,
            const dnnl::memory::desc& scratchpad);

  std::size_t scratchpad_bytes() const { return scratchpad_bytes_; }

  // Runs to the end; `data` in the order of the arguments. False if oneDNN failed.
  bool run(const dnnl::stream& stream, std::span<void* const> data, void* scratchpad);

 private:
  dnnl::primitive primitive_;
  std::array<dnnl::memory, kMaxArguments + 1> memory_;  // the last one is the scratchpad
  std::array<dnnl_exec_arg_t, kMaxArguments + 1> bound_{};
  std::size_t count_ = 0;
  std::size_t scratchpad_bytes_ = 0;
};

// dst = bias + src ∗ weights. Arguments: src, weights, dst, bias.
Primitive make_convolution(const dnnl::engine& engine, int block, const ConvolutionShape& shape);

// dst += src ∗ weights. Arguments: src, weights, dst.
Primitive make_accumulating_convolution(const dnnl::engine& engine, int block, const ConvolutionShape& shape);

// grad_weights = src ⊗ grad_dst. Arguments: src, grad_dst, grad_weights.
Primitive make_weight_gradient(const dnnl::engine& engine, int block, const ConvolutionShape& shape);

}  // namespace altocast::onednn
