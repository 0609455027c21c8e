// Frames for slots that have none, from the frames on both sides: the earlier one carried forward by the motion between
// the two (runtime/advection), the later one carried back, blended by time.
#pragma once

#include <span>
#include <vector>

namespace altocast {

inline constexpr int kLeastBridgedSide = 8;  // pixels, for a motion to be seen

// `earlier` and `later` are [height, width], `steps` ≥ 2 slots apart; the result is the frame `step` slots after
// `earlier`, 0 < step < steps, in the same numbers: each is a mean of numbers of the two. The same bits on every
// platform.
std::vector<float> bridge_frames(std::span<const float> earlier, std::span<const float> later, int height, int width,
                                 int step, int steps);

}  // namespace altocast
