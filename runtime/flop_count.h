// What a pass costs, for shares of the processor's peak.
#pragma once

#include "runtime/unet.h"

namespace altocast {

// Floating-point operations of the convolutions of one image, a multiply-add being two, at the padded size
// that the network computes at. `spec` must be valid.
struct FlopCount {
  double forward = 0;
  double gradient = 0;  // forward, gradients of the inputs (but of the network's), gradients of the weights
};
FlopCount count_flops(const NetworkSpec& spec, int height, int width);

// Of one step of unet_graph(spec), forward; 0 for one that only resamples.
double count_step_flops(const UNetGraph& graph, const Step& step, int padded_height, int padded_width);

}  // namespace altocast
