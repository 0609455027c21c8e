// One image's activations: a view of memory that somebody else owns, in the layout that the kernel set asks for.
// Networks here work on one image at a time (a batch is a loop), so a tensor has channels, height and width only.
//
// Element (c, y, x) lies at
//   data[((c / block) · (height + 2 halo) + y + halo) · row_stride + (x + halo) · block + c % block],
// row_stride = (width + 2 halo) · block. Channels are padded to a multiple of block. The halo and the padding
// channels hold zeros at all times: a buffer starts zeroed, and whoever writes a tensor writes zeros there or leaves
// them. Plain NCHW is block 1, halo 0. A band of rows of a higher tensor is one itself, whose halo rows are the rows
// around the band.
#pragma once

#include <cstddef>

namespace altocast {

struct Layout {
  int block = 1;
  int halo = 0;
};

struct Extent {
  int channels = 0;
  int height = 0;
  int width = 0;
};

template <class T>
struct Tensor {
  T* data = nullptr;
  Extent extent;
  Layout layout;
  int spare_rows = 0;  // of a band: what its memory has more rows than it with its halo; may be negative at its ends

  int blocks() const { return (extent.channels + layout.block - 1) / layout.block; }
  std::size_t row_stride() const {
    return static_cast<std::size_t>(extent.width + 2 * layout.halo) * static_cast<std::size_t>(layout.block);
  }
  std::size_t block_stride() const {
    return static_cast<std::size_t>(extent.height + 2 * layout.halo + spare_rows) * row_stride();
  }

  // Elements including halo and padding channels.
  std::size_t size() const { return static_cast<std::size_t>(blocks()) * block_stride(); }

  // First element of pixel (y, 0) in channel block b; the row continues for width · block elements.
  T* row(int b, int y) const {
    return data + static_cast<std::size_t>(b) * block_stride() +
           static_cast<std::size_t>(y + layout.halo) * row_stride() +
           static_cast<std::size_t>(layout.halo * layout.block);
  }
  T& at(int c, int y, int x) const { return row(c / layout.block, y)[x * layout.block + c % layout.block]; }
};

template <class T>
std::size_t tensor_size(Extent extent, Layout layout) {
  return Tensor<T>{nullptr, extent, layout}.size();
}

}  // namespace altocast
