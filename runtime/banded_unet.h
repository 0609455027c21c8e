// A U-Net's forecast of an image whose buffers would be too large: in bands of rows from top to bottom, each layer as
// far as the rows that its sources have by now allow. Of a node those rows are kept that somebody is still to read, so
// that memory grows with the image's width, hardly with its height, and nothing is computed twice. The bits are those
// of UNet::forward, whatever the band.
#pragma once

#include <vector>

#include "runtime/unet.h"

namespace altocast {

// Which rows of each node exist while an image is computed band by band.
class BandProgress {
 public:
  // The graph is borrowed. `unit` is the kernels' band_unit(), an even number; `height` that of node 0, and `band` the
  // rows of it that are computed at once.
  BandProgress(const UNetGraph& graph, int height, int unit, int band);

  int height(int node) const { return height_ >> graph_.nodes[static_cast<std::size_t>(node)].level; }
  int end(int node) const { return ends_[static_cast<std::size_t>(node)]; }  // rows 0 … end − 1 are computed
  void set_end(int node, int end) { ends_[static_cast<std::size_t>(node)] = end; }

  // How far a step can compute its node from the rows that its sources have, a band at most. Taking turns, all steps
  // come to the image's end.
  int reach(const Step& step) const;

  // The first row of a node that is still to be read; −1 is the zeros above the image. The newest row counts as such.
  int kept_from(int node) const;

 private:
  // The first row of a step's source that rows of its node from `first` on read, with the one above, where a band's
  // memory begins.
  int first_read(const Step& step, int first) const;
  bool is_wide(const Step& step) const;  // reads a row above and below

  const UNetGraph& graph_;
  int height_, unit_, band_;
  std::vector<int> ends_;
};

// What the bands need.
struct BandPlan {
  std::vector<int> rows;       // of each node's memory
  std::vector<int> step_rows;  // the most that each step computes at once
  std::size_t size = 0;        // elements of the whole
};

// For bands of `band` rows of node 0.
BandPlan plan_bands(const UNetGraph& graph, Layout layout, int height, int width, int unit, int band);

// Not for concurrent use; the kernel set is borrowed and must outlive the network. All memory is allocated by the
// constructor. Height and width are as in UNet.
class BandedUNet {
 public:
  // The network has no group norm, which depends on the whole image; the kernels' band_unit() is not 0.
  BandedUNet(const NetworkSpec& spec, Kernels<float>& kernels, int height, int width, int band);

  // As UNet's.
  std::size_t activation_bytes() const { return memory_.size() * sizeof(float); }
  void set_weights(const float* phi);
  void forward(const Sample<float>& sample, float* out);

 private:
  // A node's rows [first, first + tensor.extent.height) of the image; the tensor has no halo rows of its own.
  struct Window {
    Tensor<float> tensor;
    int first = -1;
  };
  Tensor<float> band(int node, int first, int end) const;
  // Moves up what is kept of a node, if rows up to `end` and one of zeros do not fit else.
  void make_room(int node, int end);
  void finish(int node, int end);
  void clear_row(int node, int y);
  void run(const Step& step, int first, int end);

  NetworkSpec spec_;
  Kernels<float>& kernels_;
  int height_, width_;                // of the frames
  int padded_height_, padded_width_;  // of node 0
  int band_;
  UNetGraph graph_;
  BandProgress progress_;
  AlignedVector<float> memory_;
  std::vector<Window> windows_;  // of each node
  std::vector<ConvBlock<float>> blocks_;
  ObservationNll<float> loss_;
  int head_;
};

}  // namespace altocast
