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
  if (kept) {
    net.recall_steps(sample, pass);
  } else {
    net.forward_steps(sample, &pass);
  }

  for (const Step& step : net.graph_.steps) {
    if (step.kind == StepKind::conv_block) {
      net.block(step).tangent(net.sources(step, net.values_, true), pass.z[step.dst],
                              net.sources(step, tangents_, false), tangents_[step.dst]);
    } else {
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
      const std::array<Tensor<T>, 2> src = net.sources(step, net.values_, true);
      if (!kept) {
        net.block(step).backward(src, pass.z[step.dst], pass.grads[step.dst], net.grad_z(step),
                                 net.grad_sources(step, pass.grads), nullptr);
      }
      net.block(step).tangent_backward(src, pass.z[step.dst], net.sources(step, tangents_, false), pass.grads[step.dst],
                                       net.grad_z(step), tan_grads_[step.dst], net.grad_sources(step, tan_grads_),
                                       hessian_phi);
    } else {
      if (!kept) net.resample_backward(step, pass.grads);
      net.resample_backward(step, tan_grads_);
    }
  }
}

template class HessianVector<float>;
template class HessianVector<double>;

}  // namespace altocast
