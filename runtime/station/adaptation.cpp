#include "runtime/station/adaptation.h"

#include <algorithm>
#include <cmath>

#include "runtime/frames/frame_block.h"
#include "runtime/gaussian.h"
#include "runtime/json_text.h"
#include "runtime/random.h"
#include "runtime/sample_set.h"
#include "runtime/thread_pool.h"
#include "runtime/unet.h"

namespace altocast {
namespace {

constexpr std::uint64_t kAdaptationPurpose = 0x61646170;  // "adap": of the seed's streams
constexpr const char* kMend = "lower --rate-scale, or take fewer --steps";

// NLL a term of the samples at weights φ, forward passes only.
double mean_nll(UNet<float>& network, const std::vector<float>& phi, const std::vector<float>& log_noise,
                std::span<const Sample<float>> samples) {
  network.set_weights(phi.data());
  double nll = 0;
  for (const Sample<float>& sample : samples) nll += network.nll(sample, log_noise.data());
  return nll / (static_cast<double>(samples.size()) * static_cast<double>(network.terms()));
}

// Which step a diverged inner loop went wrong in; an empty Status if λ is fit to forecast with.
Status check_converged(const std::vector<InnerStepReport>& steps, const Gaussian<float>& lambda) {
  const auto finite = [](float value) { return std::isfinite(value); };
  for (std::size_t m = 0; m < steps.size(); ++m) {
    if (!std::isfinite(steps[m].objective) || !std::isfinite(steps[m].clipping.norm_mu)) {
      return Status::error("the adaptation diverged: the loss at step " + std::to_string(m + 1) + " of " +
                           std::to_string(steps.size()) + " is not a finite number; " + kMend);
    }
  }
  if (!std::all_of(lambda.mu.begin(), lambda.mu.end(), finite) ||
      !std::all_of(lambda.rho.begin(), lambda.rho.end(), [](float rho) { return rho >= kMinRho && rho <= kMaxRho; })) {
    return Status::error(std::string("the adaptation diverged: its last step left the range of weights; ") + kMend);
  }
  return {};
}

InnerRates<float> scaled_rates(const Prior& prior, float scale) {
  InnerRates<float> rates = inner_rates(prior);
  for (float& rate : rates.mu) rate *= scale;
  for (float& rate : rates.rho) rate *= scale;
  return rates;
}

}  // namespace

Result<Adaptation> adapt(const LoadedPrior& loaded, FrameCache& cache, const AdaptationSettings& settings,
                         Kernels<float>& kernels) {
  const FlushSubnormals flush;
  const Prior& prior = loaded.prior;
  const int inputs = prior.network.input_frames;
  const int leads = prior.network.leads;
  const int wanted = std::max(1, settings.pairs.value_or(prior.support_pairs));
  InnerLoopSettings inner = prior.inner;
  inner.steps = settings.steps.value_or(inner.steps);

  std::vector<FrameWindow> windows;
  const Result<FrameBlock> block = load_frames(
      cache,
      [&](const FrameCache& frames) -> Result<FrameRange> {
        Result<std::vector<FrameWindow>> pairs = frames.support_pairs(inputs, leads, wanted, settings.at);
        if (!pairs.ok()) return pairs.status();
        windows = *std::move(pairs);
        const std::size_t first = windows.front().first;
        return FrameRange{first, static_cast<int>(windows.back().first - first) + inputs + leads};
      },
      prior.normalisation);
  if (!block.ok()) return block.status();
  ALTOCAST_RETURN_IF_ERROR(check_size(prior.network, *block, cache.folder()));
  SampleSet pairs(prior.network, block->height, block->width, windows.size());
  for (const FrameWindow& window : windows) {
    pairs.add(block->from(window.first), block->from(window.first + static_cast<std::size_t>(inputs)),
              kernels.threads());
  }
  const std::span<const Sample<float>> support = pairs.samples();

  UNet<float> network(prior.network, kernels, block->height, block->width, Purpose::gradient);
  InnerLoop<float> loop(network, inner, scaled_rates(prior, settings.rate_scale));
  Gaussian<float> theta;
  theta.mu = prior.mu;
  theta.rho = prior.rho;
  const double stiffness = loop.kl_stiffness(theta, support.size() * network.terms());
  if (!(stiffness < 2.0)) {
    return Status::error(
        "the inner rates are too large for these frames: the pull to the prior is stable below 2 and is " +
        plain_number(stiffness, 3) + "; set --rate-scale below " +
        plain_number(static_cast<double>(settings.rate_scale) * 2.0 / stiffness, 2) + " or give more --pairs");
  }

  Adaptation result;
  result.nll_before = mean_nll(network, theta.mu, prior.log_noise, support);
  Gaussian<float> lambda = theta;
  CounterNoise<float> noise(derive_seed(settings.seed, kAdaptationPurpose), inner.antithetic);
  loop.adapt(theta, prior.log_noise, support, noise, lambda, &result.steps);
  ALTOCAST_RETURN_IF_ERROR(check_converged(result.steps, lambda));

  result.posterior = make_posterior(loaded, lambda.mu, lambda.rho);
  result.posterior.frames = block->names;
  result.posterior.inner = inner;
  result.posterior.support_pairs = static_cast<int>(support.size());
  result.posterior.seed = settings.seed;
  Result<AdaptedWeights> weights = adapted_weights(result.posterior, loaded);
  if (!weights.ok()) return weights.status();
  result.weights = *std::move(weights);
  lambda.mu = result.weights.mu;
  lambda.rho = result.weights.rho;
  result.kl = kl_divergence(lambda, theta, kernels.threads());
  result.nll_after = mean_nll(network, lambda.mu, prior.log_noise, support);
  if (!std::isfinite(result.nll_after)) {
    return Status::error(std::string("the adaptation diverged: the loss after its last step is not a finite number; ") +
                         kMend);
  }
  result.first_time = block->slots.front();
  result.last_time = block->slots.back();
  return result;
}

}  // namespace altocast
