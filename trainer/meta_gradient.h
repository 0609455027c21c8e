// The exact gradient of a task's outer loss with respect to the prior θ = (μ_θ, ρ_θ) and the log noise s, through the M
// inner steps that adapt it:
//   L(θ, s) = [ w_out KL(q_{λ^M} ‖ p_θ) + (1/S_q) Σ_s NLL(φ_s; D) ] / n,   D = D^Q or D^S ∪ D^Q, n its terms,
// Going back, with the adjoint v of λ^{m+1}, w = J (α ⊙ v) (J the clip's symmetric Jacobian):
//   v ← v − ∂²F_m/∂λ² w,   θ̄ ← θ̄ − ∂²F_m/∂θ∂λ w,   s̄ ← s̄ − ∂²F_m/∂s∂λ w;
// at last θ̄ ← θ̄ + v, since λ⁰ = θ; and for the rates, with the v before that, ᾱ_t ← ᾱ_t − Σ over a tensor's weights of
// v clip(∇_λ F_m). The likelihood's part of ∂²F/∂λ² w is one network Hessian-vector product a sample along u = w_μ +
// e^ρ ⊙ ε ⊙ w_ρ; the KL's parts are diagonal. Memory beyond one pass: of each inner step ∇_φ NLL, D numbers (2 D with
// several draws a step), from which λ^m is made again, chunk by chunk, by the operations that made it; and, up to a
// limit, the passes of the inner loop, which the product would otherwise compute anew. docs/derivation.md derives all
// of it in these symbols, and lists the vectors of D numbers.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "runtime/inner_loop.h"
#include "trainer/hessian_vector.h"

namespace altocast {

enum class MetaOrder {
  first,   // treats every λ^m − θ as constant: θ̄ = ∂L/∂θ + v; and ∇_λ F_m, for the rates
  second,  // exact
};
enum class OuterData { query, support_and_query };

struct OuterSettings {
  int samples = 1;          // S_q
  double kl_weight = 1e-3;  // w_out
  OuterData data = OuterData::query;
  bool operator==(const OuterSettings&) const = default;
};

// What a trainer's MetaGradient may keep unless told otherwise: enough for `small` on 64×64, four pairs and three
// steps.
inline constexpr int kDefaultKeepMib = 64;
constexpr std::size_t mebibytes(int count) { return static_cast<std::size_t>(count) << 20; }

template <class T>
struct Task {
  std::vector<Sample<T>> support;
  std::vector<Sample<T>> query;
};

// Wall-clock seconds of a task's parts.
struct MetaSeconds {
  double inner_loop = 0;
  double outer = 0;           // L and its gradient at λ^m
  double hessian_vector = 0;  // the products and what goes with them
};

struct MetaReport {
  double outer_loss = 0;  // L, or its weighted sum over the steps
  double kl = 0;          // KL(q_{λ^M} ‖ p_θ)
  std::vector<InnerStepReport> steps;
  int products = 0, products_kept = 0;  // Hessian-vector products, and those that started from a kept pass
  double forwards = 0;  // forward passes of one image that the convolutions amount to, by count: a gradient is 3
  MetaSeconds seconds;
};

template <class T>
class MetaGradient {
 public:
  // The inner loop and its network (built for second order) are borrowed. Inner passes are kept in at most
  // `keep_bytes`, allocated when the first task needs them; the result's bits do not depend on it.
  MetaGradient(InnerLoop<T>& inner_loop, const OuterSettings& settings, std::size_t keep_bytes);

  // Adapts, evaluates L, and adds its gradient to grad_theta and grad_log_noise [L], and to grad_rates, unless that is
  // null, the one with respect to the inner loop's rates, in their shape. `adapted`, unless it is null, gets λ^M.
  MetaReport accumulate(const Gaussian<T>& theta, std::span<const T> log_noise, const Task<T>& task,
                        NoiseSource<T>& inner_noise, NoiseSource<T>& outer_noise, MetaOrder order,
                        Gaussian<T>& grad_theta, std::span<double> grad_log_noise,
                        InnerRates<double>* grad_rates = nullptr, Gaussian<T>* adapted = nullptr);

 private:
  // What a call works on.
  struct Call {
    const Gaussian<T>& theta;
    std::span<const T> log_noise;
    const Task<T>& task;
    NoiseSource<T>& inner_noise;
    NoiseSource<T>& outer_noise;
    Gaussian<T>& grad_theta;
    std::span<double> grad_log_noise;
  };
  // Σ over a tensor's weights of v ∇_λ F_m, for μ and ρ.
  struct TensorSums {
    std::vector<double> mu, rho;
  };

  void plan(MetaOrder order, std::size_t passes, bool learns_rates);
  void plan_kept(MetaOrder order, std::size_t passes);
  void begin_adding(const WeightChunk& chunk, const T* deviation, T weight);
  void end_adding(const WeightChunk& chunk, const T* deviation, T weight);
  double add_divergence(const Call& call, const WeightChunk& chunk, T weight);
  void add_outer(const Call& call, MetaReport& report);
  void through_step(const Call& call, int step, InnerRates<double>* grad_rates, bool second_order);
  TensorSums adjoint_along_gradient(const Call& call, int step) const;
  void draw_directions(const Call& call, int step, const TensorSums& sums);
  // What a Hessian-vector product is added to v with.
  T product_weight(const Call& call) const;
  void add_products(const Call& call, int step);
  std::span<const InnerStep<T>> first_steps(int count) const {
    return std::span(steps_).first(static_cast<std::size_t>(count));
  }
  InnerStep<T>& made(int step) { return steps_[keeps_steps_ ? static_cast<std::size_t>(step) : 0]; }
  // λ^m in a chunk.
  void chunk_lambda(const Call& call, int step, const WeightChunk& chunk, T* mu, T* rho) const;
  // Where the passes of an inner step are kept, [S, pairs].
  std::span<Pass<T>* const> kept(int step) const {
    const std::size_t count = kept_.size() / static_cast<std::size_t>(inner_loop_.settings().steps);
    return std::span(kept_).subspan(static_cast<std::size_t>(step) * count, count);
  }

  InnerLoop<T>& inner_loop_;
  UNet<T>& network_;
  OuterSettings settings_;
  std::optional<HessianVector<T>> hessian_vector_;  // of second order
  std::vector<InnerStep<T>> steps_;                 // what the inner steps left, m = 0 … M − 1
  Gaussian<T> adjoint_;                             // v; up to the outer loss λ, unless lambda_ is there
  // Only where steps or the outer loss have several draws.
  Gaussian<T> lambda_;     // λ^m
  Gaussian<T> direction_;  // w
  std::vector<T> u_;
  bool holds_lambda_ = false, keeps_steps_ = false;
  std::size_t keep_bytes_;
  std::vector<Pass<T>> passes_;
  std::vector<Pass<T>*> kept_;  // [M, S, pairs] of the task at hand, null where it did not fit
};

extern template class MetaGradient<float>;
extern template class MetaGradient<double>;

}  // namespace altocast
