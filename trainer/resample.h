// Square images at another size.
#pragma once

#include <span>

namespace altocast {

// src [from, from] at another resolution, dst [to, to], both sides at least 1, by the tent filter that is as wide as
// the coarser of the two's pixels: linear interpolation where `to` is larger, a weighted mean where it is smaller, a
// copy where they are the same.
void resample(std::span<const float> src, int from, std::span<float> dst, int to);

}  // namespace altocast
