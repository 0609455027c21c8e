#include "trainer/meta_gradient.h"

#include <algorithm>

#include "runtime/elementary.h"
#include "trainer/clock.h"

namespace altocast {
namespace {

template <class T>
void set_zero(std::vector<T>& values) {
  std::fill(values.begin(), values.end(), T{0});
}

template <class T>
void set_zero(Gaussian<T>& values) {
  set_zero(values.mu);
  set_zero(values.rho);
}

// w ← J w for clip(g) = c g, c = limit / ‖g‖:  J = c (I − g gᵀ / ‖g‖²) where the limit acts, else the identity.
template <class T>
void apply_clip_jacobian(const std::vector<T>& gradient, double norm, double factor, std::vector<T>& w,
                         ThreadPool& threads) {
  if (factor == 1.0) return;
  const double dot = sum_weight_parts(w.size(), threads, [&](std::size_t first, std::size_t end) {
    double sum = 0;
    for (std::size_t d = first; d < end; ++d) sum += static_cast<double>(gradient[d]) * static_cast<double>(w[d]);
    return sum;
  });
  const T along = static_cast<T>(dot / (norm * norm));
  const T scale = static_cast<T>(factor);
  for_weight_parts(w.size(), threads, [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) w[d] = scale * (w[d] - along * gradient[d]);
  });
}

// With a single draw w is read for the last time when u is made of it, so that it needs no memory of its own.
bool needs_direction(const InnerLoopSettings& inner) { return inner.samples > 1 || inner.flipout; }

}  // namespace

template <class T>
MetaGradient<T>::MetaGradient(InnerLoop<T>& inner_loop, const OuterSettings& settings, std::size_t keep_bytes)
    : inner_loop_(inner_loop),
      network_(inner_loop.network()),
      settings_(settings),
      hessian_vector_(network_),
      lambda_(parameter_count(network_.spec())),
      adjoint_(lambda_),
      gradients_(static_cast<std::size_t>(inner_loop.settings().steps), lambda_),
      u_(lambda_.mu),
      keep_bytes_(keep_bytes) {
  if (needs_direction(inner_loop.settings())) direction_ = lambda_;
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

// ᾱ from step m, v being the adjoint of λ^{m+1}.
template <class T>
void MetaGradient<T>::add_rate_gradient(int step, const Clipping& clipping, InnerRates<double>& grad_rates) {
  const Gaussian<T>& gradient = gradients_[static_cast<std::size_t>(step)];
  const std::vector<ParameterTensor>& tensors = inner_loop_.tensors();
  const std::size_t row = inner_loop_.rate_row(step);
  network_.threads().parallel_for(static_cast<int>(tensors.size()), [&](int tensor) {
    const auto t = static_cast<std::size_t>(tensor);
    double mu = 0, rho = 0;
    for (std::size_t d = tensors[t].offset; d < tensors[t].offset + tensors[t].size; ++d) {
      mu += static_cast<double>(adjoint_.mu[d]) * static_cast<double>(gradient.mu[d]);
      rho += static_cast<double>(adjoint_.rho[d]) * static_cast<double>(gradient.rho[d]);
    }
    grad_rates.mu[row + t] -= clipping.factor_mu * mu;
    grad_rates.rho[row + t] -= clipping.factor_rho * rho;
  });
}

// λ^count from the inner gradients.
template <class T>
void MetaGradient<T>::replay(const Gaussian<T>& theta, const std::vector<InnerStepReport>& steps, int count) {
  lambda_ = theta;
  for (int step = 0; step < count; ++step) {
    const auto m = static_cast<std::size_t>(step);
    inner_loop_.update(lambda_, gradients_[m], steps[m].clipping, step);
  }
}

template <class T>
MetaReport MetaGradient<T>::accumulate(const Gaussian<T>& theta, std::span<const T> log_noise, const Task<T>& task,
                                       NoiseSource<T>& inner_noise, NoiseSource<T>& outer_noise, MetaOrder order,
                                       Gaussian<T>& grad_theta, std::span<double> grad_log_noise,
                                       InnerRates<double>* grad_rates) {
  ThreadPool& threads = network_.threads();
  const int steps = inner_loop_.settings().steps;
  plan_kept(order, static_cast<std::size_t>(steps * inner_loop_.settings().samples) * task.support.size());
  MetaReport report;
  const Clock::time_point inner_start = Clock::now();
  lambda_ = theta;
  for (int m = 0; m < steps; ++m) {
    Gaussian<T>& gradient = gradients_[static_cast<std::size_t>(m)];
    report.steps.push_back(
        inner_loop_.gradient(theta, lambda_, log_noise, task.support, inner_noise, m, gradient, kept(m)));
    inner_loop_.update(lambda_, gradient, report.steps.back().clipping, m);
  }

  report.seconds.inner_loop = seconds_since(inner_start);
  report.forwards = 3.0 * static_cast<double>(kept_.size());

  set_zero(adjoint_);
  add_outer(theta, log_noise, task, outer_noise, steps, grad_theta, grad_log_noise, report);
  for (int m = steps - 1; m >= 0; --m) {
    const Clipping& clipping = report.steps[static_cast<std::size_t>(m)].clipping;
    if (grad_rates) add_rate_gradient(m, clipping, *grad_rates);
    const bool counts = step_weight(m) > 0;
    if (order == MetaOrder::second || counts) replay(theta, report.steps, m);
    if (order == MetaOrder::second) {
      const Clock::time_point start = Clock::now();
      through_step(theta, log_noise, task.support, inner_noise, m, clipping, grad_theta, grad_log_noise);
      report.seconds.hessian_vector += seconds_since(start);
    }
    if (counts) add_outer(theta, log_noise, task, outer_noise, m, grad_theta, grad_log_noise, report);
  }
  if (order == MetaOrder::second) {
    report.products = static_cast<int>(kept_.size());
    report.products_kept = static_cast<int>(std::count_if(kept_.begin(), kept_.end(), [](auto* pass) { return pass; }));
    report.forwards += HessianVector<T>::kForwardsKept * report.products_kept +
                       HessianVector<T>::kForwardsAnew * (report.products - report.products_kept);
  }
  replay(theta, report.steps, steps);
  for_weight_parts(theta.size(), threads, [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) {
      grad_theta.mu[d] += adjoint_.mu[d];
      grad_theta.rho[d] += adjoint_.rho[d];
    }
  });
  return report;
}

// L_m at λ = λ^m, times its weight: adds to v ∂L/∂λ, and ∂L/∂θ and ∂L/∂s.
template <class T>
void MetaGradient<T>::add_outer(const Gaussian<T>& theta, std::span<const T> log_noise, const Task<T>& task,
                                NoiseSource<T>& noise, int m, Gaussian<T>& grad_theta, std::span<double> grad_log_noise,
                                MetaReport& report) {
  const Clock::time_point start = Clock::now();
  ThreadPool& threads = network_.threads();
  std::vector<Sample<T>> joined;
  if (settings_.data == OuterData::support_and_query) joined = task.support;
  joined.insert(joined.end(), task.query.begin(), task.query.end());
  const std::span<const Sample<T>> pairs(joined);
  const double terms = static_cast<double>(pairs.size()) * static_cast<double>(network_.terms());
  const double weight = step_weight(m) / terms;
  const T kl_weight = static_cast<T>(settings_.kl_weight * weight);
  const int steps_left = inner_loop_.settings().steps - m;

  add_kl_gradient(lambda_, theta, kl_weight, adjoint_, threads);
  for_weight_parts(theta.size(), threads, [&](int, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) {
      // ∂KL/∂μ_θ = −∂KL/∂μ_λ;  ∂KL/∂ρ_θ = 1 − (e^{2ρ_λ} + (μ_λ − μ_θ)²) e^{−2ρ_θ}
      const T precision = portable_exp(T{-2} * theta.rho[d]);
      const T shift = lambda_.mu[d] - theta.mu[d];
      grad_theta.mu[d] -= kl_weight * (shift * precision);
      grad_theta.rho[d] +=
          kl_weight * (T{1} - portable_exp(T{2} * (lambda_.rho[d] - theta.rho[d])) - shift * shift * precision);
    }
  });

  const double kl = kl_divergence(lambda_, theta, threads);
  double nll = 0;
  std::vector<double> grad_s(grad_log_noise.size());
  WeightDraw<T>& draw = inner_loop_.draw();
  for (int s = 0; s < settings_.samples; ++s) {
    inner_loop_.for_each_draw(lambda_, noise, steps_left, s, pairs.size(), [&](std::size_t first, std::size_t count) {
      set_zero(draw.grad_phi);
      nll += nll_gradient(network_, std::span<const T>(draw.phi), log_noise, pairs.subspan(first, count),
                          std::span(draw.grad_phi), std::span(grad_s));
      add_sample_gradient(draw, static_cast<T>(weight / settings_.samples), adjoint_, threads);
    });
  }
  for (std::size_t l = 0; l < grad_s.size(); ++l) grad_log_noise[l] += grad_s[l] * weight / settings_.samples;
  report.outer_loss += settings_.kl_weight * kl * weight + nll * weight / settings_.samples;
  if (steps_left == 0) report.kl = kl;
  report.forwards += 3.0 * settings_.samples * static_cast<double>(pairs.size());
  report.seconds.outer += seconds_since(start);
}

// Carries v from λ^{m+1} to λ^m = lambda_.
template <class T>
void MetaGradient<T>::through_step(const Gaussian<T>& theta, std::span<const T> log_noise,
                                   std::span<const Sample<T>> support, NoiseSource<T>& noise, int step,
                                   const Clipping& clipping, Gaussian<T>& grad_theta,
                                   std::span<double> grad_log_noise) {
  ThreadPool& threads = network_.threads();
  const InnerLoopSettings& inner = inner_loop_.settings();
  const InnerRates<T>& rates = inner_loop_.rates();
  const std::size_t row = inner_loop_.rate_row(step);
  const double terms = static_cast<double>(support.size()) * static_cast<double>(network_.terms());
  Gaussian<T>& v = adjoint_;
  WeightDraw<T>& draw = inner_loop_.draw();
  const bool apart = needs_direction(inner);
  std::vector<T>& w_mu = apart ? direction_.mu : u_;
  std::vector<T>& w_rho = apart ? direction_.rho : draw.grad_phi;

  inner_loop_.for_each_piece([&](std::size_t t, std::size_t first, std::size_t end) {
    for (std::size_t d = first; d < end; ++d) {
      w_mu[d] = rates.mu[row + t] * v.mu[d];
      w_rho[d] = rates.rho[row + t] * v.rho[d];
    }
  });
  const Gaussian<T>& gradient = gradients_[static_cast<std::size_t>(step)];
  apply_clip_jacobian(gradient.mu, clipping.norm_mu, clipping.factor_mu, w_mu, threads);
  apply_clip_jacobian(gradient.rho, clipping.norm_rho, clipping.factor_rho, w_rho, threads);

  const T kl_weight = static_cast<T>(static_cast<double>(inner.kl_weight) / terms);
  for_weight_parts(theta.size(), threads, [&](int, std::size_t first, std::size_t end) {
    // Chunks with arrays of their own, and pointers that share nothing: g++ makes vector code of it.
    constexpr std::size_t kChunk = 256;
    T precisions[kChunk], ratios[kChunk];
    for (; first < end; first += kChunk) {
      const std::size_t count = std::min(kChunk, end - first);
      const T *theta_rho = &theta.rho[first], *lambda_rho = &lambda_.rho[first];
      const T *theta_mu = &theta.mu[first], *lambda_mu = &lambda_.mu[first], *gradient_rho = &gradient.rho[first];
      const T *along_mu = &w_mu[first], *along_rho = &w_rho[first];
      T* __restrict v_mu = &v.mu[first];
      T* __restrict v_rho = &v.rho[first];
      T* __restrict grad_mu = &grad_theta.mu[first];
      T* __restrict grad_rho = &grad_theta.rho[first];
      for (std::size_t i = 0; i < count; ++i) {
        precisions[i] = portable_exp(T{-2} * theta_rho[i]);
        ratios[i] = portable_exp(T{2} * (lambda_rho[i] - theta_rho[i]));
      }
      for (std::size_t i = 0; i < count; ++i) {
        const T shift = lambda_mu[i] - theta_mu[i];
        const T kl_mu = kl_weight * precisions[i] * along_mu[i];  // ∂²KL/∂μ_λ² = −∂²KL/∂μ_θ∂μ_λ = σ_θ^−2
        const T kl_rho = kl_weight * T{2} * ratios[i] * along_rho[i];  // ∂²KL/∂ρ_λ² = −∂²KL/∂ρ_θ∂ρ_λ = 2 σ_λ² / σ_θ²
        v_mu[i] -= kl_mu;
        // NLL's ∂²/∂ρ² holds e^ρ ε ∇_φ NLL besides the Hessian: what ∇_ρ F has beyond ∂KL/∂ρ_λ = σ_λ² / σ_θ² − 1.
        v_rho[i] -= kl_rho + (gradient_rho[i] - kl_weight * (ratios[i] - T{1})) * along_rho[i];
        grad_mu[i] += kl_mu;
        grad_rho[i] += kl_rho + T{2} * shift * kl_mu;  // ∂²KL/∂ρ_θ∂μ_λ = −2 (μ_λ − μ_θ) σ_θ^−2
      }
    }
  });

  const T weight = static_cast<T>(1.0 / (terms * inner.samples));
  std::vector<double> hessian_log_noise(grad_log_noise.size());
  std::vector<T>& hessian_phi = draw.grad_phi;
  const std::span<Pass<T>* const> passes = kept(step);
  for (int s = 0; s < inner.samples; ++s) {
    inner_loop_.for_each_draw(lambda_, noise, step, s, support.size(), [&](std::size_t first, std::size_t count) {
      for_weight_parts(theta.size(), threads, [&](int, std::size_t begin, std::size_t end) {
        for (std::size_t d = begin; d < end; ++d) {
          u_[d] = w_mu[d] + draw.deviation[d] * w_rho[d];
        }
      });
      set_zero(hessian_phi);
      network_.set_weights(draw.phi.data());
      hessian_vector_.set_direction(u_.data());
      for (std::size_t i = first; i < first + count; ++i) {
        hessian_vector_.accumulate(support[i], log_noise.data(),
                                   passes[static_cast<std::size_t>(s) * support.size() + i], hessian_phi.data(),
                                   hessian_log_noise.data());
      }
      for_weight_parts(theta.size(), threads, [&](int, std::size_t begin, std::size_t end) {
        for (std::size_t d = begin; d < end; ++d) {
          v.mu[d] -= weight * hessian_phi[d];
          v.rho[d] -= weight * draw.deviation[d] * hessian_phi[d];
        }
      });
    });
  }
  for (std::size_t l = 0; l < grad_log_noise.size(); ++l) {
    grad_log_noise[l] -= hessian_log_noise[l] / (terms * inner.samples);
  }
}

template class MetaGradient<float>;
template class MetaGradient<double>;

}  // namespace altocast
