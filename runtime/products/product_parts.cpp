// What is worked out from an ensemble before anything is drawn: moments, probabilities, statistics a lead, scales.
#include "runtime/products/product_parts.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "formats/sha256.h"
#include "runtime/json_text.h"
#include "runtime/products/chart.h"

namespace altocast {
namespace {

// What 99 % of the spread stays below, as a round number for the pictures' scale.
float spread_limit(std::vector<float> spread) {
  const auto rank = spread.begin() + static_cast<std::ptrdiff_t>(std::uint64_t{spread.size() - 1} * 99 / 100);
  std::nth_element(spread.begin(), rank, spread.end());
  return static_cast<float>(round_up(static_cast<double>(*rank)));
}

// What the brightest tenth of the newest frame exceed, half way to the next number that is there.
float brightest_tenth(const ForecastProduct& forecast, std::span<const float> newest) {
  std::vector<float> values(newest.begin(), newest.end());
  const float sign = forecast.bright_is_low ? -1.0f : 1.0f;
  const auto darker = [&](float a, float b) { return sign * a < sign * b; };
  const auto rank = values.begin() + static_cast<std::ptrdiff_t>(std::uint64_t{values.size() - 1} * 9 / 10);
  std::nth_element(values.begin(), rank, values.end(), darker);
  const float at = *rank;
  const auto above = std::partition(rank, values.end(), [&](float value) { return !darker(at, value); });
  if (above == values.end()) return at;
  return 0.5f * (at + *std::min_element(above, values.end(), darker));
}

LeadStatistics lead_statistics(const ProductParts& parts, int lead) {
  LeadStatistics s;
  s.time = valid_time(*parts.forecast, lead);
  const std::span<const float> mean = parts.mean_field(lead);
  const std::span<const float> spread = parts.spread_field(lead);
  s.low = s.high = static_cast<double>(mean.front());
  double variance = 0.0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const auto value = static_cast<double>(mean[i]);
    s.mean += value;
    s.low = std::min(s.low, value);
    s.high = std::max(s.high, value);
    s.mean_spread += static_cast<double>(spread[i]);
    variance += static_cast<double>(spread[i]) * static_cast<double>(spread[i]);
    s.max_spread = std::max(s.max_spread, static_cast<double>(spread[i]));
  }
  s.mean /= static_cast<double>(mean.size());
  s.mean_spread /= static_cast<double>(mean.size());
  variance /= static_cast<double>(mean.size());
  const std::vector<double>& of_weights = parts.forecast->weight_variance;
  if (variance > 0.0)
    s.weight_share = of_weights.empty() ? 1.0 : std::min(1.0, of_weights[static_cast<std::size_t>(lead)] / variance);
  for (std::size_t t = 0; t < parts.thresholds.size(); ++t) {
    double sum = 0.0;
    for (const float share : parts.probability_field(t, lead)) sum += static_cast<double>(share);
    s.probability.push_back(sum / 100.0 / static_cast<double>(mean.size()));
  }
  return s;
}

}  // namespace

std::string forecast_hash(const ForecastProduct& forecast) {
  Sha256 hash;
  std::vector<std::uint8_t> bytes;
  const auto append = [&](std::uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::uint8_t>(word >> shift & 0xffu));
    if (bytes.size() < 65536) return;
    hash.update(bytes);
    bytes.clear();
  };
  for (const int extent : {forecast.members, forecast.leads, forecast.height, forecast.width}) {
    append(static_cast<std::uint32_t>(extent));
  }
  if constexpr (std::endian::native == std::endian::little) {
    hash.update(bytes);
    const auto raw = std::as_bytes(forecast.values);
    hash.update({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
    return to_hex(hash.finish());
  }
  for (const float value : forecast.values) append(std::bit_cast<std::uint32_t>(value));
  hash.update(bytes);
  return to_hex(hash.finish());
}

EnsembleMoments ensemble_moments(const ForecastProduct& forecast) {
  const std::size_t planes = static_cast<std::size_t>(forecast.leads) * static_cast<std::size_t>(forecast.height) *
                             static_cast<std::size_t>(forecast.width);
  const auto members = static_cast<std::size_t>(forecast.members);
  EnsembleMoments moments{std::vector<float>(planes), std::vector<float>(planes)};
  for (std::size_t i = 0; i < planes; ++i) {
    double sum = 0.0;
    for (std::size_t m = 0; m < members; ++m) sum += static_cast<double>(forecast.values[m * planes + i]);
    const double mean = sum / static_cast<double>(members);
    double squares = 0.0;
    for (std::size_t m = 0; m < members; ++m) {
      const double difference = static_cast<double>(forecast.values[m * planes + i]) - mean;
      squares += difference * difference;
    }
    moments.mean[i] = forecast.mean.empty() ? static_cast<float>(mean) : forecast.mean[i];
    moments.spread[i] = members > 1 ? static_cast<float>(std::sqrt(squares / static_cast<double>(members - 1))) : 0.0f;
  }
  return moments;
}

std::vector<float> ProductParts::probability_field(std::size_t threshold, int lead) const {
  const float sign = forecast->bright_is_low ? -1.0f : 1.0f;
  const float limit = sign * thresholds[threshold];
  std::vector<float> share(pixels());
  for (int member = 0; member < forecast->members; ++member) {
    const std::span<const float> field = member_field(member, lead);
    for (std::size_t i = 0; i < share.size(); ++i) share[i] += sign * field[i] > limit ? 1.0f : 0.0f;
  }
  for (float& s : share) s = 100.0f * s / static_cast<float>(forecast->members);
  return share;
}

std::string place_name(const ForecastProduct& forecast) {
  return forecast.station + (forecast.station.empty() || forecast.region.empty() ? "" : ", ") + forecast.region;
}

ProductParts make_parts(const ForecastProduct& forecast) {
  ProductParts parts;
  parts.forecast = &forecast;
  parts.moments = ensemble_moments(forecast);
  parts.hash = forecast_hash(forecast);
  parts.thresholds = forecast.thresholds;
  if (parts.thresholds.empty()) {
    parts.thresholds = {
        brightest_tenth(forecast, forecast.past.empty() ? parts.mean_field(0) : forecast.past.back().values)};
  }
  for (int lead = 0; lead < forecast.leads; ++lead) parts.leads.push_back(lead_statistics(parts, lead));

  const std::string units = forecast.units.empty() ? "image numbers" : forecast.units;
  const ColourScale values{forecast.palette, forecast.range_low, forecast.range_high, forecast.bright_is_low};
  parts.observed = {"", "", "observed", units, values};
  parts.bridged = {"", "", "bridged", units, values};
  parts.mean = {"mean", "Mean", "ensemble mean", units, values};
  parts.members = {"member", "Members", "members", units, values};
  parts.members.enlarged = 256;  // there may be hundreds
  parts.spread = {
      "spread", "Spread", "ensemble spread", units, {Palette::sea, 0.0f, spread_limit(parts.moments.spread)}};
  for (std::size_t t = 0; t < parts.thresholds.size(); ++t) {
    const std::string number = " " + plain_number(static_cast<double>(parts.thresholds[t]), 4) +
                               (forecast.units.empty() ? "" : " " + forecast.units);
    const bool below = forecast.bright_is_low;
    parts.probabilities.push_back({"probability" + std::to_string(t + 1),
                                   (below ? "Below" : "Above") + number,
                                   (below ? "probability below" : "probability above") + number,
                                   "%",
                                   {Palette::ember, 0.0f, 100.0f}});
  }
  if (forecast.georeference)
    parts.map = map_lines(*forecast.georeference, forecast.coastlines, forecast.height, forecast.width);
  return parts;
}

}  // namespace altocast
