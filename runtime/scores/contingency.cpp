#include "runtime/scores/contingency.h"

#include <cmath>
#include <limits>

namespace altocast {
namespace {

double number(std::uint64_t count) { return static_cast<double>(count); }

double ratio(double above, double below) {
  return below != 0.0 ? above / below : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

double ContingencyTable::accuracy() const { return ratio(number(hits + correct_negatives), number(count())); }
double ContingencyTable::frequency_bias() const { return ratio(number(hits + false_alarms), number(hits + misses)); }
double ContingencyTable::pod() const { return ratio(number(hits), number(hits + misses)); }
double ContingencyTable::far() const { return ratio(number(false_alarms), number(hits + false_alarms)); }
double ContingencyTable::pofd() const { return ratio(number(false_alarms), number(false_alarms + correct_negatives)); }
double ContingencyTable::csi() const { return ratio(number(hits), number(hits + false_alarms + misses)); }

double ContingencyTable::hss() const {
  const double a = number(hits), b = number(false_alarms), c = number(misses), d = number(correct_negatives);
  return ratio(2 * (a * d - b * c), (a + c) * (c + d) + (a + b) * (b + d));
}

double ContingencyTable::ets() const {
  const double by_chance = ratio(number(hits + misses) * number(hits + false_alarms), number(count()));
  return ratio(number(hits) - by_chance, number(hits + misses + false_alarms) - by_chance);
}

double ContingencyTable::sedi() const {
  const double h = pod(), f = pofd();
  if (!(h > 0 && h < 1 && f > 0 && f < 1)) return std::numeric_limits<double>::quiet_NaN();
  const double log_f = std::log(f), log_h = std::log(h), log_1f = std::log(1 - f), log_1h = std::log(1 - h);
  return ratio(log_f - log_h - log_1f + log_1h, log_f + log_h + log_1f + log_1h);
}

double ContingencyTable::mcc() const {
  const double a = number(hits), b = number(false_alarms), c = number(misses), d = number(correct_negatives);
  return ratio(a * d - b * c, std::sqrt(a + b) * std::sqrt(a + c) * std::sqrt(d + b) * std::sqrt(d + c));
}

double ContingencyTable::f1() const { return ratio(2 * number(hits), number(2 * hits + false_alarms + misses)); }

}  // namespace altocast
