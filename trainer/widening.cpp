#include "trainer/widening.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <string>

#include "runtime/random.h"
#include "runtime/unet.h"

namespace altocast {
namespace {

// "network.depth = 2 (the run 3), …": what keeps `narrow` from being widened to `wide`; empty if nothing does. Keys are
// those of a run's settings.
std::string differences(const NetworkSpec& narrow, const NetworkSpec& wide) {
  std::string text;
  const auto compare = [&](const char* key, const std::string& ours, const std::string& wanted) {
    if (ours == wanted) return;
    text += (text.empty() ? "network." : ", network.") + std::string(key) + " = " + ours + " (the run " + wanted + ")";
  };
  const auto quoted = [](std::string_view word) { return '"' + std::string(word) + '"'; };
  compare("input_frames", std::to_string(narrow.input_frames), std::to_string(wide.input_frames));
  compare("leads", std::to_string(narrow.leads), std::to_string(wide.leads));
  if (narrow.base_channels > wide.base_channels) {
    compare("base_channels", std::to_string(narrow.base_channels), std::to_string(wide.base_channels));
  }
  compare("depth", std::to_string(narrow.depth), std::to_string(wide.depth));
  compare("norm_groups", std::to_string(narrow.norm_groups), std::to_string(wide.norm_groups));
  compare("activation", quoted(to_string(narrow.activation)), quoted(to_string(wide.activation)));
  compare("residual", quoted(to_string(narrow.residual)), quoted(to_string(wide.residual)));
  return text;
}

std::size_t row_size(const WeightSlice& slice) {
  return static_cast<std::size_t>(slice.in_total) * static_cast<std::size_t>(slice.kernel * slice.kernel);
}
std::size_t outputs(const ConvBlockSpec& block) { return static_cast<std::size_t>(block.slices[0].out); }
std::size_t weight_size(const ConvBlockSpec& block) { return outputs(block) * row_size(block.slices[0]); }

// Copies a block's old weights to their places. Of a concatenation's sources each is wider on its own, so that the
// second one's channels move back.
void copy_old(const ConvBlockSpec& old, const ConvBlockSpec& grown, const std::vector<float>& src,
              std::vector<float>& dst) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(old.sources); ++i) {
    const WeightSlice &from = old.slices[i], &to = grown.slices[i];
    const auto taps = static_cast<std::size_t>(from.kernel * from.kernel);
    const auto from_first = old.weight + static_cast<std::size_t>(from.in_first) * taps;
    const auto to_first = grown.weight + static_cast<std::size_t>(to.in_first) * taps;
    for (std::size_t out = 0; out < outputs(old); ++out) {
      std::copy_n(src.data() + from_first + out * row_size(from), static_cast<std::size_t>(from.in_count) * taps,
                  dst.data() + to_first + out * row_size(to));
    }
  }
  std::copy_n(src.data() + old.bias, outputs(old), dst.data() + grown.bias);
}

// Random inputs for a block's new channels.
void draw_new(const ConvBlockSpec& old, const ConvBlockSpec& grown, std::uint64_t seed, std::vector<float>& mu) {
  const std::size_t row = row_size(grown.slices[0]);
  const std::size_t first = grown.weight + outputs(old) * row, end = grown.weight + weight_size(grown);
  fill_normal(seed, 0, first, std::span(mu).subspan(first, end - first));
  const auto scale = static_cast<float>(std::sqrt(2.0 / static_cast<double>(row)));
  for (std::size_t d = first; d < end; ++d) mu[d] *= scale;
}

float mean(const std::vector<float>& values, std::size_t first, std::size_t count) {
  const float* begin = values.data() + first;
  return static_cast<float>(std::accumulate(begin, begin + count, 0.0) / static_cast<double>(count));
}

}  // namespace

Result<Gaussian<float>> widen(Gaussian<float> theta, const NetworkSpec& narrow, const NetworkSpec& wide,
                              std::uint64_t seed) {
  assert(theta.size() == parameter_count(narrow));
  if (narrow == wide) return theta;
  if (const std::string text = differences(narrow, wide); !text.empty()) {
    return Status::error(
        "its network has " + text +
        "; a run starts from a prior of its own network, or of one that only has fewer base_channels. Set what differs "
        "as the prior has it, or start from another prior");
  }
  if (wide.norm_groups > 0) {
    return Status::error("its network has network.base_channels = " + std::to_string(narrow.base_channels) +
                         " (the run " + std::to_string(wide.base_channels) +
                         ") and group norm, with which more channels change the forecasts. Set base_channels as the "
                         "prior has them, or train a prior to widen with network.norm_groups = 0");
  }
  constexpr std::uint64_t kWidening = 0x776964656e;
  const std::uint64_t widening_seed = derive_seed(seed, kWidening);
  const UNetGraph from = unet_graph(narrow), to = unet_graph(wide);
  Gaussian<float> result(parameter_count(wide));
  for (std::size_t i = 0; i < from.blocks.size(); ++i) {
    const ConvBlockSpec &old = from.blocks[i], &grown = to.blocks[i];
    std::fill_n(result.rho.data() + grown.weight, weight_size(grown), mean(theta.rho, old.weight, weight_size(old)));
    std::fill_n(result.rho.data() + grown.bias, outputs(grown), mean(theta.rho, old.bias, outputs(old)));
    draw_new(old, grown, widening_seed, result.mu);
    copy_old(old, grown, theta.mu, result.mu);
    copy_old(old, grown, theta.rho, result.rho);
  }
  return result;
}

}  // namespace altocast
