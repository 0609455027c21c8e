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

  // For one sample's NLL at the network's weights, adds ∇²_φ NLL u to hessian_phi [D] and u · ∇_φ ∂NLL/∂s to
  // hessian_log_noise [L]. `kept` is what UNet::backward left at the same weights, sample and log noise; without it,
  // the primal forward and backward passes are computed anew (to the same bits), the latter layer by layer with the
  // tangents'.
  void accumulate(const Sample<T>& sample, const T* log_noise, const Pass<T>* kept, T* hessian_phi,
                  double* hessian_log_noise);

  // Its cost in forward passes: the four tangent convolutions of each layer and two weight gradients, after the
  // primal forward pass and its backward pass to the activations.
  static constexpr int kForwardsKept = 6;
  static constexpr int kForwardsAnew = 8;

 private:
  UNet<T>& network_;
  NodeTensors<T> tangents_;
  NodeTensors<T> tan_grads_;
  std::vector<double> unused_log_noise_;
};

extern template class HessianVector<float>;
extern template class HessianVector<double>;

}  // namespace altocast
