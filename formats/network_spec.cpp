#include "formats/network_spec.h"

namespace altocast {
namespace {

constexpr int kMaxFrames = 64;
constexpr int kMaxBaseChannels = 256;
constexpr int kMaxDepth = 6;
constexpr std::size_t kMaxParameters = std::size_t{1} << 28;

// Calls visit(name, out, in, kernel) for every convolution in canonical order.
template <class Visit>
void for_each_convolution(const NetworkSpec& spec, Visit visit) {
  for (int level = 0; level <= spec.depth; ++level) {
    const int in = level == 0 ? spec.input_channels() : spec.channels(level - 1);
    const std::string name = "enc" + std::to_string(level);
    visit(name + ".a", spec.channels(level), in, 3);
    visit(name + ".b", spec.channels(level), spec.channels(level), 3);
  }
  for (int level = spec.depth - 1; level >= 0; --level) {
    const std::string name = "dec" + std::to_string(level);
    visit(name + ".a", spec.channels(level), spec.channels(level + 1) + spec.channels(level), 3);
    visit(name + ".b", spec.channels(level), spec.channels(level), 3);
  }
  visit(std::string("head"), spec.leads, spec.base_channels, 1);
}

}  // namespace

std::string_view to_string(ActivationKind kind) { return kind == ActivationKind::relu ? "relu" : "silu"; }

Result<ActivationKind> activation_from_string(std::string_view name) {
  if (name == "relu") return ActivationKind::relu;
  if (name == "silu") return ActivationKind::silu;
  return Status::error("unknown activation '" + std::string(name) + "'; choose relu or silu");
}

std::string_view to_string(ResidualBase base) {
  switch (base) {
    case ResidualBase::none:
      return "none";
    case ResidualBase::last_frame:
      return "last_frame";
    case ResidualBase::advected:
      return "advected";
  }
  return "";
}

Result<ResidualBase> residual_base_from_string(std::string_view name) {
  for (const ResidualBase base : {ResidualBase::none, ResidualBase::last_frame, ResidualBase::advected}) {
    if (name == to_string(base)) return base;
  }
  return Status::error("unknown residual base '" + std::string(name) + "'; choose none, last_frame or advected");
}

Status validate(const NetworkSpec& spec) {
  const auto in_range = [](int value, int low, int high) { return value >= low && value <= high; };
  if (!in_range(spec.input_frames, 1, kMaxFrames)) return Status::error("input_frames must lie in 1 … 64");
  if (!in_range(spec.leads, 1, kMaxFrames)) return Status::error("leads must lie in 1 … 64");
  if (!in_range(spec.base_channels, 1, kMaxBaseChannels)) return Status::error("base_channels must lie in 1 … 256");
  if (!in_range(spec.depth, 0, kMaxDepth)) return Status::error("depth must lie in 0 … 6");
  if (spec.activation != ActivationKind::relu && spec.activation != ActivationKind::silu) {
    return Status::error("unknown activation code");
  }
  if (to_string(spec.residual).empty()) return Status::error("unknown residual base code");
  if (spec.residual == ResidualBase::advected && spec.input_frames < 2) {
    return Status::error("an advected residual base takes at least 2 input_frames");
  }
  if (spec.norm_groups < 0 || (spec.norm_groups > 0 && spec.base_channels % spec.norm_groups != 0)) {
    return Status::error("norm_groups must be 0 or divide base_channels");
  }
  if (parameter_count(spec) > kMaxParameters) return Status::error("the network has more than 2^28 parameters");
  return {};
}

Result<NetworkSpec> preset(std::string_view name) {
  NetworkSpec spec;
  if (name == "tiny") {
    spec.base_channels = 8;
    spec.depth = 2;
  } else if (name == "base") {
    spec.base_channels = 32;
    spec.depth = 4;
  } else if (name != "small") {
    return Status::error("unknown preset '" + std::string(name) + "'; choose tiny, small or base");
  }
  return spec;
}

std::string_view preset_name(const NetworkSpec& spec) {
  for (const std::string_view name : {"tiny", "small", "base"}) {
    const Result<NetworkSpec> known = preset(name);
    if (known->base_channels == spec.base_channels && known->depth == spec.depth) return name;
  }
  return "custom";
}

std::vector<ParameterTensor> parameter_layout(const NetworkSpec& spec) {
  std::vector<ParameterTensor> layout;
  std::size_t offset = 0;
  const auto add = [&](std::string name, std::initializer_list<int> shape) {
    ParameterTensor tensor;
    tensor.name = std::move(name);
    tensor.size = 1;
    for (const int extent : shape) {
      tensor.shape[tensor.rank++] = extent;
      tensor.size *= static_cast<std::size_t>(extent);
    }
    tensor.offset = offset;
    offset += tensor.size;
    layout.push_back(std::move(tensor));
  };
  for_each_convolution(spec, [&](const std::string& name, int out, int in, int kernel) {
    add(name + ".weight", {out, in, kernel, kernel});
    add(name + ".bias", {out});
    if (spec.norm_groups > 0 && name != "head") {
      add(name + ".gamma", {out});
      add(name + ".beta", {out});
    }
  });
  return layout;
}

std::size_t parameter_count(const NetworkSpec& spec) {
  std::size_t count = 0;
  for_each_convolution(spec, [&](const std::string& name, int out, int in, int kernel) {
    const auto o = static_cast<std::size_t>(out);
    count += o * static_cast<std::size_t>(in) * static_cast<std::size_t>(kernel * kernel) + o;
    if (spec.norm_groups > 0 && name != "head") count += 2 * o;
  });
  return count;
}

std::uint64_t architecture_hash(const NetworkSpec& spec) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto mix_byte = [&](unsigned value) {
    hash ^= value & 0xffu;
    hash *= 0x100000001b3u;
  };
  const auto mix = [&](int value) {
    for (int shift = 0; shift < 32; shift += 8) mix_byte(static_cast<unsigned>(value) >> shift);
  };
  mix(spec.input_frames);
  mix(static_cast<int>(spec.activation));
  mix(spec.norm_groups);
  mix(static_cast<int>(spec.residual));
  for (const ParameterTensor& tensor : parameter_layout(spec)) {
    for (const char c : tensor.name) mix_byte(static_cast<unsigned char>(c));
    for (const int extent : tensor.shape) mix(extent);
  }
  return hash;
}

}  // namespace altocast
