#include "trainer/resample.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace altocast {
namespace {

// Rows of `from` numbers become columns of `to` numbers: [rows, from] → [to, rows].
void resample_rows(const float* src, int rows, int from, float* dst, int to) {
  const double ratio = static_cast<double>(from) / to;
  const double reach = std::max(1.0, ratio);
  std::vector<float> weights;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * ratio - 0.5;
    const int first = std::max(0, static_cast<int>(std::ceil(centre - reach)));
    const int last = std::min(from - 1, static_cast<int>(std::floor(centre + reach)));
    weights.clear();
    float total = 0;
    for (int j = first; j <= last; ++j)
      total += weights.emplace_back(static_cast<float>(1 - std::abs(j - centre) / reach));
    for (int y = 0; y < rows; ++y) {
      float sum = 0;
      for (int j = first; j <= last; ++j) sum += weights[static_cast<std::size_t>(j - first)] * src[y * from + j];
      *dst++ = sum / total;
    }
  }
}

}  // namespace

void resample(std::span<const float> src, int from, std::span<float> dst, int to) {
  if (from == to) {
    std::copy(src.begin(), src.end(), dst.begin());
    return;
  }
  std::vector<float> columns(static_cast<std::size_t>(to) * static_cast<std::size_t>(from));
  resample_rows(src.data(), from, from, columns.data(), to);
  resample_rows(columns.data(), to, from, dst.data(), to);
}

}  // namespace altocast
