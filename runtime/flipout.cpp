#include "runtime/flipout.h"

#include <algorithm>

#include "runtime/gaussian.h"

namespace altocast {

Flipout::Flipout(const NetworkSpec& spec) {
  std::size_t row_signs = 0;
  for (const ParameterTensor& tensor : parameter_layout(spec)) {
    const auto extent = [&](int axis) { return static_cast<std::size_t>(tensor.shape[axis]); };
    const bool weight = tensor.rank == 4;  // opens a convolution
    if (weight) {
      row_signs = sign_count_;
      sign_count_ += extent(0) + extent(1);
    }
    tensors_.push_back(
        {tensor.offset, tensor.size, extent(1), extent(2) * extent(3), row_signs, row_signs + extent(0), weight});
  }
}

template <class T>
void Flipout::apply(std::span<const T> signs, std::span<T> epsilon, ThreadPool& threads) const {
  for_weight_parts(epsilon.size(), threads, [&](int, std::size_t first, std::size_t end) {
    for (const Matrix& matrix : tensors_) {
      const std::size_t to = std::min(end, matrix.offset + matrix.size);
      for (std::size_t d = std::max(first, matrix.offset); d < to;) {
        const std::size_t run = (d - matrix.offset) / matrix.run;
        T sign = signs[matrix.row_signs + run / matrix.columns];
        if (matrix.has_columns) sign *= signs[matrix.column_signs + run % matrix.columns];
        const std::size_t run_end = std::min(to, matrix.offset + (run + 1) * matrix.run);
        for (; d < run_end; ++d) epsilon[d] *= sign;
      }
    }
  });
}

template void Flipout::apply(std::span<const float>, std::span<float>, ThreadPool&) const;
template void Flipout::apply(std::span<const double>, std::span<double>, ThreadPool&) const;

}  // namespace altocast
