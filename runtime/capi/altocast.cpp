// The C API over the station's own calls (runtime/station). Every function checks its arguments, catches what the C++
// library throws, and leaves a message in the session.
#include "runtime/capi/altocast.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <optional>

#include "formats/prior.h"
#include "formats/sha256.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/station/adaptation.h"
#include "runtime/station/host.h"
#include "runtime/station/station_forecast.h"

struct altocast_session {
  std::unique_ptr<altocast::Kernels<float>> kernels;  // made when first needed
  std::optional<altocast::LoadedPrior> prior;
  altocast::AdaptedWeights weights;  // what forecasts use
  char error[1024] = "";             // no allocation may stand between a failure and its message
};

namespace altocast {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxMembers = 10000;
constexpr int kMaxSteps = 1000;
constexpr int kMaxSide = 16384;
constexpr int kMaxFrames = 65536;

// Failures that are the call's and not the data's.
struct BadArgument {
  std::string message;
};

altocast_status fail(altocast_session* session, altocast_status status, const char* message) {
  std::snprintf(session->error, sizeof session->error, "%s", message);
  return status;
}

// Runs a function's body, which returns a Status or throws, and tells the session how it ended.
template <class Body>
altocast_status guarded(altocast_session* session, const Body& body) {
  if (session == nullptr) return ALTOCAST_BAD_ARGUMENT;
  session->error[0] = 0;
  try {
    const Status status = body();
    return status.ok() ? ALTOCAST_OK : fail(session, ALTOCAST_UNFIT, status.message().c_str());
  } catch (const BadArgument& argument) {
    return fail(session, ALTOCAST_BAD_ARGUMENT, argument.message.c_str());
  } catch (const std::bad_alloc&) {
    return fail(session, ALTOCAST_NO_RESOURCES, "not enough memory; take smaller frames or fewer members");
  } catch (const std::exception& error) {
    return fail(session, ALTOCAST_NO_RESOURCES, error.what());  // threads that the system does not grant
  }
}

void require(bool fits, const std::string& message) {
  if (!fits) throw BadArgument{message};
}

// A caller's structure. When one grows, the smaller size is accepted too, and what it lacks keeps its default.
template <class Struct>
Struct known(const Struct* given, const char* name) {
  require(given != nullptr, std::string(name) + " is null");
  require(given->struct_size == sizeof(Struct),
          std::string(name) + ".struct_size is " + std::to_string(given->struct_size) + ", this library's is " +
              std::to_string(sizeof(Struct)) + "; start from the _INIT macro of the library's own header");
  return *given;
}

const LoadedPrior& loaded(const altocast_session* session) {
  require(session->prior.has_value(), "no prior is loaded");
  return *session->prior;
}

Kernels<float>& kernels_of(altocast_session* session) {
  if (!session->kernels) session->kernels = *make_kernels("", 0);
  return *session->kernels;
}

void use(altocast_session* session, LoadedPrior prior) {
  AdaptedWeights weights = prior_weights(prior.prior);
  session->prior = std::move(prior);
  session->weights = std::move(weights);
}

float pixel(const altocast_frames& frames, std::size_t i) {
  if (frames.type == ALTOCAST_U8) return static_cast<float>(static_cast<const std::uint8_t*>(frames.pixels)[i]);
  if (frames.type == ALTOCAST_U16) return static_cast<float>(static_cast<const std::uint16_t*>(frames.pixels)[i]);
  return static_cast<const float*>(frames.pixels)[i];
}

// The newest `wanted` frames, or all if there are fewer, normalised.
Result<FrameBlock> newest_frames(const altocast_frames& frames, int wanted, const Prior& prior) {
  const Normalisation& normalisation = prior.normalisation;
  const int count = std::min(wanted, static_cast<int>(frames.count));
  FrameBlock block{0, count, frames.height, frames.width, {}, {}, {}, {}};
  const std::size_t size = static_cast<std::size_t>(frames.height) * static_cast<std::size_t>(frames.width);
  const std::size_t first = static_cast<std::size_t>(frames.count - count) * size;
  block.pixels.reserve(static_cast<std::size_t>(count) * size);
  for (std::size_t i = first; i < first + static_cast<std::size_t>(count) * size; ++i) {
    const float raw = pixel(frames, i);
    require(std::isfinite(raw), "frames: pixel (" + std::to_string(i % size / static_cast<std::size_t>(frames.width)) +
                                    ", " + std::to_string(i % static_cast<std::size_t>(frames.width)) + ") of frame " +
                                    std::to_string(i / size) + " is not a finite number");
    block.pixels.push_back((raw - normalisation.offset) / normalisation.scale);
  }
  for (int i = 0; i < count; ++i) {
    block.slots.push_back(frames.count - count + i);
    block.names.push_back(std::to_string(block.slots.back()));
    block.bridged.push_back(false);
  }
  ALTOCAST_RETURN_IF_ERROR(check_size(prior.network, block, "frames"));
  ALTOCAST_RETURN_IF_ERROR(check_scale(block, "frames", normalisation));
  return block;
}

altocast_frames checked(const altocast_frames* given) {
  altocast_frames frames = known(given, "frames");
  require(frames.pixels != nullptr, "frames.pixels is null");
  const std::size_t pixel_size = frames.type == ALTOCAST_U8 ? 1 : frames.type == ALTOCAST_U16 ? 2 : 4;
  require(frames.type == ALTOCAST_U8 || frames.type == ALTOCAST_U16 || frames.type == ALTOCAST_F32,
          "frames.type is none of ALTOCAST_U8, ALTOCAST_U16, ALTOCAST_F32");
  require(reinterpret_cast<std::uintptr_t>(frames.pixels) % pixel_size == 0,
          "frames.pixels is not aligned as its type asks");
  require(frames.count >= 1 && frames.count <= kMaxFrames, "frames.count must be 1 … " + std::to_string(kMaxFrames));
  require(frames.height >= 1 && frames.height <= kMaxSide && frames.width >= 1 && frames.width <= kMaxSide,
          "frames.height and frames.width must be 1 … " + std::to_string(kMaxSide));
  const std::uint64_t pixels = static_cast<std::uint64_t>(frames.height) * static_cast<std::uint64_t>(frames.width);
  require(pixels * static_cast<std::uint64_t>(frames.count) <= PTRDIFF_MAX / sizeof(float),
          "frames: so many pixels cannot be in memory");
  if (frames.largest == 0.0 && frames.type != ALTOCAST_F32) frames.largest = frames.type == ALTOCAST_U8 ? 255 : 65535;
  require(std::isfinite(frames.largest) && frames.largest > 0.0, "frames.largest must be above 0");
  return frames;
}

void check_buffer(const float* buffer, std::size_t size, std::uint64_t wanted, const char* name) {
  if (buffer == nullptr) {
    require(size == 0, std::string("forecast.") + name + " is null, but its size is not 0");
  } else {
    require(size == wanted, std::string("forecast.") + name + "_size is " + std::to_string(size) +
                                ", the forecast takes " + std::to_string(wanted));
  }
}

Status make_forecast(altocast_session* session, const altocast_frames& frames, altocast_forecast& wanted) {
  const LoadedPrior& prior = loaded(session);
  require(wanted.members >= 1 && wanted.members <= kMaxMembers,
          "forecast.members must be 1 … " + std::to_string(kMaxMembers));
  ForecastProduct product;
  product.members = wanted.members;
  product.leads = prior.prior.network.leads;
  product.height = frames.height;
  product.width = frames.width;
  const std::uint64_t member_size = static_cast<std::uint64_t>(frames.height) *
                                    static_cast<std::uint64_t>(frames.width) *
                                    static_cast<std::uint64_t>(product.leads);
  const std::uint64_t size = member_size * static_cast<std::uint64_t>(product.members);
  require(size <= PTRDIFF_MAX / sizeof(float), "forecast.members: so many numbers cannot be in memory");
  check_buffer(wanted.values, wanted.values_size, size, "values");
  check_buffer(wanted.mean, wanted.mean_size, member_size, "mean");
  check_buffer(wanted.spread, wanted.spread_size, member_size, "spread");

  const Result<FrameBlock> block = newest_frames(frames, prior.prior.network.input_frames, prior.prior);
  if (!block.ok()) return block.status();
  std::vector<float> own;
  if (wanted.values == nullptr) {
    ALTOCAST_RETURN_IF_ERROR(check_ensemble_memory(member_size, product.members));
    own.resize(static_cast<std::size_t>(size));
  }
  const std::span<float> values =
      wanted.values == nullptr ? std::span(own) : std::span(wanted.values, wanted.values_size);
  const Result<EnsembleCentre> centre = forecast_members(prior.prior, session->weights, *block,
                                                         ensemble_units({}, prior.prior.normalisation, frames.largest),
                                                         wanted.seed, kernels_of(session), values);
  if (!centre.ok()) return centre.status();

  product.values = values;
  product.mean = centre->mean;
  if (wanted.mean != nullptr) std::copy(centre->mean.begin(), centre->mean.end(), wanted.mean);
  if (wanted.spread != nullptr) {
    const std::vector<float> spread = ensemble_moments(product).spread;
    std::copy(spread.begin(), spread.end(), wanted.spread);
  }
  std::snprintf(wanted.hash, sizeof wanted.hash, "%s", forecast_hash(product).c_str());
  return {};
}

}  // namespace
}  // namespace altocast

using namespace altocast;

const char* altocast_version(void) { return version(); }

altocast_session* altocast_create(void) { return new (std::nothrow) altocast_session; }

void altocast_destroy(altocast_session* session) { delete session; }

const char* altocast_error(const altocast_session* session) {
  return session == nullptr ? "the session is null" : session->error;
}

altocast_status altocast_configure(altocast_session* session, const altocast_options* given) {
  return guarded(session, [&]() -> Status {
    const altocast_options options = known(given, "options");
    require(options.threads >= 0 && options.threads <= kMaxThreads,
            "options.threads must be 0 … " + std::to_string(kMaxThreads));
    Result<std::unique_ptr<Kernels<float>>> kernels =
        make_kernels(options.isa == nullptr ? "" : options.isa, options.threads);
    require(kernels.ok(), "options.isa: " + kernels.message());
    session->kernels = *std::move(kernels);
    return {};
  });
}

altocast_status altocast_load_file(altocast_session* session, const char* path) {
  return guarded(session, [&]() -> Status {
    require(path != nullptr, "path is null");
    Result<LoadedPrior> prior = load_prior(path);
    if (!prior.ok()) return prior.status();
    use(session, *std::move(prior));
    return {};
  });
}

altocast_status altocast_load_memory(altocast_session* session, const void* bytes, size_t size) {
  return guarded(session, [&]() -> Status {
    require(bytes != nullptr, "bytes is null");
    const std::span<const std::uint8_t> file(static_cast<const std::uint8_t*>(bytes), size);
    Result<Prior> prior = parse_prior(file);
    if (!prior.ok()) return prior.status().within("the prior's bytes");
    use(session, {*std::move(prior), sha256(file), size});
    return {};
  });
}

altocast_status altocast_query(altocast_session* session, altocast_prior_info* given) {
  return guarded(session, [&]() -> Status {
    altocast_prior_info info = known(given, "info");
    const LoadedPrior& loaded_prior = loaded(session);
    const Prior& prior = loaded_prior.prior;
    info.input_frames = prior.network.input_frames;
    info.leads = prior.network.leads;
    info.cadence_seconds = prior.cadence_seconds;
    info.support_pairs = prior.support_pairs;
    info.adaptation_frames = prior.support_pairs - 1 + prior.network.input_frames + prior.network.leads;
    info.weights = prior.mu.size();
    std::snprintf(info.sha256, sizeof info.sha256, "%s", to_hex(loaded_prior.sha256).c_str());
    *given = info;
    return {};
  });
}

altocast_status altocast_adapt(altocast_session* session, const altocast_frames* given_frames,
                               const altocast_adaptation* given, altocast_adaptation_report* given_report) {
  return guarded(session, [&]() -> Status {
    const LoadedPrior& prior = loaded(session);
    const altocast_frames frames = checked(given_frames);
    const altocast_adaptation defaults = ALTOCAST_ADAPTATION_INIT;
    const altocast_adaptation wanted = given == nullptr ? defaults : known(given, "settings");
    altocast_adaptation_report report = ALTOCAST_ADAPTATION_REPORT_INIT;
    if (given_report != nullptr) report = known(given_report, "report");
    require(wanted.pairs >= 0 && wanted.pairs <= kMaxFrames,
            "settings.pairs must be 0 … " + std::to_string(kMaxFrames));
    require(wanted.steps >= -1 && wanted.steps <= kMaxSteps,
            "settings.steps must be -1 … " + std::to_string(kMaxSteps));
    require(wanted.rate_scale >= 0.0f && wanted.rate_scale <= 1000.0f, "settings.rate_scale must be 0 … 1000");
    AdaptationSettings settings;
    if (wanted.pairs > 0) settings.pairs = wanted.pairs;
    if (wanted.steps >= 0) settings.steps = wanted.steps;
    settings.rate_scale = wanted.rate_scale;
    settings.seed = wanted.seed;
    const NetworkSpec& network = prior.prior.network;
    const int pairs = settings.pairs.value_or(std::max(1, prior.prior.support_pairs));
    const Result<FrameBlock> block =
        newest_frames(frames, pairs - 1 + network.input_frames + network.leads, prior.prior);
    if (!block.ok()) return block.status();
    Result<Adaptation> adaptation = adapt(prior, *block, frames.largest, settings, kernels_of(session));
    if (!adaptation.ok()) return adaptation.status();
    session->weights = std::move(adaptation->weights);
    if (given_report != nullptr) {
      report.pairs = adaptation->posterior.support_pairs;
      report.nll_before = adaptation->nll_before;
      report.nll_after = adaptation->nll_after;
      report.kl = adaptation->kl;
      *given_report = report;
    }
    return {};
  });
}

altocast_status altocast_reset(altocast_session* session) {
  return guarded(session, [&]() -> Status {
    const Prior& prior = loaded(session).prior;
    session->weights = prior_weights(prior);
    return {};
  });
}

altocast_status altocast_make_forecast(altocast_session* session, const altocast_frames* given_frames,
                                       altocast_forecast* given) {
  return guarded(session, [&]() -> Status {
    altocast_forecast wanted = known(given, "forecast");
    ALTOCAST_RETURN_IF_ERROR(make_forecast(session, checked(given_frames), wanted));
    *given = wanted;
    return {};
  });
}
