// What a verification has found so far, in a file beside its output: a killed one goes on from there, and the cases of
// a long archive need not stay in memory. Records (formats/record_log.h) are each case, and now and then the sums over
// all cases before; going on, cases behind the last sums are verified again. A resumed verification has the same bits
// as one that was never interrupted.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "formats/record_log.h"
#include "formats/sha256.h"
#include "formats/status.h"
#include "runtime/scores/lead_scores.h"
#include "runtime/station/guarded_adaptation.h"

namespace altocast {

enum SystemIndex {
  kPersistence,
  kPriorEnsemble,
  kAdaptedEnsemble,
  kAdvection,
  kSmoothedAdvection,
  kAdvectionEnsemble,
  kSystems
};
inline constexpr const char* kSystemNames[kSystems] = {
    "persistence", "prior", "adapted", "advection", "smoothed_advection", "advection_ensemble"};

struct VerifiedCase {
  std::int64_t time = 0;                         // forecast from
  Guard guard;                                   // of a prior
  int support_pairs = 0;                         // 0 if the guard chose the prior
  double nll_before = 0, nll_after = 0, kl = 0;  // of the adaptation
  std::vector<CaseScores> scores[kSystems];      // [leads], none of a system that is not verified
};

// Of each system, over all cases.
struct VerificationSums {
  std::vector<LeadScores> systems[kSystems];  // [leads], none of a system that is not verified
  // Of the vectors that the leads at a pixel are, every kEnergyStride-th pixel of every such row: whether what comes
  // first and what follows belong together.
  EnergySums energy[kSystems];
};
inline constexpr int kEnergyStride = 4;

// Not for concurrent use.
class VerificationJournal {
 public:
  // The file is made where there is none. Fails if it is of other things or another process writes it. Sums are written
  // once `interval` has passed since the last ones.
  static Result<VerificationJournal> open(const std::string& path,
                                          std::chrono::milliseconds interval = std::chrono::seconds(30));

  // Takes what was found earlier with the same `key`, a hash of all that the numbers depend on, into `sums`, which have
  // their sizes already. Returns the number of cases that are done: 0 if the file is new, or of another key and begun
  // anew.
  Result<std::size_t> resume(const Sha256Digest& key, VerificationSums& sums);

  // After the case was added to `sums`. `last`: writes the sums in any case.
  Status add(const VerifiedCase& record, VerificationSums& sums, bool last);

  // All cases in order, one in memory at a time.
  Status for_each_case(const std::function<Status(const VerifiedCase&)>& visit);

  bool empty() const { return cases_ == 0; }

  // Once the output stands, or if there is nothing to go on from.
  Status remove() { return log_.remove(); }

 private:
  using Clock = std::chrono::steady_clock;
  VerificationJournal(RecordLog log, std::chrono::milliseconds interval) : log_(std::move(log)), interval_(interval) {}

  RecordLog log_;
  std::chrono::milliseconds interval_;
  std::size_t cases_ = 0;
  Clock::time_point written_ = Clock::now();  // of the last sums
};

}  // namespace altocast
