#include "runtime/scores/ensemble_scores.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "runtime/random.h"

namespace altocast {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// An ensemble's few members are sorted fastest by insertion.
void sort_members(std::span<double> members) {
  if (members.size() > 32) {
    std::sort(members.begin(), members.end());
    return;
  }
  for (std::size_t i = 1; i < members.size(); ++i) {
    const double value = members[i];
    std::size_t k = i;
    for (; k > 0 && members[k - 1] > value; --k) members[k] = members[k - 1];
    members[k] = value;
  }
}

// Both forms from the mean distance to the observation and the sum of all m² distances among members.
Crps combine(double to_observed, double among, double m) {
  return {to_observed - among / (2 * m * m), m > 1 ? to_observed - among / (2 * m * (m - 1)) : kNaN};
}

// Σ_ij |x_i − x_j| = 2 Σ_i (2i − m + 1) x_(i). Relative to y, so that a large common offset costs no digits.
Crps crps_of_sorted(std::span<const double> sorted, double observed) {
  const auto m = static_cast<double>(sorted.size());
  double distance = 0, weighted = 0, weight = 1 - m;
  for (const double member : sorted) {
    const double difference = member - observed;
    distance += std::fabs(difference);
    weighted += weight * difference;
    weight += 2;
  }
  return combine(distance / m, 2 * weighted, m);
}

double distance(const double* a, const double* b, std::size_t dimensions) {
  double squares = 0;
  for (std::size_t d = 0; d < dimensions; ++d) squares += (a[d] - b[d]) * (a[d] - b[d]);
  return std::sqrt(squares);
}

Crps energy_scores(std::span<const double> members, std::span<const double> observed) {
  const std::size_t dimensions = observed.size();
  assert(dimensions > 0 && !members.empty() && members.size() % dimensions == 0);
  const std::size_t count = members.size() / dimensions;
  double to_observed = 0, among = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double* member = members.data() + i * dimensions;
    to_observed += distance(member, observed.data(), dimensions);
    for (std::size_t j = 0; j < i; ++j) among += 2 * distance(member, members.data() + j * dimensions, dimensions);
  }
  const auto m = static_cast<double>(count);
  return combine(to_observed / m, among, m);
}

}  // namespace

Crps crps_ensemble(std::span<const double> members, double observed) {
  assert(!members.empty());
  std::vector<double> sorted(members.begin(), members.end());
  sort_members(sorted);
  return crps_of_sorted(sorted, observed);
}

// σ (z (2Φ(z) − 1) + 2φ(z) − 1/√π), z = (y − μ) / σ.
double crps_gaussian(double mean, double sd, double observed) {
  if (!(sd > 0)) return std::fabs(mean - observed);
  constexpr double kSqrtHalf = 0.70710678118654752440;
  constexpr double kTwoOverSqrtTwoPi = 0.79788456080286535588;
  constexpr double kOneOverSqrtPi = 0.56418958354775628695;
  const double z = (observed - mean) / sd;
  return sd * (z * std::erf(z * kSqrtHalf) + kTwoOverSqrtTwoPi * std::exp(-0.5 * z * z) - kOneOverSqrtPi);
}

double energy_score(std::span<const double> members, std::span<const double> observed) {
  return energy_scores(members, observed).plain;
}
double fair_energy_score(std::span<const double> members, std::span<const double> observed) {
  return energy_scores(members, observed).fair;
}

void EnergySums::add(std::span<const double> members, std::span<const double> observed) {
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(members.begin(), members.end(), finite) || !std::all_of(observed.begin(), observed.end(), finite))
    return;
  const Crps score = energy_scores(members, observed);
  ++count_;
  plain_ += score.plain;
  fair_ += score.fair;
}

Crps EnergySums::score() const {
  if (count_ == 0) return {kNaN, kNaN};
  return {plain_ / static_cast<double>(count_), fair_ / static_cast<double>(count_)};
}

EnsembleSums::EnsembleSums(int members, std::uint64_t seed, std::uint64_t stream)
    : seed_(seed), stream_(stream), ranks_(static_cast<std::size_t>(members) + 1) {
  assert(members > 0);
}

std::optional<Crps> EnsembleSums::add(std::span<double> members, double observed) {
  assert(members.size() + 1 == ranks_.size());
  double sum = 0;  // relative to the observation; not finite if any member is not
  for (const double member : members) sum += member - observed;
  if (!std::isfinite(sum)) return std::nullopt;
  sort_members(members);
  const auto m = static_cast<double>(members.size());
  const double error = sum / m;
  double squares = 0;
  std::size_t below = 0;
  std::uint32_t ties = 0;
  for (const double member : members) {
    const double deviation = member - observed - error;
    squares += deviation * deviation;
    below += member < observed;
    ties += member == observed;
  }
  const std::size_t place = ties > 0 ? random_below(seed_, stream_, count_, ties + 1) : 0;
  ++ranks_[below + place];
  ++count_;
  if (m > 1) variance_ += squares / (m - 1);
  squared_ += error * error;
  const Crps crps = crps_of_sorted(members, observed);
  plain_ += crps.plain;
  fair_ += crps.fair;
  return crps;
}

Crps EnsembleSums::crps() const {
  if (count_ == 0) return {kNaN, kNaN};
  return {plain_ / static_cast<double>(count_), fair_ / static_cast<double>(count_)};
}

double EnsembleSums::spread() const {
  if (count_ == 0 || ranks_.size() < 3) return kNaN;
  return std::sqrt(variance_ / static_cast<double>(count_));
}

double EnsembleSums::skill() const { return count_ > 0 ? std::sqrt(squared_ / static_cast<double>(count_)) : kNaN; }

double EnsembleSums::spread_skill() const {
  const auto m = static_cast<double>(ranks_.size() - 1);
  const double error = skill();
  return error > 0 ? std::sqrt((m + 1) / m) * spread() / error : kNaN;
}

}  // namespace altocast
