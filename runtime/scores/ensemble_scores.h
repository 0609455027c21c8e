// Scores of an ensemble, or of a Gaussian, against what came: CRPS, energy score, spread and skill, rank
// histogram. All are better when smaller but for the last two, which tell how well spread and error match.
//
//   CRPS         mean_i |x_i − y| − Σ_ij |x_i − x_j| / (2 m²)          (Gneiting and Raftery, 2007)
//   fair CRPS    the same with 2 m (m − 1): what an endless ensemble would score (Ferro, 2014); NaN for m = 1
//   energy score the same with Euclidean norms of vectors for |·|
//   spread       root of the mean variance within the ensemble (divided by m − 1); NaN for m = 1
//   skill        RMSE of the ensemble's mean
//   spread/skill √((m + 1) / m) · spread / skill: 1 if the truth is one more member (Fortin et al., 2014)
//   rank         how many members lie below the observation, 0 … m; among t members equal to it, each of the
//                t + 1 places is as likely, drawn from (seed, stream, number of the observation)
//
// NaN: an observation is left out and not counted if it or any member is not finite. Without observations
// every score is NaN and the histogram is empty.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace altocast {

struct Crps {
  double plain = 0;
  double fair = 0;  // NaN for one member
};

// At least one member, all finite, in any order.
Crps crps_ensemble(std::span<const double> members, double observed);

// Of N(mean, sd²), sd ≥ 0; with sd = 0 it is |mean − observed|.
double crps_gaussian(double mean, double sd, double observed);

// `members` is [member, dimension], all finite, observed.size() dimensions. The second form is fair; NaN for
// one member.
double energy_score(std::span<const double> members, std::span<const double> observed);
double fair_energy_score(std::span<const double> members, std::span<const double> observed);

// Energy scores, streamed over an archive: means over the vectors that were added.
class EnergySums {
 public:
  // As energy_score(); left out and not counted if any number is not finite.
  void add(std::span<const double> members, std::span<const double> observed);

  std::uint64_t count() const { return count_; }
  Crps score() const;  // NaN without vectors

  void each_number(const auto& visit) {  // as in errors.h
    visit(count_);
    visit(plain_);
    visit(fair_);
  }

 private:
  std::uint64_t count_ = 0;
  double plain_ = 0, fair_ = 0;
};

// Streams over an archive. The size of the ensemble is fixed, ≥ 1.
class EnsembleSums {
 public:
  EnsembleSums(int members, std::uint64_t seed, std::uint64_t stream);

  // The score of this observation; none if it is left out. Sorts `members`.
  std::optional<Crps> add(std::span<double> members, double observed);

  std::uint64_t count() const { return count_; }
  Crps crps() const;
  double spread() const;
  double skill() const;
  double spread_skill() const;
  const std::vector<std::uint64_t>& rank_histogram() const { return ranks_; }  // [members + 1]

  void each_number(const auto& visit) {  // as in errors.h
    visit(count_);
    for (double* number : {&plain_, &fair_, &variance_, &squared_}) visit(*number);
    for (std::uint64_t& count : ranks_) visit(count);
  }

 private:
  std::uint64_t seed_, stream_;
  std::uint64_t count_ = 0;
  double plain_ = 0, fair_ = 0, variance_ = 0, squared_ = 0;
  std::vector<std::uint64_t> ranks_;
};

}  // namespace altocast
