#include "runtime/gaussian.h"

#include "runtime/elementary.h"

namespace altocast {

template <class T>
void sample_weights(const Gaussian<T>& q, std::span<const T> epsilon, std::span<T> phi) {
  for (std::size_t d = 0; d < q.size(); ++d) phi[d] = q.mu[d] + portable_exp(q.rho[d]) * epsilon[d];
}

template <class T>
double kl_divergence(const Gaussian<T>& q, const Gaussian<T>& p) {
  double sum = 0;
  for (std::size_t d = 0; d < q.size(); ++d) {
    const double log_ratio = static_cast<double>(q.rho[d]) - static_cast<double>(p.rho[d]);
    const auto ratio = static_cast<double>(portable_exp(static_cast<T>(log_ratio)));
    const double shift = (static_cast<double>(q.mu[d]) - static_cast<double>(p.mu[d])) *
                         static_cast<double>(portable_exp(-p.rho[d]));
    sum += 0.5 * (ratio * ratio + shift * shift - 1.0) - log_ratio;
  }
  return sum;
}

template <class T>
void add_kl_gradient(const Gaussian<T>& q, const Gaussian<T>& p, T weight, Gaussian<T>& gradient) {
  for (std::size_t d = 0; d < q.size(); ++d) {
    gradient.mu[d] += weight * ((q.mu[d] - p.mu[d]) * portable_exp(T{-2} * p.rho[d]));
    gradient.rho[d] += weight * (portable_exp(T{2} * (q.rho[d] - p.rho[d])) - T{1});
  }
}

template void sample_weights(const Gaussian<float>&, std::span<const float>, std::span<float>);
template void sample_weights(const Gaussian<double>&, std::span<const double>, std::span<double>);
template double kl_divergence(const Gaussian<float>&, const Gaussian<float>&);
template double kl_divergence(const Gaussian<double>&, const Gaussian<double>&);
template void add_kl_gradient(const Gaussian<float>&, const Gaussian<float>&, float, Gaussian<float>&);
template void add_kl_gradient(const Gaussian<double>&, const Gaussian<double>&, double, Gaussian<double>&);

}  // namespace altocast
