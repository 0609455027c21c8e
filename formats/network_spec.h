// Which U-Net a parameter vector belongs to, and where each of its tensors lies in that vector. A prior file stores
// the specification; the network, the trainer and `altocast info` read the layout from here and from nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/status.h"

namespace altocast {

enum class ActivationKind : std::uint8_t { relu = 0, silu = 1 };
std::string_view to_string(ActivationKind kind);
Result<ActivationKind> activation_from_string(std::string_view name);

// What the network's output is added to: f(x, b) = b + net(x).
enum class ResidualBase : std::uint8_t {
  none = 0,        // b = 0
  last_frame = 1,  // b = the newest input frame, at every lead (persistence)
  advected = 2,    // b = the newest frame moved on by optical flow and smoothed with the lead (runtime/advection); the
                   // network sees these frames too, after the past ones
};
std::string_view to_string(ResidualBase base);
Result<ResidualBase> residual_base_from_string(std::string_view name);

// [conv 3×3, (group norm), act] × 2 a level, average pool down, nearest upsampling concatenated as [upsampled, skip],
// 1×1 head. Level l has base_channels · 2^l channels, l = 0 … depth.
struct NetworkSpec {
  int input_frames = 4;    // k past frames, oldest first
  int leads = 8;           // L future frames
  int base_channels = 16;  // channels at full resolution
  int depth = 3;           // number of times the resolution is halved
  ActivationKind activation = ActivationKind::silu;
  int norm_groups = 0;  // group-norm groups a layer; 0 = no normalisation
  ResidualBase residual = ResidualBase::last_frame;

  bool operator==(const NetworkSpec&) const = default;
  int channels(int level) const { return base_channels << level; }
  int input_channels() const { return input_frames + (residual == ResidualBase::advected ? leads : 0); }
};

// Caps: input_frames, leads ≤ 64; input_frames ≥ 2 for an advected base; base_channels ≤ 256; depth ≤ 6; at most 2^28
// parameters; norm_groups divides base_channels.
Status validate(const NetworkSpec& spec);

// "tiny" (8, 2), "small" (16, 3) or "base" (32, 4).
Result<NetworkSpec> preset(std::string_view name);

// The preset that has this network's channels and depth; "custom" if none has.
std::string_view preset_name(const NetworkSpec& spec);

struct ParameterTensor {
  std::string name;  // "enc0.a.weight", "dec1.b.gamma", "head.bias" …
  int rank = 0;
  int shape[4] = {1, 1, 1, 1};  // weights: out, in, kernel height, kernel width
  std::size_t offset = 0;       // of the first element in φ
  std::size_t size = 0;
};

// Every tensor of φ in canonical order: enc0.a, enc0.b, …, enc{depth}.b, dec{depth−1}.a, …, dec0.b, head; of each
// convolution weight [O,I,kh,kw], bias [O], then with group norm gamma [O], beta [O]. `spec` must be valid.
std::vector<ParameterTensor> parameter_layout(const NetworkSpec& spec);

// D, the length of φ.
std::size_t parameter_count(const NetworkSpec& spec);

// A 64-bit FNV-1a hash of the layout's names and shapes and of the specification's fields: equal if and only if a
// parameter vector of one network fits the other.
std::uint64_t architecture_hash(const NetworkSpec& spec);

}  // namespace altocast
