#include "trainer/hessian_vector.h"

namespace altocast {

template <class T>
HessianVector<T>::HessianVector(UNet<T>& network)
    : network_(network),
      tangents_(network.graph_, network.kernels_.layout(), network.padded_height_, network.padded_width_, Nodes::all),
      tan_grads_(network.graph_, network.kernels_.layout(), network.padded_height_, network.padded_width_,
                 Nodes::shared),
      unused_log_noise_(static_cast<std::size_t>(network.spec().leads)) {}

template <class T>
void HessianVector<T>::set_direction(const T* u) {
  for (ConvBlock<T>& block : network_.blocks_) block.set_direction(u);
}

template <class T>
void HessianVector<T>::accumulate(const Sample<T>& sample, const T* log_noise, const Pass<T>* kept, T* hessian_phi,
                                  double* hessian_log_noise) {
  UNet<T>& net = network_;
  const Pass<T>& pass = kept ? *kept : *net.pass_;
  const std::array<Tensor<T>, 2> none;  // what is not computed

  net.take(sample);
  for (const Step& step : net.graph_.steps) {
    if (step.kind == StepKind::conv_block) {
      ConvBlock<T>& block = net.block(step);
      const std::array<Tensor<T>, 2> src = net.sources(step, net.values_, true);
      const std::array<Tensor<T>, 2> tan_src = net.sources(step, tangents_, false);
      if (kept) {
        block.recall(pass.z[step.dst], net.values_[step.dst]);
        block.tangent(src, pass.z[step.dst], tan_src, tangents_[step.dst]);
      } else {
        block.forward_and_tangent(src, pass.z[step.dst], net.values_[step.dst], tan_src, tangents_[step.dst]);
      }
    } else {
      net.resample(step, net.values_);
      net.resample(step, tangents_);
    }
  }

  const int head = net.head_;
  if (!kept) {
    pass.grads.clear(head);
    net.loss_.backward(pass.z[head], sample, log_noise, pass.grads[head], unused_log_noise_.data(),
                       net.kernels_.threads());
  }
  tan_grads_.clear(head);
  net.loss_.tangent_backward(pass.z[head], tangents_[head], sample, log_noise, tan_grads_[head], hessian_log_noise,
                             net.kernels_.threads());

  for (auto next = net.graph_.steps.rbegin(); next != net.graph_.steps.rend(); ++next) {
    const Step& step = *next;
    if (step.kind == StepKind::conv_block) {
      net.block(step).tangent_backward(net.sources(step, net.values_, true), pass.z[step.dst],
                                       net.sources(step, tangents_, false), pass.grads[step.dst], net.grad_z(step),
                                       kept ? none : net.grad_sources(step, pass.grads), tan_grads_[step.dst],
                                       net.grad_sources(step, tan_grads_), hessian_phi);
    } else {
      if (!kept) net.resample_backward(step, pass.grads);
      net.resample_backward(step, tan_grads_);
    }
  }
}

template class HessianVector<float>;
template class HessianVector<double>;

}  // namespace altocast
