// The checkpoint file: all that training needs to go on bit-exactly, as named planes of numbers and named
// counters. Which planes those are (mean, log-sigma, log noise, the optimizer's moments …) is the trainer's
// business; nothing in it depends on the number of threads or ranks. The byte layout is in docs/formats.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "formats/network_spec.h"
#include "formats/status.h"

namespace altocast {

struct NamedPlane {
  std::string name;  // 1 … 48 printable ASCII characters without spaces, distinct
  std::variant<std::vector<float>, std::vector<double>> values;  // finite
};

struct Checkpoint {
  NetworkSpec network;
  std::uint64_t step = 0;
  std::vector<NamedPlane> planes;                               // at most 1024
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // names as of planes; at most 1024
  std::string config;                                           // the configuration the run was started with, as text

  // nullptr if there is no plane of this name and type, no counter of this name.
  const std::vector<float>* find_f32(std::string_view name) const;
  const std::vector<double>* find_f64(std::string_view name) const;
  const std::uint64_t* find_counter(std::string_view name) const;
};

// Names and sizes as said above, all values finite: a diverged run is not worth going on with.
Status validate(const Checkpoint& checkpoint);

// `checkpoint` must be valid.
std::vector<std::uint8_t> serialize_checkpoint(const Checkpoint& checkpoint);

// Pure function over untrusted bytes, as parse_prior.
Result<Checkpoint> parse_checkpoint(std::span<const std::uint8_t> bytes);

Result<Checkpoint> load_checkpoint(const std::string& path);

// Durable, as save_prior.
Status save_checkpoint(const Checkpoint& checkpoint, const std::string& path);

}  // namespace altocast
