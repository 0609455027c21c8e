#include "runtime/station/verification.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "runtime/frames/frame_block.h"
#include "runtime/random.h"
#include "runtime/station/ensemble.h"
#include "runtime/thread_pool.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr std::uint64_t kRankPurpose = 0x72616e6b;  // "rank": of the seed's streams

std::size_t index(int number) { return static_cast<std::size_t>(number); }

// How often each raw number (of downscaled frames: the nearest one) occurs in the frames that are forecast.
using BrightnessCounts = std::vector<std::uint64_t>;

// Decodes every frame that the cases will read, each once. Counts the targets' brightness; returns those that
// do not decode.
std::vector<RejectedFrame> scan(const FrameCache& cache, const std::vector<std::size_t>& times, int inputs, int leads,
                                int pairs, BrightnessCounts& counts) {
  const std::size_t needed = index(inputs + leads + pairs - 1);  // up to "now"
  std::set<std::size_t> read, targets;
  for (const std::size_t now : times) {
    const std::size_t first = std::max(cache.run_of(now).first, now + 1 - std::min(now + 1, needed));
    for (std::size_t i = first; i <= now + index(leads); ++i) read.insert(i);
    for (std::size_t i = now + 1; i <= now + index(leads); ++i) targets.insert(i);
  }
  counts.assign(std::size_t{1} << cache.bits(), 0);
  const auto largest = static_cast<float>(counts.size() - 1);
  std::vector<RejectedFrame> bad;
  for (const std::size_t i : read) {
    const Result<Frame> frame = cache.load(i);
    if (!frame.ok()) {
      bad.push_back({cache.frames()[i].path, frame.message()});
    } else if (targets.contains(i)) {
      for (const float raw : frame->pixels) ++counts[static_cast<std::size_t>(std::clamp(raw, 0.0f, largest) + 0.5f)];
    }
  }
  return bad;
}

// In the frames' own units, from the darkest to the brightest; at most 100 − percentile % of the pixels are
// brighter.
std::vector<double> default_thresholds(const BrightnessCounts& counts, const ValueScale& values) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : counts) all += count;
  std::vector<double> thresholds;
  for (const double percentile : kDefaultPercentiles) {
    std::uint64_t up_to = 0;
    std::size_t raw = 0;
    while (raw + 1 < counts.size()) {
      up_to += counts[raw];
      if (static_cast<double>(up_to) >= percentile / 100 * static_cast<double>(all)) break;
      ++raw;
    }
    const double threshold = values.offset + values.scale * (static_cast<double>(raw) + 0.5);
    if (thresholds.empty() || thresholds.back() != threshold) thresholds.push_back(threshold);
  }
  return thresholds;
}

// What all cases share.
class Verifier {
 public:
  Verifier(const LoadedPrior& prior, FrameCache& cache, const VerificationSettings& settings, Kernels<float>& kernels,
           Verification& result)
      : prior_(prior),
        cache_(cache),
        settings_(settings),
        kernels_(kernels),
        result_(result),
        units_(cache.settings().from_normalised(prior.prior.normalisation)),
        forecaster_(prior.prior.network, kernels, cache.height(), cache.width()),
        values_(forecaster_.member_size() * index(settings.members)),
        observed_(forecaster_.member_size()),
        scratch_(index(result.leads), FieldScratch(index(cache.height()) * index(cache.width()))) {
    prior_weights_.mu = prior.prior.mu;
    prior_weights_.rho = prior.prior.rho;
  }

  Status run_case(std::size_t now) {
    const int inputs = prior_.prior.network.input_frames;
    const int leads = result_.leads;
    const std::size_t first = now + 1 - index(inputs);
    VerifiedCase record;
    record.time = cache_.frames()[now].slot;
    for (std::vector<CaseScores>& scores : record.scores) scores.resize(index(leads));

    AdaptationSettings adaptation_settings = settings_.adaptation;
    adaptation_settings.at = record.time;
    const std::size_t frames = cache_.frames().size();
    Result<Adaptation> adaptation = adapt(prior_, cache_, adaptation_settings, kernels_);
    if (!adaptation.ok()) return adaptation.status();
    const Result<FrameBlock> block = load_frames(
        cache_,
        [&](const FrameCache& cache) -> Result<FrameRange> {
          if (cache.frames().size() == frames) return FrameRange{first, inputs + leads};
          return Status::error(cache.rejected().back().path + ": has changed since the verification began");
        },
        prior_.prior.normalisation);
    if (!block.ok()) return block.status();
    record.support_pairs = adaptation->posterior.support_pairs;
    record.nll_before = adaptation->nll_before;
    record.nll_after = adaptation->nll_after;
    record.kl = adaptation->kl;

    const std::size_t pixels = observed_.size() / index(leads);
    to_units({block->from(now + 1), observed_.size()}, observed_);
    to_units({block->from(now), pixels}, std::span(values_).first(pixels));
    score(kPersistence, 0, 0, record);
    const Sample<float> input = make_sample(prior_.prior.network, block->from(first),
                                            static_cast<const float*>(nullptr), block->height, block->width);
    ALTOCAST_RETURN_IF_ERROR(score_ensemble(kPriorEnsemble, prior_weights_, input, record));
    Gaussian<float> adapted;
    adapted.mu = std::move(adaptation->weights.mu);
    adapted.rho = std::move(adaptation->weights.rho);
    ALTOCAST_RETURN_IF_ERROR(score_ensemble(kAdaptedEnsemble, adapted, input, record));
    result_.cases.push_back(std::move(record));
    return {};
  }

 private:
  void to_units(std::span<const float> normalised, std::span<float> out) const {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>(units_.offset + units_.scale * static_cast<double>(normalised[i]));
  }

  Status score_ensemble(SystemIndex system, const Gaussian<float>& weights, const Sample<float>& input,
                        VerifiedCase& record) {
    forecaster_.forecast(weights, input, units_, settings_.adaptation.seed, values_);
    if (!std::all_of(values_.begin(), values_.end(), [](float value) { return std::isfinite(value); })) {
      return Status::error(std::string("the forecast with the ") + kSystemNames[system] +
                           " weights is not finite; take a lower --rate-scale or another prior");
    }
    score(system, forecaster_.member_size(), observed_.size() / index(result_.leads), record);
    return {};
  }

  // One item of work a lead: it adds to accumulators of its own.
  void score(SystemIndex system, std::size_t member_stride, std::size_t lead_stride, VerifiedCase& record) {
    const std::size_t pixels = observed_.size() / index(result_.leads);
    kernels_.threads().parallel_for(result_.leads, [&](int lead) {
      const std::size_t at = index(lead);
      record.scores[system][at] =
          result_.systems[system][at].add(values_.data() + at * lead_stride, member_stride,
                                          std::span<const float>(observed_).subspan(at * pixels, pixels), scratch_[at]);
    });
  }

  const LoadedPrior& prior_;
  FrameCache& cache_;
  const VerificationSettings& settings_;
  Kernels<float>& kernels_;
  Verification& result_;
  ValueScale units_;  // of normalised numbers
  EnsembleForecaster forecaster_;
  Gaussian<float> prior_weights_;
  std::vector<float> values_;          // [member, leads, height, width] in the frames' units
  std::vector<float> observed_;        // [leads, height, width]
  std::vector<FieldScratch> scratch_;  // [leads]
};

}  // namespace

std::vector<std::size_t> verification_times(const FrameCache& cache, int inputs, int leads,
                                            const VerificationSettings& settings) {
  std::vector<std::size_t> fit;
  for (const FrameRun& run : cache.runs()) {
    const std::size_t end = run.first + run.count;
    for (std::size_t now = run.first + index(inputs + leads - 1); now + index(leads) < end; ++now) {
      const std::int64_t time = cache.frames()[now].slot;
      if (time >= settings.from.value_or(time) && time <= settings.to.value_or(time)) fit.push_back(now);
    }
  }
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < fit.size(); i += index(settings.every)) chosen.push_back(fit[i]);
  return chosen;
}

Result<Verification> verify(const LoadedPrior& loaded, FrameCache& cache, const VerificationSettings& settings,
                            Kernels<float>& kernels, const VerificationProgress& progress) {
  const FlushSubnormals flush;
  const NetworkSpec& network = loaded.prior.network;
  const int pairs = std::max(1, settings.adaptation.pairs.value_or(loaded.prior.support_pairs));
  std::vector<std::size_t> times;
  BrightnessCounts counts;
  while (true) {
    times = verification_times(cache, network.input_frames, network.leads, settings);
    if (times.empty()) {
      return Status::error(cache.folder() + ": no time to forecast from is fit" +
                           (settings.from ? " since " + format_time(*settings.from) : "") +
                           (settings.to ? " until " + format_time(*settings.to) : "") + "; it takes " +
                           std::to_string(network.input_frames + 2 * network.leads) + " frames in one run, the last " +
                           std::to_string(network.leads) + " of them after it");
    }
    const std::vector<RejectedFrame> bad = scan(cache, times, network.input_frames, network.leads, pairs, counts);
    if (bad.empty()) break;
    Result<FrameCache> rest = cache.without(bad);
    if (!rest.ok()) return rest.status();
    cache = *std::move(rest);
  }

  Verification result;
  result.leads = network.leads;
  result.cadence_seconds = cache.cadence_seconds();
  result.height = cache.height();
  result.width = cache.width();
  const ValueScale& values = cache.settings().values;
  result.rules = {settings.thresholds, values.scale < 0, settings.windows};
  if (settings.thresholds.empty()) result.rules.thresholds = default_thresholds(counts, values);
  const std::uint64_t pixels = std::uint64_t{1} * index(result.height) * index(result.width);
  ALTOCAST_RETURN_IF_ERROR(check_ensemble_memory(pixels * index(result.leads), settings.members));
  const std::uint64_t seed = derive_seed(settings.adaptation.seed, kRankPurpose);
  for (int system = 0; system < kSystems; ++system) {
    for (int lead = 0; lead < result.leads; ++lead) {
      result.systems[system].emplace_back(system == kPersistence ? 1 : settings.members, result.rules, seed,
                                          index(system * result.leads + lead), result.height, result.width);
    }
  }
  Verifier verifier(loaded, cache, settings, kernels, result);
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (progress) progress(i, times.size());
    const std::int64_t time = cache.frames()[times[i]].slot;
    const Status done = verifier.run_case(times[i]);
    if (!done.ok()) return done.within("at " + format_time(time));
  }
  if (progress) progress(times.size(), times.size());
  return result;
}

}  // namespace altocast
