#include "formats/shared_sections.h"

namespace altocast {
namespace {

constexpr int kMaxSteps = 1000;
constexpr int kMaxSamples = 1024;
constexpr int kMaxSupportPairs = 4096;

Status check_count(const char* name, std::int64_t value, int low, int high) {
  if (value >= low && value <= high) return {};
  return Status::error(std::string(name) + " is " + std::to_string(value) + ", not in " + std::to_string(low) + " … " +
                       std::to_string(high));
}

}  // namespace

void add_network(ContainerWriter& writer, const NetworkSpec& spec) {
  writer.add_i64("network", {spec.input_frames, spec.leads, spec.base_channels, spec.depth,
                             static_cast<std::int64_t>(spec.activation), spec.norm_groups,
                             static_cast<std::int64_t>(spec.residual)});
}

Result<NetworkSpec> read_network(const Container& container) {
  const Result<std::vector<std::int64_t>> fields = container.i64("network", 7);
  if (!fields.ok()) return fields.status();
  // One bound for all before they are narrowed; validate() has the real ones.
  for (std::size_t i = 0; i < fields->size(); ++i) {
    ALTOCAST_RETURN_IF_ERROR(check_count(("network[" + std::to_string(i) + "]").c_str(), (*fields)[i], 0, 255 + 1)
                                 .within("section 'network'"));
  }
  const auto field = [&](std::size_t i) { return static_cast<int>((*fields)[i]); };
  if (field(4) > 1 || field(6) > 2) {
    return Status::error("section 'network': an activation or residual base that this program does not know");
  }
  NetworkSpec spec;
  spec.input_frames = field(0);
  spec.leads = field(1);
  spec.base_channels = field(2);
  spec.depth = field(3);
  spec.activation = static_cast<ActivationKind>(field(4));
  spec.norm_groups = field(5);
  spec.residual = static_cast<ResidualBase>(field(6));
  ALTOCAST_RETURN_IF_ERROR(validate(spec).within("section 'network'"));
  if (architecture_hash(spec) != container.header().architecture_hash) {
    return Status::error("byte 32: the architecture hash is not that of section 'network'");
  }
  return spec;
}

void add_inner_loop(ContainerWriter& writer, const InnerLoopSettings& inner, int support_pairs) {
  const int flags =
      (inner.antithetic ? 1 : 0) + (inner.flipout ? 2 : 0) + (inner.likelihood == Likelihood::huber ? 4 : 0);
  writer.add_i64("inner.counts", {inner.steps, inner.samples, flags, support_pairs});
  writer.add_f32("inner.values", {inner.kl_weight, inner.clip_mu, inner.clip_rho});
}

Result<InnerLoopSection> read_inner_loop(const Container& container) {
  const Result<std::vector<std::int64_t>> counts = container.i64("inner.counts", 4);
  if (!counts.ok()) return counts.status();
  const Result<std::vector<float>> values = container.f32("inner.values", 3);
  if (!values.ok()) return values.status();
  const auto check = [&](const char* name, std::size_t i, int low, int high) {
    return check_count(name, (*counts)[i], low, high).within("section 'inner.counts'");
  };
  ALTOCAST_RETURN_IF_ERROR(check("steps", 0, 0, kMaxSteps));
  ALTOCAST_RETURN_IF_ERROR(check("samples", 1, 1, kMaxSamples));
  ALTOCAST_RETURN_IF_ERROR(check("flags", 2, 0, 7));
  ALTOCAST_RETURN_IF_ERROR(check("support_pairs", 3, 0, kMaxSupportPairs));
  InnerLoopSection section;
  section.inner.steps = static_cast<int>((*counts)[0]);
  section.inner.samples = static_cast<int>((*counts)[1]);
  section.inner.antithetic = ((*counts)[2] & 1) != 0;
  section.inner.flipout = ((*counts)[2] & 2) != 0;
  section.inner.likelihood = ((*counts)[2] & 4) != 0 ? Likelihood::huber : Likelihood::gaussian;
  section.support_pairs = static_cast<int>((*counts)[3]);
  section.inner.kl_weight = (*values)[0];
  section.inner.clip_mu = (*values)[1];
  section.inner.clip_rho = (*values)[2];
  ALTOCAST_RETURN_IF_ERROR(validate(section.inner, section.support_pairs).within("section 'inner.values'"));
  return section;
}

Status validate(const InnerLoopSettings& inner, int support_pairs) {
  ALTOCAST_RETURN_IF_ERROR(check_count("steps", inner.steps, 0, kMaxSteps));
  ALTOCAST_RETURN_IF_ERROR(check_count("samples", inner.samples, 1, kMaxSamples));
  ALTOCAST_RETURN_IF_ERROR(check_count("support_pairs", support_pairs, 0, kMaxSupportPairs));
  const float values[3] = {inner.kl_weight, inner.clip_mu, inner.clip_rho};
  return check_values("inner.values (kl_weight, clip_mu, clip_rho)", values, 0.0f, std::numeric_limits<float>::max());
}

}  // namespace altocast
