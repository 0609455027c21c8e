// Optical flow, advection, its smoothing and its ensemble: known motions are found, edges and constant frames do no
// harm, and the bits are the same everywhere.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "runtime/advection/advection_ensemble.h"
#include "runtime/frames/synthetic.h"
#include "runtime/random.h"
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

TEST(ScaleCascade, FieldsSumToTheFrameAndEachHasItsScale) {
  const int height = 310, width = 330;
  std::vector<float> frame(index(height) * index(width));
  fill_normal(3, 0, 0, std::span(frame));
  ScaleCascade cascade(height, width);
  cascade.split(frame, nullptr);
  for (std::size_t i = 0; i < frame.size(); ++i) {
    float sum = 0;
    for (int scale = 0; scale <= ScaleCascade::kScales; ++scale) sum += cascade.field(scale)[i];
    ASSERT_NEAR(sum, frame[i], 1e-5);
  }
  // Of white noise the correlation of neighbours rises from scale to scale.
  double before = -1;
  for (int scale = 0; scale < ScaleCascade::kScales; ++scale) {
    const std::span<const float> field = cascade.field(scale);
    double product = 0, square = 0;
    for (std::size_t i = 1; i < field.size(); ++i) {
      product += static_cast<double>(field[i]) * static_cast<double>(field[i - 1]);
      square += static_cast<double>(field[i]) * static_cast<double>(field[i]);
    }
    EXPECT_GT(product / square, before) << scale;
    const double gain = static_cast<double>(ScaleCascade::kUnitNoise[scale]);
    EXPECT_NEAR(square / static_cast<double>(field.size()) * gain * gain, 1.0, 0.02 * (1 << scale)) << scale;
    before = product / square;
  }
}

// A frame and the one before it: the pattern moved by 2 pixels, with `noise` new in each.
std::vector<float> noisy_pair(int height, int width, float noise) {
  std::vector<float> frames = moving_frames(height, width, 2, translation(1, 2)), fresh(frames.size());
  fill_normal(5, 0, 0, std::span(fresh));
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] += noise * fresh[i];
  return frames;
}

TEST(SmoothedAdvection, DampsWhatDoesNotLastAndKeepsWhatDoes) {
  const int size = 128, leads = 3;
  const std::size_t pixels = index(size) * index(size);
  std::vector<float> advected(leads * pixels), smoothed(leads * pixels);
  SmoothedAdvection advection(size, size, leads);
  advection.forecast(noisy_pair(size, size, 0.0f), 2, advected, smoothed, nullptr);
  EXPECT_GT(advection.damping(2, 0), 0.97f);
  EXPECT_GT(advection.damping(4, 2), 0.95f);

  const std::vector<float> noisy = noisy_pair(size, size, 0.2f);
  advection.forecast(noisy, 2, advected, smoothed, nullptr);
  EXPECT_LT(advection.damping(0, 0), 0.2f) << "the noise's scale";
  EXPECT_GT(advection.damping(4, 0), 0.9f) << "the pattern's scale";
  for (int scale = 0; scale < ScaleCascade::kScales; ++scale) {
    for (int lead = 1; lead < leads; ++lead)
      EXPECT_LE(advection.damping(scale, lead), advection.damping(scale, lead - 1));
  }
  const std::vector<float> truth = moving_frames(size, size, 3, translation(1, 2));
  const std::span<const float> next = std::span(truth).subspan(2 * pixels, pixels);
  EXPECT_LT(mean_error(std::span(smoothed).first(pixels), next),
            0.6 * mean_error(std::span(advected).first(pixels), next));
}

TEST(AdvectionEnsemble, MembersSpreadAboutTheSmoothedForecastWithinTheFramesValues) {
  const int size = 96, leads = 4, members = 24;
  const std::size_t pixels = index(size) * index(size), values = leads * pixels;
  const std::vector<float> past = noisy_pair(size, size, 0.1f);
  const auto [least, greatest] = std::minmax_element(past.begin(), past.end());
  std::vector<float> advected(values), smoothed(values), member(values);
  AdvectionEnsemble ensemble(size, size, leads);
  ensemble.forecast(past, 2, advected, smoothed, nullptr);
  std::vector<double> sum(values), squares(values);
  for (int i = 0; i < members; ++i) {
    ensemble.forecast_member(1, i, member, nullptr);
    for (std::size_t at = 0; at < values; ++at) {
      ASSERT_TRUE(member[at] >= *least - 1e-5f && member[at] <= *greatest + 1e-5f);
      sum[at] += static_cast<double>(member[at]);
      squares[at] += static_cast<double>(member[at]) * static_cast<double>(member[at]);
    }
  }
  double before = 0;
  for (std::size_t lead = 0; lead < leads; ++lead) {
    double bias = 0, variance = 0;
    for (std::size_t at = lead * pixels; at < (lead + 1) * pixels; ++at) {
      const double mean = sum[at] / members;
      bias += std::fabs(mean - static_cast<double>(smoothed[at]));
      variance += squares[at] / members - mean * mean;
    }
    const double spread = std::sqrt(variance / static_cast<double>(pixels));
    EXPECT_LT(bias / static_cast<double>(pixels), 0.5 * spread) << lead;
    EXPECT_GT(spread, before) << lead;
    before = spread;
  }
}

TEST(AdvectionEnsemble, WithoutGrowthAndPerturbationIsTheSmoothedForecast) {
  const std::vector<float> past = noisy_pair(40, 50, 0.1f);
  std::vector<float> advected(3 * 40 * 50), smoothed(3 * 40 * 50), member(3 * 40 * 50);
  AdvectionEnsemble ensemble(40, 50, 3, {0.0f, 0.0f});
  ensemble.forecast(past, 2, advected, smoothed, nullptr);
  ensemble.forecast_member(1, 7, member, nullptr);
  EXPECT_LT(mean_error(member, smoothed), 1e-6);
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

struct Hashes {
  std::uint64_t advected, smoothed, member;
};

Hashes forecast_hashes(int height, int width, ThreadPool* pool) {
  const std::vector<float> past = synthetic_past(height, width);
  std::vector<float> advected(past.size() / 3 * 5), smoothed(advected.size()), member(advected.size());
  AdvectionEnsemble ensemble(height, width, 5);
  ensemble.forecast(past, 3, advected, smoothed, pool);
  ensemble.forecast_member(4, 1, member, pool);
  const auto hash_of = [](std::span<const float> values) {
    BitHash hash;
    hash.add(values);
    return hash.value();
  };
  return {hash_of(advected), hash_of(smoothed), hash_of(member)};
}

TEST(AdvectionBits, AreTheSameOnEveryPlatformAndForEveryNumberOfThreads) {
  for (const int threads : {0, 1, 2, 5}) {
    ThreadPool pool(std::max(threads, 1));
    ThreadPool* const used = threads == 0 ? nullptr : &pool;
    const Hashes odd = forecast_hashes(71, 85, used), flat = forecast_hashes(8, 300, used);
    EXPECT_EQ(odd.advected, 10746849981268040575u) << threads << " threads";
    EXPECT_EQ(odd.smoothed, 10620738954974592763u) << threads << " threads";
    EXPECT_EQ(odd.member, 7912277001283177863u) << threads << " threads";
    EXPECT_EQ(flat.advected, 8347441626779079608u) << threads << " threads";
    EXPECT_EQ(flat.smoothed, 7652973031368936336u) << threads << " threads";
    EXPECT_EQ(flat.member, 7650335501851682236u) << threads << " threads";
  }
}

}  // namespace
}  // namespace altocast
