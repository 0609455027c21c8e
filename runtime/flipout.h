// Flipout (Wen et al., Flipout: Efficient Pseudo-Independent Weight Perturbations on Mini-Batches, ICLR 2018) for a
// network of convolutions: pairs of frames that share a weight sample's noise ε each see it under random signs of their
// own,
//   ε_n = ε ⊙ r_n s_nᵀ,
// r_n a sign for each output channel of a convolution, s_n one for each input channel; its bias, gamma and beta take
// r_n alone. ε_n is as normal as ε, so each pair's law is that of the posterior; but products of different pairs' noise
// have mean zero over the signs, and errors of their gradients average out.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "formats/network_spec.h"
#include "runtime/thread_pool.h"

namespace altocast {

class Flipout {
 public:
  explicit Flipout(const NetworkSpec& spec);

  // Signs that a pair takes: for each convolution in canonical order r [out], then s [in].
  std::size_t sign_count() const { return sign_count_; }

  // ε ⊙= r sᵀ; a second time with the same signs gives ε back. epsilon [D], signs [sign_count()], each 1 or −1.
  template <class T>
  void apply(std::span<const T> signs, std::span<T> epsilon, ThreadPool& threads) const;

 private:
  // A parameter tensor seen as a matrix [rows, columns] of runs of `run` weights with one sign.
  struct Matrix {
    std::size_t offset, size;
    std::size_t columns, run;
    std::size_t row_signs, column_signs;  // where its r and s begin
    bool has_columns;                     // else r alone
  };
  std::vector<Matrix> tensors_;
  std::size_t sign_count_ = 0;
};

extern template void Flipout::apply(std::span<const float>, std::span<float>, ThreadPool&) const;
extern template void Flipout::apply(std::span<const double>, std::span<double>, ThreadPool&) const;

}  // namespace altocast
