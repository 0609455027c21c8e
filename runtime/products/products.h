// What a forecast leaves on disk: a folder that a person, a web page or xarray opens.
//
//   overview.png                     one picture to look at first
//   report.html                      the same with every lead and a loop, in one file that needs no network
//   forecast.nc                      all numbers: classic NetCDF (CDF-2), CF names
//   summary.json                     hash, times, settings, per-lead statistics, list of files
//   loop.png                         past frames and mean, playing for ever (animated PNG)
//   mean_LL_TIME.png, spread_LL_TIME.png, probabilityT_LL_TIME.png, memberMM_LL_TIME.png
//                                    a picture a lead LL = 01 …, valid at TIME, with time, units and legend
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/status.h"
#include "runtime/geography/map_lines.h"
#include "runtime/products/palette.h"
#include "runtime/products/product_settings.h"
#include "runtime/products/report_facts.h"
#include "runtime/thread_pool.h"

namespace altocast {

// A frame that went in, in the forecast's units and size.
struct PastFrame {
  std::int64_t time = 0;
  std::span<const float> values;  // [height, width]
  bool bridged = false;           // not observed: made of its neighbours
};

// An ensemble forecast in memory. Spans belong to the caller and must outlive the call.
struct ForecastProduct {
  int members = 0;
  int leads = 0;
  int height = 0;
  int width = 0;
  std::span<const float> values;  // [member, lead, height, width], the frames' own units, finite, top row first
  // Of the members before observation noise: their mean [lead, height, width], and the variance among them at each
  // lead, a mean over pixels. Empty where that is what `values` hold.
  std::span<const float> mean;
  std::vector<double> weight_variance;
  std::int64_t start_time = 0;  // of the newest frame that went in, seconds since 1970
  int cadence_seconds = 0;      // lead ℓ = 0 … leads − 1 is valid at start_time + (ℓ + 1) · cadence_seconds
  std::vector<PastFrame> past;  // oldest first; may be empty

  std::string station;     // for people; may be empty
  std::string channel;     // for people; may be empty
  std::string region;      // for people; may be empty
  std::string units;       // "K"; empty for raw image numbers
  float range_low = 0.0f;  // the values that pictures show from end to end, range_low < range_high
  float range_high = 255.0f;
  bool bright_is_low = false;  // true: low values are drawn bright (brightness temperature: cold clouds white)
  Palette palette = Palette::grey;
  // Of the probability: the share of members above (below where `bright_is_low`) each, up to kMaxThresholds. Empty:
  // what the brightest 10 % of the newest frame exceed.
  std::vector<float> thresholds = {};

  std::optional<Georeference> georeference;  // of the forecast's pixels
  Coastlines coastlines;                     // drawn on pictures if there is a georeference

  std::string prior_sha256;  // 64 hexadecimal digits
  std::uint64_t seed = 0;
  bool adapted = false;
  std::vector<std::pair<std::string, std::string>> settings;  // further facts for summary.json and the report
  std::optional<RecentScores> scores;
  std::optional<FeedHealth> feed;
  std::optional<AdaptationFacts> adaptation;
};

struct ProductOptions {
  bool pictures = true;           // false: forecast.nc and summary.json alone
  int member_pictures = -1;       // members that get pictures of their own; −1 = all
  ThreadPool* threads = nullptr;  // draw the pictures; null: the caller alone. The files are the same
};

// Lead ℓ's valid time.
inline std::int64_t valid_time(const ForecastProduct& forecast, int lead) {
  return forecast.start_time + static_cast<std::int64_t>(lead + 1) * forecast.cadence_seconds;
}

// SHA-256, in hexadecimal, over the shape (member, lead, y, x as 32-bit little-endian integers) and the bits
// of all values as little-endian binary32. Equal hashes mean the same forecast, bit for bit.
std::string forecast_hash(const ForecastProduct& forecast);

// The forecast's mean, or else that of the values, and the spread of the values (standard deviation with divisor
// members − 1; zero with one member), for each lead and pixel: [lead, height, width]. Summed in double over members in
// order.
struct EnsembleMoments {
  std::vector<float> mean;
  std::vector<float> spread;
};
EnsembleMoments ensemble_moments(const ForecastProduct& forecast);

// Writes the whole folder beside `folder`, makes it durable, then puts it in the place of `folder` by
// renaming: a reader sees the old or the new products, and after any failure the old ones. `folder` may be
// absent (its parent must exist), empty, or hold earlier products; a folder that holds anything else is
// refused, not emptied. One writer at a time. Returns the forecast's hash.
Result<std::string> write_products(const ForecastProduct& forecast, const std::string& folder,
                                   const ProductOptions& options = {});

// Fails where write_products() would refuse `folder` or could not write beside it, so that one knows before
// the work. Changes nothing.
Status check_products_folder(const std::string& folder);

}  // namespace altocast
