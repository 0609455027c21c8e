#include "runtime/station/verification.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <set>

#include "formats/crc32c.h"
#include "formats/sha256.h"
#include "runtime/advection/advection_ensemble.h"
#include "runtime/frames/frame_block.h"
#include "runtime/json_object.h"
#include "runtime/random.h"
#include "runtime/sample_set.h"
#include "runtime/station/ensemble.h"
#include "runtime/station/host.h"
#include "runtime/thread_pool.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr std::uint64_t kRankPurpose = 0x72616e6b;  // "rank": of the seed's streams

std::size_t index(int number) { return static_cast<std::size_t>(number); }

// How often each raw number (of downscaled frames: the nearest one) occurs in the frames that are forecast.
using BrightnessCounts = std::vector<std::uint64_t>;

void add_text(const std::string& text, Sha256& hash) {
  hash.update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// Which frames a case takes: an advection needs two to see a motion.
struct CaseShape {
  int inputs = 2, leads = 0, pairs = 1;
  bool guard = false;
  int past() const { return std::max(inputs, 2); }
};

CaseShape case_shape(const LoadedPrior* prior, const VerificationSettings& settings) {
  if (!prior) return {2, settings.leads, 1, false};
  return {prior->prior.network.input_frames, prior->prior.network.leads,
          std::max(1, settings.adaptation.pairs.value_or(prior->prior.support_pairs)), settings.adaptation.guard};
}

// Of the pairs that an adaptation from frame `now` on takes.
void add_pairs(const FrameCache& cache, const CaseShape& shape, std::size_t now, std::set<std::size_t>& frames) {
  const std::int64_t at = cache.frames()[now].slot;
  Result<std::vector<FrameWindow>> pairs = cache.support_pairs(shape.inputs, shape.leads, shape.pairs, at);
  if (!pairs.ok()) return;
  for (const FrameWindow& pair : cache.same_hour_pairs(shape.inputs, shape.leads, at)) pairs->push_back(pair);
  for (const FrameWindow& pair : *pairs) {
    for (std::size_t i = 0; i < index(pair.inputs + pair.targets); ++i) frames.insert(pair.first + i);
  }
}

// Decodes every frame that the cases will read, each once. Counts the targets' brightness and adds what it read to
// `frames`; returns those that do not decode.
std::vector<RejectedFrame> scan(const FrameCache& cache, const std::vector<std::size_t>& times, const CaseShape& shape,
                                BrightnessCounts& counts, Sha256& frames) {
  std::set<std::size_t> read, targets;
  for (const std::size_t now : times) {
    add_pairs(cache, shape, now, read);
    if (shape.guard) {
      if (const auto trial = cache.trial_window(shape.inputs, shape.leads, cache.frames()[now].slot)) {
        const std::size_t last = trial->first + index(trial->inputs + trial->targets);
        for (std::size_t i = trial->first; i < last; ++i) read.insert(i);
        add_pairs(cache, shape, trial->first + index(trial->inputs) - 1, read);
      }
    }
    for (std::size_t i = now + 1 - index(shape.past()); i <= now + index(shape.leads); ++i) read.insert(i);
    for (std::size_t i = now + 1; i <= now + index(shape.leads); ++i) targets.insert(i);
  }
  counts.assign(std::size_t{1} << cache.bits(), 0);
  const auto largest = static_cast<float>(counts.size() - 1);
  std::vector<RejectedFrame> bad;
  for (const std::size_t i : read) {
    Frame frame;
    if (std::optional<RejectedFrame> fault = cache.load(i, Normalisation{0.0f, 1.0f}, frame)) {
      bad.push_back(*std::move(fault));
      continue;
    }
    const std::span<const std::uint8_t> pixels(reinterpret_cast<const std::uint8_t*>(frame.pixels.data()),
                                               frame.pixels.size() * sizeof(float));
    add_text(std::to_string(cache.frames()[i].slot) + " " + std::to_string(crc32c(pixels)) + "\n", frames);
    if (targets.contains(i)) {
      for (const float raw : frame.pixels) ++counts[static_cast<std::size_t>(std::clamp(raw, 0.0f, largest) + 0.5f)];
    }
  }
  return bad;
}

std::size_t observed_count(const FrameCache& cache) {
  return static_cast<std::size_t>(std::count_if(cache.frames().begin(), cache.frames().end(),
                                                [](const FrameEntry& frame) { return !frame.bridged; }));
}

// Whether a station could have forecast from frame `now` and be scored by what was observed: no bridged frame is "now",
// a truth, or a target of the one pair to adapt to that there must be.
bool is_fit(const FrameCache& cache, std::size_t now, int inputs, int leads) {
  return cache.observed(now, 1 + index(leads)) && cache.support_pairs(inputs, leads, 1, cache.frames()[now].slot).ok();
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

// Without a prior, what makes of the images' numbers −1 … 1.
Normalisation normalisation_of(const LoadedPrior* prior, const FrameCache& cache) {
  if (prior) return prior->prior.normalisation;
  const float half = 0.5f * static_cast<float>((1 << cache.bits()) - 1);
  return {half, half};
}

// What all cases share.
class Verifier {
 public:
  Verifier(const LoadedPrior* prior, FrameCache& cache, const VerificationSettings& settings, Kernels<float>& kernels,
           Verification& result)
      : prior_(prior),
        shape_(case_shape(prior, settings)),
        cache_(cache),
        settings_(settings),
        kernels_(kernels),
        result_(result),
        normalisation_(normalisation_of(prior, cache)),
        units_(ensemble_units(cache.settings(), normalisation_, cache.largest_number())),
        pixels_(index(cache.height()) * index(cache.width())),
        advection_(cache.height(), cache.width(), shape_.leads),
        observed_(index(shape_.leads) * pixels_),
        values_(index(settings.members) * observed_.size()),
        advected_(observed_.size()),
        smoothed_(observed_.size()),
        scratch_(index(shape_.leads), FieldScratch(pixels_)) {
    if (!prior) return;
    forecaster_.emplace(prior->prior, kernels, cache.height(), cache.width());
    inputs_.emplace(prior->prior.network, cache.height(), cache.width(), 1);
    prior_weights_ = prior_weights(prior->prior);
  }

  // `example`: takes the forecasts instead of scores, unless it is null.
  Status run_case(std::size_t now, VerifiedCase& record, ExampleCase* example) {
    example_ = example;
    record.time = cache_.frames()[now].slot;
    for (int system = 0; system < kSystems; ++system) record.scores[system].resize(result_.systems[system].size());

    const std::size_t frames = observed_count(cache_);
    AdaptedWeights adapted;
    if (prior_) ALTOCAST_RETURN_IF_ERROR(adapt_before(record, adapted));
    const std::size_t first = now + 1 - index(shape_.past());
    const Result<FrameBlock> block = load_frames(
        cache_,
        [&](const FrameCache& cache) -> Result<FrameRange> {
          if (observed_count(cache) == frames) return FrameRange{first, shape_.past() + shape_.leads};
          return Status::error(cache.rejected().back().path + ": has changed since the verification began");
        },
        normalisation_);
    if (!block.ok()) return block.status();

    to_units({block->from(now + 1), observed_.size()}, observed_);
    if (example_) {
      example_->time = record.time;
      example_->guard = record.guard;
      example_->observed = observed_;
      example_->newest.resize(pixels_);
      to_units({block->from(now), pixels_}, example_->newest);
    }
    score_references({block->from(first), index(shape_.past()) * pixels_}, record);
    if (prior_) {
      inputs_->clear();
      const Sample<float>& input =
          inputs_->add(block->from(now + 1 - index(shape_.inputs)), nullptr, kernels_.threads());
      if (record.guard.adapted()) {
        ALTOCAST_RETURN_IF_ERROR(score_ensemble({kPriorEnsemble}, prior_weights_, input, record));
        ALTOCAST_RETURN_IF_ERROR(score_ensemble({kAdaptedEnsemble}, adapted, input, record));
      } else {
        ALTOCAST_RETURN_IF_ERROR(score_ensemble({kPriorEnsemble, kAdaptedEnsemble}, prior_weights_, input, record));
      }
    }
    return {};
  }

 private:
  void to_units(std::span<const float> normalised, std::span<float> out) const {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>(units_.values.offset + units_.values.scale * static_cast<double>(normalised[i]));
  }

  // Adapts on the frames up to the case's time.
  Status adapt_before(VerifiedCase& record, AdaptedWeights& weights) {
    AdaptationSettings settings = settings_.adaptation;
    settings.at = record.time;
    Result<GuardedAdaptation> guarded = guarded_adaptation(*prior_, cache_, settings, kernels_);
    if (!guarded.ok()) return guarded.status();
    Adaptation& adaptation = guarded->adaptation;
    record.guard = guarded->guard;
    record.support_pairs = adaptation.posterior.support_pairs;
    record.nll_before = adaptation.nll_before;
    record.nll_after = adaptation.nll_after;
    record.kl = adaptation.kl;
    weights = std::move(adaptation.weights);
    return {};
  }

  void score_references(std::span<const float> past, VerifiedCase& record) {
    ThreadPool* const pool = &kernels_.threads();
    to_units(past.last(pixels_), std::span(values_).first(pixels_));
    score(kPersistence, 0, 0, nullptr, record);
    advection_.forecast(past, shape_.past(), advected_, smoothed_, pool);
    for (const auto& [system, forecast] :
         {std::pair(kAdvection, &advected_), std::pair(kSmoothedAdvection, &smoothed_)}) {
      to_units(*forecast, std::span(values_).first(observed_.size()));
      score(system, 0, pixels_, nullptr, record);
    }
    for (int member = 0; member < settings_.members; ++member) {
      const std::span<float> out = std::span(values_).subspan(index(member) * observed_.size(), observed_.size());
      advection_.forecast_member(settings_.adaptation.seed, member, out, pool);
      to_units(out, out);
    }
    score(kAdvectionEnsemble, observed_.size(), pixels_, nullptr, record);
  }

  // One forecast, which stands for all `systems`.
  Status score_ensemble(std::initializer_list<SystemIndex> systems, const AdaptedWeights& weights,
                        const Sample<float>& input, VerifiedCase& record) {
    const EnsembleCentre& centre = forecaster_->forecast(weights, input, units_, settings_.adaptation.seed, values_);
    if (!std::all_of(values_.begin(), values_.end(), [](float value) { return std::isfinite(value); })) {
      return Status::error(std::string("the forecast with the ") + kSystemNames[*systems.begin()] +
                           " weights is not finite; take a lower --rate-scale or another prior");
    }
    for (const SystemIndex system : systems) score(system, observed_.size(), pixels_, centre.mean.data(), record);
    return {};
  }

  // One item of work a lead: it adds to accumulators of its own. `means` may be null (lead_scores.h).
  void score(SystemIndex system, std::size_t member_stride, std::size_t lead_stride, const float* means,
             VerifiedCase& record) {
    if (example_) {
      std::vector<float>& forecast = example_->forecasts[system];
      if (system == kAdvectionEnsemble) return;
      for (std::size_t lead = 0; lead < index(result_.leads); ++lead) {
        const float* const from = means ? means + lead * pixels_ : values_.data() + lead * lead_stride;
        forecast.insert(forecast.end(), from, from + pixels_);
      }
      return;
    }
    kernels_.threads().parallel_for(result_.leads, [&](int lead) {
      const std::size_t at = index(lead);
      record.scores[system][at] = result_.systems[system][at].add(
          values_.data() + at * lead_stride, member_stride, means ? means + at * pixels_ : nullptr,
          std::span<const float>(observed_).subspan(at * pixels_, pixels_), scratch_[at]);
    });
    score_vectors(system, member_stride, lead_stride);
  }

  void score_vectors(SystemIndex system, std::size_t member_stride, std::size_t lead_stride) {
    const std::size_t leads = index(result_.leads), members = index(result_.systems[system].front().members());
    std::vector<double> forecast(members * leads), observed(leads);
    for (int y = 0; y < result_.height; y += kEnergyStride) {
      for (int x = 0; x < result_.width; x += kEnergyStride) {
        const std::size_t pixel = index(y) * index(result_.width) + index(x);
        for (std::size_t lead = 0; lead < leads; ++lead) {
          observed[lead] = static_cast<double>(observed_[lead * pixels_ + pixel]);
          for (std::size_t k = 0; k < members; ++k)
            forecast[k * leads + lead] = static_cast<double>(values_[k * member_stride + lead * lead_stride + pixel]);
        }
        result_.energy[system].add(forecast, observed);
      }
    }
  }

  const LoadedPrior* prior_;  // null: references alone
  ExampleCase* example_ = nullptr;
  const CaseShape shape_;
  FrameCache& cache_;
  const VerificationSettings& settings_;
  Kernels<float>& kernels_;
  Verification& result_;
  const Normalisation normalisation_;
  const EnsembleUnits units_;
  const std::size_t pixels_;
  AdvectionEnsemble advection_;
  std::optional<EnsembleForecaster> forecaster_;
  std::optional<SampleSet> inputs_;  // of the case at hand
  AdaptedWeights prior_weights_;
  std::vector<float> observed_;             // [leads, height, width], in the frames' units
  std::vector<float> values_;               // [member, leads, height, width], in the frames' units
  std::vector<float> advected_, smoothed_;  // [leads, height, width], normalised
  std::vector<FieldScratch> scratch_;       // [leads]
};

}  // namespace

std::vector<std::size_t> verification_times(const FrameCache& cache, int inputs, int leads,
                                            const VerificationSettings& settings) {
  std::vector<std::size_t> fit;
  for (const FrameRun& run : cache.runs()) {
    const std::size_t end = run.first + run.count;
    for (std::size_t now = run.first + index(inputs - 1); now + index(leads) < end; ++now) {
      if (!is_fit(cache, now, inputs, leads)) continue;
      const std::int64_t time = cache.frames()[now].slot;
      if (time >= settings.from.value_or(time) && time <= settings.to.value_or(time)) fit.push_back(now);
    }
  }
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < fit.size(); i += index(settings.every)) chosen.push_back(fit[i]);
  return chosen;
}

namespace {

// All that a verification's numbers depend on.
Sha256Digest journal_key(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                         const std::vector<std::size_t>& times, Sha256 frames) {
  const AdaptationSettings& adaptation = settings.adaptation;
  const ValueScale& values = cache.settings().values;
  const auto number = [](double value) { return json_number(value); };
  add_text(JsonObject()
               .text("version", version())
               .text("prior", prior ? to_hex(prior->sha256) : "")
               .raw("times", json_array(times, [&](std::size_t at) { return std::to_string(cache.frames()[at].slot); }))
               .integer("members", settings.members)
               .integer("leads", settings.leads)
               .integer("look_back", kLookBackSeconds)
               .integer("same_hour_pairs", kSameHourDays * kSameHourPairs)
               .integer("pairs", adaptation.pairs.value_or(-1))
               .integer("steps", adaptation.steps.value_or(-1))
               .number("rate_scale", static_cast<double>(adaptation.rate_scale))
               .integer("seed", adaptation.seed)
               .boolean("guard", adaptation.guard)
               .raw("thresholds", json_array(settings.thresholds, number))
               .raw("windows", json_array(settings.windows, [](int window) { return std::to_string(window); }))
               .number("value_scale", values.scale)
               .number("value_offset", values.offset)
               .str(),
           frames);
  return frames.finish();
}

// Empty scores of what is verified.
void prepare(const LoadedPrior* prior, const FrameCache& cache, const CaseShape& shape,
             const VerificationSettings& settings, Verification& result) {
  result.leads = shape.leads;
  result.cadence_seconds = cache.cadence_seconds();
  result.height = cache.height();
  result.width = cache.width();
  const std::uint64_t seed = derive_seed(settings.adaptation.seed, kRankPurpose);
  for (int system = 0; system < kSystems; ++system) {
    if (!prior && (system == kPriorEnsemble || system == kAdaptedEnsemble)) continue;
    const bool single = system == kPersistence || system == kAdvection || system == kSmoothedAdvection;
    for (int lead = 0; lead < result.leads; ++lead) {
      result.systems[system].emplace_back(single ? 1 : settings.members, result.rules, seed,
                                          index(system * result.leads + lead), result.height, result.width);
    }
  }
}

Status check_frames(const FrameCache& cache, const CaseShape& shape, const VerificationSettings& settings) {
  if (cache.height() < OpticalFlow::kLeastSide || cache.width() < OpticalFlow::kLeastSide) {
    return Status::error(cache.folder() + ": the frames have " + std::to_string(cache.height()) + " x " +
                         std::to_string(cache.width()) + " pixels; an advection takes at least " +
                         std::to_string(OpticalFlow::kLeastSide) + " a side");
  }
  const std::uint64_t pixels = std::uint64_t{1} * index(cache.height()) * index(cache.width());
  return check_ensemble_memory(pixels * index(shape.leads), settings.members);
}

}  // namespace

Result<Verification> verify(const LoadedPrior* prior, FrameCache& cache, const VerificationSettings& settings,
                            Kernels<float>& kernels, VerificationJournal& journal,
                            const VerificationProgress& progress) {
  const FlushSubnormals flush;
  const CaseShape shape = case_shape(prior, settings);
  ALTOCAST_RETURN_IF_ERROR(check_frames(cache, shape, settings));
  std::vector<std::size_t> times;
  BrightnessCounts counts;
  Sha256 frames;
  while (true) {
    times = verification_times(cache, shape.past(), shape.leads, settings);
    if (times.empty()) {
      return Status::error(cache.folder() + ": no time to forecast from is fit" +
                           (settings.from ? " since " + format_time(*settings.from) : "") +
                           (settings.to ? " until " + format_time(*settings.to) : "") + "; it takes " +
                           std::to_string(shape.past() + shape.leads) + " frames in one run, the last " +
                           std::to_string(shape.leads) +
                           " of them after it, and as many in one run up to it, or in the " +
                           std::to_string(kLookBackSeconds / 3600) + " hours before that run");
    }
    frames = Sha256();
    const std::vector<RejectedFrame> bad = scan(cache, times, shape, counts, frames);
    if (bad.empty()) break;
    Result<FrameCache> rest = cache.without(bad);
    if (!rest.ok()) return rest.status();
    cache = *std::move(rest);
  }

  Verification result;
  const ValueScale& values = cache.settings().values;
  result.rules = {settings.thresholds, values.scale < 0, settings.windows};
  if (settings.thresholds.empty()) result.rules.thresholds = default_thresholds(counts, values);
  prepare(prior, cache, shape, settings, result);
  result.case_count = times.size();
  result.first_time = cache.frames()[times.front()].slot;
  result.last_time = cache.frames()[times.back()].slot;
  const Result<std::size_t> done = journal.resume(journal_key(prior, cache, settings, times, frames), result);
  if (!done.ok()) return done.status();
  Verifier verifier(prior, cache, settings, kernels, result);
  if (progress) progress(*done, times.size());
  for (std::size_t i = *done; i < times.size(); ++i) {
    VerifiedCase record;
    const Status ran = verifier.run_case(times[i], record, nullptr);
    if (!ran.ok()) return ran.within("at " + format_time(cache.frames()[times[i]].slot));
    ALTOCAST_RETURN_IF_ERROR(journal.add(record, result, i + 1 == times.size()));
    if (progress) progress(i + 1, times.size());
  }
  return result;
}

Result<ExampleCase> example_case(const LoadedPrior* prior, FrameCache& cache, const VerificationSettings& settings,
                                 Kernels<float>& kernels, std::int64_t time) {
  const FlushSubnormals flush;
  const CaseShape shape = case_shape(prior, settings);
  ALTOCAST_RETURN_IF_ERROR(check_frames(cache, shape, settings));
  for (const std::size_t now : verification_times(cache, shape.past(), shape.leads, settings)) {
    if (cache.frames()[now].slot != time) continue;
    Verification shapes;
    prepare(prior, cache, shape, settings, shapes);
    VerifiedCase record;
    ExampleCase example;
    ALTOCAST_RETURN_IF_ERROR(Verifier(prior, cache, settings, kernels, shapes).run_case(now, record, &example));
    return example;
  }
  return Status::error(cache.folder() + ": no forecast can be verified from " + format_time(time));
}

}  // namespace altocast
