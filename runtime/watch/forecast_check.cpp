#include "runtime/watch/forecast_check.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "formats/netcdf_reader.h"
#include "runtime/advection/advection.h"

namespace altocast {
namespace {

bool earlier(const CheckedForecast& a, const CheckedForecast& b) {
  return std::tie(a.from, a.lead) < std::tie(b.from, b.lead);
}

std::size_t pixels_of(const FrameCache& cache) {
  return static_cast<std::size_t>(cache.height()) * static_cast<std::size_t>(cache.width());
}

// Index of the frame of this slot, or the number of frames.
std::size_t find_slot(const FrameCache& cache, std::int64_t slot) {
  const std::vector<FrameEntry>& frames = cache.frames();
  const auto found = std::lower_bound(frames.begin(), frames.end(), slot,
                                      [](const FrameEntry& frame, std::int64_t time) { return frame.slot < time; });
  return found != frames.end() && found->slot == slot ? static_cast<std::size_t>(found - frames.begin())
                                                      : frames.size();
}

// A run's mean at one lead, 1 …, and its number of members; false if it does not fit.
bool read_mean(const std::string& path, int lead, const FrameCache& cache, std::vector<float>& mean, int& members) {
  const Result<NetcdfReader> file = NetcdfReader::open(path);
  if (!file.ok()) return false;
  const std::vector<std::uint32_t> shape = file->shape("mean"), all = file->shape("frame");
  if (shape.size() != 3 || all.size() != 4 || shape[0] < static_cast<std::uint32_t>(lead) ||
      shape[1] != static_cast<std::uint32_t>(cache.height()) || shape[2] != static_cast<std::uint32_t>(cache.width()))
    return false;
  members = static_cast<int>(std::min<std::uint32_t>(all[0], 10000));
  mean.resize(pixels_of(cache));
  return file->read("mean", static_cast<std::uint64_t>(lead - 1) * mean.size(), mean).ok();
}

double mean_absolute(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
  return sum / static_cast<double>(a.size());
}

}  // namespace

const ForecastCheck::Field* ForecastCheck::frame(const FrameCache& cache, const Normalisation& normalisation,
                                                 std::int64_t slot) {
  const auto [entry, added] = frames_.try_emplace(slot);
  if (added) {
    const std::size_t index = find_slot(cache, slot);
    if (index < cache.frames().size()) {
      if (Result<Frame> loaded = cache.load(index, normalisation); loaded.ok())
        entry->second = std::move(loaded->pixels);
    }
  }
  return entry->second.empty() ? nullptr : &entry->second;
}

const ForecastCheck::Field* ForecastCheck::motion(const FrameCache& cache, const Normalisation& normalisation,
                                                  std::int64_t from, ThreadPool* pool) {
  const auto [entry, added] = motions_.try_emplace(from);
  if (added || (!entry->second.empty() && entry->second.size() != 2 * pixels_of(cache))) {
    entry->second.clear();
    const Field* before = frame(cache, normalisation, from - cache.cadence_seconds());
    const Field* last = frame(cache, normalisation, from);
    if (before && last && std::min(cache.height(), cache.width()) >= OpticalFlow::kLeastSide) {
      Field past = *before, advected(last->size());
      past.insert(past.end(), last->begin(), last->end());
      Advection advection(cache.height(), cache.width());
      advection.forecast(past, 2, 1, advected, pool);
      entry->second.assign(advection.motion().begin(), advection.motion().end());
    }
  }
  return entry->second.empty() ? nullptr : &entry->second;
}

int ForecastCheck::update(const FrameCache& cache, const Normalisation& normalisation, int leads,
                          const StationFolder& folder, std::vector<CheckedForecast>& history, ThreadPool* pool) {
  const std::int64_t cadence = cache.cadence_seconds();
  if (cadence <= 0 || folder.runs().empty()) return 0;
  const std::int64_t newest = folder.runs().back();
  const std::int64_t oldest = newest - kHistorySeconds - leads * cadence;
  std::erase_if(history, [&](const CheckedForecast& checked) { return checked.from < oldest; });

  const FlushSubnormals flush;
  const ValueScale units = cache.settings().from_normalised(normalisation);
  std::vector<CheckedForecast> found;
  std::vector<float> mean, observed(pixels_of(cache)), advected;
  frames_.clear();
  // By the frames that came, oldest first: each needs few others, which are let go after it.
  for (const FrameEntry& entry : cache.frames()) {
    if (entry.slot <= oldest || entry.bridged) continue;  // what is made of its neighbours is no truth
    for (int lead = 1; lead <= leads; ++lead) {
      CheckedForecast checked{entry.slot - lead * cadence, lead, 0, 0, 0, 0};
      if (checked.from < oldest || !std::binary_search(folder.runs().begin(), folder.runs().end(), checked.from) ||
          std::binary_search(history.begin(), history.end(), checked, earlier))
        continue;
      if (!read_mean(folder.run_path(checked.from) + "/forecast.nc", lead, cache, mean, checked.members)) continue;
      const Field* truth = frame(cache, normalisation, entry.slot);
      const Field* last = truth ? frame(cache, normalisation, checked.from) : nullptr;
      const Field* back = last ? motion(cache, normalisation, checked.from, pool) : nullptr;
      if (!back) continue;
      for (std::size_t i = 0; i < observed.size(); ++i)
        observed[i] = static_cast<float>(units.offset + units.scale * static_cast<double>((*truth)[i]));
      advected.resize(static_cast<std::size_t>(lead) * observed.size());
      advect(last->data(), 0, back->data(), cache.height(), cache.width(), lead, advected.data(), pool);
      checked.mae = mean_absolute(mean, observed);
      checked.persistence = std::fabs(units.scale) * mean_absolute(*last, *truth);
      checked.advection = std::fabs(units.scale) * mean_absolute(std::span(advected).last(observed.size()), *truth);
      if (std::isfinite(checked.mae + checked.persistence + checked.advection)) found.push_back(checked);
    }
    frames_.erase(frames_.begin(), frames_.lower_bound(entry.slot - (leads + 1) * cadence));
  }
  frames_.clear();
  motions_.erase(motions_.begin(), motions_.lower_bound(newest - leads * cadence));
  history.insert(history.end(), found.begin(), found.end());
  std::sort(history.begin(), history.end(), earlier);
  return static_cast<int>(found.size());
}

}  // namespace altocast
