// What a verification found as one HTML page for people, which needs no network: scores by lead as plots, reliability,
// rank histograms, and a good, a middling and a bad case as maps side by side.
#pragma once

#include <string>
#include <vector>

#include "formats/prior.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/station/verification.h"
#include "runtime/station/verification_json.h"

namespace altocast {

// A case to show.
struct Example {
  std::string name;  // "A good case"
  std::int64_t time = 0;
};

// The best, the median and the worst case by MAE as a share of persistence's, a mean over leads, of the adapted
// ensemble, or without a prior of smoothed advection. One of a kind only where there are fewer cases.
Result<std::vector<Example>> choose_examples(const Verification& result, VerificationJournal& journal);

// `maps` are the chosen cases (example_case). `prior` is null if references alone were verified.
std::string verification_page(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                              const Verification& result, const CaseSummary& cases,
                              const std::vector<Example>& examples, const std::vector<ExampleCase>& maps);

}  // namespace altocast
