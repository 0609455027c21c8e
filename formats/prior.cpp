#include "formats/prior.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "formats/byte_order.h"
#include "formats/container.h"
#include "formats/durable_file.h"
#include "formats/half.h"
#include "formats/shared_sections.h"

namespace altocast {
namespace {

constexpr std::uint16_t kMajor = 1;
constexpr std::uint16_t kMinorWithNoise = 2;
constexpr std::uint64_t kMaxFileBytes = (std::uint64_t{1} << 28) * 8 + (std::uint64_t{1} << 24);
constexpr int kMaxCadenceSeconds = 7 * 24 * 3600;
constexpr float kLargest = std::numeric_limits<float>::max();

std::vector<std::uint8_t> encode_half(std::span<const float> values) {
  std::vector<std::uint8_t> bytes(2 * values.size());
  for (std::size_t i = 0; i < values.size(); ++i) store_little(bytes.data() + 2 * i, half_from_float(values[i]));
  return bytes;
}

// u8 planes: value = low + step · code, rounded after the product and after the sum; one (low, step) a
// tensor.
struct AffinePlane {
  std::vector<float> ranges;  // low, step of each tensor
  std::vector<std::uint8_t> codes;
};

AffinePlane encode_affine(std::span<const float> values, const std::vector<ParameterTensor>& layout) {
  AffinePlane plane;
  plane.codes.resize(values.size());
  for (const ParameterTensor& tensor : layout) {
    const std::span<const float> part = values.subspan(tensor.offset, tensor.size);
    const auto [low, high] = std::minmax_element(part.begin(), part.end());
    float step = (*high - *low) / 255.0f;
    // Rounding must not carry the largest code beyond the range that was validated.
    while (*low + step * 255.0f > *high) step = std::nextafter(step, 0.0f);
    plane.ranges.insert(plane.ranges.end(), {*low, step});
    for (std::size_t i = 0; i < part.size(); ++i) {
      // floor(x + ½) rather than a library rounding: the same code on every platform.
      const double code = step > 0.0f ? std::floor(double{part[i] - *low} / double{step} + 0.5) : 0.0;
      plane.codes[tensor.offset + i] = static_cast<std::uint8_t>(std::clamp(code, 0.0, 255.0));
    }
  }
  return plane;
}

void add_plane(ContainerWriter& writer, const std::string& name, std::span<const float> values, PlaneType type,
               const std::vector<ParameterTensor>& layout) {
  const std::uint64_t dims[1] = {values.size()};
  if (type == PlaneType::f32) {
    writer.add_f32(name, values);
  } else if (type == PlaneType::f16) {
    writer.add_raw(name, ElementType::f16, dims, encode_half(values));
  } else {
    AffinePlane plane = encode_affine(values, layout);
    writer.add_f32(name + ".range", plane.ranges);
    writer.add_raw(name, ElementType::u8, dims, std::move(plane.codes));
  }
}

// The section's type says how the plane is stored.
Result<std::vector<float>> read_plane(const Container& container, const std::string& name,
                                      const std::vector<ParameterTensor>& layout, std::size_t count,
                                      bool affine_allowed, float low, float high) {
  const Section* section = container.find(name);
  if (section == nullptr) return Status::error("section '" + name + "' is missing");
  if (section->type == ElementType::f32) return container.f32(name, count, low, high);
  const bool affine = section->type == ElementType::u8 && affine_allowed;
  if (section->type != ElementType::f16 && !affine) {
    return Status::error("section '" + name + "' holds " + std::string(to_string(section->type)) +
                         ", which is no encoding of this plane");
  }
  const Result<const Section*> sized = container.require(name, section->type, count);
  if (!sized.ok()) return sized.status();
  const std::uint8_t* bytes = section->bytes.data();
  std::vector<float> ranges;
  if (affine) {
    Result<std::vector<float>> read = container.f32(name + ".range", 2 * layout.size());
    if (!read.ok()) return read.status();
    ranges = *std::move(read);
  }
  std::vector<float> values(count);
  if (affine) {
    for (std::size_t t = 0; t < layout.size(); ++t) {
      for (std::size_t i = layout[t].offset; i < layout[t].offset + layout[t].size; ++i) {
        values[i] = ranges[2 * t] + ranges[2 * t + 1] * static_cast<float>(bytes[i]);
      }
    }
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = float_from_half(load_little<std::uint16_t>(bytes + 2 * i));
    }
  }
  ALTOCAST_RETURN_IF_ERROR(check_values("section '" + name + "': " + name, values, low, high));
  return values;
}

Status check_scalars(const Normalisation& normalisation, int cadence_seconds) {
  const float offset[1] = {normalisation.offset};
  const float scale[1] = {normalisation.scale};
  ALTOCAST_RETURN_IF_ERROR(check_values("normalisation offset", offset, -1e9f, 1e9f));
  ALTOCAST_RETURN_IF_ERROR(check_values("normalisation scale", scale, 1e-9f, 1e9f));
  if (cadence_seconds < 0 || cadence_seconds > kMaxCadenceSeconds) {
    return Status::error("cadence of " + std::to_string(cadence_seconds) + " s is not in 0 … one week");
  }
  return {};
}

Result<Prior> read_prior(const Container& container) {
  Prior prior;
  const Result<NetworkSpec> network = read_network(container);
  if (!network.ok()) return network.status();
  prior.network = *network;
  const std::size_t count = parameter_count(prior.network);
  const std::vector<ParameterTensor> layout = parameter_layout(prior.network);

  const Result<InnerLoopSection> inner = read_inner_loop(container);
  if (!inner.ok()) return inner.status();
  prior.inner = inner->inner;
  prior.support_pairs = inner->support_pairs;

  const Result<std::vector<float>> normalisation = container.f32("normalisation", 2);
  if (!normalisation.ok()) return normalisation.status();
  prior.normalisation = {(*normalisation)[0], (*normalisation)[1]};
  const Result<std::vector<std::int64_t>> cadence = container.i64("cadence", 1);
  if (!cadence.ok()) return cadence.status();
  const std::int64_t seconds = (*cadence)[0];
  prior.cadence_seconds = seconds < 0 || seconds > kMaxCadenceSeconds ? -1 : static_cast<int>(seconds);
  ALTOCAST_RETURN_IF_ERROR(
      check_scalars(prior.normalisation, prior.cadence_seconds).within("section 'normalisation' or 'cadence'"));

  struct TextField {
    const char* name;
    std::string* value;
  };
  for (const TextField field : {TextField{"channel", &prior.channel}, TextField{"facts", &prior.facts}}) {
    Result<std::string> text = container.text(field.name);
    if (!text.ok()) return text.status();
    *field.value = *std::move(text);
  }

  struct Plane {
    std::vector<float>* values;
    Result<std::vector<float>> read;
  };
  const auto leads = static_cast<std::size_t>(prior.network.leads);
  Plane planes[] = {{&prior.log_noise, container.f32("log_noise", leads, -kMaxAbsLogNoise, kMaxAbsLogNoise)},
                    {&prior.rate_mu, container.f32("rate_mu", layout.size(), 0.0f, kLargest)},
                    {&prior.rate_rho, container.f32("rate_rho", layout.size(), 0.0f, kLargest)},
                    {&prior.mu, read_plane(container, "mu", layout, count, false, -kLargest, kLargest)},
                    {&prior.rho, read_plane(container, "rho", layout, count, true, kMinRho, kMaxRho)}};
  for (Plane& plane : planes) {
    if (!plane.read.ok()) return plane.read.status();
    *plane.values = *std::move(plane.read);
  }
  Result<std::optional<NoiseModel>> noise = read_noise_model(container, prior.network.leads);
  if (!noise.ok()) return noise.status();
  prior.noise = *std::move(noise);
  return prior;
}

}  // namespace

std::string_view to_string(Likelihood likelihood) { return likelihood == Likelihood::huber ? "huber" : "gaussian"; }

Result<Likelihood> likelihood_from_string(std::string_view name) {
  if (name == "gaussian") return Likelihood::gaussian;
  if (name == "huber") return Likelihood::huber;
  return Status::error("unknown likelihood '" + std::string(name) + "'; there are gaussian and huber");
}

Status validate(const Prior& prior, PriorEncoding encoding) {
  ALTOCAST_RETURN_IF_ERROR(validate(prior.network));
  ALTOCAST_RETURN_IF_ERROR(validate(prior.inner, prior.support_pairs));
  ALTOCAST_RETURN_IF_ERROR(check_scalars(prior.normalisation, prior.cadence_seconds));
  ALTOCAST_RETURN_IF_ERROR(check_text(prior.channel).within("channel"));
  ALTOCAST_RETURN_IF_ERROR(check_text(prior.facts).within("facts"));
  if (encoding.mu == PlaneType::u8) return Status::error("mu can't be stored as u8; choose f16 or f32");
  const std::size_t count = parameter_count(prior.network);
  const std::size_t tensors = parameter_layout(prior.network).size();
  const float largest_mu = encoding.mu == PlaneType::f16 ? kMaxHalf : kLargest;
  struct Expected {
    const char* name;
    const std::vector<float>& values;
    std::size_t size;
    float low, high;
  };
  const Expected planes[] = {
      {"mu", prior.mu, count, -largest_mu, largest_mu},
      {"rho", prior.rho, count, kMinRho, kMaxRho},
      {"log_noise", prior.log_noise, static_cast<std::size_t>(prior.network.leads), -kMaxAbsLogNoise, kMaxAbsLogNoise},
      {"rate_mu", prior.rate_mu, tensors, 0.0f, kLargest},
      {"rate_rho", prior.rate_rho, tensors, 0.0f, kLargest}};
  for (const Expected& plane : planes) {
    if (plane.values.size() != plane.size) {
      return Status::error(std::string(plane.name) + " has " + std::to_string(plane.values.size()) +
                           " elements, but the network needs " + std::to_string(plane.size));
    }
    ALTOCAST_RETURN_IF_ERROR(check_values(plane.name, plane.values, plane.low, plane.high));
  }
  if (prior.noise) ALTOCAST_RETURN_IF_ERROR(validate(*prior.noise, prior.network.leads));
  return {};
}

std::vector<std::uint8_t> serialize_prior(const Prior& prior, PriorEncoding encoding) {
  assert(validate(prior, encoding).ok());
  const std::vector<ParameterTensor> layout = parameter_layout(prior.network);
  const std::uint16_t minor = prior.noise ? kMinorWithNoise : 0;
  ContainerWriter writer({FileKind::prior, kMajor, minor, architecture_hash(prior.network)});
  add_network(writer, prior.network);
  add_inner_loop(writer, prior.inner, prior.support_pairs);
  writer.add_f32("normalisation", {prior.normalisation.offset, prior.normalisation.scale});
  writer.add_i64("cadence", {std::int64_t{prior.cadence_seconds}});
  writer.add_text("channel", prior.channel);
  writer.add_text("facts", prior.facts);
  writer.add_f32("log_noise", prior.log_noise);
  writer.add_f32("rate_mu", prior.rate_mu);
  writer.add_f32("rate_rho", prior.rate_rho);
  if (prior.noise) add_noise_model(writer, *prior.noise);
  add_plane(writer, "mu", prior.mu, encoding.mu, layout);
  add_plane(writer, "rho", prior.rho, encoding.rho, layout);
  return writer.finish();
}

Result<Prior> parse_prior(std::span<const std::uint8_t> bytes) {
  const Result<Container> container = Container::parse(bytes, FileKind::prior, kMajor);
  if (!container.ok()) return container.status();
  return read_prior(*container);
}

Result<LoadedPrior> load_prior(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.status();
  const Result<Container> container = Container::parse(*bytes, FileKind::prior, kMajor);
  if (!container.ok()) return container.status().within(path);
  Result<Prior> prior = read_prior(*container);
  if (!prior.ok()) return prior.status().within(path);
  return LoadedPrior{*std::move(prior), container->file_sha256(), bytes->size()};
}

Status save_prior(const Prior& prior, const std::string& path, PriorEncoding encoding) {
  ALTOCAST_RETURN_IF_ERROR(validate(prior, encoding).within(path + ": not written, since the prior is not fit"));
  return replace_file(path, serialize_prior(prior, encoding));
}

}  // namespace altocast
