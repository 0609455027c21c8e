#include "runtime/gaussian.h"

#include <algorithm>
#include <cassert>

#include "runtime/elementary.h"
#include "runtime/weight_loops.h"

namespace altocast {
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
    double terms[kWeightChunk];
    double sum = 0;
    for (; first < end; first += kWeightChunk) {
      const std::size_t count = std::min(kWeightChunk, end - first);
      weight_loops<T>().divergence_terms(&q.mu[first], &q.rho[first], &p.mu[first], &p.rho[first], count, terms);
      sum += chunk_sum(count, [&](std::size_t i) { return terms[i]; });
    }
    return sum;
  });
}

template <class T>
void kl_gradient(const T* q_mu, const T* q_rho, const Gaussian<T>& p, std::size_t first, std::size_t count, T weight,
                 T* grad_mu, T* grad_rho) {
  assert(count <= kWeightChunk);
  T precisions[kWeightChunk], ratios[kWeightChunk];
  weight_loops<T>().divergence_factors(q_rho, &p.rho[first], count, precisions, ratios);
  const T* p_mu = &p.mu[first];
  T* __restrict to_mu = grad_mu;
  T* __restrict to_rho = grad_rho;
  for (std::size_t i = 0; i < count; ++i) {
    to_mu[i] = weight * ((q_mu[i] - p_mu[i]) * precisions[i]);
    to_rho[i] = weight * (ratios[i] - T{1});
  }
}

template void sample_weights(std::span<const float>, std::span<const float>, std::span<const float>, std::span<float>,
                             ThreadPool&);
template void sample_weights(std::span<const double>, std::span<const double>, std::span<const double>,
                             std::span<double>, ThreadPool&);
template double kl_divergence(const Gaussian<float>&, const Gaussian<float>&, ThreadPool&);
template double kl_divergence(const Gaussian<double>&, const Gaussian<double>&, ThreadPool&);
template void kl_gradient(const float*, const float*, const Gaussian<float>&, std::size_t, std::size_t, float, float*,
                          float*);
template void kl_gradient(const double*, const double*, const Gaussian<double>&, std::size_t, std::size_t, double,
                          double*, double*);

}  // namespace altocast
