// What memory a forecast takes, counted before anything is allocated, and how it is made to fit into a limit. Nothing
// here changes a bit of the forecast.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/prior.h"
#include "formats/status.h"
#include "runtime/kernels/kernels.h"
#include "runtime/station/ensemble.h"

namespace altocast {

struct ForecastShape {
  int height = 0, width = 0;
  int members = 0;
};

// At its peak, in bytes: of the program that loads frames, forecasts and writes the products. A frame that is much
// larger in its file than after cropping and scaling down takes more while it is loaded.
struct ForecastMemory {
  struct Part {
    const char* what;
    std::uint64_t bytes;
  };
  std::vector<Part> parts;  // what is there at the same time
  EnsembleThrift thrift;

  std::uint64_t bytes() const;
};

ForecastMemory count_memory(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape,
                            const EnsembleThrift& thrift);

// The thriftiest way there is.
ForecastMemory least_memory(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape);

// The way that costs the least time of those that take at most `limit` bytes; 0: no limit. Fails if there is none,
// saying what is needed.
Result<ForecastMemory> fit_memory(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape,
                                  std::uint64_t limit);

// The thrift of that; without a limit, what three quarters of the machine's memory ask for, or else the thriftiest.
Result<EnsembleThrift> thrift_for(const Prior& prior, const Kernels<float>& kernels, const ForecastShape& shape,
                                  std::uint64_t limit);

struct AdaptationShape {
  // Of pairs that follow each other by a frame.
  AdaptationShape(const NetworkSpec& spec, int height_, int width_, int pairs_)
      : AdaptationShape(height_, width_, pairs_, pairs_ - 1 + spec.input_frames + spec.leads) {}
  AdaptationShape(int height_, int width_, int pairs_, int frames_)
      : height(height_), width(width_), pairs(pairs_), frames(frames_) {}
  int height, width;
  int pairs;
  int frames;  // in the pairs, one that several share counted once
};

// Of an adaptation, with the guard's trial, in bytes. It has no thrifty way.
std::uint64_t adaptation_memory(const Prior& prior, const Kernels<float>& kernels, const AdaptationShape& shape);

// Fails if that is more than `limit` bytes; 0: no limit.
Status check_adaptation_memory(const Prior& prior, const Kernels<float>& kernels, const AdaptationShape& shape,
                               std::uint64_t limit);

}  // namespace altocast
