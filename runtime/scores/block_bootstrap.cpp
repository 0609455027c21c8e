#include "runtime/scores/block_bootstrap.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "runtime/random.h"

namespace altocast {

BlockComparison compare_blocks(std::span<const PairedBlock> blocks, std::uint64_t seed) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  BlockComparison result{kNaN, kNaN, kNaN, kNaN};
  double a = 0, b = 0, won = 0;
  for (const PairedBlock& block : blocks) {
    a += block.a;
    b += block.b;
    won += block.a < block.b;
  }
  if (!(b > 0)) return result;
  result.ratio = a / b;
  result.blocks_won = won / static_cast<double>(blocks.size());
  if (blocks.size() < 2) return result;

  std::vector<double> ratios;
  for (int draw = 0; draw < kBootstrapDraws; ++draw) {
    PairedBlock sum;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const std::uint32_t pick =
          random_below(seed, static_cast<std::uint64_t>(draw), i, static_cast<std::uint32_t>(blocks.size()));
      sum.a += blocks[pick].a;
      sum.b += blocks[pick].b;
    }
    if (sum.b > 0) ratios.push_back(sum.a / sum.b);  // not if only perfect blocks were drawn
  }
  if (ratios.empty()) return result;
  std::sort(ratios.begin(), ratios.end());
  const std::size_t tail = ratios.size() / 40;
  result.low = ratios[tail];
  result.high = ratios[ratios.size() - 1 - tail];
  return result;
}

}  // namespace altocast
