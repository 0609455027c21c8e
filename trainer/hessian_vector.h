// The product of the network's Hessian with a vector, by Pearlmutter's R-operator: tangents are carried through the
// forward and the backward pass. No second derivative is ever stored.
#pragma once

#include "runtime/unet.h"

namespace altocast {

template <class T>
class HessianVector {
 public:
  // The network is borrowed; it must be built for second order.
  explicit HessianVector(UNet<T>& network);

  // The direction u [D] in weight space; must stay in place until the next call. Weights are the network's.
  void set_direction(const T* u);

  // One sample's NLL at the network's weights. Adds
  //   ∇_φ NLL to grad_phi [D],               ∇²_φ NLL u to hessian_phi [D],
  //   ∂NLL/∂s to grad_log_noise [L],         u · ∇_φ ∂NLL/∂s to hessian_log_noise [L].
  double accumulate(const Sample<T>& sample, const T* log_noise, T* grad_phi, T* hessian_phi, double* grad_log_noise,
                    double* hessian_log_noise);

 private:
  UNet<T>& network_;
  NodeTensors<T> tangents_;
  NodeTensors<T> tan_grads_;
};

extern template class HessianVector<float>;
extern template class HessianVector<double>;

}  // namespace altocast
