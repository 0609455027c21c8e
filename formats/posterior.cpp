#include "formats/posterior.h"

#include <algorithm>
#include <cassert>

#include "formats/container.h"
#include "formats/durable_file.h"
#include "formats/shared_sections.h"

namespace altocast {
namespace {

constexpr std::uint16_t kMajor = 1;
constexpr std::uint16_t kMinor = 3;           // with a combination, …
constexpr std::uint16_t kMinorWithNodes = 2;  // … of which older ones know one scale of the noise a lead
constexpr std::size_t kMaxParameters = std::size_t{1} << 28;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{kMaxParameters} * 8 + (std::uint64_t{1} << 24);
constexpr std::size_t kMaxFrames = 65536;
constexpr float kLargest = std::numeric_limits<float>::max();

// One name a line, each line ended.
std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

Result<std::vector<std::string>> split_lines(const std::string& text) {
  if (!text.empty() && text.back() != '\n') return Status::error("the last line has no end");
  if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) > kMaxFrames) {
    return Status::error("more than 65536 lines");
  }
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

Result<std::optional<Combination>> read_combination(const Container& container) {
  const Section* network = container.find("combination.network");
  if (network == nullptr) {
    for (const char* other :
         {"combination.advection", "combination.noise", "combination.noise_scale", "combination.noise_shift",
          "combination.diurnal_time", "combination.diurnal_slope", "combination.diurnal_intercept"}) {
      if (container.find(other)) return Status::error(std::string(other) + " stands without combination.network");
    }
    return std::optional<Combination>();
  }
  Combination combination;
  const auto read = [&](const char* name, std::vector<float>& values, std::size_t a_lead = 1) -> Status {
    Result<std::vector<float>> plane = container.f32(name, network->count * a_lead);
    if (!plane.ok()) return plane.status();
    values = *std::move(plane);
    return {};
  };
  ALTOCAST_RETURN_IF_ERROR(read("combination.network", combination.network));
  ALTOCAST_RETURN_IF_ERROR(read("combination.advection", combination.advection));
  std::vector<float> noise;
  ALTOCAST_RETURN_IF_ERROR(read("combination.noise", noise));
  if (container.header().minor >= kMinorWithNodes) {
    ALTOCAST_RETURN_IF_ERROR(read("combination.noise_scale", combination.noise_scale, kAmplitudeNodes));
    ALTOCAST_RETURN_IF_ERROR(read("combination.noise_shift", combination.noise_shift, kAmplitudeNodes));
  } else {
    for (const float scale : noise)
      combination.noise_scale.insert(combination.noise_scale.end(), kAmplitudeNodes, scale);
    combination.noise_shift.assign(combination.noise_scale.size(), 0.0f);
  }
  if (container.find("combination.diurnal_time") != nullptr) {
    const Result<std::vector<std::int64_t>> time = container.i64("combination.diurnal_time", 1);
    if (!time.ok()) return time.status();
    DiurnalCorrection& diurnal = combination.diurnal.emplace();
    diurnal.time = time->front();
    ALTOCAST_RETURN_IF_ERROR(read("combination.diurnal_slope", diurnal.slope));
    ALTOCAST_RETURN_IF_ERROR(read("combination.diurnal_intercept", diurnal.intercept));
  } else if (container.find("combination.diurnal_slope") || container.find("combination.diurnal_intercept")) {
    return Status::error("a diurnal correction stands without combination.diurnal_time");
  }
  ALTOCAST_RETURN_IF_ERROR(validate(combination, network->count));
  return std::optional(std::move(combination));
}

}  // namespace

Posterior make_posterior(const LoadedPrior& prior, std::span<const float> mu, std::span<const float> rho) {
  assert(mu.size() == prior.prior.mu.size() && rho.size() == prior.prior.rho.size());
  Posterior posterior;
  posterior.prior_sha256 = prior.sha256;
  posterior.architecture = architecture_hash(prior.prior.network);
  posterior.inner = prior.prior.inner;
  posterior.support_pairs = prior.prior.support_pairs;
  posterior.delta_mu.resize(mu.size());
  posterior.delta_rho.resize(rho.size());
  std::transform(mu.begin(), mu.end(), prior.prior.mu.begin(), posterior.delta_mu.begin(), std::minus<>());
  std::transform(rho.begin(), rho.end(), prior.prior.rho.begin(), posterior.delta_rho.begin(), std::minus<>());
  return posterior;
}

AdaptedWeights prior_weights(const Prior& prior) {
  return {prior.mu, prior.rho, default_combination(prior.network.leads)};
}

Result<AdaptedWeights> adapted_weights(const Posterior& posterior, const LoadedPrior& prior) {
  if (posterior.prior_sha256 != prior.sha256) {
    return Status::error("the posterior was adapted from the prior " + to_hex(posterior.prior_sha256).substr(0, 16) +
                         "…, not from this one (" + to_hex(prior.sha256).substr(0, 16) +
                         "…); give that prior or adapt again");
  }
  const std::vector<float>& mu = prior.prior.mu;
  const std::vector<float>& rho = prior.prior.rho;
  if (posterior.architecture != architecture_hash(prior.prior.network) || posterior.delta_mu.size() != mu.size() ||
      posterior.delta_rho.size() != rho.size()) {
    return Status::error("the posterior belongs to a network of another architecture; adapt again");
  }
  AdaptedWeights weights;
  weights.mu.resize(mu.size());
  weights.rho.resize(rho.size());
  std::transform(mu.begin(), mu.end(), posterior.delta_mu.begin(), weights.mu.begin(), std::plus<>());
  std::transform(rho.begin(), rho.end(), posterior.delta_rho.begin(), weights.rho.begin(), std::plus<>());
  ALTOCAST_RETURN_IF_ERROR(check_values("adapted mu", weights.mu, -kLargest, kLargest));
  ALTOCAST_RETURN_IF_ERROR(check_values("adapted rho", weights.rho, kMinRho, kMaxRho));
  const int leads = prior.prior.network.leads;
  weights.combination = posterior.combination.value_or(default_combination(leads));
  ALTOCAST_RETURN_IF_ERROR(validate(weights.combination, static_cast<std::size_t>(leads)));
  return weights;
}

Status validate(const Posterior& posterior) {
  ALTOCAST_RETURN_IF_ERROR(validate(posterior.inner, posterior.support_pairs));
  ALTOCAST_RETURN_IF_ERROR(check_text(posterior.facts).within("facts"));
  if (posterior.frames.size() > kMaxFrames) return Status::error("more than 65536 frames");
  for (const std::string& name : posterior.frames) {
    if (name.find('\n') != std::string::npos) return Status::error("a frame's name holds a line break");
  }
  ALTOCAST_RETURN_IF_ERROR(check_text(join_lines(posterior.frames)).within("frames"));
  const std::size_t count = posterior.delta_mu.size();
  if (count == 0 || count > kMaxParameters) return Status::error("delta_mu must have 1 … 2^28 elements");
  if (posterior.delta_rho.size() != count) {
    return Status::error("delta_rho has " + std::to_string(posterior.delta_rho.size()) + " elements, delta_mu " +
                         std::to_string(count));
  }
  if (posterior.combination)
    ALTOCAST_RETURN_IF_ERROR(validate(*posterior.combination, posterior.combination->network.size()));
  ALTOCAST_RETURN_IF_ERROR(check_values("delta_mu", posterior.delta_mu, -kLargest, kLargest));
  return check_values("delta_rho", posterior.delta_rho, -kLargest, kLargest);
}

std::vector<std::uint8_t> serialize_posterior(const Posterior& posterior) {
  assert(validate(posterior).ok());
  ContainerWriter writer(
      {FileKind::posterior, kMajor, posterior.combination ? kMinor : std::uint16_t{0}, posterior.architecture});
  const std::uint64_t digest_bytes[1] = {posterior.prior_sha256.size()};
  writer.add_raw("prior_sha256", ElementType::u8, digest_bytes,
                 {posterior.prior_sha256.begin(), posterior.prior_sha256.end()});
  writer.add_i64("created", {posterior.created});
  writer.add_text("frames", join_lines(posterior.frames));
  add_inner_loop(writer, posterior.inner, posterior.support_pairs);
  const std::uint64_t seed[1] = {posterior.seed};
  writer.add_u64("seed", seed);
  writer.add_text("facts", posterior.facts);
  if (posterior.combination) {
    writer.add_f32("combination.network", posterior.combination->network);
    writer.add_f32("combination.advection", posterior.combination->advection);
    writer.add_f32("combination.noise", mean_noise_scale(*posterior.combination));
    writer.add_f32("combination.noise_scale", posterior.combination->noise_scale);
    writer.add_f32("combination.noise_shift", posterior.combination->noise_shift);
    if (const std::optional<DiurnalCorrection>& diurnal = posterior.combination->diurnal) {
      writer.add_i64("combination.diurnal_time", {diurnal->time});
      writer.add_f32("combination.diurnal_slope", diurnal->slope);
      writer.add_f32("combination.diurnal_intercept", diurnal->intercept);
    }
  }
  writer.add_f32("delta_mu", posterior.delta_mu);
  writer.add_f32("delta_rho", posterior.delta_rho);
  return writer.finish();
}

Result<Posterior> parse_posterior(std::span<const std::uint8_t> bytes) {
  const Result<Container> container = Container::parse(bytes, FileKind::posterior, kMajor);
  if (!container.ok()) return container.status();
  Posterior posterior;
  posterior.architecture = container->header().architecture_hash;

  const Result<const Section*> digest =
      container->require("prior_sha256", ElementType::u8, posterior.prior_sha256.size());
  if (!digest.ok()) return digest.status();
  std::copy((*digest)->bytes.begin(), (*digest)->bytes.end(), posterior.prior_sha256.begin());
  const Result<std::vector<std::int64_t>> created = container->i64("created", 1);
  if (!created.ok()) return created.status();
  posterior.created = (*created)[0];
  const Result<std::string> names = container->text("frames");
  if (!names.ok()) return names.status();
  Result<std::vector<std::string>> frames = split_lines(*names);
  if (!frames.ok()) return frames.status().within("section 'frames'");
  posterior.frames = *std::move(frames);
  const Result<InnerLoopSection> inner = read_inner_loop(*container);
  if (!inner.ok()) return inner.status();
  posterior.inner = inner->inner;
  posterior.support_pairs = inner->support_pairs;
  const Result<std::vector<std::uint64_t>> seed = container->u64("seed", 1);
  if (!seed.ok()) return seed.status();
  posterior.seed = (*seed)[0];
  Result<std::string> facts = container->text("facts");
  if (!facts.ok()) return facts.status();
  posterior.facts = *std::move(facts);

  Result<std::optional<Combination>> combination = read_combination(*container);
  if (!combination.ok()) return combination.status();
  posterior.combination = *std::move(combination);

  const Result<const Section*> plane = container->require("delta_mu", ElementType::f32);
  if (!plane.ok()) return plane.status();
  const std::size_t count = (*plane)->count;
  if (count == 0 || count > kMaxParameters) return Status::error("section 'delta_mu' must have 1 … 2^28 elements");
  Result<std::vector<float>> mu = container->f32("delta_mu", count);
  if (!mu.ok()) return mu.status();
  Result<std::vector<float>> rho = container->f32("delta_rho", count);
  if (!rho.ok()) return rho.status();
  posterior.delta_mu = *std::move(mu);
  posterior.delta_rho = *std::move(rho);
  return posterior;
}

Result<Posterior> load_posterior(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.status();
  Result<Posterior> posterior = parse_posterior(*bytes);
  if (!posterior.ok()) return posterior.status().within(path);
  return posterior;
}

Status save_posterior(const Posterior& posterior, const std::string& path) {
  ALTOCAST_RETURN_IF_ERROR(validate(posterior).within(path + ": not written, since the posterior is not fit"));
  return replace_file(path, serialize_posterior(posterior));
}

}  // namespace altocast
