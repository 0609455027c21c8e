// The observation model at the network's end: out = base + head, r = target − out, and
//   NLL = Σ over leads and pixels of r² / (2 e^{2 s_ℓ}) + s_ℓ + ½ log 2π
// with its gradient δhead = −r e^{−2 s_ℓ}, ∂NLL/∂s_ℓ = Σ 1 − r² e^{−2 s_ℓ}, and their tangents along ȯ = head's
// tangent: δȯ = ȯ e^{−2 s_ℓ}, (∂NLL/∂s_ℓ)˙ = Σ 2 r ȯ e^{−2 s_ℓ}. With a residual limit c, δhead is that of Huber's
// loss, r cut off at ± c e^{s_ℓ}, so that a few large errors do not outweigh the rest. The head may be larger than the
// target (the network pads its input); the surplus has no loss and no gradient.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "runtime/tensor.h"
#include "runtime/thread_pool.h"

namespace altocast {

inline constexpr double kHalfLog2Pi = 0.91893853320467274178;  // ½ log 2π

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
class GaussianNll {
 public:
  GaussianNll(int leads, int height, int width);

  // Terms of the sum a sample: leads · height · width.
  std::size_t terms() const { return static_cast<std::size_t>(leads_) * pixels(); }

  // In units of e^s; for backward() alone, whose value and ∂NLL/∂s stay the NLL's.
  void set_residual_limit(T limit) { residual_limit_ = limit; }

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
  double row_sum(int lead) const;
  // The gradients may be null.
  double evaluate(const Tensor<T>& head, const Sample<T>& sample, const T* log_noise, const Tensor<T>* grad_head,
                  double* grad_log_noise, ThreadPool& threads);

  int leads_, height_, width_;
  T residual_limit_ = std::numeric_limits<T>::infinity();
  std::vector<double> rows_;  // [leads][height]: partial sums, added in order
};

extern template class GaussianNll<float>;
extern template class GaussianNll<double>;

}  // namespace altocast
