// The nowcasting U-Net f(x, b) = b + net(x) on one image. Its topology is written once, as a list of steps over
// numbered nodes; forward walks the list, backward walks it in reverse, and the Hessian-vector product (trainer/) walks
// it both ways with tangents.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "formats/network_spec.h"
#include "runtime/aligned_vector.h"
#include "runtime/layers/conv_block.h"
#include "runtime/layers/observation_nll.h"

namespace altocast {

enum class StepKind { conv_block, average_pool, upsample };

// One layer: reads the nodes src, writes the node dst.
struct Step {
  StepKind kind = StepKind::conv_block;
  int block = 0;  // which ConvBlock, for conv_block
  int sources = 1;
  std::array<int, 2> src{};
  int dst = 0;
};

struct Node {
  int channels = 0;
  int level = 0;  // height and width are those of level 0 divided by 2^level
};

// Node 0 is the input; the last step writes the head. A node with two readers is a skip connection: it is read by its
// pool and, later in the list, by a decoder block; so in reverse the block writes its gradient and the pool adds.
struct UNetGraph {
  std::vector<Node> nodes;
  std::vector<ConvBlockSpec> blocks;
  std::vector<Step> steps;
};
UNetGraph unet_graph(const NetworkSpec& spec);

// A height or width as the network computes it: a multiple of 2^depth.
int padded_side(const NetworkSpec& spec, int side);

// Buffers of one kind (values, gradients, tangents …), zeroed: a tensor for every node, or for those that blocks write
// (the others' tensors have no data); or for every node while somebody reads it (memory_plan.h), so that whoever writes
// one clears its halo first. Gradients live as long as values, since a pass backwards writes a node's where the pass
// forwards read it for the last time.
enum class Nodes { all, block_outputs, shared };
template <class T>
class NodeTensors {
 public:
  NodeTensors(const UNetGraph& graph, Layout layout, int height, int width, Nodes nodes);
  NodeTensors(NodeTensors&&) = default;
  const Tensor<T>& operator[](int node) const { return tensors_[static_cast<std::size_t>(node)]; }
  std::size_t bytes() const { return memory_.size() * sizeof(T); }
  bool shared() const { return shared_; }
  // Where memory is shared, zeros in the halo, and in all of a tensor: before it is written.
  void clear_halo(int node) const;
  void clear(int node) const;

 private:
  bool shared_;
  AlignedVector<T> memory_;
  std::vector<Tensor<T>> tensors_;
};

// What a forward and a backward pass leave that a Hessian-vector product at the same weights, sample and log noise can
// start from: each block's pre-activation z (the head's is its output), and the gradient of each block's output.
template <class T>
struct Pass {
  Pass(const UNetGraph& graph, Layout layout, int height, int width, Nodes gradients)
      : z(graph, layout, height, width, Nodes::block_outputs), grads(graph, layout, height, width, gradients) {}
  std::size_t bytes() const { return z.bytes() + grads.bytes(); }
  NodeTensors<T> z;
  NodeTensors<T> grads;
};

// Not for concurrent use; the kernel set is borrowed and must outlive the network. All memory is allocated by the
// constructor. Any height and width: inputs are padded with edge values to a multiple of 2^depth, outputs cropped.
template <class T>
class UNet {
 public:
  UNet(const NetworkSpec& spec, Kernels<T>& kernels, int height, int width, Purpose purpose);

  const NetworkSpec& spec() const { return spec_; }
  const UNetGraph& graph() const { return graph_; }
  int height() const { return height_; }
  int width() const { return width_; }
  ThreadPool& threads() const { return kernels_.threads(); }
  std::size_t terms() const { return loss_.terms(); }  // n of one sample's NLL
  std::size_t activation_bytes() const { return values_.bytes(); }

  // Takes the weights φ [D], which must stay in place until the next call.
  void set_weights(const T* phi);

  // out [leads, height, width]. Unless it is null, step_seconds [graph().steps] gets how long each step took.
  void forward(const Sample<T>& sample, T* out, double* step_seconds = nullptr);

  // NLL of one sample. Unless `out` is null, it gets the forecast.
  double nll(const Sample<T>& sample, const T* log_noise, T* out = nullptr);

  // The same NLL; adds its gradients to grad_phi [D], unless it is null, and to grad_log_noise [leads]. Needs
  // Purpose::gradient. The pass is left in `keep`, if there is one.
  double backward(const Sample<T>& sample, const T* log_noise, T* grad_phi, double* grad_log_noise,
                  Pass<T>* keep = nullptr);

  // Of all losses from here on; Gaussian unless it is set.
  void set_likelihood(Likelihood likelihood) { loss_.set_likelihood(likelihood); }

  // Room for a pass of this network, and its size. Need Purpose::gradient.
  std::size_t pass_bytes() const { return 2 * pass_->z.bytes(); }
  Pass<T> make_pass() const {
    return Pass<T>(graph_, kernels_.layout(), padded_height_, padded_width_, Nodes::block_outputs);
  }

 private:
  template <class>
  friend class HessianVector;

  // Tensors of a step's sources; a null tensor for the network's input where `with_input` is false.
  std::array<Tensor<T>, 2> sources(const Step& step, const NodeTensors<T>& tensors, bool with_input) const;
  // A node's gradient: a resampled one's that has no tensor lies in scratch memory, where it stays until the next step
  // backwards reads it.
  Tensor<T> gradient_of(int node, const NodeTensors<T>& grads);
  // Where a step backwards writes the gradients of its sources.
  std::array<Tensor<T>, 2> grad_sources(const Step& step, const NodeTensors<T>& grads);
  // A block's δz, in scratch memory.
  Tensor<T> grad_z(const Step& step) {
    return {grad_z_memory_.data(), values_[step.dst].extent, values_[step.dst].layout};
  }

  // The input's values.
  void take(const Sample<T>& sample);
  // All nodes' values; z goes to the pass, or into the values where there is none.
  void forward_steps(const Sample<T>& sample, const Pass<T>* pass, double* step_seconds = nullptr);
  void resample(const Step& step, const NodeTensors<T>& tensors);
  void resample_backward(const Step& step, const NodeTensors<T>& grads);
  ConvBlock<T>& block(const Step& step) { return blocks_[static_cast<std::size_t>(step.block)]; }

  NetworkSpec spec_;
  Kernels<T>& kernels_;
  int height_, width_;                // of the frames
  int padded_height_, padded_width_;  // of node 0
  UNetGraph graph_;
  std::vector<ConvBlock<T>> blocks_;
  NodeTensors<T> values_;
  std::optional<Pass<T>> pass_;  // when gradients are wanted; these share memory
  AlignedVector<T> grad_z_memory_, resampled_grad_memory_;
  ObservationNll<T> loss_;
  int head_;
};

// The sample that a network's residual base makes of frames [input_frames, height, width], of them advected [leads,
// height, width] (null unless that is the base), and of a target (may be null). runtime/sample_set.h advects.
template <class T>
Sample<T> make_sample(const NetworkSpec& spec, const T* frames, const std::type_identity_t<T>* advected,
                      const std::type_identity_t<T>* target, int height, int width);

extern template class NodeTensors<float>;
extern template class NodeTensors<double>;
extern template class UNet<float>;
extern template class UNet<double>;

}  // namespace altocast
