// Optical flow and advection: known motions are found, edges and constant frames do no harm, and the bits are the same
// everywhere.
#include "runtime/advection/advection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "runtime/frames/synthetic.h"
#include "tests/runtime/bit_hash.h"

namespace altocast {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

// A pattern without end that looks nowhere the same, about −1 … 1.
double pattern(double y, double x) {
  return 0.4 * std::sin(0.23 * x + 0.11 * y) + 0.3 * std::sin(0.31 * y - 0.07 * x + 1.0) +
         0.2 * std::sin(0.41 * x - 0.37 * y) * std::sin(0.05 * x + 0.3) + 0.1 * std::sin(0.17 * x * 1.3 + 0.53 * y);
}

struct Point {
  double y, x;
};
using Origin = std::function<Point(Point at, double steps)>;  // where what is seen at `at` was `steps` ago

std::vector<float> moving_frames(int height, int width, int count, const Origin& origin) {
  std::vector<float> frames;
  for (int t = 0; t < count; ++t) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const Point from = origin({static_cast<double>(y), static_cast<double>(x)}, t);
        frames.push_back(static_cast<float>(pattern(from.y, from.x)));
      }
    }
  }
  return frames;
}

// Largest distance of the flow from what is true, in pixels, `margin` away from the edges.
double flow_error(int height, int width, const Origin& origin, int margin, const FlowSettings& settings = {}) {
  const std::vector<float> frames = moving_frames(height, width, 2, origin);
  const std::size_t pixels = index(height) * index(width);
  std::vector<float> back(2 * pixels);
  OpticalFlow flow(height, width, settings);
  flow.estimate(std::span(frames).subspan(pixels), std::span(frames).first(pixels), back, nullptr);
  double worst = 0;
  for (int y = margin; y < height - margin; ++y) {
    for (int x = margin; x < width - margin; ++x) {
      const Point at{static_cast<double>(y), static_cast<double>(x)};
      const Point from = origin(at, 1);
      const float* found = &back[2 * (index(y) * index(width) + index(x))];
      worst = std::max(worst, std::hypot(static_cast<double>(found[0]) - (from.x - at.x),
                                         static_cast<double>(found[1]) - (from.y - at.y)));
    }
  }
  return worst;
}

Origin translation(double dy, double dx) {
  return [=](Point at, double steps) { return Point{at.y - dy * steps, at.x - dx * steps}; };
}

Origin rotation(double centre_y, double centre_x, double angle) {
  return [=](Point at, double steps) {
    const double c = std::cos(angle * steps), s = std::sin(angle * steps), y = at.y - centre_y, x = at.x - centre_x;
    return Point{centre_y + c * y - s * x, centre_x + s * y + c * x};
  };
}

double mean_error(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
  return sum / static_cast<double>(a.size());
}

TEST(OpticalFlow, FindsATranslationToAFractionOfAPixel) {
  EXPECT_LT(flow_error(96, 128, translation(0.3, -0.7), 8), 0.15);
  EXPECT_LT(flow_error(96, 128, translation(-2.5, 1.25), 8), 0.15);
  EXPECT_LT(flow_error(97, 127, translation(4.1, 6.3), 12), 0.15);
  EXPECT_LT(flow_error(96, 128, translation(0, 0), 0), 1e-12);
}

TEST(OpticalFlow, FindsARotation) { EXPECT_LT(flow_error(96, 96, rotation(47.5, 47.5, 0.05), 10), 0.15); }

TEST(OpticalFlow, OfFramesBeyondTheLimitIsFoundAtHalfTheirResolution) {
  FlowSettings settings;
  settings.finest_limit = 96 * 128 / 4;
  EXPECT_LT(flow_error(96, 128, translation(-2.5, 1.25), 8, settings), 0.3);
}

TEST(OpticalFlow, DoesNotDependOnUnits) {
  const std::vector<float> frames = moving_frames(40, 56, 2, translation(1.5, 2.0));
  std::vector<float> scaled(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) scaled[i] = 250.0f - 64.0f * frames[i];
  const std::size_t pixels = frames.size() / 2;
  std::vector<float> a(2 * pixels), b(2 * pixels);
  OpticalFlow flow(40, 56);
  flow.estimate(std::span(frames).subspan(pixels), std::span(frames).first(pixels), a, nullptr);
  flow.estimate(std::span(scaled).subspan(pixels), std::span(scaled).first(pixels), b, nullptr);
  EXPECT_LT(mean_error(a, b), 0.01);
}

TEST(OpticalFlow, IsZeroWhereNothingCanBeKnown) {
  for (const float last : {0.0f, 3.0f}) {
    std::vector<float> frame(20 * 30, last), previous(20 * 30, 1.0f), back(2 * 20 * 30, 9.0f);
    OpticalFlow(20, 30).estimate(frame, previous, back, nullptr);
    for (const float value : back) ASSERT_EQ(value, 0.0f);
  }
}

TEST(Advection, CarriesATranslationAndARotationOn) {
  for (const Origin& origin : {translation(1.2, -1.7), rotation(60, 60, 0.02)}) {
    const int size = 120, leads = 4;
    const std::vector<float> frames = moving_frames(size, size, 3 + leads, origin);
    const std::size_t pixels = index(size) * index(size);
    std::vector<float> advected(index(leads) * pixels);
    Advection(size, size).forecast(std::span(frames).first(3 * pixels), 3, leads, advected, nullptr);
    const std::span<const float> last = std::span(frames).subspan(2 * pixels, pixels);
    for (std::size_t lead = 0; lead < index(leads); ++lead) {
      const std::span<const float> truth = std::span(frames).subspan((3 + lead) * pixels, pixels);
      EXPECT_LT(mean_error(std::span(advected).subspan(lead * pixels, pixels), truth), 0.2 * mean_error(last, truth));
    }
  }
}

TEST(Advection, KeepsWithinTheLastFramesValuesAndContinuesItsEdgeInwards) {
  // A bright half plane moves out to the right by 2 pixels a step; what follows is the left edge's.
  const int height = 32, width = 64, leads = 20;
  std::vector<float> past;
  for (int t = 0; t < 2; ++t) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) past.push_back(static_cast<float>(std::tanh((x - 20 - 2 * t) / 3.0)));
    }
  }
  const std::size_t pixels = index(height) * index(width);
  std::vector<float> advected(index(leads) * pixels, std::numeric_limits<float>::quiet_NaN());
  Advection(height, width).forecast(past, 2, leads, advected, nullptr);
  for (const float value : advected) ASSERT_TRUE(value > -1.000001f && value < 1.000001f) << value;
  const float* end = &advected[index(leads - 1) * pixels + 16 * index(width)];
  EXPECT_LT(end[0], -0.99f);
  EXPECT_LT(end[50], -0.9f) << "the half plane's edge is by now at 62";
}

TEST(Advection, OfConstantAndOfFlickeringFramesIsFinite) {
  for (const int size : {8, 9, 15, 33}) {
    const std::size_t pixels = index(size) * index(size);
    std::vector<float> past(2 * pixels, 0.5f), advected(3 * pixels);
    Advection advection(size, size);
    advection.forecast(past, 2, 3, advected, nullptr);
    for (const float value : advected) ASSERT_EQ(value, 0.5f);
    for (std::size_t i = 0; i < past.size(); ++i) past[i] = i * 7919 % 13 < 3 ? 1e6f : -1e6f;
    advection.forecast(past, 2, 3, advected, nullptr);
    for (const float value : advected) ASSERT_LE(std::fabs(value), 1.000001e6f);
  }
}

TEST(Advection, ANumberThatIsNotFiniteDoesNotReadBesideTheFrame) {
  std::vector<float> past = moving_frames(24, 24, 2, translation(1, 1)), advected(2 * 24 * 24);
  past[700] = std::numeric_limits<float>::quiet_NaN();
  past[100] = std::numeric_limits<float>::infinity();
  Advection(24, 24).forecast(past, 2, 2, advected, nullptr);  // the sanitizers look on
}

// Three synthetic frames of an odd size.
std::vector<float> synthetic_past(int height, int width) {
  SyntheticSettings settings;
  settings.height = height;
  settings.width = width;
  std::vector<float> past;
  for (int i = 0; i < 3; ++i) {
    for (const std::uint8_t pixel : synthetic_frame(settings, i)) past.push_back(static_cast<float>(pixel) / 64 - 2);
  }
  return past;
}

std::uint64_t forecast_hash(int height, int width, ThreadPool* pool) {
  const std::vector<float> past = synthetic_past(height, width);
  std::vector<float> advected(past.size() / 3 * 5);
  Advection advection(height, width);
  advection.forecast(past, 3, 5, advected, pool);
  BitHash hash;
  hash.add(std::span<const float>(advected));
  hash.add(advection.motion());
  return hash.value();
}

TEST(AdvectionBits, AreTheSameOnEveryPlatformAndForEveryNumberOfThreads) {
  for (const int threads : {0, 1, 2, 5}) {
    ThreadPool pool(std::max(threads, 1));
    ThreadPool* const used = threads == 0 ? nullptr : &pool;
    EXPECT_EQ(forecast_hash(71, 85, used), 912995329095475801u) << threads << " threads";
    EXPECT_EQ(forecast_hash(8, 300, used), 1390178631919862279u) << threads << " threads";
  }
}

}  // namespace
}  // namespace altocast
