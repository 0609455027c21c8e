#include "runtime/layers/input.h"

#include <algorithm>

namespace altocast {

template <class T>
void copy_input(const Sample<T>& sample, int frames, int height, int width, const Tensor<T>& dst, ThreadPool& threads,
                int first_row) {
  threads.parallel_for(dst.extent.channels * dst.extent.height, [&](int item) {
    const int c = item / dst.extent.height;
    const int y = item % dst.extent.height;
    const T* image = c < frames ? sample.frames : sample.base;
    const T* src = image + (static_cast<std::size_t>(c < frames ? c : c - frames) * static_cast<std::size_t>(height) +
                            static_cast<std::size_t>(std::min(first_row + y, height - 1))) *
                               static_cast<std::size_t>(width);
    T* row = &dst.at(c, y, 0);
    for (int x = 0; x < dst.extent.width; ++x) row[x * dst.layout.block] = src[std::min(x, width - 1)];
  });
}

template void copy_input(const Sample<float>&, int, int, int, const Tensor<float>&, ThreadPool&, int);
template void copy_input(const Sample<double>&, int, int, int, const Tensor<double>&, ThreadPool&, int);

}  // namespace altocast
