#include "runtime/scores/fss.h"

#include <cassert>
#include <limits>

namespace altocast {

FssSums::FssSums(int window, Padding padding) : window_(window), padding_(padding) {
  assert(window > 0 && window % 2 == 1);
}

void FssSums::reserve(int max_width) {
  forecast_.reserve(static_cast<std::size_t>(max_width));
  observed_.reserve(static_cast<std::size_t>(max_width));
}

// A window slides down the rows as column sums and along them as a sum of columns; all sums are whole
// numbers.
void FssSums::add(std::span<const std::uint16_t> forecast, int members, std::span<const std::uint16_t> observed,
                  int height, int width) {
  const auto columns = static_cast<std::size_t>(width);
  assert(forecast.size() == observed.size() && forecast.size() == columns * static_cast<std::size_t>(height));
  forecast_.assign(columns, 0);
  observed_.assign(columns, 0);
  // How far windows reach over the edge; their last row and column run up to size + margin − 1.
  const int margin = padding_ == Padding::zero ? window_ / 2 : 0;
  const double area = static_cast<double>(window_) * window_;
  const double a_member = 1.0 / (area * members), a_pixel = 1.0 / area;
  const auto add_row = [&](int row, std::uint64_t sign) {
    if (row < 0 || row >= height) return;
    const std::size_t first = static_cast<std::size_t>(row) * columns;
    for (std::size_t x = 0; x < columns; ++x) {
      forecast_[x] += sign * forecast[first + x];  // unsigned: adding −1 · n subtracts n
      observed_[x] += sign * observed[first + x];
    }
  };
  for (int bottom = 0; bottom < height + margin; ++bottom) {
    add_row(bottom, 1);
    add_row(bottom - window_, ~std::uint64_t{0});
    if (bottom < window_ - 1 - margin) continue;
    std::uint64_t sum_f = 0, sum_o = 0;
    for (int right = 0; right < width + margin; ++right) {
      if (right < width) {
        sum_f += forecast_[static_cast<std::size_t>(right)];
        sum_o += observed_[static_cast<std::size_t>(right)];
      }
      if (const int left = right - window_; left >= 0) {
        sum_f -= forecast_[static_cast<std::size_t>(left)];
        sum_o -= observed_[static_cast<std::size_t>(left)];
      }
      if (right < window_ - 1 - margin || (sum_f == 0 && sum_o == 0)) continue;
      const double p_f = static_cast<double>(sum_f) * a_member, p_o = static_cast<double>(sum_o) * a_pixel;
      difference_ += (p_f - p_o) * (p_f - p_o);
      squares_ += p_f * p_f + p_o * p_o;
    }
  }
}

double FssSums::fss() const {
  return squares_ > 0 ? 1 - difference_ / squares_ : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace altocast
