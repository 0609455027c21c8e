#include "trainer/resample.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace altocast {
namespace {

constexpr int kSide = 12;

std::vector<float> plane(int side, float by_row, float by_column) {
  std::vector<float> image;
  for (int i = 0; i < side * side; ++i) {
    image.push_back(3.0f + by_row * static_cast<float>(i / side) + by_column * static_cast<float>(i % side));
  }
  return image;
}

std::vector<float> resampled(const std::vector<float>& src, int from, int to) {
  std::vector<float> dst(static_cast<std::size_t>(to) * static_cast<std::size_t>(to));
  resample(src, from, dst, to);
  return dst;
}

TEST(Resample, ToTheSameSideCopies) {
  const std::vector<float> image = plane(kSide, 0.1f, -7.3f);
  EXPECT_EQ(resampled(image, kSide, kSide), image);
}

// Exactly where pixels become finer or a whole number of them one; else to a few hundredths of a pixel.
TEST(Resample, KeepsSlopesAwayFromTheEdges) {
  const std::vector<float> image = plane(kSide, 2.0f, -1.0f);
  for (const int to : {1, 5, 8, 11, 13, 30}) {
    const std::vector<float> other = resampled(image, kSide, to);
    const float ratio = static_cast<float>(kSide) / static_cast<float>(to);
    const float tolerance = to > kSide || kSide % to == 0 ? 1e-4f : 0.15f;
    const int edge = 1 + kSide / 8 + to / kSide;
    for (int y = edge; y < to - edge; ++y) {
      for (int x = edge; x < to - edge; ++x) {
        const float row = (static_cast<float>(y) + 0.5f) * ratio - 0.5f;
        const float column = (static_cast<float>(x) + 0.5f) * ratio - 0.5f;
        ASSERT_NEAR(other[static_cast<std::size_t>(y * to + x)], 3.0f + 2.0f * row - column, tolerance) << to;
      }
    }
  }
}

TEST(Resample, KeepsAConstantUpToTheEdges) {
  for (const int to : {1, 7, 40}) {
    for (const float value : resampled(plane(kSide, 0, 0), kSide, to)) EXPECT_NEAR(value, 3.0f, 1e-5f) << to;
  }
}

TEST(Resample, ASmallerImageAveragesWhatItCovers) {
  std::vector<float> stripes;  // finer than the smaller image can show
  for (int i = 0; i < kSide * kSide; ++i) stripes.push_back(i % 2 ? 1.0f : 0.0f);
  const std::vector<float> small = resampled(stripes, kSide, kSide / 2);
  for (int y = 0; y < kSide / 2; ++y) {
    for (int x = 1; x + 1 < kSide / 2; ++x)
      EXPECT_NEAR(small[static_cast<std::size_t>(y * kSide / 2 + x)], 0.5f, 1e-5f);
  }
}

}  // namespace
}  // namespace altocast
