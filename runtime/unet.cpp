#include "runtime/unet.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>

#include "runtime/layers/input.h"
#include "runtime/layers/resample.h"
#include "runtime/memory_plan.h"

namespace altocast {
namespace {

template <class T>
void set_zero(T* first, std::size_t count) {
  std::memset(first, 0, count * sizeof(T));
}

// Zeros in the halo.
template <class T>
void clear_halo_of(const Tensor<T>& tensor) {
  const int halo = tensor.layout.halo;
  if (halo == 0) return;
  const std::size_t row = tensor.row_stride();
  const std::size_t margin = static_cast<std::size_t>(halo * tensor.layout.block);
  for (int b = 0; b < tensor.blocks(); ++b) {
    T* first = tensor.row(b, 0) - margin;
    set_zero(first - static_cast<std::size_t>(halo) * row, static_cast<std::size_t>(halo) * row);
    for (int y = 0; y < tensor.extent.height; ++y, first += row) {
      set_zero(first, margin);
      set_zero(first + row - margin, margin);
    }
    set_zero(first, static_cast<std::size_t>(halo) * row);
  }
}

}  // namespace

UNetGraph unet_graph(const NetworkSpec& spec) {
  UNetGraph graph;
  const std::vector<ParameterTensor> parameters = parameter_layout(spec);
  std::size_t next_parameter = 0;
  const auto add_node = [&](int channels, int level) {
    graph.nodes.push_back({channels, level});
    return static_cast<int>(graph.nodes.size()) - 1;
  };
  const auto channels = [&](int node) { return graph.nodes[static_cast<std::size_t>(node)].channels; };
  const auto add_block = [&](std::initializer_list<int> sources, int out, int level, bool activated) {
    ConvBlockSpec block;
    const ParameterTensor& weight = parameters[next_parameter++];
    block.weight = weight.offset;
    block.bias = parameters[next_parameter++].offset;
    block.activated = activated;
    block.activation = spec.activation;
    if (spec.norm_groups > 0 && activated) {
      block.norm_groups = spec.norm_groups;
      block.gamma = parameters[next_parameter++].offset;
      block.beta = parameters[next_parameter++].offset;
    }
    Step step;
    step.block = static_cast<int>(graph.blocks.size());
    step.sources = block.sources = static_cast<int>(sources.size());
    int first = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const int node = sources.begin()[i];
      step.src[i] = node;
      block.slices[i] = {out, weight.shape[1], first, channels(node), weight.shape[2]};
      first += channels(node);
    }
    assert(weight.shape[0] == out && weight.shape[1] == first);
    step.dst = add_node(out, level);
    graph.blocks.push_back(block);
    graph.steps.push_back(step);
    return step.dst;
  };
  const auto add_resample = [&](StepKind kind, int source, int level) {
    Step step;
    step.kind = kind;
    step.src[0] = source;
    step.dst = add_node(channels(source), level);
    graph.steps.push_back(step);
    return step.dst;
  };

  int node = add_node(spec.input_channels(), 0);
  std::vector<int> skips;
  for (int level = 0; level <= spec.depth; ++level) {
    if (level > 0) {
      skips.push_back(node);
      node = add_resample(StepKind::average_pool, node, level);
    }
    node = add_block({node}, spec.channels(level), level, true);
    node = add_block({node}, spec.channels(level), level, true);
  }
  for (int level = spec.depth - 1; level >= 0; --level) {
    node = add_resample(StepKind::upsample, node, level);
    node = add_block({node, skips[static_cast<std::size_t>(level)]}, spec.channels(level), level, true);
    node = add_block({node}, spec.channels(level), level, true);
  }
  add_block({node}, spec.leads, 0, false);
  return graph;
}

int padded_side(const NetworkSpec& spec, int side) {
  const int multiple = 1 << spec.depth;
  return (side + multiple - 1) / multiple * multiple;
}

template <class T>
NodeTensors<T>::NodeTensors(const UNetGraph& graph, Layout layout, int height, int width, Nodes nodes)
    : shared_(nodes == Nodes::shared) {
  for (const Node& node : graph.nodes) {
    tensors_.push_back({nullptr, {node.channels, height >> node.level, width >> node.level}, layout});
  }
  if (shared_) {
    const MemoryPlan plan = plan_memory(graph, layout, height, width);
    memory_.assign(plan.size, T{0});
    for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i].data = memory_.data() + plan.buffers[i].offset;
    return;
  }
  std::size_t total = 0;
  const auto for_each_wanted = [&](const auto& body) {
    if (nodes == Nodes::all) body(tensors_.front());
    for (const Step& step : graph.steps) {
      if (nodes == Nodes::all || step.kind == StepKind::conv_block) body(tensors_[static_cast<std::size_t>(step.dst)]);
    }
  };
  for_each_wanted([&](Tensor<T>& tensor) { total += tensor.size(); });
  memory_.assign(total, T{0});
  T* next = memory_.data();
  for_each_wanted([&](Tensor<T>& tensor) {
    tensor.data = next;
    next += tensor.size();
  });
}

template <class T>
void NodeTensors<T>::clear_halo(int node) const {
  if (shared_) clear_halo_of((*this)[node]);
}

template <class T>
void NodeTensors<T>::clear(int node) const {
  if (shared_) set_zero((*this)[node].data, (*this)[node].size());
}

template <class T>
UNet<T>::UNet(const NetworkSpec& spec, Kernels<T>& kernels, int height, int width, Purpose purpose)
    : spec_(spec),
      kernels_(kernels),
      height_(height),
      width_(width),
      padded_height_(padded_side(spec, height)),
      padded_width_(padded_side(spec, width)),
      graph_(unet_graph(spec)),
      values_(graph_, kernels.layout(), padded_height_, padded_width_,
              purpose == Purpose::forecast ? Nodes::shared : Nodes::all),
      loss_(spec.leads, height, width),
      head_(graph_.steps.back().dst) {
  if (purpose >= Purpose::gradient) {
    pass_.emplace(graph_, kernels.layout(), padded_height_, padded_width_, Nodes::shared);
    std::size_t largest_block = 0, largest_resampled = 0;
    for (const Step& step : graph_.steps) {
      const std::size_t dst = values_[step.dst].size();
      if (step.kind == StepKind::conv_block) {
        largest_block = std::max(largest_block, dst);
      } else {
        largest_resampled = std::max(largest_resampled, dst);
      }
    }
    grad_z_memory_.assign(largest_block, T{0});
    resampled_grad_memory_.assign(largest_resampled, T{0});
  }
  blocks_.reserve(graph_.blocks.size());
  for (const Step& step : graph_.steps) {
    if (step.kind != StepKind::conv_block) continue;
    const int level = graph_.nodes[static_cast<std::size_t>(step.dst)].level;
    blocks_.emplace_back(graph_.blocks[static_cast<std::size_t>(step.block)], kernels, padded_height_ >> level,
                         padded_width_ >> level, purpose);
  }
}

template <class T>
void UNet<T>::set_weights(const T* phi) {
  for (ConvBlock<T>& block : blocks_) block.set_weights(phi);
}

template <class T>
std::array<Tensor<T>, 2> UNet<T>::sources(const Step& step, const NodeTensors<T>& tensors, bool with_input) const {
  const auto source = [&](int node) {
    Tensor<T> tensor = tensors[node];
    if (node == 0 && !with_input) tensor.data = nullptr;
    return tensor;
  };
  std::array<Tensor<T>, 2> result{source(step.src[0])};
  if (step.sources == 2) result[1] = source(step.src[1]);
  return result;
}

template <class T>
Tensor<T> UNet<T>::gradient_of(int node, const NodeTensors<T>& grads) {
  if (grads[node].data) return grads[node];
  return {resampled_grad_memory_.data(), values_[node].extent, values_[node].layout};
}

template <class T>
std::array<Tensor<T>, 2> UNet<T>::grad_sources(const Step& step, const NodeTensors<T>& grads) {
  std::array<Tensor<T>, 2> result = sources(step, grads, false);
  for (std::size_t i = 0; i < static_cast<std::size_t>(step.sources); ++i) {
    if (step.src[i] == 0) continue;
    result[i] = gradient_of(step.src[i], grads);
    grads.clear_halo(step.src[i]);
  }
  return result;
}

template <class T>
void UNet<T>::resample(const Step& step, const NodeTensors<T>& tensors) {
  if (step.kind == StepKind::average_pool) {
    sum_2x2(tensors[step.src[0]], T{0.25}, tensors[step.dst], Write::overwrite, kernels_.threads());
  } else {
    replicate_2x2(tensors[step.src[0]], T{1}, tensors[step.dst], Write::overwrite, kernels_.threads());
  }
}

template <class T>
void UNet<T>::resample_backward(const Step& step, const NodeTensors<T>& grads) {
  const Tensor<T> grad_dst = gradient_of(step.dst, grads);
  const Tensor<T>& grad_src = grads[step.src[0]];
  if (step.kind == StepKind::average_pool) {
    replicate_2x2(grad_dst, T{0.25}, grad_src, Write::accumulate, kernels_.threads());
  } else {
    grads.clear_halo(step.src[0]);
    sum_2x2(grad_dst, T{1}, grad_src, Write::overwrite, kernels_.threads());
  }
}

template <class T>
void UNet<T>::take(const Sample<T>& sample) {
  values_.clear(0);  // the input's padding channels hold zeros too
  copy_input(sample, spec_.input_frames, height_, width_, values_[0], kernels_.threads());
}

template <class T>
void UNet<T>::forward_steps(const Sample<T>& sample, const Pass<T>* pass, double* step_seconds) {
  take(sample);
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  for (const Step& step : graph_.steps) {
    values_.clear_halo(step.dst);
    if (step.kind == StepKind::conv_block) {
      const Tensor<T>& dst = values_[step.dst];
      block(step).forward(sources(step, values_, true), pass ? pass->z[step.dst] : dst, dst);
    } else {
      resample(step, values_);
    }
    if (!step_seconds) continue;
    const Clock::time_point end = Clock::now();
    *step_seconds++ = std::chrono::duration<double>(end - start).count();
    start = end;
  }
}

template <class T>
void UNet<T>::forward(const Sample<T>& sample, T* out, double* step_seconds) {
  forward_steps(sample, nullptr, step_seconds);
  loss_.forecast(values_[head_], sample, out, kernels_.threads());
}

template <class T>
double UNet<T>::nll(const Sample<T>& sample, const T* log_noise, T* out) {
  forward_steps(sample, nullptr);
  if (out) loss_.forecast(values_[head_], sample, out, kernels_.threads());
  return loss_.value(values_[head_], sample, log_noise, kernels_.threads());
}

template <class T>
double UNet<T>::backward(const Sample<T>& sample, const T* log_noise, T* grad_phi, double* grad_log_noise,
                         Pass<T>* keep) {
  const Pass<T>& pass = keep ? *keep : *pass_;
  forward_steps(sample, &pass);
  pass.grads.clear(head_);
  const double nll =
      loss_.backward(pass.z[head_], sample, log_noise, pass.grads[head_], grad_log_noise, kernels_.threads());
  for (auto next = graph_.steps.rbegin(); next != graph_.steps.rend(); ++next) {
    const Step& step = *next;
    if (step.kind == StepKind::conv_block) {
      block(step).backward(sources(step, values_, true), pass.z[step.dst], pass.grads[step.dst], grad_z(step),
                           grad_sources(step, pass.grads), grad_phi);
    } else {
      resample_backward(step, pass.grads);
    }
  }
  return nll;
}

template <class T>
Sample<T> make_sample(const NetworkSpec& spec, const T* frames, const std::type_identity_t<T>* advected,
                      const std::type_identity_t<T>* target, int height, int width) {
  switch (spec.residual) {
    case ResidualBase::none:
      break;
    case ResidualBase::last_frame:
      return {frames,
              frames + static_cast<std::size_t>(spec.input_frames - 1) * static_cast<std::size_t>(height) *
                           static_cast<std::size_t>(width),
              1, target};
    case ResidualBase::advected:
      assert(advected);
      return {frames, advected, spec.leads, target};
  }
  return {frames, nullptr, 0, target};
}

template class NodeTensors<float>;
template class NodeTensors<double>;
template class UNet<float>;
template class UNet<double>;
template Sample<float> make_sample(const NetworkSpec&, const float*, const float*, const float*, int, int);
template Sample<double> make_sample(const NetworkSpec&, const double*, const double*, const double*, int, int);

}  // namespace altocast
