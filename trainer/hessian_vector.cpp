#include "trainer/hessian_vector.h"

#include "runtime/layers/resample.h"

namespace altocast {

template <class T>
HessianVector<T>::HessianVector(UNet<T>& network)
    : network_(network),
      tangents_(network.graph_, network.kernels_.layout(), network.padded_height_, network.padded_width_),
      tan_grads_(network.graph_, network.kernels_.layout(), network.padded_height_, network.padded_width_) {}

template <class T>
void HessianVector<T>::set_direction(const T* u) {
  for (ConvBlock<T>& block : network_.blocks_) block.set_direction(u);
}

template <class T>
double HessianVector<T>::accumulate(const Sample<T>& sample, const T* log_noise, T* grad_phi, T* hessian_phi,
                                    double* grad_log_noise, double* hessian_log_noise) {
  UNet<T>& net = network_;
  ThreadPool& threads = net.kernels_.threads();
  const NodeTensors<T>& grads = net.grads_.front();
  const auto block_of = [&](const Step& step) -> ConvBlock<T>& {
    return net.blocks_[static_cast<std::size_t>(step.block)];
  };

  net.forward_steps(sample);
  for (const Step& step : net.graph_.steps) {
    const Tensor<T>& tan_dst = tangents_[step.dst];
    switch (step.kind) {
      case StepKind::conv_block:
        block_of(step).tangent(net.sources(step, net.values_, true), net.sources(step, tangents_, false), tan_dst);
        break;
      case StepKind::average_pool:
        sum_2x2(tangents_[step.src[0]], T{0.25}, tan_dst, Write::overwrite, threads);
        break;
      case StepKind::upsample:
        replicate_2x2(tangents_[step.src[0]], T{1}, tan_dst, Write::overwrite, threads);
        break;
    }
  }

  const Tensor<T>& head = net.values_[net.head_];
  const double nll = net.loss_.backward(head, sample, log_noise, grads[net.head_], grad_log_noise, threads);
  net.loss_.tangent_backward(head, tangents_[net.head_], sample, log_noise, tan_grads_[net.head_], hessian_log_noise,
                             threads);

  for (auto next = net.graph_.steps.rbegin(); next != net.graph_.steps.rend(); ++next) {
    const Step& step = *next;
    const Tensor<T>& grad_dst = grads[step.dst];
    const Tensor<T>& tan_grad_dst = tan_grads_[step.dst];
    const int src = step.src[0];
    switch (step.kind) {
      case StepKind::conv_block:
        block_of(step).tangent_backward(net.sources(step, net.values_, true), net.sources(step, tangents_, false),
                                        grad_dst, tan_grad_dst, net.sources(step, grads, false),
                                        net.sources(step, tan_grads_, false), grad_phi, hessian_phi);
        break;
      case StepKind::average_pool:
        replicate_2x2(grad_dst, T{0.25}, grads[src], Write::accumulate, threads);
        replicate_2x2(tan_grad_dst, T{0.25}, tan_grads_[src], Write::accumulate, threads);
        break;
      case StepKind::upsample:
        sum_2x2(grad_dst, T{1}, grads[src], Write::overwrite, threads);
        sum_2x2(tan_grad_dst, T{1}, tan_grads_[src], Write::overwrite, threads);
        break;
    }
  }
  return nll;
}

template class HessianVector<float>;
template class HessianVector<double>;

}  // namespace altocast
