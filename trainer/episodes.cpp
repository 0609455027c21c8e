#include "trainer/episodes.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "runtime/elementary.h"
#include "runtime/random.h"
#include "trainer/resample.h"

namespace altocast {
namespace {

constexpr std::uint64_t kEpisodePurpose = 0x65706973;  // a name for the stream of draws

// One of the eight symmetries of the square, in place: bit 0 transposes, bit 1 flips rows, bit 2 flips
// columns.
void apply_symmetry(unsigned symmetry, int size, float* image) {
  const auto at = [&](int y, int x) -> float& { return image[y * size + x]; };
  if (symmetry & 1u) {
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < y; ++x) std::swap(at(y, x), at(x, y));
    }
  }
  if (symmetry & 2u) {
    for (int y = 0; y < size / 2; ++y) std::swap_ranges(&at(y, 0), &at(y, 0) + size, &at(size - 1 - y, 0));
  }
  if (symmetry & 4u) {
    for (int y = 0; y < size; ++y) std::reverse(&at(y, 0), &at(y, 0) + size);
  }
}

}  // namespace

EpisodeSampler::EpisodeSampler(const Archive& archive, const std::vector<FrameStretch>& stretches,
                               const NetworkSpec& network, EpisodeShape shape)
    : archive_(archive), network_(network), shape_(shape) {
  // Frames of a slower cadence are drawn the more rarely.
  const auto weight = [](const FrameStretch& stretch) {
    return static_cast<double>(stretch.count) / static_cast<double>(stretch.stride);
  };
  std::map<std::size_t, double> frames_of_set;
  for (const FrameStretch& stretch : stretches) {
    if (stretch.count < static_cast<std::size_t>(frames_needed(1, 1))) continue;
    stretches_.push_back(stretch);
    frames_of_set[stretch.set] += weight(stretch);
  }
  double total = 0;
  for (const FrameStretch& stretch : stretches_) {
    total += weight(stretch) / std::sqrt(frames_of_set[stretch.set]);
    cumulative_.push_back(total);
  }
  for (double& value : cumulative_) value /= total;
}

// Support windows cover inputs + leads + support − 1 frames up to `now`; the queries' targets go leads +
// query − 1 beyond.
int EpisodeSampler::frames_needed(int support, int query) const {
  return network_.input_frames + network_.leads + support - 1 + network_.leads + query - 1;
}

void EpisodeSampler::draw(std::uint64_t seed, std::uint64_t step, std::uint64_t index, Episode& episode) const {
  const std::uint64_t stream = derive_seed(seed, kEpisodePurpose, step, index);
  const auto below = [&](std::uint64_t which, int bound) {
    return static_cast<int>(random_below(stream, 0, which, static_cast<std::uint32_t>(bound)));
  };
  const auto chosen = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, random_uniform(stream, 1, 0));
  const FrameStretch& stretch = stretches_[static_cast<std::size_t>(chosen - cumulative_.begin())];
  const int available = static_cast<int>(stretch.count);

  int support = shape_.support_pairs;
  int query = shape_.query_pairs;
  while (frames_needed(support, query) > available && query > 1) --query;
  while (frames_needed(support, query) > available && support > 1) --support;
  const int frames = frames_needed(support, query);

  const int size = shape_.tile;
  const auto first = static_cast<std::size_t>(below(0, available - frames + 1));
  const float zoom = portable_exp(static_cast<float>(shape_.zoom * (2 * random_uniform(stream, 8, 0) - 1)));
  const int side = std::min({static_cast<int>(static_cast<float>(size) * zoom + 0.5f), archive_.height(stretch.set),
                             archive_.width(stretch.set)});
  const int top = below(1, archive_.height(stretch.set) - side + 1);
  const int left = below(2, archive_.width(stretch.set) - side + 1);
  const auto symmetry = static_cast<unsigned>(below(3, 8));

  const std::size_t pixels = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  const float gain = portable_exp(static_cast<float>(shape_.contrast * (2 * random_uniform(stream, 4, 0) - 1)));
  const auto shift = static_cast<float>(shape_.brightness * (2 * random_uniform(stream, 5, 0) - 1));
  const auto jump = static_cast<float>(shape_.calibration_step * (2 * random_uniform(stream, 6, 0) - 1));
  const int jumps_at = below(7, 2 * frames);  // beyond the last frame: none
  std::vector<float> region(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  // The task's image of a region of frame `f`, or of what is made of frames up to it.
  const auto finish = [&](float* image, int f) {
    resample(region, side, {image, pixels}, size);
    apply_symmetry(symmetry, size, image);
    const float moved = f >= jumps_at ? shift + jump : shift;
    for (std::size_t i = 0; i < pixels; ++i) image[i] = gain * image[i] + moved;
  };
  episode.set = stretch.set;
  episode.frames.resize(static_cast<std::size_t>(frames) * pixels);
  for (std::size_t f = 0; f < static_cast<std::size_t>(frames); ++f) {
    float* image = episode.frames.data() + f * pixels;
    archive_.copy_tile(stretch.set, stretch.frame(first + f), top, left, side, region);
    finish(image, static_cast<int>(f));
  }

  const bool advected = network_.residual == ResidualBase::advected;
  if (advected) episode.bases.resize(static_cast<std::size_t>(support + query) * leads() * pixels);
  float* next_base = episode.bases.data();
  const auto pair_at = [&](int window) {
    const float* base = next_base;
    for (int lead = 0; advected && lead < network_.leads; ++lead, next_base += pixels) {
      const std::size_t newest = first + static_cast<std::size_t>(window + network_.input_frames - 1);
      archive_.copy_advected_tile(stretch, newest, lead, top, left, side, region);
      finish(next_base, window + network_.input_frames - 1);
    }
    const float* inputs = episode.frames.data() + static_cast<std::size_t>(window) * pixels;
    return make_sample(network_, inputs, advected ? base : nullptr,
                       inputs + static_cast<std::size_t>(network_.input_frames) * pixels, size, size);
  };
  episode.task.support.clear();
  episode.task.query.clear();
  for (int i = 0; i < support; ++i) episode.task.support.push_back(pair_at(i));
  const int first_query = support - 1 + network_.leads;
  for (int i = 0; i < query; ++i) episode.task.query.push_back(pair_at(first_query + i));
}

}  // namespace altocast
