#include "runtime/banded_unet.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "runtime/layers/input.h"
#include "runtime/layers/resample.h"

namespace altocast {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

}  // namespace

BandProgress::BandProgress(const UNetGraph& graph, int height, int unit, int band)
    : graph_(graph), height_(height), unit_(unit), band_(band), ends_(graph.nodes.size()) {
  assert(unit > 0 && unit % 2 == 0 && band > 0);
}

bool BandProgress::is_wide(const Step& step) const {
  return step.kind == StepKind::conv_block && graph_.blocks[index(step.block)].slices[0].kernel > 1;
}

int BandProgress::reach(const Step& step) const {
  // Rows that start the next turn at a multiple of the unit.
  const int level = graph_.nodes[index(step.dst)].level;
  const int turn = (std::max(1, band_ >> level) + unit_ - 1) / unit_ * unit_;
  int reach = std::min(height(step.dst), end(step.dst) + turn);
  for (int i = 0; i < step.sources; ++i) {
    const int source = step.src[index(i)];
    if (end(source) == height(source)) continue;
    int rows = end(source);
    if (step.kind == StepKind::average_pool) rows /= 2;
    if (step.kind == StepKind::upsample) rows *= 2;
    if (is_wide(step)) rows = std::max(0, rows - 1) / unit_ * unit_;
    reach = std::min(reach, rows);
  }
  return reach;
}

int BandProgress::first_read(const Step& step, int first) const {
  if (step.kind == StepKind::average_pool) return 2 * first - 1;
  if (step.kind == StepKind::upsample) return first / 2 - 1;
  return first - 1;
}

int BandProgress::kept_from(int node) const {
  int kept = end(node) - 1;
  for (const Step& step : graph_.steps) {
    for (int i = 0; i < step.sources; ++i) {
      if (step.src[index(i)] == node) kept = std::min(kept, first_read(step, end(step.dst)));
    }
  }
  return kept;
}

BandPlan plan_bands(const UNetGraph& graph, Layout layout, int height, int width, int unit, int band) {
  BandPlan plan;
  plan.rows.resize(graph.nodes.size());
  plan.step_rows.resize(graph.steps.size());
  BandProgress progress(graph, height, unit, band);
  const auto advance = [&](int node, int end) {
    int& rows = plan.rows[index(node)];
    rows = std::max(rows, end + 1 - progress.kept_from(node));
    progress.set_end(node, end);
  };
  const int head = graph.steps.back().dst;
  while (progress.end(head) < height) {
    advance(0, std::min(height, progress.end(0) + band));
    for (std::size_t s = 0; s < graph.steps.size(); ++s) {
      const Step& step = graph.steps[s];
      const int reach = progress.reach(step);
      plan.step_rows[s] = std::max(plan.step_rows[s], reach - progress.end(step.dst));
      advance(step.dst, reach);
    }
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    plan.size += tensor_size<float>({node.channels, plan.rows[i] - 2 * layout.halo, width >> node.level}, layout);
  }
  return plan;
}

BandedUNet::BandedUNet(const NetworkSpec& spec, Kernels<float>& kernels, int height, int width, int band)
    : spec_(spec),
      kernels_(kernels),
      height_(height),
      width_(width),
      padded_height_(padded_side(spec, height)),
      padded_width_(padded_side(spec, width)),
      band_(band),
      graph_(unet_graph(spec)),
      progress_(graph_, padded_height_, kernels.band_unit(), band),
      windows_(graph_.nodes.size()),
      loss_(spec.leads, height, width),
      head_(graph_.steps.back().dst) {
  const Layout layout = kernels.layout();
  assert(spec.norm_groups == 0 && kernels.band_unit() > 0 && layout.halo == 1);
  const BandPlan plan = plan_bands(graph_, layout, padded_height_, padded_width_, kernels.band_unit(), band);
  memory_.assign(plan.size, 0.0f);
  float* next = memory_.data();
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const Node& node = graph_.nodes[i];
    Tensor<float>& tensor = windows_[i].tensor;
    tensor = {next, {node.channels, plan.rows[i], padded_width_ >> node.level}, layout, -2 * layout.halo};
    next += tensor.size();
  }
  blocks_.reserve(graph_.blocks.size());
  for (std::size_t s = 0; s < graph_.steps.size(); ++s) {
    const Step& step = graph_.steps[s];
    if (step.kind != StepKind::conv_block) continue;
    const int level = graph_.nodes[index(step.dst)].level;
    blocks_.emplace_back(graph_.blocks[index(step.block)], kernels, plan.step_rows[s], padded_width_ >> level,
                         Purpose::forecast);
  }
}

void BandedUNet::set_weights(const float* phi) {
  for (ConvBlock<float>& block : blocks_) block.set_weights(phi);
}

Tensor<float> BandedUNet::band(int node, int first, int end) const {
  const Window& window = windows_[index(node)];
  Tensor<float> band = window.tensor;
  band.extent.height = end - first;
  band.spare_rows = window.tensor.extent.height + window.tensor.spare_rows - band.extent.height;
  band.data += index(first - 1 - window.first) * band.row_stride();
  return band;
}

void BandedUNet::make_room(int node, int end) {
  Window& window = windows_[index(node)];
  const Tensor<float>& tensor = window.tensor;
  if (end + 1 - window.first <= tensor.extent.height) return;
  const int kept = progress_.kept_from(node);
  const std::size_t row = tensor.row_stride();
  kernels_.threads().parallel_for(tensor.blocks(), [&](int b) {
    float* block = tensor.data + index(b) * tensor.block_stride();
    std::memmove(block, block + index(kept - window.first) * row,
                 index(progress_.end(node) - kept) * row * sizeof(float));
  });
  window.first = kept;
}

void BandedUNet::clear_row(int node, int y) {
  const Window& window = windows_[index(node)];
  const Tensor<float>& tensor = window.tensor;
  for (int b = 0; b < tensor.blocks(); ++b) {
    std::fill_n(tensor.data + index(b) * tensor.block_stride() + index(y - window.first) * tensor.row_stride(),
                tensor.row_stride(), 0.0f);
  }
}

void BandedUNet::finish(int node, int end) {
  progress_.set_end(node, end);
  if (end == progress_.height(node)) clear_row(node, end);
}

void BandedUNet::run(const Step& step, int first, int end) {
  const Tensor<float> dst = band(step.dst, first, end);
  switch (step.kind) {
    case StepKind::conv_block: {
      std::array<Tensor<float>, 2> sources;
      for (int i = 0; i < step.sources; ++i) sources[index(i)] = band(step.src[index(i)], first, end);
      blocks_[index(step.block)].forward(sources, dst, dst);
      break;
    }
    case StepKind::average_pool:
      sum_2x2(band(step.src[0], 2 * first, 2 * end), 0.25f, dst, Write::overwrite, kernels_.threads());
      break;
    case StepKind::upsample:
      replicate_2x2(band(step.src[0], first / 2, end / 2), 1.0f, dst, Write::overwrite, kernels_.threads());
      break;
  }
}

void BandedUNet::forward(const Sample<float>& sample, float* out) {
  for (int node = 0; node < static_cast<int>(windows_.size()); ++node) {
    windows_[index(node)].first = -1;
    progress_.set_end(node, 0);
    clear_row(node, -1);
  }
  while (progress_.end(head_) < padded_height_) {
    const int first_input = progress_.end(0), end_input = std::min(padded_height_, first_input + band_);
    if (first_input < end_input) {
      make_room(0, end_input);
      copy_input(sample, spec_.input_frames, height_, width_, band(0, first_input, end_input), kernels_.threads(),
                 first_input);
      finish(0, end_input);
    }
    for (const Step& step : graph_.steps) {
      const int first = progress_.end(step.dst), end = progress_.reach(step);
      if (first == end) continue;
      make_room(step.dst, end);
      run(step, first, end);
      finish(step.dst, end);
      if (step.dst == head_) loss_.forecast(band(head_, first, end), sample, out, kernels_.threads(), first);
    }
  }
}

}  // namespace altocast
