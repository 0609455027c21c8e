#include "runtime/gaussian.h"

#include <algorithm>

#include "runtime/elementary.h"
#include "runtime/weight_loops.h"

namespace altocast {
namespace {

// Loops go through chunks of the weights, whose intermediate numbers lie in arrays of their own: so g++ makes vector
// code of them.
constexpr std::size_t kChunk = 256;

}  // namespace

template <class T>
void sample_weights(std::span<const T> mu, std::span<const T> rho, std::span<const T> epsilon, std::span<T> phi,
                    ThreadPool& threads) {
  for_weight_parts(mu.size(), threads, [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) phi[d] = mu[d] + portable_exp(rho[d]) * epsilon[d];
  });
}

template <class T>
double kl_divergence(const Gaussian<T>& q, const Gaussian<T>& p, ThreadPool& threads) {
  return sum_weight_parts(q.size(), threads, [&](std::size_t first, std::size_t end) {
    // Terms first, then their sum in order.
    double terms[kChunk];
    double sum = 0;
    for (; first < end; first += kChunk) {
      const std::size_t count = std::min(kChunk, end - first);
      weight_loops<T>().divergence_terms(&q.mu[first], &q.rho[first], &p.mu[first], &p.rho[first], count, terms);
      for (std::size_t i = 0; i < count; ++i) sum += terms[i];
    }
    return sum;
  });
}

template <class T>
void add_kl_gradient(const Gaussian<T>& q, const Gaussian<T>& p, T weight, Gaussian<T>& gradient, ThreadPool& threads) {
  for_weight_parts(q.size(), threads, [&](int, std::size_t first, std::size_t end) {
    T precisions[kChunk], ratios[kChunk];
    for (; first < end; first += kChunk) {
      const std::size_t count = std::min(kChunk, end - first);
      weight_loops<T>().divergence_factors(&q.rho[first], &p.rho[first], count, precisions, ratios);
      const T *q_mu = &q.mu[first], *p_mu = &p.mu[first];
      T* __restrict grad_mu = &gradient.mu[first];
      T* __restrict grad_rho = &gradient.rho[first];
      for (std::size_t i = 0; i < count; ++i) {
        grad_mu[i] += weight * ((q_mu[i] - p_mu[i]) * precisions[i]);
        grad_rho[i] += weight * (ratios[i] - T{1});
      }
    }
  });
}

template void sample_weights(std::span<const float>, std::span<const float>, std::span<const float>, std::span<float>,
                             ThreadPool&);
template void sample_weights(std::span<const double>, std::span<const double>, std::span<const double>,
                             std::span<double>, ThreadPool&);
template double kl_divergence(const Gaussian<float>&, const Gaussian<float>&, ThreadPool&);
template double kl_divergence(const Gaussian<double>&, const Gaussian<double>&, ThreadPool&);
template void add_kl_gradient(const Gaussian<float>&, const Gaussian<float>&, float, Gaussian<float>&, ThreadPool&);
template void add_kl_gradient(const Gaussian<double>&, const Gaussian<double>&, double, Gaussian<double>&, ThreadPool&);

}  // namespace altocast
