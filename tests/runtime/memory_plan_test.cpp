// The forecast's shared buffers: nobody's numbers are overwritten while they are read, no room is wasted, and reuse
// shows in no bit.
#include "runtime/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/random.h"

namespace altocast {
namespace {

std::vector<NetworkSpec> specs() {
  std::vector<NetworkSpec> all;
  for (const char* name : {"tiny", "small", "base"}) all.push_back(*preset(name));
  NetworkSpec one_level;
  one_level.depth = 0;
  all.push_back(one_level);
  return all;
}

TEST(MemoryPlan, BuffersThatLiveAtTheSameTimeDoNotOverlap) {
  for (const NetworkSpec& spec : specs()) {
    const MemoryPlan plan = plan_memory(unet_graph(spec), {16, 1}, 64, 96);
    for (const PlannedBuffer& a : plan.buffers) {
      EXPECT_LE(a.offset + a.size, plan.size);
      EXPECT_EQ(a.offset % 16, 0u);
      for (const PlannedBuffer& b : plan.buffers) {
        if (&a == &b || !a.lives_with(b)) continue;
        EXPECT_TRUE(a.offset + a.size <= b.offset || b.offset + b.size <= a.offset) << a.node << " and " << b.node;
      }
    }
  }
}

TEST(MemoryPlan, ASkipConnectionLivesUntilItsDecoderReadsIt) {
  const UNetGraph graph = unet_graph(*preset("small"));
  const MemoryPlan plan = plan_memory(graph, {16, 1}, 64, 64);
  for (int s = 0; s < static_cast<int>(graph.steps.size()); ++s) {
    const Step& step = graph.steps[static_cast<std::size_t>(s)];
    for (int i = 0; i < step.sources; ++i) {
      const PlannedBuffer& source = plan.buffers[static_cast<std::size_t>(step.src[static_cast<std::size_t>(i)])];
      EXPECT_LT(source.written, s);
      EXPECT_GE(source.last_read, s);
    }
  }
}

TEST(MemoryPlan, TakesHardlyMoreThanTheFullestStep) {
  for (const NetworkSpec& spec : specs()) {
    const UNetGraph graph = unet_graph(spec);
    const MemoryPlan plan = plan_memory(graph, {16, 1}, 128, 128);
    std::size_t fullest = 0;
    for (int s = 0; s < static_cast<int>(graph.steps.size()); ++s) {
      std::size_t alive = 0;
      for (const PlannedBuffer& buffer : plan.buffers) {
        if (buffer.written <= s && s <= buffer.last_read) alive += buffer.size;
      }
      fullest = std::max(fullest, alive);
    }
    EXPECT_LE(plan.size, fullest + fullest / 50);
    if (spec.depth > 0) {
      EXPECT_LT(plan.size, plan.unshared_size / 2);
    }
  }
}

TEST(MemoryPlan, ReuseShowsInNoBitOfRepeatedForecasts) {
  for (const int groups : {0, 2}) {
    NetworkSpec spec;
    spec.input_frames = 3;
    spec.leads = 5;
    spec.base_channels = 8;
    spec.depth = 2;
    spec.norm_groups = groups;
    constexpr int kHeight = 21, kWidth = 30;
    std::vector<float> phi(parameter_count(spec)), frames(2 * 3 * kHeight * kWidth);
    fill_normal(1, 0, 0, std::span(phi));
    for (float& value : phi) value *= 0.2f;
    fill_normal(1, 1, 0, std::span(frames));
    NativeKernels kernels(best_table(), 2);
    UNet<float> shared(spec, kernels, kHeight, kWidth, Purpose::forecast);
    UNet<float> apart(spec, kernels, kHeight, kWidth, Purpose::gradient);
    EXPECT_LT(shared.activation_bytes(), apart.activation_bytes());
    shared.set_weights(phi.data());
    apart.set_weights(phi.data());
    std::vector<float> out(shared.terms()), wanted(shared.terms());
    for (const std::size_t first : {std::size_t{0}, std::size_t{3}, std::size_t{0}}) {
      const Sample<float> sample =
          make_sample(spec, frames.data() + first * kHeight * kWidth, nullptr, nullptr, kHeight, kWidth);
      shared.forward(sample, out.data());
      apart.forward(sample, wanted.data());
      EXPECT_EQ(out, wanted) << groups << " groups, frames from " << first;
    }
  }
}

}  // namespace
}  // namespace altocast
