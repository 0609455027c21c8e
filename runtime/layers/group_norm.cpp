#include "runtime/layers/group_norm.h"

#include <algorithm>
#include <cmath>

namespace altocast {
namespace {

constexpr double kEpsilon = 1e-5;

// Calls body(channel, tensor index) for every pixel of a channel, row by row.
template <class T, class Body>
void for_each_pixel(const Tensor<T>& tensor, int channel, const Body& body) {
  const int block = tensor.layout.block;
  for (int y = 0; y < tensor.extent.height; ++y) {
    const auto first = static_cast<std::size_t>(&tensor.at(channel, y, 0) - tensor.data);
    for (int x = 0; x < tensor.extent.width; ++x) body(first + static_cast<std::size_t>(x * block));
  }
}

double pixels(Extent extent) { return static_cast<double>(extent.height) * static_cast<double>(extent.width); }

}  // namespace

template <class T>
GroupNorm<T>::GroupNorm(int channels, int groups)
    : channels_(channels),
      group_size_(channels / groups),
      statistics_(static_cast<std::size_t>(groups)),
      sums_(static_cast<std::size_t>(channels * kSums)),
      group_means_(static_cast<std::size_t>(groups * kSums)) {}

template <class T>
void GroupNorm<T>::average_sums(double elements_per_channel) {
  std::fill(group_means_.begin(), group_means_.end(), 0.0);
  for (int c = 0; c < channels_; ++c) {
    for (int i = 0; i < kSums; ++i) {
      group_means_[static_cast<std::size_t>(c / group_size_ * kSums + i)] += channel_sums(c)[i];
    }
  }
  for (double& mean : group_means_) mean /= elements_per_channel * group_size_;
}

template <class T>
void GroupNorm<T>::forward(const Tensor<T>& z, const T* gamma, const T* beta, const Tensor<T>& y, ThreadPool& threads) {
  threads.parallel_for(channels_, [&](int c) {
    double sum = 0;
    for_each_pixel(z, c, [&](std::size_t i) { sum += static_cast<double>(z.data[i]); });
    channel_sums(c)[0] = sum;
  });
  average_sums(pixels(z.extent));
  for (int c = 0; c < channels_; c += group_size_) {
    statistics_[static_cast<std::size_t>(c / group_size_)].mean = group_means(c)[0];
  }
  threads.parallel_for(channels_, [&](int c) {
    const double mean = statistics(c).mean;
    double sum = 0;
    for_each_pixel(z, c, [&](std::size_t i) {
      const double d = static_cast<double>(z.data[i]) - mean;
      sum += d * d;
    });
    channel_sums(c)[0] = sum;
  });
  average_sums(pixels(z.extent));
  for (int c = 0; c < channels_; c += group_size_) {
    statistics_[static_cast<std::size_t>(c / group_size_)].scale = 1.0 / std::sqrt(group_means(c)[0] + kEpsilon);
  }
  threads.parallel_for(channels_, [&](int c) {
    const T mean = static_cast<T>(statistics(c).mean);
    const T scale = static_cast<T>(statistics(c).scale);
    for_each_pixel(z, c, [&](std::size_t i) { y.data[i] = gamma[c] * (scale * (z.data[i] - mean)) + beta[c]; });
  });
}

template <class T>
void GroupNorm<T>::backward(const Tensor<T>& z, const T* gamma, const Tensor<T>& grad_y, const Tensor<T>& grad_z,
                            T* grad_gamma, T* grad_beta, ThreadPool& threads) {
  threads.parallel_for(channels_, [&](int c) {
    const double mean = statistics(c).mean;
    const double scale = statistics(c).scale;
    double sum = 0, projected = 0;
    for_each_pixel(z, c, [&](std::size_t i) {
      const double g = static_cast<double>(grad_y.data[i]);
      sum += g;
      projected += g * (scale * (static_cast<double>(z.data[i]) - mean));
    });
    if (grad_beta) grad_beta[c] += static_cast<T>(sum);
    if (grad_gamma) grad_gamma[c] += static_cast<T>(projected);
    channel_sums(c)[0] = static_cast<double>(gamma[c]) * sum;
    channel_sums(c)[1] = static_cast<double>(gamma[c]) * projected;
  });
  average_sums(pixels(z.extent));
  threads.parallel_for(channels_, [&](int c) {
    const T mean = static_cast<T>(statistics(c).mean);
    const T scale = static_cast<T>(statistics(c).scale);
    const T a = static_cast<T>(group_means(c)[0]);
    const T b = static_cast<T>(group_means(c)[1]);
    for_each_pixel(z, c, [&](std::size_t i) {
      const T normal = scale * (z.data[i] - mean);
      grad_z.data[i] = scale * (gamma[c] * grad_y.data[i] - a - normal * b);
    });
  });
}

template <class T>
void GroupNorm<T>::tangent(const Tensor<T>& z, const Tensor<T>& tan_z, const T* gamma, const T* tan_gamma,
                           const T* tan_beta, const Tensor<T>& tan_y, ThreadPool& threads) {
  threads.parallel_for(channels_, [&](int c) {
    const double mean = statistics(c).mean;
    const double scale = statistics(c).scale;
    double sum = 0, projected = 0;
    for_each_pixel(z, c, [&](std::size_t i) {
      const double t = static_cast<double>(tan_z.data[i]);
      sum += t;
      projected += t * (scale * (static_cast<double>(z.data[i]) - mean));
    });
    channel_sums(c)[0] = sum;
    channel_sums(c)[1] = projected;
  });
  average_sums(pixels(z.extent));
  for (int c = 0; c < channels_; c += group_size_) {
    GroupStatistics& group = statistics_[static_cast<std::size_t>(c / group_size_)];
    group.tan_mean = group_means(c)[0];
    group.tan_projected = group_means(c)[1];
  }
  threads.parallel_for(channels_, [&](int c) {
    const T mean = static_cast<T>(statistics(c).mean);
    const T scale = static_cast<T>(statistics(c).scale);
    const T tan_mean = static_cast<T>(statistics(c).tan_mean);
    const T tan_projected = static_cast<T>(statistics(c).tan_projected);
    for_each_pixel(z, c, [&](std::size_t i) {
      const T normal = scale * (z.data[i] - mean);
      const T tan_normal = scale * (tan_z.data[i] - tan_mean - normal * tan_projected);
      tan_y.data[i] = tan_gamma[c] * normal + gamma[c] * tan_normal + tan_beta[c];
    });
  });
}

template <class T>
void GroupNorm<T>::tangent_backward(const Tensor<T>& z, const Tensor<T>& tan_z, const T* gamma, const T* tan_gamma,
                                    const Tensor<T>& grad_y, const Tensor<T>& tan_grad_y, const Tensor<T>& tan_grad_z,
                                    T* tan_grad_gamma, T* tan_grad_beta, ThreadPool& threads) {
  threads.parallel_for(channels_, [&](int c) {
    const double mean = statistics(c).mean;
    const double scale = statistics(c).scale;
    const double tan_mean = statistics(c).tan_mean;
    const double tan_projected = statistics(c).tan_projected;
    const double g = static_cast<double>(gamma[c]);
    const double tan_g = static_cast<double>(tan_gamma[c]);
    double grad_sum = 0, grad_normal = 0, grad_tan_normal = 0, tan_sum = 0, tan_normal_sum = 0;
    for_each_pixel(z, c, [&](std::size_t i) {
      const double normal = scale * (static_cast<double>(z.data[i]) - mean);
      const double tan_normal = scale * (static_cast<double>(tan_z.data[i]) - tan_mean - normal * tan_projected);
      const double grad = static_cast<double>(grad_y.data[i]);
      const double tan_grad = static_cast<double>(tan_grad_y.data[i]);
      grad_sum += grad;
      grad_normal += grad * normal;
      grad_tan_normal += grad * tan_normal;
      tan_sum += tan_grad;
      tan_normal_sum += tan_grad * normal;
    });
    tan_grad_beta[c] += static_cast<T>(tan_sum);
    tan_grad_gamma[c] += static_cast<T>(tan_normal_sum + grad_tan_normal);
    double* sums = channel_sums(c);
    sums[0] = g * grad_sum;                                                    // δẑ
    sums[1] = g * grad_normal;                                                 // δẑ ẑ
    sums[2] = tan_g * grad_sum + g * tan_sum;                                  // δẑ˙
    sums[3] = tan_g * grad_normal + g * tan_normal_sum + g * grad_tan_normal;  // δẑ˙ ẑ + δẑ ẑ˙
  });
  average_sums(pixels(z.extent));
  threads.parallel_for(channels_, [&](int c) {
    const GroupStatistics& group = statistics(c);
    const T mean = static_cast<T>(group.mean);
    const T scale = static_cast<T>(group.scale);
    const T tan_mean = static_cast<T>(group.tan_mean);
    const T tan_projected = static_cast<T>(group.tan_projected);
    const T tan_scale = static_cast<T>(-group.scale * group.scale * group.tan_projected);
    const double* means = group_means(c);
    const T a = static_cast<T>(means[0]);
    const T b = static_cast<T>(means[1]);
    const T tan_a = static_cast<T>(means[2]);
    const T tan_b = static_cast<T>(means[3]);
    for_each_pixel(z, c, [&](std::size_t i) {
      const T normal = scale * (z.data[i] - mean);
      const T tan_normal = scale * (tan_z.data[i] - tan_mean - normal * tan_projected);
      const T grad_normal = gamma[c] * grad_y.data[i];
      const T tan_grad_normal = tan_gamma[c] * grad_y.data[i] + gamma[c] * tan_grad_y.data[i];
      tan_grad_z.data[i] = tan_scale * (grad_normal - a - normal * b) +
                           scale * (tan_grad_normal - tan_a - tan_normal * b - normal * tan_b);
    });
  });
}

template class GroupNorm<float>;
template class GroupNorm<double>;

}  // namespace altocast
