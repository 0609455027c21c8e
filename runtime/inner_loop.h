// Adaptation of a prior to a task, shared by the station and the trainer. From λ⁰ = θ, M steps of
//   F_m(λ) = [ w_in KL(q_λ ‖ p_θ) + (1/S) Σ_s NLL(μ + e^ρ ⊙ ε_{m,s}; D^S) ] / n_S
//   λ^{m+1} = λ^m − α ⊙ clip(∇_λ F_m),
// with Flipout Σ_n NLL(μ + e^ρ ⊙ ε_{m,s,n}; pair n) in place of NLL(…; D^S);
// n_S the number of terms of NLL, α one rate a tensor for μ and one for ρ, clip a limit on the Euclidean
// norm, for μ and ρ apart. (Ravi & Beatson, Amortized Bayesian Meta-Learning, ICLR 2019.)
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/prior.h"
#include "runtime/flipout.h"
#include "runtime/gaussian.h"
#include "runtime/unet.h"

namespace altocast {

// Standard normal numbers ε for weight sample `sample` of inner step `step`; the same call always gives the same.
template <class T>
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;
  // `epsilon` gets the numbers of weights `first` and on. Threads may draw at the same time.
  virtual void draw(int step, int sample, std::size_t first, std::span<T> epsilon) = 0;

  // Flipout's signs of a pair of frames for that sample's ε, 1 or −1 each. Where a source knows none, all pairs see the
  // same ε.
  virtual void draw_signs(int /*step*/, int /*sample*/, std::size_t /*pair*/, std::span<T> signs) {
    std::fill(signs.begin(), signs.end(), T{1});
  }
};

// From the counter-based generator; with `antithetic`, sample 2i + 1 is the negative of sample 2i, also as a pair of
// frames sees it.
template <class T>
class CounterNoise final : public NoiseSource<T> {
 public:
  CounterNoise(std::uint64_t seed, bool antithetic) : seed_(seed), antithetic_(antithetic) {}
  void draw(int step, int sample, std::size_t first, std::span<T> epsilon) override;
  void draw_signs(int step, int sample, std::size_t pair, std::span<T> signs) override;

 private:
  int stream(int sample) const { return antithetic_ ? sample / 2 * 2 : sample; }

  std::uint64_t seed_;
  bool antithetic_;
};

// Inner rates [parameter tensors in canonical order].
template <class T>
struct InnerRates {
  std::vector<T> mu;
  std::vector<T> rho;
};

// Those that a prior was trained with.
InnerRates<float> inner_rates(const Prior& prior);

// By what a gradient was multiplied to keep its norm within the limit, and that norm before.
struct Clipping {
  double norm_mu = 0, norm_rho = 0;
  double factor_mu = 1, factor_rho = 1;
};

struct InnerStepReport {
  double objective = 0;  // F_m at λ^m
  double kl = 0;         // KL(q_{λ^m} ‖ p_θ)
  double nll = 0;        // mean over samples, a term
  Clipping clipping;
};

// What an inner step leaves: all that λ^{m+1} can be made of again, given λ^m.
template <class T>
struct InnerStep {
  // ∇_λ F_m but for KL's part, over `scale`. With a single draw of weights in a step, rho is empty: it is σ ⊙ ε ⊙ mu.
  Gaussian<T> likelihood;
  T scale{};
  std::vector<T> deviation;  // σ ⊙ ε of a single draw, if there is room to keep it; else empty, and drawn anew
  T kl_weight{};             // w_in / n_S
  Clipping clipping;
};

// One weight sample: its deviation σ ⊙ ε, σ = e^ρ of what it is drawn from, φ = μ + σ ⊙ ε; and the gradient there,
// where a step has several samples or draws. [D] each.
template <class T>
struct WeightDraw {
  std::vector<T> deviation, phi, grad_phi;
};

// Loops over the weights go through pieces of one parameter tensor, of at most kWeightChunk weights, so that several
// vectors are made in one pass over memory, and what is needed only here and now, not at all.
struct WeightChunk {
  std::size_t tensor, first, count;
};

template <class T>
class InnerLoop {
 public:
  // The network is borrowed, must be built for gradients and takes the settings' likelihood; the rest is copied.
  InnerLoop(UNet<T>& network, const InnerLoopSettings& settings, InnerRates<T> rates);

  const InnerLoopSettings& settings() const { return settings_; }
  const InnerRates<T>& rates() const { return rates_; }
  void set_rates(const InnerRates<T>& rates) { rates_ = rates; }
  const std::vector<ParameterTensor>& tensors() const { return layout_; }
  UNet<T>& network() { return network_; }
  ThreadPool& threads() const { return network_.threads(); }
  WeightDraw<T>& draw() { return draw_; }  // scratch memory, free between calls

  // Whether all pairs of a step see the same one draw of weights.
  bool single_draw() const { return settings_.samples == 1 && !settings_.flipout; }

  // A step in place: λ −= α ⊙ clip(∇_λ F_m). made.deviation is filled if it has room. `keep` may hold, for each weight
  // sample and pair [S, pairs], where the network leaves its pass (null: nowhere).
  InnerStepReport descend(const Gaussian<T>& theta, Gaussian<T>& lambda, std::span<const T> log_noise,
                          std::span<const Sample<T>> support, NoiseSource<T>& noise, int step, InnerStep<T>& made,
                          std::span<Pass<T>* const> keep = {});

  // All M steps in place; λ must start as θ. `reports` may be null; it gets one entry a step.
  void adapt(const Gaussian<T>& theta, std::span<const T> log_noise, std::span<const Sample<T>> support,
             NoiseSource<T>& noise, Gaussian<T>& lambda, std::vector<InnerStepReport>* reports);

  // For each rate the largest α ∂²(w_in KL / n_S) at λ = θ over its weights, α_μ w_in / (n_S σ_θ²) for μ and 2 α_ρ w_in
  // / n_S for ρ: the KL part of a step is stable only below 2.
  InnerRates<double> kl_stiffness(const Gaussian<T>& theta, std::size_t terms) const;
  double largest_kl_stiffness(const Gaussian<T>& theta, std::size_t terms) const;

  // For each set of pairs that see weight sample `sample` of q alike — all `pairs` of them, or with Flipout each alone
  // — puts its σ ⊙ ε and φ into draw() and calls body(first pair, number of pairs).
  template <class Body>
  void for_each_draw(const Gaussian<T>& q, NoiseSource<T>& noise, int step, int sample, std::size_t pairs,
                     const Body& body) {
    start_draw(q, noise, step, sample);
    if (!settings_.flipout) return body(std::size_t{0}, pairs);
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      noise.draw_signs(step, sample, pair, signs_);
      flip();
      weigh(q);
      body(pair, std::size_t{1});
      flip();
    }
  }

  // Calls body(part, chunk) for all chunks of the weights, those of a part in order, many parts at a time. They are cut
  // where noise is drawn fastest from, at multiples of their size.
  template <class Body>
  void for_each_chunk(const Body& body) const {
    for_weight_parts(draw_.phi.size(), threads(), [&](int part, std::size_t first, std::size_t end) {
      for (std::size_t t = 0; t < layout_.size(); ++t) {
        const std::size_t to = std::min(end, layout_[t].offset + layout_[t].size);
        for (std::size_t d = std::max(first, layout_[t].offset), next = d; d < to; d = next) {
          next = std::min(to, (d / kWeightChunk + 1) * kWeightChunk);
          body(part, WeightChunk{t, d, next - d});
        }
      }
    });
  }

  // In a chunk, all pointers to its first weight:
  // σ ⊙ ε of a sample of q with this ρ, and of a step's single draw: where that was kept, else drawn into `scratch`;
  void chunk_deviation(const WeightChunk& chunk, NoiseSource<T>& noise, int step, int sample, const T* rho,
                       T* deviation) const;
  const T* chunk_deviation(const WeightChunk& chunk, const InnerStep<T>& made, NoiseSource<T>& noise, int step,
                           const T* rho, T* scratch) const;
  // ∇_λ F_m at λ; the deviation is read where likelihood.rho is empty;
  void chunk_gradient(const WeightChunk& chunk, const Gaussian<T>& theta, const InnerStep<T>& made, const T* mu,
                      const T* rho, const T* deviation, T* grad_mu, T* grad_rho) const;
  // λ^count from θ and the first steps, with the bits that they had.
  void chunk_replay(const WeightChunk& chunk, const Gaussian<T>& theta, std::span<const InnerStep<T>> steps,
                    NoiseSource<T>& noise, T* mu, T* rho) const;

 private:
  void start_draw(const Gaussian<T>& q, NoiseSource<T>& noise, int step, int sample);  // σ ⊙ ε and φ
  void flip();                                                                         // ε's signs, there or back
  void weigh(const Gaussian<T>& q);                                                    // φ anew
  Clipping clipping(const std::array<double, kWeightParts>& squares_mu,
                    const std::array<double, kWeightParts>& squares_rho) const;
  void chunk_update(const WeightChunk& chunk, const InnerStep<T>& made, const T* grad_mu, const T* grad_rho, T* mu,
                    T* rho) const;

  UNet<T>& network_;
  InnerLoopSettings settings_;
  InnerRates<T> rates_;
  std::vector<ParameterTensor> layout_;
  Flipout flipout_;
  std::vector<T> signs_;  // of one pair
  WeightDraw<T> draw_;
  std::vector<double> grad_log_noise_;  // [L], not used by the inner loop
  InnerStep<T> made_;                   // adapt's
};

// NLL of all samples at weights φ; adds its gradients. The network takes φ as its weights. `keep`: where each sample's
// pass is left, or empty.
template <class T>
double nll_gradient(UNet<T>& network, std::span<const T> phi, std::span<const T> log_noise,
                    std::span<const Sample<T>> samples, std::span<T> grad_phi, std::span<double> grad_log_noise,
                    std::span<Pass<T>* const> keep = {});

// gradient.mu += weight · grad_phi, gradient.rho += weight · σ ⊙ ε ⊙ grad_phi: through φ = μ + e^ρ ⊙ ε.
template <class T>
void add_sample_gradient(const WeightDraw<T>& draw, T weight, Gaussian<T>& gradient, ThreadPool& threads);

extern template class CounterNoise<float>;
extern template class CounterNoise<double>;
extern template class InnerLoop<float>;
extern template class InnerLoop<double>;

}  // namespace altocast
