#include "runtime/symmetry.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

namespace altocast {
namespace {

constexpr int kTurns = 4;
constexpr std::size_t kSide = 3;
using Kernel = std::array<float, kSide * kSide>;

// Where the values of the turned kernel come from in the plain one.
std::array<std::size_t, kSide * kSide> sources(int symmetry) {
  std::array<std::size_t, kSide * kSide> from{};
  for (std::size_t y = 0; y < kSide; ++y) {
    for (std::size_t x = 0; x < kSide; ++x) {
      std::size_t row = y, column = x;
      for (int turn = 0; turn < symmetry % kTurns; ++turn) row = std::exchange(column, kSide - 1 - row);
      if (symmetry >= kTurns) column = kSide - 1 - column;
      from[y * kSide + x] = row * kSide + column;
    }
  }
  return from;
}

}  // namespace

KernelSymmetry::KernelSymmetry(const NetworkSpec& spec) : tensors_(parameter_layout(spec)) {
  std::erase_if(tensors_, [](const ParameterTensor& tensor) { return tensor.shape[2] * tensor.shape[3] == 1; });
  assert(std::all_of(tensors_.begin(), tensors_.end(), [](const ParameterTensor& tensor) {
    return tensor.shape[2] == kSide && tensor.shape[3] == kSide;
  }));
}

void KernelSymmetry::turn(int symmetry, std::span<float> phi) const {
  assert(symmetry >= 0 && symmetry < kSymmetries);
  if (symmetry == 0) return;
  const auto from = sources(symmetry);
  for (const ParameterTensor& tensor : tensors_) {
    for (std::size_t first = tensor.offset; first < tensor.offset + tensor.size; first += from.size()) {
      Kernel plain;
      std::copy_n(&phi[first], plain.size(), plain.begin());
      for (std::size_t i = 0; i < plain.size(); ++i) phi[first + i] = plain[from[i]];
    }
  }
}

MeanForecast::MeanForecast(UNet<float>& network)
    : network_(network), symmetry_(network.spec()), one_(network.terms()) {}

void MeanForecast::forward(std::span<float> phi, const Sample<float>& sample, std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0f);
  for (int turn = 0; turn < kTurns; ++turn) {
    network_.set_weights(phi.data());
    network_.forward(sample, one_.data());
    for (std::size_t i = 0; i < one_.size(); ++i) out[i] += one_[i] * (1.0f / kTurns);
    symmetry_.turn(1, phi);
  }
}

}  // namespace altocast
