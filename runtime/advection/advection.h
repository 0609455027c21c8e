// Advection: the last frame carried on by the motion of the last two, the reference that a nowcast has to beat beside
// persistence. The motion (optical_flow.h) is held steady and followed backwards, semi-Lagrangian: what is at x a lead
// later was at x + b(x) a lead earlier. b leads over a whole step to where its content was at the step's start, so
// following it step by step is exact for a steady motion. Germann and Zawadzki, Scale-dependence of the predictability
// of precipitation from continental radar images, part I (2002).
//
// The same bits on every platform and with any number of threads.
#pragma once

#include <span>
#include <vector>

#include "runtime/advection/optical_flow.h"
#include "runtime/thread_pool.h"

namespace altocast {

struct AdvectionSettings {
  FlowSettings flow;
};

// Not for concurrent use. Allocates in the constructor and never after.
class Advection {
 public:
  // height, width ≥ 8.
  Advection(int height, int width, const AdvectionSettings& settings = {});

  // `past` is [count, height, width], oldest frame first, count ≥ 2, of finite numbers in any units; `advected`
  // becomes [leads, height, width] in the same units: lead l is the last frame moved l + 1 steps. Each number is a
  // mean of numbers of the last frame; what comes in over the edge continues the edge's. `pool` may be null.
  void forecast(std::span<const float> past, int count, int leads, std::span<float> advected, ThreadPool* pool);

  // Of the last forecast: pixels back a step, [height, width, 2], x before y.
  std::span<const float> motion() const { return back_; }

 private:
  int height_, width_;
  OpticalFlow flow_;
  std::vector<float> back_;
};

// Moves frame sources + l · source_stride by l + 1 steps of the motion `back` ([height, width, 2] as above), for leads
// l = 0 … leads − 1: `advected` becomes [leads, height, width] and overlaps no source.
void advect(const float* sources, std::size_t source_stride, const float* back, int height, int width, int leads,
            float* advected, ThreadPool* pool);

}  // namespace altocast
