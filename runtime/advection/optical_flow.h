// Dense optical flow between two frames: how far back the content of each pixel has come from. Variational, coarse
// to fine: at each level of a pyramid the earlier frame is warped by the flow b₀ so far, and a few sweeps of
// over-relaxation lead towards the flow b that minimises
//
//   Σ_x  Σ_{x' in x's window} w(x') (g(x')·(b(x) − b₀(x)) + r(x'))²  +  smoothness · |∇b(x)|²
//
// r is the difference that the warp leaves, g the gradient of the two frames' mean, and
// w = 1 / √(1 + r² / robustness²) gives little weight to what grew or vanished rather than moved. Brightness counts in
// standard deviations of the last frame, so the flow does not depend on units.
//
// Horn and Schunck, Determining optical flow (1981); the window inside the functional: Bruhn, Weickert and Schnörr,
// Lucas/Kanade meets Horn/Schunck (2005); warping and robust weights: Brox et al., High accuracy optical flow
// estimation based on a theory for warping (2004).
//
// The same bits on every platform and with any number of threads: IEEE operations in a fixed order, no libm, and a flow
// in multiples of 2^-10 pixel, so that subnormal numbers, which not every platform flushes, do not matter.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/thread_pool.h"

namespace altocast {

struct FlowSettings {
  float smoothness = 0.08f;      // > 0; more makes the flow vary less
  float robustness = 0.1f;       // > 0, in standard deviations
  float over_relaxation = 1.7f;  // 1 … below 2
  int sweeps = 10;               // a warp, ≥ 1
  int warps = 2;                 // a level, ≥ 1; the finest, which costs most, has one
  int coarsest = 8;              // ≥ 4: levels are halved while both sides stay at least this long
  int finest_limit = 1 << 20;    // a level of more pixels is left out; its flow is interpolated
};

class OpticalFlow {
 public:
  static constexpr int kLeastSide = 8;  // of frames, here and in all that advects

  // height, width ≥ kLeastSide. All memory is allocated here.
  OpticalFlow(int height, int width, const FlowSettings& settings = {});

  // Frames are [height, width] of finite numbers. `back` becomes [height, width, 2]: what pixel (y, x) of `last` shows
  // was at (y + back[y, x, 1], x + back[y, x, 0]) in `previous`. If `last` is constant nothing moves. `pool` may be
  // null.
  void estimate(std::span<const float> last, std::span<const float> previous, std::span<float> back, ThreadPool* pool);

 private:
  struct Level {
    int height = 0, width = 0;
    std::vector<float> last, previous;
  };
  // Numbers by the colours of a chessboard, so that a sweep over one colour reads whole vectors of the other: pixel
  // (y, x) is element x / 2 of row((y + x) % 2, y). A row has a spare element before and one after.
  class Chessboard {
   public:
    void allocate(int height, int width);
    float* row(int colour, int y) {
      return data_.data() + plane_ * static_cast<std::size_t>(colour) + stride_ * static_cast<std::size_t>(y) + 1;
    }

   private:
    std::vector<float> data_;
    std::size_t plane_ = 0, stride_ = 0;
  };

  void build_pyramid(std::span<const float> last, std::span<const float> previous, float scale, ThreadPool* pool);
  void refine(const Level& level, ThreadPool* pool);
  void warp_row(const Level& level, int y);
  void product_row(const Level& level, int y);
  void system_row(const Level& level, int y);
  void mirror_ends(const Level& level, int colour, int y, Chessboard& flow);
  void sweep_row(const Level& level, int colour, int y);
  void gather_flow_row(const Level& level, int y);

  FlowSettings settings_;
  std::vector<Level> levels_;                       // finest first
  std::size_t finest_ = 0;                          // the finest that is estimated
  std::vector<float> u_, v_, coarse_u_, coarse_v_;  // the flow of a level, and of the coarser one before it
  std::vector<float> sum_, difference_, inside_;    // warped + last, warped − last, 1 where the warp reads the frame
  std::vector<float> products_[5];                  // w g gᵀ and w g r, summed along the window's rows
  Chessboard flow_u_, flow_v_, a11_, a12_, a22_, k1_, k2_;
};

}  // namespace altocast
