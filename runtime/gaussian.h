// Gaussians over the network's weights with diagonal covariance, N(μ, diag e^{2ρ}), and their Kullback–Leibler
// divergence. Loops over the D weights are shared among threads in a fixed number of parts; sums run in double within a
// part and then over the parts in order, so that the number of threads changes no bit.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/thread_pool.h"

namespace altocast {

template <class T>
struct Gaussian {
  std::vector<T> mu;   // [D]
  std::vector<T> rho;  // [D], log of the standard deviation

  Gaussian() = default;
  explicit Gaussian(std::size_t size) : mu(size), rho(size) {}
  std::size_t size() const { return mu.size(); }
};

inline constexpr int kWeightParts = 64;

// Calls body(part, first, end) for the parts of the weights 0 … size − 1.
template <class Body>
void for_weight_parts(std::size_t size, ThreadPool& threads, const Body& body) {
  const auto begin = [size](int part) { return size * static_cast<std::size_t>(part) / kWeightParts; };
  threads.parallel_for(kWeightParts, [&](int part) { body(part, begin(part), begin(part + 1)); });
}

// What is needed of some weights only here and now lies in arrays of this size, of which compilers make vector code.
inline constexpr std::size_t kWeightChunk = 512;

// Σ of term(i), i < count, in double: in eight sums side by side, since each addition waits for the one before it, and
// these in a tree.
template <class Term>
double chunk_sum(std::size_t count, const Term& term) {
  constexpr std::size_t kSums = 8;
  double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += term(i + k);
  }
  for (; i < count; ++i) sums[i % kSums] += term(i);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

template <class T>
void set_zero(std::vector<T>& values, ThreadPool& threads) {
  for_weight_parts(values.size(), threads, [&](int, std::size_t first, std::size_t end) {
    std::fill_n(values.data() + first, end - first, T{0});
  });
}

// Σ of body(first, end), a double, over the parts.
template <class Body>
double sum_weight_parts(std::size_t size, ThreadPool& threads, const Body& body) {
  std::array<double, kWeightParts> sums;
  for_weight_parts(size, threads, [&](int part, std::size_t first, std::size_t end) {
    sums[static_cast<std::size_t>(part)] = body(first, end);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

// φ = μ + e^ρ ⊙ ε. φ may be ε.
template <class T>
void sample_weights(std::span<const T> mu, std::span<const T> rho, std::span<const T> epsilon, std::span<T> phi,
                    ThreadPool& threads);

// KL(q ‖ p) = Σ ρ_p − ρ_q + (e^{2ρ_q} + (μ_q − μ_p)²) / (2 e^{2ρ_p}) − ½. Never negative, and accurate however near q
// is to p.
template <class T>
double kl_divergence(const Gaussian<T>& q, const Gaussian<T>& p, ThreadPool& threads);

// weight · ∂KL(q ‖ p)/∂q of `count` weights, at most kWeightChunk, from `first` on, into grad_mu and grad_rho [count]:
// ∂μ_q = (μ_q − μ_p) e^{−2ρ_p},  ∂ρ_q = e^{2(ρ_q − ρ_p)} − 1. q's μ and ρ begin at those weights.
template <class T>
void kl_gradient(const T* q_mu, const T* q_rho, const Gaussian<T>& p, std::size_t first, std::size_t count, T weight,
                 T* grad_mu, T* grad_rho);

extern template void sample_weights(std::span<const float>, std::span<const float>, std::span<const float>,
                                    std::span<float>, ThreadPool&);
extern template void sample_weights(std::span<const double>, std::span<const double>, std::span<const double>,
                                    std::span<double>, ThreadPool&);
extern template double kl_divergence(const Gaussian<float>&, const Gaussian<float>&, ThreadPool&);
extern template double kl_divergence(const Gaussian<double>&, const Gaussian<double>&, ThreadPool&);
extern template void kl_gradient(const float*, const float*, const Gaussian<float>&, std::size_t, std::size_t, float,
                                 float*, float*);
extern template void kl_gradient(const double*, const double*, const Gaussian<double>&, std::size_t, std::size_t,
                                 double, double*, double*);

}  // namespace altocast
