// The observation model at the network's end: out = base + head, u = (target − out) e^{−s_ℓ}, and
//   NLL = Σ over leads and pixels of h(u) + s_ℓ + log Z,
// h(u) = ½ u² and Z = √2π for the Gaussian; for Huber's density (Huber, Robust estimation of a location parameter,
// 1964), h(u) = ½ u² up to |u| = c and c |u| − ½ c² beyond, so that a few large errors do not outweigh the rest. With ψ
// = h′, the gradient is δhead = −ψ(u) e^{−s_ℓ}, ∂NLL/∂s_ℓ = Σ 1 − u ψ(u), and their tangents along ȯ = head's tangent
// are δȯ = ψ′(u) ȯ e^{−2 s_ℓ}, (∂NLL/∂s_ℓ)˙ = Σ (ψ(u) + u ψ′(u)) ȯ e^{−s_ℓ}. Where errors are mostly beyond c, the best
// e^s is c times their mean absolute value. The head may be larger than the target (the network pads its input); the
// surplus has no loss and no gradient.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "formats/prior.h"
#include "runtime/tensor.h"
#include "runtime/thread_pool.h"

namespace altocast {

inline constexpr double kHalfLog2Pi = 0.91893853320467274178;  // ½ log 2π
inline constexpr double kHuberLimit = 0.5;                     // c …
inline constexpr double kHuberLogZ = 1.5018166316733892;  // … and log Z, Z = √2π erf(c / √2) + 2 e^{−c²/2} / c

// One training pair as the network sees it, plain [channels][height][width] each, all normalised.
template <class T>
struct Sample {
  const T* frames = nullptr;  // [input_frames, H, W], oldest first
  const T* base =
      nullptr;  // [base_leads, H, W]: what the network's output is added to (and what an advected base's network sees)
  int base_leads = 0;         // 0: nothing; 1: one frame for every lead; else one a lead
  const T* target = nullptr;  // [leads, H, W]; unused when forecasting

  const T* base_at(int lead, std::size_t pixels) const {
    if (base_leads == 0) return nullptr;
    return base + (base_leads == 1 ? 0 : static_cast<std::size_t>(lead) * pixels);
  }
};

template <class T>
class ObservationNll {
 public:
  ObservationNll(int leads, int height, int width);

  // Terms of the sum a sample: leads · height · width.
  std::size_t terms() const { return static_cast<std::size_t>(leads_) * pixels(); }

  void set_likelihood(Likelihood likelihood) { likelihood_ = likelihood; }

  // out[lead, y, x] = base + head; a head whose first row is `first_row` fills its rows alone.
  void forecast(const Tensor<T>& head, const Sample<T>& sample, T* out, ThreadPool& threads, int first_row = 0) const;

  // The NLL.
  double value(const Tensor<T>& head, const Sample<T>& sample, const T* log_noise, ThreadPool& threads) {
    return evaluate(head, sample, log_noise, nullptr, nullptr, threads);
  }

  // The same bits; writes δhead, adds to grad_log_noise [leads].
  double backward(const Tensor<T>& head, const Sample<T>& sample, const T* log_noise, const Tensor<T>& grad_head,
                  double* grad_log_noise, ThreadPool& threads) {
    return evaluate(head, sample, log_noise, &grad_head, grad_log_noise, threads);
  }

  // Writes the tangent of δhead, adds the tangent of ∂NLL/∂s to tan_grad_log_noise [leads].
  void tangent_backward(const Tensor<T>& head, const Tensor<T>& tan_head, const Sample<T>& sample, const T* log_noise,
                        const Tensor<T>& tan_grad_head, double* tan_grad_log_noise, ThreadPool& threads);

 private:
  std::size_t pixels() const { return static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_); }
  double sum_of_rows(const std::vector<double>& rows, int lead) const;
  // The gradients may be null.
  double evaluate(const Tensor<T>& head, const Sample<T>& sample, const T* log_noise, const Tensor<T>* grad_head,
                  double* grad_log_noise, ThreadPool& threads);

  int leads_, height_, width_;
  // ψ's limit c, in units of e^s.
  T limit() const {
    return likelihood_ == Likelihood::huber ? static_cast<T>(kHuberLimit) : std::numeric_limits<T>::infinity();
  }

  Likelihood likelihood_ = Likelihood::gaussian;
  std::vector<double> rows_, bounded_rows_;  // [leads][height]: partial sums, added in order
};

extern template class ObservationNll<float>;
extern template class ObservationNll<double>;

}  // namespace altocast
