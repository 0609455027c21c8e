#include "runtime/frames/frame_bridge.h"

#include <cassert>
#include <cmath>

#include "runtime/advection/advection.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

// Mean 0 and standard deviation 1, so that a sun that rises or sets between two frames is no motion.
std::vector<float> standardised(std::span<const float> frame) {
  double sum = 0, squares = 0;
  for (const float value : frame) sum += static_cast<double>(value);
  const double mean = sum / static_cast<double>(frame.size());
  for (const float value : frame) squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(frame.size()));
  std::vector<float> out(frame.begin(), frame.end());
  for (float& value : out) {
    value = deviation > 0 ? static_cast<float>((static_cast<double>(value) - mean) / deviation) : 0.0f;
  }
  return out;
}

// A frame and what the motion is seen in.
struct End {
  std::span<const float> frame;
  std::vector<float> contrast;
};

// `from` carried `step` of the `steps` slots towards `to`.
std::vector<float> carried(OpticalFlow& flow, const End& from, const End& to, int height, int width, int step,
                           int steps) {
  const std::size_t pixels = from.frame.size();
  std::vector<float> back(2 * pixels), all(pixels * static_cast<std::size_t>(step));
  flow.estimate(to.contrast, from.contrast, back, nullptr);
  for (float& shift : back) shift /= static_cast<float>(steps);
  advect(from.frame.data(), 0, back.data(), height, width, step, all.data(), nullptr);
  all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(pixels));
  return all;
}

}  // namespace

std::vector<float> bridge_frames(std::span<const float> earlier, std::span<const float> later, int height, int width,
                                 int step, int steps) {
  const FlushSubnormals flush;
  assert(0 < step && step < steps && earlier.size() == later.size() && height >= kLeastBridgedSide &&
         width >= kLeastBridgedSide);
  const End first{earlier, standardised(earlier)}, last{later, standardised(later)};
  OpticalFlow flow(height, width);
  std::vector<float> bridged = carried(flow, first, last, height, width, step, steps);
  const std::vector<float> returned = carried(flow, last, first, height, width, steps - step, steps);
  const float weight = static_cast<float>(step) / static_cast<float>(steps);
  for (std::size_t i = 0; i < bridged.size(); ++i) bridged[i] += weight * (returned[i] - bridged[i]);
  return bridged;
}

}  // namespace altocast
