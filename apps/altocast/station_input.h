// What adapt and forecast share around the runtime's calls: opening frames, telling what was left out, making
// sure before the work that its result can be written.
#pragma once

#include <string>

#include "apps/altocast/arguments.h"
#include "formats/prior.h"
#include "runtime/frames/frame_cache.h"
#include "runtime/station/guarded_adaptation.h"

namespace altocast {

// --pairs, --steps, --rate-scale, --no-guard.
void add_adaptation_options(Arguments& arguments);
AdaptationSettings adaptation_settings(const Arguments& arguments);  // and --seed; without `at`

// The frames of --frames: of a folder, or, if it ends in .toml, those that a station.toml names, taken as it says.
Result<FrameCache> open_frames(const std::string& folder_or_settings);

// What the frames differ in from the prior's, and which files were not used.
void log_frames(const Prior& prior, const FrameCache& cache);
void log_rejected(const FrameCache& cache);  // the latter alone
void log_adaptation(const GuardedAdaptation& guarded, int wanted_pairs);

// Makes the folders above `path`. Fails unless files can be made in the last of them.
Status prepare_parent(const std::string& path);

// The same for one file that will be replaced; fails too if `path` is a folder or another process writes it.
Status prepare_output_file(const std::string& path);

}  // namespace altocast
