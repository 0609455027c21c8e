// Is one system better than another, or was it the weather? Cases that follow each other share weather, so
// the independent unit is a block of time, not a case: blocks are drawn again with replacement (both systems
// together), which gives an interval for the ratio of their scores. The drawing is counter-based: a pure
// function of its arguments.
#pragma once

#include <cstdint>
#include <span>

namespace altocast {

// Sums of a score over the cases of one block.
struct PairedBlock {
  double a = 0, b = 0;
};

struct BlockComparison {
  double ratio = 0;       // Σ a / Σ b over all blocks: below 1, a is better
  double low = 0;         // 2.5th percentile …
  double high = 0;        // … and 97.5th of the ratio over kBootstrapDraws draws; NaN with fewer than 2 blocks
  double blocks_won = 0;  // share of the blocks in which a < b
};

inline constexpr int kBootstrapDraws = 2000;

// NaN throughout without blocks or if Σ b is not positive.
BlockComparison compare_blocks(std::span<const PairedBlock> blocks, std::uint64_t seed);

}  // namespace altocast
