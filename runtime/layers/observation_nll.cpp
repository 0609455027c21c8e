#include "runtime/layers/observation_nll.h"

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
ObservationNll<T>::ObservationNll(int leads, int height, int width)
    : leads_(leads),
      height_(height),
      width_(width),
      rows_(static_cast<std::size_t>(leads * height)),
      bounded_rows_(rows_) {}

template <class T>
double ObservationNll<T>::sum_of_rows(const std::vector<double>& rows, int lead) const {
  double sum = 0;
  for (int y = 0; y < height_; ++y) sum += rows[static_cast<std::size_t>(lead * height_ + y)];
  return sum;
}

template <class T>
void ObservationNll<T>::forecast(const Tensor<T>& head, const Sample<T>& sample, T* out, ThreadPool& threads,
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
double ObservationNll<T>::evaluate(const Tensor<T>& head, const Sample<T>& sample, const T* log_noise,
                                   const Tensor<T>* grad_head, double* grad_log_noise, ThreadPool& threads) {
  for_each_row(leads_, height_, width_, threads, [&](int lead, int y, std::size_t first) {
    const T precision = portable_exp(T{-2} * log_noise[lead]);
    const T bound = limit() * portable_exp(log_noise[lead]);
    const T* base = sample.base_at(lead, pixels());
    const T* base_row = base ? base + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) : nullptr;
    const T* target = sample.target + first;
    const int block = head.layout.block;
    const T* head_row = &head.at(lead, y, 0);
    T* grad_row = grad_head ? &grad_head->at(lead, y, 0) : nullptr;
    double sum = 0, squares = 0;
    for (int x = 0; x < width_; ++x) {
      const T change = head_row[x * block];
      const T residual = target[x] - (base_row ? base_row[x] + change : change);
      const T bounded = std::clamp(residual, -bound, bound);  // ψ(u) e^s
      if (grad_row) grad_row[x * block] = -bounded * precision;
      sum += static_cast<double>(residual) * static_cast<double>(bounded * precision);
      squares += static_cast<double>(bounded) * static_cast<double>(bounded * precision);
    }
    rows_[static_cast<std::size_t>(lead * height_ + y)] = sum;
    bounded_rows_[static_cast<std::size_t>(lead * height_ + y)] = squares;
  });
  const double log_z = likelihood_ == Likelihood::huber ? kHuberLogZ : kHalfLog2Pi;
  double nll = 0;
  for (int lead = 0; lead < leads_; ++lead) {
    const double products = sum_of_rows(rows_, lead);         // of u ψ
    const double squares = sum_of_rows(bounded_rows_, lead);  // of ψ²; h = u ψ − ½ ψ²
    const auto count = static_cast<double>(pixels());
    nll += products - 0.5 * squares + count * (static_cast<double>(log_noise[lead]) + log_z);
    if (grad_log_noise) grad_log_noise[lead] += count - products;
  }
  return nll;
}

template <class T>
void ObservationNll<T>::tangent_backward(const Tensor<T>& head, const Tensor<T>& tan_head, const Sample<T>& sample,
                                         const T* log_noise, const Tensor<T>& tan_grad_head, double* tan_grad_log_noise,
                                         ThreadPool& threads) {
  for_each_row(leads_, height_, width_, threads, [&](int lead, int y, std::size_t first) {
    const T precision = portable_exp(T{-2} * log_noise[lead]);
    const T bound = limit() * portable_exp(log_noise[lead]);
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
      const T bounded = std::clamp(residual, -bound, bound);
      const T along = tan_row[x * block] * precision;
      tan_grad_row[x * block] = bounded == residual ? along : T{0};
      // ψ + u ψ′, by e^s
      const T slope = bounded == residual ? T{2} * residual : bounded;
      sum += static_cast<double>(slope) * static_cast<double>(along);
    }
    rows_[static_cast<std::size_t>(lead * height_ + y)] = sum;
  });
  for (int lead = 0; lead < leads_; ++lead) tan_grad_log_noise[lead] += sum_of_rows(rows_, lead);
}

template class ObservationNll<float>;
template class ObservationNll<double>;

}  // namespace altocast
