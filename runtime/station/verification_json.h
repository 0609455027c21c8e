// What a verification found as one JSON object: the content of scores.json. docs/commands.md lists its keys.
#pragma once

#include <string>

#include "formats/prior.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/station/verification.h"

namespace altocast {

// Blocks of time that are compared with one another: six hours, or the span of a forecast where that is
// longer.
std::int64_t block_seconds(const Verification& result);

// `prior` is null if references alone were verified. Numbers that do not exist (no events, a single member) are null.
// Ends with a line break.
std::string scores_json(const LoadedPrior* prior, const FrameCache& cache, const VerificationSettings& settings,
                        const Verification& result);

}  // namespace altocast
