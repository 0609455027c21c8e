// Group normalisation (Wu & He, 2018) of one image: with m, v the mean and variance over a group's channels and
// pixels, r = (v + 1e-5)^−½, ẑ = r (z − m), y = γ ẑ + β. Statistics are summed in double, row by row in a fixed order.
//
// With P(u) = u − mean(u) − ẑ mean(ẑ u) over the group, and a dot for the tangent:
//   backward          δẑ = γ δy,  δz = r P(δẑ),  δγ = Σ δy ẑ,  δβ = Σ δy
//   tangent           ẑ˙ = r P(ż),  r˙ = −r² mean(ẑ ż),  ẏ = γ˙ ẑ + γ ẑ˙ + β˙
//   tangent backward  δż = r˙ P(δẑ) + r (δẑ˙ − mean(δẑ˙) − ẑ˙ mean(δẑ ẑ) − ẑ mean(δẑ˙ ẑ + δẑ ẑ˙)),
//                     δẑ˙ = γ˙ δy + γ δẏ,  δγ˙ = Σ δẏ ẑ + δy ẑ˙,  δβ˙ = Σ δẏ
#pragma once

#include <vector>

#include "runtime/tensor.h"
#include "runtime/thread_pool.h"

namespace altocast {

// One layer's normalisation and the statistics of its last forward (and tangent) pass, which the later passes read.
// All tensors share extent and layout; gradients of parameters are added to; destinations may alias gradients. backward
// leaves out the gradients of parameters where they are null.
template <class T>
class GroupNorm {
 public:
  GroupNorm(int channels, int groups);

  void forward(const Tensor<T>& z, const T* gamma, const T* beta, const Tensor<T>& y, ThreadPool& threads);
  void backward(const Tensor<T>& z, const T* gamma, const Tensor<T>& grad_y, const Tensor<T>& grad_z, T* grad_gamma,
                T* grad_beta, ThreadPool& threads);
  void tangent(const Tensor<T>& z, const Tensor<T>& tan_z, const T* gamma, const T* tan_gamma, const T* tan_beta,
               const Tensor<T>& tan_y, ThreadPool& threads);
  // tan_grad_z may alias tan_grad_y; grad_y is only read.
  void tangent_backward(const Tensor<T>& z, const Tensor<T>& tan_z, const T* gamma, const T* tan_gamma,
                        const Tensor<T>& grad_y, const Tensor<T>& tan_grad_y, const Tensor<T>& tan_grad_z,
                        T* tan_grad_gamma, T* tan_grad_beta, ThreadPool& threads);

 private:
  struct GroupStatistics {
    double mean = 0, scale = 0;              // m, r
    double tan_mean = 0, tan_projected = 0;  // mean(ż), mean(ẑ ż)
  };
  static constexpr int kSums = 5;

  // Means over each group of the per-channel sums [channels][kSums] into group_means_.
  void average_sums(double elements_per_channel);
  const GroupStatistics& statistics(int channel) const {
    return statistics_[static_cast<std::size_t>(channel / group_size_)];
  }
  double* channel_sums(int channel) { return sums_.data() + channel * kSums; }
  const double* group_means(int channel) const { return group_means_.data() + channel / group_size_ * kSums; }

  int channels_;
  int group_size_;
  std::vector<GroupStatistics> statistics_;
  std::vector<double> sums_;         // [channels][kSums]
  std::vector<double> group_means_;  // [groups][kSums]
};

extern template class GroupNorm<float>;
extern template class GroupNorm<double>;

}  // namespace altocast
