#include "formats/checkpoint.h"

#include <algorithm>
#include <cassert>
#include <set>

#include "formats/byte_order.h"
#include "formats/container.h"
#include "formats/durable_file.h"
#include "formats/shared_sections.h"

namespace altocast {
namespace {

constexpr std::uint16_t kMajor = 1;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 35;
constexpr std::size_t kMaxNameBytes = 48;
constexpr std::size_t kMaxPlanes = 1024, kMaxCounters = 1024;
constexpr std::string_view kPlanePrefix = "plane.", kCounterPrefix = "counter.";
constexpr float kLargest = std::numeric_limits<float>::max();

Status check_name(const std::string& name, std::set<std::string_view>& seen) {
  if (name.empty() || name.size() > kMaxNameBytes ||
      !std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; })) {
    return Status::error("'" + name + "' is no name: 1 … 48 printable ASCII characters");
  }
  if (!seen.insert(name).second) return Status::error("a second '" + name + "'");
  return {};
}

template <class T>
std::vector<T> decode(const Section& section) {
  std::vector<T> values(section.count);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = load_little<T>(section.bytes.data() + i * sizeof(T));
  return values;
}

template <class T>
const std::vector<T>* find_plane(const std::vector<NamedPlane>& planes, std::string_view name) {
  for (const NamedPlane& plane : planes) {
    if (plane.name == name) return std::get_if<std::vector<T>>(&plane.values);
  }
  return nullptr;
}

}  // namespace

const std::vector<float>* Checkpoint::find_f32(std::string_view name) const { return find_plane<float>(planes, name); }

const std::vector<double>* Checkpoint::find_f64(std::string_view name) const {
  return find_plane<double>(planes, name);
}

const std::uint64_t* Checkpoint::find_counter(std::string_view name) const {
  for (const auto& counter : counters) {
    if (counter.first == name) return &counter.second;
  }
  return nullptr;
}

Status validate(const Checkpoint& checkpoint) {
  ALTOCAST_RETURN_IF_ERROR(validate(checkpoint.network));
  ALTOCAST_RETURN_IF_ERROR(check_text(checkpoint.config).within("config"));
  if (checkpoint.planes.size() > kMaxPlanes) return Status::error("more than 1024 planes");
  if (checkpoint.counters.size() > kMaxCounters) return Status::error("more than 1024 counters");
  std::set<std::string_view> plane_names, counter_names;
  for (const NamedPlane& plane : checkpoint.planes) {
    ALTOCAST_RETURN_IF_ERROR(check_name(plane.name, plane_names).within("plane"));
    const auto* f32 = std::get_if<std::vector<float>>(&plane.values);
    ALTOCAST_RETURN_IF_ERROR(f32 != nullptr ? check_values(plane.name, *f32, -kLargest, kLargest)
                                            : check_values(plane.name, std::get<std::vector<double>>(plane.values)));
  }
  for (const auto& counter : checkpoint.counters) {
    ALTOCAST_RETURN_IF_ERROR(check_name(counter.first, counter_names).within("counter"));
  }
  return {};
}

std::vector<std::uint8_t> serialize_checkpoint(const Checkpoint& checkpoint) {
  assert(validate(checkpoint).ok());
  ContainerWriter writer({FileKind::checkpoint, kMajor, 0, architecture_hash(checkpoint.network)});
  add_network(writer, checkpoint.network);
  const auto add_counter = [&](const std::string& name, std::uint64_t value) {
    const std::uint64_t values[1] = {value};
    writer.add_u64(name, values);
  };
  add_counter("step", checkpoint.step);
  writer.add_text("config", checkpoint.config);
  for (const auto& [name, value] : checkpoint.counters) add_counter(std::string(kCounterPrefix) + name, value);
  for (const NamedPlane& plane : checkpoint.planes) {
    const std::string name = std::string(kPlanePrefix) + plane.name;
    const auto* f32 = std::get_if<std::vector<float>>(&plane.values);
    if (f32 != nullptr) {
      writer.add_f32(name, *f32);
    } else {
      writer.add_f64(name, std::get<std::vector<double>>(plane.values));
    }
  }
  return writer.finish();
}

Result<Checkpoint> parse_checkpoint(std::span<const std::uint8_t> bytes) {
  const Result<Container> container = Container::parse(bytes, FileKind::checkpoint, kMajor);
  if (!container.ok()) return container.status();
  Checkpoint checkpoint;
  const Result<NetworkSpec> network = read_network(*container);
  if (!network.ok()) return network.status();
  checkpoint.network = *network;
  const Result<std::vector<std::uint64_t>> step = container->u64("step", 1);
  if (!step.ok()) return step.status();
  checkpoint.step = (*step)[0];
  Result<std::string> config = container->text("config");
  if (!config.ok()) return config.status();
  checkpoint.config = *std::move(config);

  for (const Section& section : container->sections()) {
    if (section.name.starts_with(kCounterPrefix)) {
      const Result<std::vector<std::uint64_t>> value = container->u64(section.name, 1);
      if (!value.ok()) return value.status();
      checkpoint.counters.emplace_back(section.name.substr(kCounterPrefix.size()), (*value)[0]);
    } else if (section.name.starts_with(kPlanePrefix)) {
      NamedPlane plane;
      plane.name = section.name.substr(kPlanePrefix.size());
      if (section.type == ElementType::f32) {
        plane.values = decode<float>(section);
      } else if (section.type == ElementType::f64) {
        plane.values = decode<double>(section);
      } else {
        return Status::error("section '" + std::string(section.name) + "' holds " +
                             std::string(to_string(section.type)) + ", a plane f32 or f64");
      }
      checkpoint.planes.push_back(std::move(plane));
    }
  }
  ALTOCAST_RETURN_IF_ERROR(validate(checkpoint).within("sections 'plane.…' and 'counter.…'"));
  return checkpoint;
}

Result<Checkpoint> load_checkpoint(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.status();
  Result<Checkpoint> checkpoint = parse_checkpoint(*bytes);
  if (!checkpoint.ok()) return checkpoint.status().within(path);
  return checkpoint;
}

Status save_checkpoint(const Checkpoint& checkpoint, const std::string& path) {
  ALTOCAST_RETURN_IF_ERROR(validate(checkpoint).within(path + ": not written, since the checkpoint is not fit"));
  return replace_file(path, serialize_checkpoint(checkpoint));
}

}  // namespace altocast
