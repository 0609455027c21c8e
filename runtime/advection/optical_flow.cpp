#include "runtime/advection/optical_flow.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/advection/bilinear.h"
#include "runtime/advection/for_rows.h"

// Asserts that a loop's iterations do not depend on each other, so that the compiler may use vectors.
#if defined(__clang__)
#  define ALTOCAST_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#  define ALTOCAST_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace altocast {
namespace {

constexpr int kWindow = 2;   // radius: 5 × 5 pixels, all alike
constexpr int kChunk = 256;  // columns that are worked on at a time, in buffers on the stack
constexpr int kProducts = 5;
constexpr double kConstant = 1e-12;  // variance up to which a frame counts as constant

std::size_t index(int number) { return static_cast<std::size_t>(number); }

double variance(std::span<const float> frame) {
  const auto origin = static_cast<double>(frame[0]);
  double sum = 0, squares = 0;
  for (const float value : frame) {
    const double difference = static_cast<double>(value) - origin;
    sum += difference;
    squares += difference * difference;
  }
  const auto count = static_cast<double>(frame.size());
  return (squares - sum * sum / count) / count;
}

// A row of a frame at half the resolution: weights 1 3 3 1 in both directions, pixels in pairs, edges continued.
void halve_row(const std::vector<float>& fine, int fine_height, int fine_width, std::vector<float>& coarse, int width,
               int y) {
  const auto row = [&](int at) { return fine.data() + index(std::clamp(at, 0, fine_height - 1)) * index(fine_width); };
  const float* rows[4] = {row(2 * y - 1), row(2 * y), row(2 * y + 1), row(2 * y + 2)};
  const auto column = [&](int x) {
    const std::size_t at = index(std::clamp(x, 0, fine_width - 1));
    return 3.0f * (rows[1][at] + rows[2][at]) + (rows[0][at] + rows[3][at]);
  };
  float* out = coarse.data() + index(y) * index(width);
  for (int x = 0; x < width; ++x) {
    out[x] = (3.0f * (column(2 * x) + column(2 * x + 1)) + (column(2 * x - 1) + column(2 * x + 2))) * 0x1p-6f;
  }
}

// The flow of a level from that of the next coarser one, whose pixel lies between each two: twice as long.
void double_row(const std::vector<float>& coarse, int coarse_height, int coarse_width, float* out, int width, int y) {
  const auto row = [&](int at) {
    return coarse.data() + index(std::clamp(at, 0, coarse_height - 1)) * index(coarse_width);
  };
  const float* near_row = row(y / 2);
  const float* far_row = row(y % 2 == 0 ? y / 2 - 1 : y / 2 + 1);
  for (int x = 0; x < width; ++x) {
    const int near = std::min(x / 2, coarse_width - 1);
    const int far = std::clamp(x % 2 == 0 ? x / 2 - 1 : x / 2 + 1, 0, coarse_width - 1);
    const float a = 0.75f * near_row[near] + 0.25f * near_row[far];
    const float b = 0.75f * far_row[near] + 0.25f * far_row[far];
    out[x] = 2.0f * (0.75f * a + 0.25f * b);
  }
}

// To the nearest multiple of 2^-10, within ±4000.
float rounded_flow(float value) {
  constexpr float kMagic = 0x1.8p13f;
  const float limited = std::min(std::max(value, -4000.0f), 4000.0f);
  return (limited + kMagic) - kMagic;
}

// How many pixels of row y have the colour.
int colour_count(int width, int colour, int y) { return (width + 1 - ((y + colour) & 1)) / 2; }

}  // namespace

void OpticalFlow::Chessboard::allocate(int height, int width) {
  stride_ = index(width / 2 + 3);
  plane_ = stride_ * index(height);
  data_.assign(2 * plane_, 0.0f);
}

OpticalFlow::OpticalFlow(int height, int width, const FlowSettings& settings) : settings_(settings) {
  assert(height >= 8 && width >= 8 && settings.coarsest >= 4);
  levels_.push_back({height, width, {}, {}});
  while (true) {
    const int h = (levels_.back().height + 1) / 2, w = (levels_.back().width + 1) / 2;
    if (std::min(h, w) < settings.coarsest) break;
    levels_.push_back({h, w, {}, {}});
  }
  for (Level& level : levels_) {
    level.last.resize(index(level.height) * index(level.width));
    level.previous.resize(level.last.size());
  }
  while (finest_ + 1 < levels_.size() && levels_[finest_].last.size() > index(settings.finest_limit)) ++finest_;

  const Level& finest = levels_[finest_];
  for (std::vector<float>* flow : {&u_, &v_}) flow->resize(levels_[0].last.size());
  for (std::vector<float>* flow : {&coarse_u_, &coarse_v_}) flow->resize(levels_[0].last.size());
  for (std::vector<float>* plane : {&sum_, &difference_, &inside_}) plane->resize(finest.last.size());
  for (std::vector<float>& plane : products_) plane.resize(finest.last.size());
  for (Chessboard* board : {&flow_u_, &flow_v_, &a11_, &a12_, &a22_, &k1_, &k2_}) {
    board->allocate(finest.height, finest.width);
  }
}

void OpticalFlow::estimate(std::span<const float> last, std::span<const float> previous, std::span<float> back,
                           ThreadPool* pool) {
  const FlushSubnormals flush;
  assert(last.size() == levels_[0].last.size() && previous.size() == last.size() && back.size() == 2 * last.size());
  const double spread = variance(last);
  if (!(spread > kConstant)) {
    std::fill(back.begin(), back.end(), 0.0f);
    return;
  }
  build_pyramid(last, previous, static_cast<float>(1.0 / std::sqrt(spread)), pool);
  for (std::size_t l = levels_.size(); l-- > 0;) {
    const Level& level = levels_[l];
    if (l + 1 == levels_.size()) {
      std::fill(u_.begin(), u_.end(), 0.0f);
      std::fill(v_.begin(), v_.end(), 0.0f);
    } else {
      const Level& coarse = levels_[l + 1];
      u_.swap(coarse_u_);
      v_.swap(coarse_v_);
      for_rows(level.height, pool, [&](int y) {
        const std::size_t at = index(y) * index(level.width);
        double_row(coarse_u_, coarse.height, coarse.width, u_.data() + at, level.width, y);
        double_row(coarse_v_, coarse.height, coarse.width, v_.data() + at, level.width, y);
      });
    }
    if (l < finest_) continue;
    for (int warp = 0; warp < (l == finest_ ? 1 : settings_.warps); ++warp) refine(level, pool);
  }
  for_rows(levels_[0].height, pool, [&](int y) {
    const std::size_t first = index(y) * index(levels_[0].width);
    for (std::size_t i = first; i < first + index(levels_[0].width); ++i) {
      back[2 * i] = u_[i];
      back[2 * i + 1] = v_[i];
    }
  });
}

void OpticalFlow::build_pyramid(std::span<const float> last, std::span<const float> previous, float scale,
                                ThreadPool* pool) {
  const float origin = last[0];
  const auto scaled = [&](float value) { return (value - origin) * scale; };
  std::transform(last.begin(), last.end(), levels_[0].last.begin(), scaled);
  std::transform(previous.begin(), previous.end(), levels_[0].previous.begin(), scaled);
  for (std::size_t l = 1; l < levels_.size(); ++l) {
    const Level& fine = levels_[l - 1];
    Level& coarse = levels_[l];
    for_rows(coarse.height, pool, [&](int y) {
      halve_row(fine.last, fine.height, fine.width, coarse.last, coarse.width, y);
      halve_row(fine.previous, fine.height, fine.width, coarse.previous, coarse.width, y);
    });
  }
}

void OpticalFlow::refine(const Level& level, ThreadPool* pool) {
  for_rows(level.height, pool, [&](int y) { warp_row(level, y); });
  for_rows(level.height, pool, [&](int y) { product_row(level, y); });
  for_rows(level.height, pool, [&](int y) { system_row(level, y); });
  for (int sweep = 0; sweep < settings_.sweeps; ++sweep) {
    for (const int colour : {0, 1}) for_rows(level.height, pool, [&](int y) { sweep_row(level, colour, y); });
  }
  for_rows(level.height, pool, [&](int y) { gather_flow_row(level, y); });
}

void OpticalFlow::warp_row(const Level& level, int y) {
  const std::size_t first = index(y) * index(level.width);
  const auto bottom = static_cast<float>(level.height) - 0.5f, right = static_cast<float>(level.width) - 0.5f;
  for (int x = 0; x < level.width; ++x) {
    const std::size_t i = first + index(x);
    const float from_y = static_cast<float>(y) + v_[i], from_x = static_cast<float>(x) + u_[i];
    const float warped =
        interpolate(level.previous.data(), index(level.width), bilinear_tap(level.height, level.width, from_y, from_x));
    sum_[i] = warped + level.last[i];
    difference_[i] = warped - level.last[i];
    inside_[i] = from_y >= -0.5f && from_y <= bottom && from_x >= -0.5f && from_x <= right ? 1.0f : 0.0f;
  }
}

// Nothing is known beyond the edge: products are zero there.
void OpticalFlow::product_row(const Level& level, int y) {
  const int width = level.width;
  const std::size_t first = index(y) * index(width);
  const float* middle = sum_.data() + first;
  const float* above = sum_.data() + index(std::max(y - 1, 0)) * index(width);
  const float* below = sum_.data() + index(std::min(y + 1, level.height - 1)) * index(width);
  const float* difference = difference_.data() + first;
  const float* inside = inside_.data() + first;
  const float per_variance = 1.0f / (settings_.robustness * settings_.robustness);

  float products[kProducts][kChunk + 2 * kWindow];
  const auto products_of = [&](int x, int left, int right, int to) {
    const float gx = 0.25f * (middle[right] - middle[left]);  // of the mean of both frames
    const float gy = 0.25f * (below[x] - above[x]);
    const float r = difference[x];
    const float weight = inside[x] / std::sqrt(1.0f + r * r * per_variance);
    products[0][to] = weight * gx * gx;
    products[1][to] = weight * gx * gy;
    products[2][to] = weight * gy * gy;
    products[3][to] = weight * gx * r;
    products[4][to] = weight * gy * r;
  };
  for (int x0 = 0; x0 < width; x0 += kChunk) {
    const int count = std::min(kChunk, width - x0);
    const int shift = kWindow - x0;  // from a column to its place in `products`
    const int from = std::max(x0 - kWindow, 0), to = std::min(x0 + count + kWindow, width);
    for (float(&product)[kChunk + 2 * kWindow] : products) {
      std::fill(product, product + (from + shift), 0.0f);
      std::fill(product + (to + shift), product + (count + 2 * kWindow), 0.0f);
    }
    const int inner_from = std::max(from, 1), inner_to = std::min(to, width - 1);
    if (from == 0) products_of(0, 0, 1, shift);
    for (int x = inner_from; x < inner_to; ++x) products_of(x, x - 1, x + 1, x + shift);
    if (to == width) products_of(width - 1, width - 2, width - 1, width - 1 + shift);
    for (int p = 0; p < kProducts; ++p) {
      const float* product = products[p];
      float* out = products_[p].data() + first + index(x0);
      for (int i = 0; i < count; ++i)
        out[i] = ((product[i] + product[i + 4]) + (product[i + 1] + product[i + 3])) + product[i + 2];
    }
  }
}

// The window's sums J make of each pixel a system of two equations in its flow and the sum s of its four neighbours',
//   (J₁₁ + 4a) u + J₁₂ v = a s_u − c₁,  J₁₂ u + (J₂₂ + 4a) v = a s_v − c₂,  c = (J₁₃, J₂₃) − J b₀;
// it is stored solved, u = k₁ + a₁₁ s_u + a₁₂ s_v, v = k₂ + a₁₂ s_u + a₂₂ s_v, times the over-relaxation.
void OpticalFlow::system_row(const Level& level, int y) {
  constexpr float kWindowMean = 1.0f / ((2 * kWindow + 1) * (2 * kWindow + 1));
  const std::size_t width = index(level.width);
  const float a = settings_.smoothness, omega = settings_.over_relaxation;
  const int from = std::max(y - kWindow, 0), to = std::min(y + kWindow, level.height - 1);
  float sums[kProducts][kChunk], coefficients[kProducts][kChunk];
  for (int x0 = 0; x0 < level.width; x0 += kChunk) {
    const int count = std::min(kChunk, level.width - x0);
    for (int p = 0; p < kProducts; ++p) {
      std::fill(sums[p], sums[p] + count, 0.0f);
      for (int row = from; row <= to; ++row) {
        const float* product = products_[p].data() + index(row) * width + index(x0);
        for (int i = 0; i < count; ++i) sums[p][i] += product[i];
      }
    }
    const float* u = u_.data() + index(y) * width + index(x0);
    const float* v = v_.data() + index(y) * width + index(x0);
    for (int i = 0; i < count; ++i) {
      const float j11 = sums[0][i] * kWindowMean, j12 = sums[1][i] * kWindowMean, j22 = sums[2][i] * kWindowMean;
      const float c1 = sums[3][i] * kWindowMean - (j11 * u[i] + j12 * v[i]);
      const float c2 = sums[4][i] * kWindowMean - (j12 * u[i] + j22 * v[i]);
      const float m11 = j11 + 4.0f * a, m22 = j22 + 4.0f * a;
      const float scale = omega / (m11 * m22 - j12 * j12);
      coefficients[0][i] = scale * m22 * a;
      coefficients[1][i] = -(scale * j12 * a);
      coefficients[2][i] = scale * m11 * a;
      coefficients[3][i] = scale * (j12 * c2 - m22 * c1);
      coefficients[4][i] = scale * (j12 * c1 - m11 * c2);
    }
    Chessboard* const boards[kProducts] = {&a11_, &a12_, &a22_, &k1_, &k2_};
    for (const int odd : {0, 1}) {
      const int colour = (y + odd) & 1;
      const auto split = [&](const float* in, Chessboard& board) {
        float* out = board.row(colour, y) + x0 / 2;
        for (int i = odd; i < count; i += 2) out[i / 2] = in[i];
      };
      for (int p = 0; p < kProducts; ++p) split(coefficients[p], *boards[p]);
      split(u, flow_u_);
      split(v, flow_v_);
    }
  }
  for (const int colour : {0, 1}) {
    mirror_ends(level, colour, y, flow_u_);
    mirror_ends(level, colour, y, flow_v_);
  }
}

// The image is mirrored about its first and last pixels, so that a neighbour beyond the edge has its own colour.
void OpticalFlow::mirror_ends(const Level& level, int colour, int y, Chessboard& flow) {
  float* row = flow.row(colour, y);
  const int count = colour_count(level.width, colour, y);
  row[-1] = row[0];
  row[count] = row[count - 1];
}

void OpticalFlow::sweep_row(const Level& level, int colour, int y) {
  const int other = 1 - colour;
  const int odd = (y + colour) & 1;  // the row's first pixel of this colour
  const int above = y > 0 ? y - 1 : 1, below = y + 1 < level.height ? y + 1 : level.height - 2;
  float* u = flow_u_.row(colour, y);
  float* v = flow_v_.row(colour, y);
  const float *u_above = flow_u_.row(other, above), *u_below = flow_u_.row(other, below);
  const float *v_above = flow_v_.row(other, above), *v_below = flow_v_.row(other, below);
  const float *u_left = flow_u_.row(other, y) + odd - 1, *u_right = u_left + 1;
  const float *v_left = flow_v_.row(other, y) + odd - 1, *v_right = v_left + 1;
  const float *a11 = a11_.row(colour, y), *a12 = a12_.row(colour, y), *a22 = a22_.row(colour, y);
  const float *k1 = k1_.row(colour, y), *k2 = k2_.row(colour, y);
  const float keep = 1.0f - settings_.over_relaxation;
  const int count = colour_count(level.width, colour, y);
  ALTOCAST_INDEPENDENT
  for (int i = 0; i < count; ++i) {
    const float su = (u_above[i] + u_below[i]) + (u_left[i] + u_right[i]);
    const float sv = (v_above[i] + v_below[i]) + (v_left[i] + v_right[i]);
    u[i] = keep * u[i] + (k1[i] + (a11[i] * su + a12[i] * sv));
    v[i] = keep * v[i] + (k2[i] + (a12[i] * su + a22[i] * sv));
  }
  mirror_ends(level, colour, y, flow_u_);
  mirror_ends(level, colour, y, flow_v_);
}

void OpticalFlow::gather_flow_row(const Level& level, int y) {
  for (const int odd : {0, 1}) {
    const int colour = (y + odd) & 1;
    const float *u = flow_u_.row(colour, y), *v = flow_v_.row(colour, y);
    const std::size_t first = index(y) * index(level.width);
    for (int x = odd; x < level.width; x += 2) {
      u_[first + index(x)] = rounded_flow(u[x / 2]);
      v_[first + index(x)] = rounded_flow(v[x / 2]);
    }
  }
}

}  // namespace altocast
