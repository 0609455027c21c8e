// Verifies published forecasts against the frames that have come since, beside persistence and advection. A forecast is
// read back from its forecast.nc, one lead at a time; the motion of an advection is kept for as long as its forecast
// waits for frames.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/thread_pool.h"
#include "runtime/watch/station_folder.h"
#include "runtime/watch/verification_history.h"

namespace altocast {

// Not for concurrent use.
class ForecastCheck {
 public:
  // Adds to `history` (sorted by forecast and lead, and kept so) what has become checkable in the day before the newest
  // run, and takes off what is older. `pool` may be null. Returns how many were added. Forecasts of another size or
  // cadence, and those whose frames or products are gone or damaged, are passed over.
  int update(const FrameCache& cache, const Normalisation& normalisation, int leads, const StationFolder& folder,
             std::vector<CheckedForecast>& history, ThreadPool* pool);

 private:
  using Field = std::vector<float>;  // [height, width], normalised
  const Field* frame(const FrameCache& cache, const Normalisation& normalisation, std::int64_t slot);
  const Field* motion(const FrameCache& cache, const Normalisation& normalisation, std::int64_t from, ThreadPool* pool);

  std::map<std::int64_t, Field> frames_;   // by slot, of one update; empty: not usable
  std::map<std::int64_t, Field> motions_;  // by a forecast's slot, [height, width, 2]; empty: there is none
};

}  // namespace altocast
