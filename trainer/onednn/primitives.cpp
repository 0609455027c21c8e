#include "trainer/onednn/primitives.h"

#include <cassert>
#include <utility>

namespace altocast::onednn {
namespace {

using Tag = dnnl::memory::format_tag;

struct Forms {
  dnnl::memory::desc src;
  dnnl::memory::desc weights;
  dnnl::memory::desc bias;
  dnnl::memory::desc dst;
  dnnl::memory::dims strides{1, 1};
  dnnl::memory::dims padding;
};

// The formats are fixed rather than left to oneDNN's choice: a packed weight then fits every height and
// width, and these are the ones that its direct kernels are written for.
Forms forms_of(int block, const ConvolutionShape& shape) {
  const auto type = dnnl::memory::data_type::f32;
  const Tag image = block == 16 ? Tag::nChw16c : Tag::nChw8c;
  const Tag weight = block == 16 ? Tag::OIhw16i16o : Tag::OIhw8i8o;
  const dnnl::memory::dim in = shape.in_blocks * block;
  const dnnl::memory::dim out = shape.out_blocks * block;
  const dnnl::memory::dim around = shape.kernel / 2;
  Forms forms;
  forms.src = {{1, in, shape.height, shape.width}, type, image};
  forms.weights = {{out, in, shape.kernel, shape.kernel}, type, weight};
  forms.bias = {{out}, type, Tag::x};
  forms.dst = {{1, out, shape.height, shape.width}, type, image};
  forms.padding = {around, around};
  return forms;
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

}  // namespace

Primitive::Primitive(const dnnl::engine& engine, dnnl::primitive primitive, std::span<const Argument> arguments,
                     const dnnl::memory::desc& scratchpad)
    : primitive_(std::move(primitive)), count_(arguments.size()), scratchpad_bytes_(scratchpad.get_size()) {
  assert(count_ <= kMaxArguments);
  for (std::size_t i = 0; i < count_; ++i) {
    memory_[i] = dnnl::memory(arguments[i].form, engine, DNNL_MEMORY_NONE);
    bound_[i] = {arguments[i].index, memory_[i].get()};
  }
  memory_[count_] = dnnl::memory(scratchpad, engine, DNNL_MEMORY_NONE);
  bound_[count_] = {DNNL_ARG_SCRATCHPAD, memory_[count_].get()};
}

bool Primitive::run(const dnnl::stream& stream, std::span<void* const> data, void* scratchpad) {
  assert(data.size() == count_);
  // The C interface: the C++ one builds a hash map of the arguments for each call.
  bool ok = dnnl_memory_set_data_handle(memory_[count_].get(), scratchpad) == dnnl_success;
  for (std::size_t i = 0; i < count_; ++i) {
    ok = ok && dnnl_memory_set_data_handle(memory_[i].get(), data[i]) == dnnl_success;
  }
  return ok &&
         dnnl_primitive_execute(primitive_.get(), stream.get(), static_cast<int>(count_) + 1, bound_.data()) ==
             dnnl_success &&
         dnnl_stream_wait(stream.get()) == dnnl_success;
}

Primitive make_convolution(const dnnl::engine& engine, int block, const ConvolutionShape& shape) {
  const Forms forms = forms_of(block, shape);
  const dnnl::convolution_forward::desc what(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
                                             forms.src, forms.weights, forms.bias, forms.dst, forms.strides,
                                             forms.padding, forms.padding);
  const dnnl::convolution_forward::primitive_desc how(what, attributes(), engine);
  const Primitive::Argument arguments[] = {{DNNL_ARG_SRC, forms.src},
                                           {DNNL_ARG_WEIGHTS, forms.weights},
                                           {DNNL_ARG_DST, forms.dst},
                                           {DNNL_ARG_BIAS, forms.bias}};
  return {engine, dnnl::convolution_forward(how), arguments, how.scratchpad_desc()};
}

Primitive make_accumulating_convolution(const dnnl::engine& engine, int block, const ConvolutionShape& shape) {
  const Forms forms = forms_of(block, shape);
  dnnl::post_ops add_to_dst;
  add_to_dst.append_sum(1.0f);
  dnnl::primitive_attr attr = attributes();
  attr.set_post_ops(add_to_dst);
  const dnnl::convolution_forward::desc what(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
                                             forms.src, forms.weights, forms.dst, forms.strides, forms.padding,
                                             forms.padding);
  const dnnl::convolution_forward::primitive_desc how(what, attr, engine);
  const Primitive::Argument arguments[] = {
      {DNNL_ARG_SRC, forms.src}, {DNNL_ARG_WEIGHTS, forms.weights}, {DNNL_ARG_DST, forms.dst}};
  return {engine, dnnl::convolution_forward(how), arguments, how.scratchpad_desc()};
}

Primitive make_weight_gradient(const dnnl::engine& engine, int block, const ConvolutionShape& shape) {
  const Forms forms = forms_of(block, shape);
  const dnnl::convolution_forward::desc forward(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
                                                forms.src, forms.weights, forms.dst, forms.strides, forms.padding,
                                                forms.padding);
  const dnnl::convolution_forward::primitive_desc hint(forward, engine);
  const dnnl::convolution_backward_weights::desc what(dnnl::algorithm::convolution_direct, forms.src, forms.weights,
                                                      forms.dst, forms.strides, forms.padding, forms.padding);
  const dnnl::convolution_backward_weights::primitive_desc how(what, attributes(), engine, hint);
  const Primitive::Argument arguments[] = {
      {DNNL_ARG_SRC, forms.src}, {DNNL_ARG_DIFF_DST, forms.dst}, {DNNL_ARG_DIFF_WEIGHTS, forms.weights}};
  return {engine, dnnl::convolution_backward_weights(how), arguments, how.scratchpad_desc()};
}

}  // namespace altocast::onednn
