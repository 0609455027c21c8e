// What a verification found as one JSON object: the content of scores.json. docs/commands.md lists its keys.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/prior.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/scores/block_bootstrap.h"
#include "runtime/station/verification.h"

namespace altocast {

// Blocks of time that are compared with one another: six hours, or the span of a forecast where that is
// longer.
std::int64_t block_seconds(const Verification& result);

// Of all cases, in one pass over the journal.
struct CaseSummary {
  struct BlockScores {
    std::vector<CaseScores> scores[kSystems];  // [leads], sums over the block's cases
  };
  std::map<std::int64_t, BlockScores> blocks;  // by time
  std::map<GuardVerdict, std::size_t> verdicts;
  std::size_t adapted = 0;  // cases in which the adapted weights were used
};
Result<CaseSummary> summarise(const Verification& result, VerificationJournal& journal);

// Two systems that are compared by a score at each lead.
struct Comparison {
  SystemIndex system, reference;
  double CaseScores::*score;
  const char* name;                    // of the score
  std::vector<BlockComparison> leads;  // of system over reference
};
std::vector<Comparison> comparisons(const Verification& result, const CaseSummary& cases, std::uint64_t seed);

// Writes the object piece by piece, since it lists every case. `prior` is null if references alone were verified.
// Numbers that do not exist (no events, a single member) are null. Ends with a line break.
using TextSink = std::function<Status(std::string_view)>;
Status write_scores_json(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                         const Verification& result, const CaseSummary& cases, VerificationJournal& journal,
                         const TextSink& sink);

}  // namespace altocast
