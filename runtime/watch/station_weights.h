// The weights that a station's forecast is made with: the prior's, or those of an adaptation, which is made anew when
// the schedule says so and kept in a posterior file. An adaptation starts from the prior and sees no frame later than
// the forecast's newest, so that a forecast made up for later is the one that was missed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "formats/posterior.h"
#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/kernels/kernels.h"
#include "runtime/station/guarded_adaptation.h"
#include "runtime/watch/station_settings.h"

namespace altocast {

// What an adaptation was, for status and products.
struct AdaptationRecord {
  std::int64_t slot = 0;  // of its newest frame
  int pairs = 0, steps = 0;
  std::uint64_t seed = 0;
  int earlier_pairs = 0, hour_pairs = 0;         // as Adaptation's
  std::int64_t first_time = 0, last_time = 0;    // of the frames it learned from
  double nll_before = 0, nll_after = 0, kl = 0;  // NaN if read from a posterior file
  bool used = false;
  std::string reason;          // why it is not used
  std::optional<Guard> guard;  // what its trial found; none if read from a posterior file
};

// What adapting to the frames up to a slot led to.
struct SlotAdaptation {
  AdaptationRecord record;
  Adaptation adaptation;  // as far as record.used
};

// The one call by which the loop adapts. An adaptation that ends with weights that are not to be used is no failure:
// the record says why.
SlotAdaptation adapt_to_slot(const LoadedPrior& prior, FrameCache& cache, const AdaptationSettings& settings,
                             Kernels<float>& kernels);

// Not for concurrent use.
class StationWeights {
 public:
  // Takes up the posterior that stands at `posterior_path`, if it belongs to `prior`; another one is left alone until
  // the next adaptation replaces it.
  StationWeights(LoadedPrior prior, std::string prior_path, std::string posterior_path);

  const LoadedPrior& prior() const { return prior_; }

  // Whether a forecast from `slot` asks for a new adaptation: the schedule says so, and a support pair is there.
  bool due(const StationSettings& settings, const FrameCache& cache, std::int64_t slot) const;

  // Adapts to the frames up to `slot` in `steps` steps. The result is what weights_for(slot) uses. If frames turn out
  // not to decode and too few are left, it is as if it had not been tried.
  void adapt(const StationSettings& settings, FrameCache& cache, std::int64_t slot, int steps, Kernels<float>& kernels);

  // Replaces the posterior file if there is a newer adaptation than the one it holds. If that fails, the weights are in
  // use all the same, and the next call tries again.
  Status save();

  // The newest adaptation that knows no frame after `slot`, or else the prior.
  const AdaptedWeights& weights_for(std::int64_t slot) const;
  // Of that adaptation; null for the prior.
  const AdaptationRecord* used_for(std::int64_t slot) const;
  // The newest adaptation made, used or not.
  const std::optional<AdaptationRecord>& newest() const { return newest_; }

 private:
  struct Adapted {
    AdaptationRecord record;
    AdaptedWeights weights;  // empty if the record is not used
  };
  const Adapted* find(std::int64_t slot) const;

  LoadedPrior prior_;
  std::string prior_path_, posterior_path_;
  AdaptedWeights prior_weights_;
  std::optional<Adapted> current_;  // the newest, which the posterior file holds if it is used
  std::optional<Adapted> past_;     // the last one for a forecast that is made up for
  std::optional<AdaptationRecord> newest_;
  std::optional<Posterior> unsaved_;
};

}  // namespace altocast
