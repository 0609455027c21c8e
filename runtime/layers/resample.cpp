#include "runtime/layers/resample.h"

namespace altocast {
namespace {

// The inner loops run over one pixel's channel block; a constant length lets the compiler use vectors.
template <class Body>
void with_block(int block, const Body& body) {
  if (block == 16) {
    body([] { return 16; });
  } else if (block == 8) {
    body([] { return 8; });
  } else {
    body([block] { return block; });
  }
}

}  // namespace

template <class T>
void sum_2x2(const Tensor<T>& src, T scale, const Tensor<T>& dst, Write write, ThreadPool& threads) {
  const int height = dst.extent.height;
  with_block(dst.layout.block, [&](auto block) {
    threads.parallel_for(dst.blocks() * height, [&](int item) {
      const int b = item / height;
      const int y = item % height;
      const T* top = src.row(b, 2 * y);
      const T* bottom = src.row(b, 2 * y + 1);
      T* out = dst.row(b, y);
      const int lanes = block();
      for (int x = 0; x < dst.extent.width; ++x, top += 2 * lanes, bottom += 2 * lanes, out += lanes) {
        for (int i = 0; i < lanes; ++i) {
          const T sum = scale * ((top[i] + top[lanes + i]) + (bottom[i] + bottom[lanes + i]));
          out[i] = write == Write::accumulate ? out[i] + sum : sum;
        }
      }
    });
  });
}

template <class T>
void replicate_2x2(const Tensor<T>& src, T scale, const Tensor<T>& dst, Write write, ThreadPool& threads) {
  const int height = dst.extent.height;
  with_block(dst.layout.block, [&](auto block) {
    threads.parallel_for(dst.blocks() * height, [&](int item) {
      const int b = item / height;
      const int y = item % height;
      const T* in = src.row(b, y / 2);
      T* out = dst.row(b, y);
      const int lanes = block();
      for (int x = 0; x < src.extent.width; ++x, in += lanes, out += 2 * lanes) {
        for (int i = 0; i < lanes; ++i) {
          const T value = scale * in[i];
          out[i] = write == Write::accumulate ? out[i] + value : value;
          out[lanes + i] = write == Write::accumulate ? out[lanes + i] + value : value;
        }
      }
    });
  });
}

template void sum_2x2(const Tensor<float>&, float, const Tensor<float>&, Write, ThreadPool&);
template void sum_2x2(const Tensor<double>&, double, const Tensor<double>&, Write, ThreadPool&);
template void replicate_2x2(const Tensor<float>&, float, const Tensor<float>&, Write, ThreadPool&);
template void replicate_2x2(const Tensor<double>&, double, const Tensor<double>&, Write, ThreadPool&);

}  // namespace altocast
