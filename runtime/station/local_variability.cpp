#include "runtime/station/local_variability.h"

#include <algorithm>
#include <cmath>

#include "runtime/elementary.h"

namespace altocast {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

float log_of(double deviation) {
  return static_cast<float>(portable_log(deviation + static_cast<double>(kNoiseFloor)));
}

}  // namespace

LocalVariability::LocalVariability(int height, int width) : height_(height), width_(width) {
  const std::size_t pixels = index(height) * index(width);
  for (std::vector<double>& sums : sums_) sums.resize(index(height + 1) * index(width + 1));
  logs_.resize(pixels * (kNoiseTerms - 1));
  mean_.resize(pixels);
  inverse_.resize(pixels);
}

void LocalVariability::integrate(const float* frames, int input_frames) {
  const std::size_t pixels = index(height_) * index(width_), stride = index(width_ + 1);
  const float* newest = frames + index(input_frames - 1) * pixels;
  for (int y = 0; y < height_; ++y) {
    double row[3] = {0, 0, 0};
    for (int x = 0; x < width_; ++x) {
      const std::size_t pixel = index(y) * index(width_) + index(x);
      const auto value = static_cast<double>(newest[pixel]);
      row[0] += value;
      row[1] += value * value;
      for (int f = 1; f < input_frames; ++f) {
        const double change = static_cast<double>(frames[index(f) * pixels + pixel]) -
                              static_cast<double>(frames[index(f - 1) * pixels + pixel]);
        row[2] += change * change;
      }
      const std::size_t at = index(y + 1) * stride + index(x + 1);
      for (std::size_t k = 0; k < 3; ++k) sums_[k][at] = sums_[k][at - stride] + row[k];
    }
  }
}

void LocalVariability::compute(const float* frames, int input_frames, ThreadPool& threads) {
  integrate(frames, input_frames);
  const std::size_t stride = index(width_ + 1);
  const double changes = std::max(1, input_frames - 1);
  threads.parallel_for(height_, [&](int y) {
    for (int x = 0; x < width_; ++x) {
      const std::size_t pixel = index(y) * index(width_) + index(x);
      float* logs = logs_.data() + pixel * (kNoiseTerms - 1);
      for (std::size_t w = 0; w < 2; ++w) {
        const int half = kNoiseWindows[w] / 2;
        const int top = std::max(0, y - half), bottom = std::min(height_, y + half + 1);
        const int left = std::max(0, x - half), right = std::min(width_, x + half + 1);
        const double area = static_cast<double>(bottom - top) * static_cast<double>(right - left);
        const auto mean = [&](const std::vector<double>& sums) {
          return ((sums[index(bottom) * stride + index(right)] - sums[index(top) * stride + index(right)]) -
                  (sums[index(bottom) * stride + index(left)] - sums[index(top) * stride + index(left)])) /
                 area;
        };
        const double average = mean(sums_[0]);
        const double deviation = std::sqrt(std::max(0.0, mean(sums_[1]) - average * average));
        const double change = std::sqrt(std::max(0.0, mean(sums_[2]) / changes));
        logs[w] = log_of(deviation);
        logs[2 + w] = log_of(change);
        mean_[pixel] = static_cast<float>(average);
        inverse_[pixel] = static_cast<float>(1.0 / (deviation + static_cast<double>(kNoiseFloor)));
      }
    }
  });
}

}  // namespace altocast
