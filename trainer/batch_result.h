// What a training step's tasks sum up: gradients and figures for the log. One list of its planes serves clearing,
// adding, averaging, and the messages between ranks, for which the planes form one row of 64-byte blocks.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "runtime/gaussian.h"
#include "runtime/inner_loop.h"
#include "trainer/communicator.h"
#include "trainer/fit_settings.h"

namespace altocast {

struct BatchResult {
  BatchResult() = default;
  explicit BatchResult(const FitSettings& settings);  // all zero

  Gaussian<float> grad_theta;          // mean over tasks
  std::vector<double> grad_log_noise;  // [L]
  InnerRates<double> grad_log_rates;   // ∂/∂ log α, zeros in the warm-up and where rates are not learned
  double loss = 0;                     // mean over tasks: outer loss, or the NLL a term in the warm-up
  double support_before = 0;           // NLL a term on the support set at λ = θ …
  double support_after = 0;            // … and at the last inner step
  double kl = 0;
  int clipped_steps = 0;  // inner steps whose gradient was limited

  // Visits each plane as a span of floats, doubles or, for counts, which are summed but not averaged, ints.
  template <class Self, class Visit>
  static void for_each_plane(Self& self, const Visit& visit) {
    visit(std::span(self.grad_theta.mu));
    visit(std::span(self.grad_theta.rho));
    visit(std::span(self.grad_log_noise));
    visit(std::span(self.grad_log_rates.mu));
    visit(std::span(self.grad_log_rates.rho));
    visit(std::span(&self.loss, 1));
    visit(std::span(&self.support_before, 1));
    visit(std::span(&self.support_after, 1));
    visit(std::span(&self.kl, 1));
    visit(std::span(&self.clipped_steps, 1));
  }

  void clear();
  void divide(int tasks);  // from a sum over tasks to the mean
  bool is_finite() const;
};

// The planes of a result in memory, in the order of for_each_plane. Good for as long as the result keeps its sizes.
using PlaneAddresses = std::vector<std::byte*>;
PlaneAddresses addresses(BatchResult& result);

// Where a result's planes lie in a row of blocks: each begins with a block, and zeros fill its last one. Ranges
// [first, end) are of blocks; `packed` points to the first of a range.
class BlockRow {
 public:
  explicit BlockRow(const BatchResult& like);

  std::size_t size() const { return size_; }

  void pack(const PlaneAddresses& planes, std::size_t first, std::size_t end, Block* packed) const;
  void unpack(const Block* packed, std::size_t first, std::size_t end, const PlaneAddresses& planes) const;
  void add(const PlaneAddresses& into, const PlaneAddresses& from, std::size_t first, std::size_t end) const;
  void add(Block* into, const Block* from, std::size_t first, std::size_t end) const;

 private:
  using Add = void (*)(std::byte* into, const std::byte* from, std::size_t bytes);
  struct Plane {
    std::size_t first_block, bytes;
    Add add;
  };
  template <class Visit>
  void for_each_piece(std::size_t first, std::size_t end, const Visit& visit) const;

  std::vector<Plane> planes_;
  std::size_t size_ = 0;
};

}  // namespace altocast
