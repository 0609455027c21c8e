#include "trainer/meta_gradient.h"

#include <algorithm>
#include <array>

#include "runtime/weight_loops.h"
#include "trainer/clock.h"

namespace altocast {
namespace {

template <class T>
void make_room(std::vector<T>& values, std::size_t size) {
  if (values.size() != size) values.resize(size);
}

template <class T>
void make_room(Gaussian<T>& values, std::size_t size) {
  make_room(values.mu, size);
  make_room(values.rho, size);
}

// w ← J w for clip(g) = c g, c = limit / ‖g‖:  J = c (I − g gᵀ / ‖g‖²) where the limit acts, else the identity.
template <class T>
struct ClipJacobian {
  // dot = ⟨g, w⟩ over all weights.
  ClipJacobian(double factor, double norm, double dot)
      : acts(factor != 1.0), scale(static_cast<T>(factor)), along(acts ? static_cast<T>(dot / (norm * norm)) : T{0}) {}
  void apply(const T* gradient, std::size_t count, T* w) const {
    for (std::size_t i = 0; i < count; ++i) w[i] = scale * (w[i] - along * gradient[i]);
  }
  bool acts;
  T scale, along;
};

}  // namespace

template <class T>
MetaGradient<T>::MetaGradient(InnerLoop<T>& inner_loop, const OuterSettings& settings, std::size_t keep_bytes)
    : inner_loop_(inner_loop),
      network_(inner_loop.network()),
      settings_(settings),
      adjoint_(parameter_count(network_.spec())),
      keep_bytes_(keep_bytes) {}

// Makes what this kind of call needs and an earlier one did not.
template <class T>
void MetaGradient<T>::plan(MetaOrder order, std::size_t passes, bool learns_rates) {
  const InnerLoopSettings& inner = inner_loop_.settings();
  const bool second_order = order == MetaOrder::second;
  const bool several = !inner_loop_.single_draw();
  const bool several_outer = settings_.samples > 1 || inner.flipout;
  const std::size_t size = adjoint_.size();
  if (second_order && !hessian_vector_) hessian_vector_.emplace(network_);
  keeps_steps_ = second_order || learns_rates;
  steps_.resize(
      std::max(steps_.size(), static_cast<std::size_t>(keeps_steps_ ? inner.steps : std::min(1, inner.steps))));
  holds_lambda_ = several || several_outer;
  if (holds_lambda_) make_room(lambda_, size);
  if (several && second_order) {
    make_room(direction_, size);
    make_room(u_, size);
  }
  plan_kept(order, passes);

  // What the passes leave of the limit spares drawing each step's noise again and again, if it suffices for all.
  const std::size_t kept_bytes = passes_.size() * network_.pass_bytes();
  const bool keeps = second_order && !several && kept_bytes <= keep_bytes_ &&
                     steps_.size() * size * sizeof(T) <= keep_bytes_ - kept_bytes;
  for (InnerStep<T>& step : steps_) {
    if (keeps) make_room(step.deviation, size);
  }
}

// The last passes of the inner loop are kept: the reverse pass reads those first. A few of many would take memory for
// no time worth it.
template <class T>
void MetaGradient<T>::plan_kept(MetaOrder order, std::size_t passes) {
  kept_.assign(passes, nullptr);
  if (order == MetaOrder::first) return;
  constexpr std::size_t kWorthKeeping = 4;  // a quarter
  const std::size_t count = std::min(passes, keep_bytes_ / network_.pass_bytes());
  if (count * kWorthKeeping < passes) return;
  while (passes_.size() < count) passes_.push_back(network_.make_pass());
  for (std::size_t i = 0; i < count; ++i) kept_[passes - count + i] = &passes_[i];
}

template <class T>
void MetaGradient<T>::chunk_lambda(const Call& call, int step, const WeightChunk& chunk, T* mu, T* rho) const {
  if (!holds_lambda_) return inner_loop_.chunk_replay(chunk, call.theta, first_steps(step), call.inner_noise, mu, rho);
  std::copy_n(&lambda_.mu[chunk.first], chunk.count, mu);
  std::copy_n(&lambda_.rho[chunk.first], chunk.count, rho);
}

template <class T>
MetaReport MetaGradient<T>::accumulate(const Gaussian<T>& theta, std::span<const T> log_noise, const Task<T>& task,
                                       NoiseSource<T>& inner_noise, NoiseSource<T>& outer_noise, MetaOrder order,
                                       Gaussian<T>& grad_theta, std::span<double> grad_log_noise,
                                       InnerRates<double>* grad_rates, Gaussian<T>* adapted) {
  const Call call{theta, log_noise, task, inner_noise, outer_noise, grad_theta, grad_log_noise};
  const int steps = inner_loop_.settings().steps;
  const bool second_order = order == MetaOrder::second;
  plan(order, static_cast<std::size_t>(steps * inner_loop_.settings().samples) * task.support.size(),
       grad_rates != nullptr);
  MetaReport report;
  const Clock::time_point inner_start = Clock::now();
  Gaussian<T>& lambda = holds_lambda_ ? lambda_ : adjoint_;
  for_weight_parts(theta.size(), network_.threads(), [&](int, std::size_t first, std::size_t end) {
    std::copy_n(theta.mu.data() + first, end - first, lambda.mu.data() + first);
    std::copy_n(theta.rho.data() + first, end - first, lambda.rho.data() + first);
  });
  for (int m = 0; m < steps; ++m) {
    report.steps.push_back(
        inner_loop_.descend(theta, lambda, log_noise, task.support, inner_noise, m, made(m), kept(m)));
  }
  if (adapted) *adapted = lambda;
  report.seconds.inner_loop = seconds_since(inner_start);
  report.forwards = 3.0 * static_cast<double>(kept_.size());

  if (holds_lambda_) {
    set_zero(adjoint_.mu, network_.threads());
    set_zero(adjoint_.rho, network_.threads());
  }
  add_outer(call, report);
  for (int m = steps - 1; m >= 0; --m) {
    const Clock::time_point start = Clock::now();
    if (holds_lambda_ && keeps_steps_) {
      inner_loop_.for_each_chunk([&](int, const WeightChunk& chunk) {
        inner_loop_.chunk_replay(chunk, theta, first_steps(m), inner_noise, &lambda_.mu[chunk.first],
                                 &lambda_.rho[chunk.first]);
      });
    }
    if (grad_rates || second_order) through_step(call, m, grad_rates, second_order);
    (second_order ? report.seconds.hessian_vector : report.seconds.outer) += seconds_since(start);
  }
  if (second_order) {
    report.products = static_cast<int>(kept_.size());
    report.products_kept = static_cast<int>(std::count_if(kept_.begin(), kept_.end(), [](auto* pass) { return pass; }));
    report.forwards += HessianVector<T>::kForwardsKept * report.products_kept +
                       HessianVector<T>::kForwardsAnew * (report.products - report.products_kept);
  }
  for_weight_parts(theta.size(), network_.threads(), [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) grad_theta.mu[d] += adjoint_.mu[d];
    for (std::size_t d = first; d < end; ++d) grad_theta.rho[d] += adjoint_.rho[d];
  });
  return report;
}

// What the network adds through φ = μ + deviation, `weight` times a gradient g, to v: weight g to v_μ and deviation ⊙
// weight g to v_ρ. The network adds g to v_μ itself, which between these two is v_μ / weight; v_ρ gets what it grows
// by.
template <class T>
void MetaGradient<T>::begin_adding(const WeightChunk& chunk, const T* deviation, T weight) {
  T* __restrict v_mu = &adjoint_.mu[chunk.first];
  T* __restrict v_rho = &adjoint_.rho[chunk.first];
  const T inverse = T{1} / weight;
  for (std::size_t i = 0; i < chunk.count; ++i) {
    v_rho[i] -= deviation[i] * v_mu[i];
    v_mu[i] *= inverse;
  }
}

template <class T>
void MetaGradient<T>::end_adding(const WeightChunk& chunk, const T* deviation, T weight) {
  T* __restrict v_mu = &adjoint_.mu[chunk.first];
  T* __restrict v_rho = &adjoint_.rho[chunk.first];
  for (std::size_t i = 0; i < chunk.count; ++i) {
    v_mu[i] *= weight;
    v_rho[i] += deviation[i] * v_mu[i];
  }
}

// KL(q_λ ‖ p_θ) of a chunk; adds its derivatives, `weight` times, to v and θ̄. Where λ stands in v, v is written over
// it.
template <class T>
double MetaGradient<T>::add_divergence(const Call& call, const WeightChunk& chunk, T weight) {
  const std::size_t count = chunk.count, first = chunk.first;
  const Gaussian<T>& lambda = holds_lambda_ ? lambda_ : adjoint_;
  T lambda_mu[kWeightChunk], lambda_rho[kWeightChunk], precisions[kWeightChunk], ratios[kWeightChunk];
  double terms[kWeightChunk];
  std::copy_n(&lambda.mu[first], count, lambda_mu);
  std::copy_n(&lambda.rho[first], count, lambda_rho);
  const T *theta_mu = &call.theta.mu[first], *theta_rho = &call.theta.rho[first];
  T* __restrict v_mu = &adjoint_.mu[first];
  T* __restrict v_rho = &adjoint_.rho[first];
  if (!holds_lambda_) {
    std::fill_n(v_mu, count, T{0});
    std::fill_n(v_rho, count, T{0});
  }
  weight_loops<T>().divergence_factors(lambda_rho, theta_rho, count, precisions, ratios);
  weight_loops<T>().divergence_terms(lambda_mu, lambda_rho, theta_mu, theta_rho, count, terms);
  T* __restrict grad_mu = &call.grad_theta.mu[first];
  T* __restrict grad_rho = &call.grad_theta.rho[first];
  // ∂KL/∂μ_λ = −∂KL/∂μ_θ = (μ_λ − μ_θ) e^{−2ρ_θ};  ∂KL/∂ρ_λ = e^{2(ρ_λ − ρ_θ)} − 1;
  // ∂KL/∂ρ_θ = 1 − (e^{2ρ_λ} + (μ_λ − μ_θ)²) e^{−2ρ_θ}
  T *const shift = lambda_mu, *const kl_mu = precisions;
  for (std::size_t i = 0; i < count; ++i) shift[i] -= theta_mu[i];
  for (std::size_t i = 0; i < count; ++i) kl_mu[i] *= weight * shift[i];
  for (std::size_t i = 0; i < count; ++i) v_mu[i] += kl_mu[i];
  for (std::size_t i = 0; i < count; ++i) grad_mu[i] -= kl_mu[i];
  for (std::size_t i = 0; i < count; ++i) v_rho[i] += weight * (ratios[i] - T{1});
  for (std::size_t i = 0; i < count; ++i) grad_rho[i] += weight * (T{1} - ratios[i]) - shift[i] * kl_mu[i];
  return chunk_sum(count, [&](std::size_t i) { return terms[i]; });
}

// L at λ^M: adds to v ∂L/∂λ, and ∂L/∂θ and ∂L/∂s.
template <class T>
void MetaGradient<T>::add_outer(const Call& call, MetaReport& report) {
  const Clock::time_point start = Clock::now();
  std::vector<Sample<T>> joined;
  if (settings_.data == OuterData::support_and_query) joined = call.task.support;
  joined.insert(joined.end(), call.task.query.begin(), call.task.query.end());
  const std::span<const Sample<T>> pairs(joined);
  const double terms = static_cast<double>(pairs.size()) * static_cast<double>(network_.terms());
  const double weight = 1.0 / terms;
  const T kl_weight = static_cast<T>(settings_.kl_weight * weight);
  const T sample_weight = static_cast<T>(weight / settings_.samples);
  const WeightDraw<T>& draw = inner_loop_.draw();

  double kl = 0, nll = 0;
  bool divergence_added = false;
  std::vector<double> grad_s(call.grad_log_noise.size());
  for (int s = 0; s < settings_.samples; ++s) {
    inner_loop_.for_each_draw(holds_lambda_ ? lambda_ : adjoint_, call.outer_noise, 0, s, pairs.size(),
                              [&](std::size_t first, std::size_t count) {
                                std::array<double, kWeightParts> sums{};
                                inner_loop_.for_each_chunk([&](int part, const WeightChunk& chunk) {
                                  if (!divergence_added)
                                    sums[static_cast<std::size_t>(part)] += add_divergence(call, chunk, kl_weight);
                                  begin_adding(chunk, &draw.deviation[chunk.first], sample_weight);
                                });
                                for (const double sum : sums) kl += sum;
                                divergence_added = true;
                                nll += nll_gradient(network_, std::span<const T>(draw.phi), call.log_noise,
                                                    pairs.subspan(first, count), std::span(adjoint_.mu),
                                                    std::span(grad_s));
                                inner_loop_.for_each_chunk([&](int, const WeightChunk& chunk) {
                                  end_adding(chunk, &draw.deviation[chunk.first], sample_weight);
                                });
                              });
  }
  for (std::size_t l = 0; l < grad_s.size(); ++l) {
    call.grad_log_noise[l] += grad_s[l] * weight / settings_.samples;
  }
  report.outer_loss = settings_.kl_weight * kl * weight + nll * weight / settings_.samples;
  report.kl = kl;
  report.forwards += 3.0 * settings_.samples * static_cast<double>(pairs.size());
  report.seconds.outer += seconds_since(start);
}

// v being the adjoint of λ^{m+1}: adds to ᾱ, and carries v to λ^m.
template <class T>
void MetaGradient<T>::through_step(const Call& call, int m, InnerRates<double>* grad_rates, bool second_order) {
  const Clipping& clipping = made(m).clipping;
  TensorSums sums;
  if (grad_rates || (second_order && (clipping.factor_mu != 1.0 || clipping.factor_rho != 1.0))) {
    sums = adjoint_along_gradient(call, m);
  }
  if (grad_rates) {
    for (std::size_t t = 0; t < sums.mu.size(); ++t) {
      grad_rates->mu[t] -= clipping.factor_mu * sums.mu[t];
      grad_rates->rho[t] -= clipping.factor_rho * sums.rho[t];
    }
  }
  if (!second_order) return;
  draw_directions(call, m, sums);
  add_products(call, m);
}

template <class T>
typename MetaGradient<T>::TensorSums MetaGradient<T>::adjoint_along_gradient(const Call& call, int m) const {
  const std::size_t tensors = inner_loop_.tensors().size();
  std::vector<double> sums(kWeightParts * tensors * 2);  // [part, tensor, μ and ρ]
  const InnerStep<T>& step = steps_[static_cast<std::size_t>(m)];
  inner_loop_.for_each_chunk([&](int part, const WeightChunk& chunk) {
    T mu[kWeightChunk], rho[kWeightChunk], drawn[kWeightChunk], grad_mu[kWeightChunk], grad_rho[kWeightChunk];
    chunk_lambda(call, m, chunk, mu, rho);
    const T* deviation = inner_loop_.chunk_deviation(chunk, step, call.inner_noise, m, rho, drawn);
    inner_loop_.chunk_gradient(chunk, call.theta, step, mu, rho, deviation, grad_mu, grad_rho);
    const T *v_mu = &adjoint_.mu[chunk.first], *v_rho = &adjoint_.rho[chunk.first];
    double* sum = &sums[(static_cast<std::size_t>(part) * tensors + chunk.tensor) * 2];
    for (std::size_t i = 0; i < chunk.count; ++i) {
      sum[0] += static_cast<double>(v_mu[i]) * static_cast<double>(grad_mu[i]);
      sum[1] += static_cast<double>(v_rho[i]) * static_cast<double>(grad_rho[i]);
    }
  });
  TensorSums total{std::vector<double>(tensors), std::vector<double>(tensors)};
  for (std::size_t part = 0; part < kWeightParts; ++part) {
    for (std::size_t t = 0; t < tensors; ++t) {
      total.mu[t] += sums[(part * tensors + t) * 2];
      total.rho[t] += sums[(part * tensors + t) * 2 + 1];
    }
  }
  return total;
}

// The part of v ← v − ∂²F_m/∂λ² w, and of θ̄, that needs no network. With a single draw, what the network needs as well:
// φ, u in place of the draw's deviation, and that, unless it is kept, in place of the step's gradient, which nobody
// reads again; else w.
template <class T>
void MetaGradient<T>::draw_directions(const Call& call, int m, const TensorSums& sums) {
  const InnerRates<T>& rates = inner_loop_.rates();
  const bool single = inner_loop_.single_draw();
  InnerStep<T>& step = made(m);
  const Clipping& clipping = step.clipping;
  double dot_mu = 0, dot_rho = 0;  // ⟨∇_λ F_m, α ⊙ v⟩
  for (std::size_t t = 0; t < sums.mu.size(); ++t) {
    dot_mu += static_cast<double>(rates.mu[t]) * sums.mu[t];
    dot_rho += static_cast<double>(rates.rho[t]) * sums.rho[t];
  }
  const ClipJacobian<T> clip_mu(clipping.factor_mu, clipping.norm_mu, dot_mu);
  const ClipJacobian<T> clip_rho(clipping.factor_rho, clipping.norm_rho, dot_rho);
  const T kl_weight = step.kl_weight, scale = step.scale, weight = product_weight(call);
  WeightDraw<T>& draw = inner_loop_.draw();

  inner_loop_.for_each_chunk([&](int, const WeightChunk& chunk) {
    const std::size_t count = chunk.count, first = chunk.first;
    T mu[kWeightChunk], rho[kWeightChunk], drawn[kWeightChunk], w_mu[kWeightChunk], w_rho[kWeightChunk];
    T precisions[kWeightChunk], ratios[kWeightChunk];
    chunk_lambda(call, m, chunk, mu, rho);
    const T* deviation = inner_loop_.chunk_deviation(chunk, step, call.inner_noise, m, rho, drawn);
    T* __restrict v_mu = &adjoint_.mu[first];
    T* __restrict v_rho = &adjoint_.rho[first];
    const T rate_mu = rates.mu[chunk.tensor], rate_rho = rates.rho[chunk.tensor];
    for (std::size_t i = 0; i < count; ++i) w_mu[i] = rate_mu * v_mu[i];
    for (std::size_t i = 0; i < count; ++i) w_rho[i] = rate_rho * v_rho[i];
    if (clip_mu.acts || clip_rho.acts) {
      T grad_mu[kWeightChunk], grad_rho[kWeightChunk];
      inner_loop_.chunk_gradient(chunk, call.theta, step, mu, rho, deviation, grad_mu, grad_rho);
      if (clip_mu.acts) clip_mu.apply(grad_mu, count, w_mu);
      if (clip_rho.acts) clip_rho.apply(grad_rho, count, w_rho);
    }

    const T *theta_mu = &call.theta.mu[first], *theta_rho = &call.theta.rho[first];
    weight_loops<T>().divergence_factors(rho, theta_rho, count, precisions, ratios);
    T* __restrict grad_mu = &call.grad_theta.mu[first];
    T* __restrict grad_rho = &call.grad_theta.rho[first];
    // Short loops, of which compilers make vector code: ∂²KL/∂μ_λ² = −∂²KL/∂μ_θ∂μ_λ = σ_θ^−2,
    T* const kl_mu = precisions;
    for (std::size_t i = 0; i < count; ++i) kl_mu[i] *= kl_weight * w_mu[i];
    for (std::size_t i = 0; i < count; ++i) v_mu[i] -= kl_mu[i];
    for (std::size_t i = 0; i < count; ++i) grad_mu[i] += kl_mu[i];
    // ∂²KL/∂ρ_λ² = −∂²KL/∂ρ_θ∂ρ_λ = 2 σ_λ² / σ_θ², ∂²KL/∂ρ_θ∂μ_λ = −2 (μ_λ − μ_θ) σ_θ^−2.
    T* const kl_rho = ratios;
    for (std::size_t i = 0; i < count; ++i) kl_rho[i] *= T{2} * kl_weight * w_rho[i];
    for (std::size_t i = 0; i < count; ++i) v_rho[i] -= kl_rho[i];
    for (std::size_t i = 0; i < count; ++i) kl_rho[i] += T{2} * (mu[i] - theta_mu[i]) * kl_mu[i];
    for (std::size_t i = 0; i < count; ++i) grad_rho[i] += kl_rho[i];
    // NLL's ∂²/∂ρ² holds e^ρ ε ∇_φ NLL besides the Hessian.
    if (!single) {
      const T* likelihood_rho = &step.likelihood.rho[first];
      for (std::size_t i = 0; i < count; ++i) v_rho[i] -= scale * likelihood_rho[i] * w_rho[i];
      std::copy_n(w_mu, count, &direction_.mu[first]);
      std::copy_n(w_rho, count, &direction_.rho[first]);
      return;
    }
    T* __restrict likelihood = &step.likelihood.mu[first];
    T* __restrict phi = &draw.phi[first];
    T* __restrict u = &draw.deviation[first];
    for (std::size_t i = 0; i < count; ++i) v_rho[i] -= deviation[i] * (scale * likelihood[i]) * w_rho[i];
    for (std::size_t i = 0; i < count; ++i) phi[i] = mu[i] + deviation[i];
    for (std::size_t i = 0; i < count; ++i) u[i] = w_mu[i] + deviation[i] * w_rho[i];
    if (deviation == drawn) std::copy_n(deviation, count, likelihood);
    begin_adding(chunk, deviation, weight);
  });
}

template <class T>
T MetaGradient<T>::product_weight(const Call& call) const {
  const double terms = static_cast<double>(call.task.support.size()) * static_cast<double>(network_.terms());
  return static_cast<T>(-1.0 / (terms * inner_loop_.settings().samples));
}

// v ← v − the likelihood's part of ∂²F_m/∂λ² w, by a Hessian-vector product a sample and pair; and s̄.
template <class T>
void MetaGradient<T>::add_products(const Call& call, int m) {
  const std::span<const Sample<T>> support(call.task.support);
  const T weight = product_weight(call);
  const std::span<Pass<T>* const> passes = kept(m);
  std::vector<double> hessian_log_noise(call.grad_log_noise.size());
  WeightDraw<T>& draw = inner_loop_.draw();
  // Over pairs [first, first + count) of a sample.
  const auto products = [&](int sample, std::size_t first, std::size_t count, const std::vector<T>& u) {
    network_.set_weights(draw.phi.data());
    hessian_vector_->set_direction(u.data());
    for (std::size_t i = first; i < first + count; ++i) {
      hessian_vector_->accumulate(support[i], call.log_noise.data(),
                                  passes[static_cast<std::size_t>(sample) * support.size() + i], adjoint_.mu.data(),
                                  hessian_log_noise.data());
    }
  };

  if (inner_loop_.single_draw()) {
    const InnerStep<T>& step = made(m);
    const std::vector<T>& deviation = step.deviation.empty() ? step.likelihood.mu : step.deviation;
    products(0, 0, support.size(), draw.deviation);
    inner_loop_.for_each_chunk(
        [&](int, const WeightChunk& chunk) { end_adding(chunk, &deviation[chunk.first], weight); });
  } else {
    for (int s = 0; s < inner_loop_.settings().samples; ++s) {
      inner_loop_.for_each_draw(
          lambda_, call.inner_noise, m, s, support.size(), [&](std::size_t first, std::size_t count) {
            inner_loop_.for_each_chunk([&](int, const WeightChunk& chunk) {
              const std::size_t end = chunk.first + chunk.count;
              for (std::size_t d = chunk.first; d < end; ++d) {
                u_[d] = direction_.mu[d] + draw.deviation[d] * direction_.rho[d];
              }
              begin_adding(chunk, &draw.deviation[chunk.first], weight);
            });
            products(s, first, count, u_);
            inner_loop_.for_each_chunk(
                [&](int, const WeightChunk& chunk) { end_adding(chunk, &draw.deviation[chunk.first], weight); });
          });
    }
  }
  for (std::size_t l = 0; l < call.grad_log_noise.size(); ++l) {
    call.grad_log_noise[l] += static_cast<double>(weight) * hessian_log_noise[l];
  }
}

template class MetaGradient<float>;
template class MetaGradient<double>;

}  // namespace altocast
