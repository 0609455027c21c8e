// A network's first tensor: the sample's frames and, where the network sees it, the base behind them, continued to the
// right and below by the last column and row.
#pragma once

#include "runtime/layers/observation_nll.h"

namespace altocast {

// Copies the sample's `frames` frames, and behind them what is left of dst's channels of its base, [channels, height,
// width] each. dst is at least as wide; its first row is the sample's `first_row`.
template <class T>
void copy_input(const Sample<T>& sample, int frames, int height, int width, const Tensor<T>& dst, ThreadPool& threads,
                int first_row = 0);

}  // namespace altocast
