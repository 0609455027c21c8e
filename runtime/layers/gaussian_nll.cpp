#include "runtime/layers/gaussian_nll.h"

#include <algorithm>

#include "runtime/elementary.h"

namespace altocast {
namespace {

// Calls body(lead, y, first element of the row in plain arrays, row in the head's layout) for every row.
template <class Body>
void for_each_row(int leads, int height, int width, ThreadPool& threads, const Body& body) {
  threads.parallel_for(leads * height, [&](int row) {
    body(row / height, row % height, static_cast<std::size_t>(row) * static_cast<std::size_t>(width));
  });
}

}  // namespace

template <class T>
GaussianNll<T>::GaussianNll(int leads, int height, int width)
    : leads_(leads), height_(height), width_(width), rows_(static_cast<std::size_t>(leads * height)) {}

template <class T>
double GaussianNll<T>::row_sum(int lead) const {
  double sum = 0;
  for (int y = 0; y < height_; ++y) sum += rows_[static_cast<std::size_t>(lead * height_ + y)];
  return sum;
}

template <class T>
void GaussianNll<T>::forecast(const Tensor<T>& head, const Sample<T>& sample, T* out, ThreadPool& threads,
                              int first_row) const {
  const int rows = std::min(head.extent.height, height_ - first_row);
  for_each_row(leads_, rows, width_, threads, [&](int lead, int y, std::size_t) {
    const std::size_t row = static_cast<std::size_t>(first_row + y) * static_cast<std::size_t>(width_);
    const T* base = sample.base_at(lead, pixels());
    const T* base_row = base ? base + row : nullptr;
    const T* head_row = &head.at(lead, y, 0);
    T* out_row = out + static_cast<std::size_t>(lead) * pixels() + row;
    for (int x = 0; x < width_; ++x) {
      const T change = head_row[x * head.layout.block];
      out_row[x] = base_row ? base_row[x] + change : change;
    }
  });
}

template <class T>
double GaussianNll<T>::evaluate(const Tensor<T>& head, const Sample<T>& sample, const T* log_noise,
                                const Tensor<T>* grad_head, double* grad_log_noise, ThreadPool& threads) {
  for_each_row(leads_, height_, width_, threads, [&](int lead, int y, std::size_t first) {
    const T precision = portable_exp(T{-2} * log_noise[lead]);
    const T limit = residual_limit_ * portable_exp(log_noise[lead]);
    const T* base = sample.base_at(lead, pixels());
    const T* base_row = base ? base + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) : nullptr;
    const T* target = sample.target + first;
    const int block = head.layout.block;
    const T* head_row = &head.at(lead, y, 0);
    T* grad_row = grad_head ? &grad_head->at(lead, y, 0) : nullptr;
    double sum = 0;
    for (int x = 0; x < width_; ++x) {
      const T change = head_row[x * block];
      const T residual = target[x] - (base_row ? base_row[x] + change : change);
      if (grad_row) grad_row[x * block] = -std::clamp(residual, -limit, limit) * precision;
      sum += static_cast<double>(residual) * static_cast<double>(residual * precision);
    }
    rows_[static_cast<std::size_t>(lead * height_ + y)] = sum;
  });
  double nll = 0;
  for (int lead = 0; lead < leads_; ++lead) {
    const double squares = row_sum(lead);
    const auto count = static_cast<double>(pixels());
    nll += 0.5 * squares + count * (static_cast<double>(log_noise[lead]) + kHalfLog2Pi);
    if (grad_log_noise) grad_log_noise[lead] += count - squares;
  }
  return nll;
}

template <class T>
void GaussianNll<T>::tangent_backward(const Tensor<T>& head, const Tensor<T>& tan_head, const Sample<T>& sample,
                                      const T* log_noise, const Tensor<T>& tan_grad_head, double* tan_grad_log_noise,
                                      ThreadPool& threads) {
  for_each_row(leads_, height_, width_, threads, [&](int lead, int y, std::size_t first) {
    const T precision = portable_exp(T{-2} * log_noise[lead]);
    const T* base = sample.base_at(lead, pixels());
    const T* base_row = base ? base + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) : nullptr;
    const T* target = sample.target + first;
    const int block = head.layout.block;
    const T* head_row = &head.at(lead, y, 0);
    const T* tan_row = &tan_head.at(lead, y, 0);
    T* tan_grad_row = &tan_grad_head.at(lead, y, 0);
    double sum = 0;
    for (int x = 0; x < width_; ++x) {
      const T change = head_row[x * block];
      const T residual = target[x] - (base_row ? base_row[x] + change : change);
      const T tan_grad = tan_row[x * block] * precision;
      tan_grad_row[x * block] = tan_grad;
      sum += 2.0 * static_cast<double>(residual) * static_cast<double>(tan_grad);
    }
    rows_[static_cast<std::size_t>(lead * height_ + y)] = sum;
  });
  for (int lead = 0; lead < leads_; ++lead) tan_grad_log_noise[lead] += row_sum(lead);
}

template class GaussianNll<float>;
template class GaussianNll<double>;

}  // namespace altocast
