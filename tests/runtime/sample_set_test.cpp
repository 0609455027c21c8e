// What a network's samples take beyond the frames.
#include "runtime/sample_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/random.h"

namespace altocast {
namespace {

NetworkSpec spec_of(ResidualBase residual) {
  NetworkSpec spec;
  spec.input_frames = 3;
  spec.leads = 2;
  spec.residual = residual;
  return spec;
}

TEST(SampleSet, AdvectsTheNewestFrameForEachSample) {
  constexpr int kHeight = 20, kWidth = 17, kPixels = kHeight * kWidth;
  std::vector<float> frames(8 * kPixels);
  fill_normal(1, 0, 0, std::span(frames));
  ThreadPool threads(2);
  SampleSet set(spec_of(ResidualBase::advected), kHeight, kWidth, 2);
  SmoothedAdvection advection(kHeight, kWidth, 2);
  std::vector<float> advected(2 * kPixels), smoothed(2 * kPixels);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < 2; ++i)
      set.add(frames.data() + i * kPixels, frames.data() + (i + 3) * kPixels, threads);
    for (std::size_t i = 0; i < 2; ++i) {
      const Sample<float>& sample = set.samples()[i];
      EXPECT_EQ(sample.frames, frames.data() + i * kPixels);
      EXPECT_EQ(sample.target, frames.data() + (i + 3) * kPixels);
      ASSERT_EQ(sample.base_leads, 2);
      advection.forecast({sample.frames, 3 * kPixels}, 3, advected, smoothed, nullptr);
      EXPECT_TRUE(std::equal(smoothed.begin(), smoothed.end(), sample.base));
    }
    set.clear();
  }
}

TEST(SampleSet, TakesNoMoreThanFramesWhereTheBaseIsTheLastOrNone) {
  const std::vector<float> frames(4, 1.0f);
  ThreadPool threads(1);
  for (const ResidualBase residual : {ResidualBase::last_frame, ResidualBase::none}) {
    SampleSet set(spec_of(residual), 1, 1, 1);
    const Sample<float>& sample = set.add(frames.data(), nullptr, threads);
    EXPECT_EQ(sample.base, residual == ResidualBase::none ? nullptr : frames.data() + 2);
    EXPECT_EQ(least_side(spec_of(residual)), 1);
  }
}

}  // namespace
}  // namespace altocast
