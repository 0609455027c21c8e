#include "trainer/fit_settings.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>
#include <type_traits>

#include "runtime/time.h"

namespace altocast {
namespace {

constexpr double kAny = std::numeric_limits<float>::max();
constexpr double kLargestSeed = 9e18;  // what TOML's integers hold

// What a number may be, both ends included.
struct Range {
  double low = -kAny, high = kAny;
};

// Visits every setting as (section, key, member, range of a number). Reading, writing and validating share
// this list.
template <class Settings, class Visit>
void for_each_setting(Settings& s, const Visit& visit) {
  constexpr Range kNone;  // of what is no number, or is checked elsewhere (the network, by its own validate)
  visit("network", "input_frames", s.network.input_frames, kNone);
  visit("network", "leads", s.network.leads, kNone);
  visit("network", "base_channels", s.network.base_channels, kNone);
  visit("network", "depth", s.network.depth, kNone);
  visit("network", "norm_groups", s.network.norm_groups, kNone);
  visit("network", "activation", s.network.activation, kNone);
  visit("network", "residual", s.network.residual, kNone);
  visit("data", "offset", s.normalisation.offset, Range{-1e6, 1e6});
  visit("data", "scale", s.normalisation.scale, Range{1e-3, 1e6});
  visit("data", "folders", s.data, kNone);
  visit("data", "validation", s.validation, kNone);
  visit("data", "validation_share", s.validation_share, Range{0, 0.5});
  visit("data", "validation_gap_hours", s.validation_gap_hours, Range{0, 1e6});
  visit("data", "validation_tasks", s.validation_tasks, Range{0, 4096});
  visit("data", "longest_stride", s.longest_stride, Range{1, 16});
  visit("data", "contrast", s.contrast, Range{0, 3});
  visit("data", "brightness", s.brightness, Range{0, 10});
  visit("data", "calibration_step", s.calibration_step, Range{0, 10});
  visit("data", "zoom", s.zoom, Range{0, 1});
  visit("training", "seed", s.seed, Range{0, kLargestSeed});
  visit("training", "steps", s.steps, Range{1, 1e9});
  visit("training", "warmup_steps", s.warmup_steps, Range{0, 1e9});
  visit("training", "first_order_steps", s.first_order_steps, Range{0, 1e9});
  visit("training", "warmup_batch", s.warmup_batch, Range{1, 1024});
  visit("training", "warmup_tile", s.warmup_tile, Range{8, 4096});
  visit("training", "meta_batch", s.meta_batch, Range{1, 1024});
  visit("training", "tile", s.tile, Range{8, 4096});
  visit("training", "support_pairs", s.support_pairs, Range{1, 64});
  visit("training", "query_pairs", s.query_pairs, Range{1, 64});
  visit("training", "warmup_learning_rate", s.warmup_learning_rate, Range{0, 1e6});
  visit("training", "learning_rate", s.learning_rate, Range{0, 1e6});
  visit("training", "rho_learning_rate", s.rho_learning_rate, Range{0, 1e6});
  visit("training", "rate_learning_rate", s.rate_learning_rate, Range{0, 1e6});
  visit("training", "gradient_clip", s.gradient_clip, Range{0, kAny});
  visit("training", "order_annealing_steps", s.order_annealing_steps, Range{0, 1e9});
  visit("training", "average_decay", s.average_decay, Range{0, 0.9999999});
  visit("training", "checkpoint_every", s.checkpoint_every, Range{1, 1e9});
  visit("training", "report_every", s.report_every, Range{1, 1e9});
  visit("training", "validate_every", s.validate_every, Range{1, 1e9});
  visit("inner", "likelihood", s.inner.likelihood, kNone);
  visit("inner", "steps", s.inner.steps, Range{0, 64});
  visit("inner", "samples", s.inner.samples, Range{1, 64});
  visit("inner", "antithetic", s.inner.antithetic, kNone);
  visit("inner", "flipout", s.inner.flipout, kNone);
  visit("inner", "kl_weight", s.inner.kl_weight, Range{0, 1e6});
  visit("inner", "clip_mu", s.inner.clip_mu, Range{0, 1e6});
  visit("inner", "clip_rho", s.inner.clip_rho, Range{0, 1e6});
  visit("inner", "rate_mu", s.rate_mu, Range{0, 1e6});
  visit("inner", "rate_rho", s.rate_rho, Range{0, 1e6});
  visit("outer", "samples", s.outer.samples, Range{1, 64});
  visit("outer", "kl_weight", s.outer.kl_weight, Range{0, 1e6});
  visit("outer", "data", s.outer.data, kNone);
  visit("outer", "theta", s.theta_posterior, kNone);
  visit("outer", "initial_theta_spread", s.initial_theta_spread, Range{-20, 0});
  visit("prior", "initial", s.initial, kNone);
  visit("prior", "initial_rho", s.initial_rho, Range{-20, 5});
  visit("prior", "initial_log_noise", s.initial_log_noise, Range{-8, 4});
  visit("prior", "rho_low", s.rho_low, Range{-20, 5});
  visit("prior", "rho_high", s.rho_high, Range{-20, 5});
  visit("prior", "hyper_prior_weight", s.hyper_prior_weight, Range{0, 1e6});
}

std::string quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (const auto code = static_cast<unsigned char>(c); code < 0x20 || code == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(code));
      quoted += escape;
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string number(auto value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (std::is_floating_point_v<decltype(value)> && text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string to_text(int value) { return number(value); }
std::string to_text(std::uint64_t value) { return number(value); }
std::string to_text(float value) { return number(value); }
std::string to_text(double value) { return number(value); }
std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(ActivationKind value) { return quote(std::string(to_string(value))); }
std::string to_text(ResidualBase value) { return quote(std::string(to_string(value))); }
std::string to_text(Likelihood value) { return quote(std::string(to_string(value))); }
std::string to_text(OuterData value) { return value == OuterData::query ? "\"query\"" : "\"support_and_query\""; }
std::string to_text(ThetaPosterior value) { return value == ThetaPosterior::dirac ? "\"dirac\"" : "\"gaussian\""; }
std::string to_text(const std::string& value) { return quote(value); }
std::string to_text(const ValidationFolder& value) {
  return quote(value.from.empty() ? value.path : value.path + "@" + value.from);
}
template <class Item>
std::string to_text(const std::vector<Item>& values) {
  std::string text = "[";
  for (const Item& value : values) text += (text.size() > 1 ? ", " : "") + to_text(value);
  return text + "]";
}

// "training.steps must lie in 1 … 1000000000", or nothing if the value does; what is no number always does.
template <class Value>
std::string out_of_range(const std::string& name, const Value& value, const Range& range) {
  if constexpr (std::is_arithmetic_v<Value> && !std::is_same_v<Value, bool>) {
    const auto wide = static_cast<double>(value);
    if (wide >= range.low && wide <= range.high) return {};
    const auto bound = [](double limit) {
      const bool whole = std::floor(limit) == limit && std::abs(limit) < 1e15;
      return whole ? number(static_cast<std::int64_t>(limit)) : number(limit);
    };
    return name + " must lie in " + bound(range.low) + " … " + bound(range.high);
  }
  return {};
}

// Each returns what the value should have been, or null if it was taken.
const char* assign(const toml::node& node, int& value) {
  const auto integer = node.value_exact<std::int64_t>();
  if (!integer || *integer < std::numeric_limits<int>::min() || *integer > std::numeric_limits<int>::max())
    return "an integer";
  value = static_cast<int>(*integer);
  return nullptr;
}
const char* assign(const toml::node& node, std::uint64_t& value) {
  const auto integer = node.value_exact<std::int64_t>();
  if (!integer || *integer < 0) return "an integer that is not negative";
  value = static_cast<std::uint64_t>(*integer);
  return nullptr;
}
const char* assign(const toml::node& node, double& value) {
  const auto read = node.value<double>();
  if (!read || !std::isfinite(*read)) return "a number";
  value = *read;
  return nullptr;
}
const char* assign(const toml::node& node, float& value) {
  double wide = 0;
  if (const char* wanted = assign(node, wide)) return wanted;
  value = static_cast<float>(wide);
  return nullptr;
}
const char* assign(const toml::node& node, bool& value) {
  const auto read = node.value_exact<bool>();
  if (!read) return "true or false";
  value = *read;
  return nullptr;
}
const char* assign(const toml::node& node, std::string& value) {
  const auto read = node.value_exact<std::string>();
  if (!read) return "a string";
  value = *read;
  return nullptr;
}
const char* assign(const toml::node& node, ActivationKind& value) {
  const Result<ActivationKind> kind = activation_from_string(node.value_or(std::string()));
  if (!kind.ok()) return "\"relu\" or \"silu\"";
  value = *kind;
  return nullptr;
}
const char* assign(const toml::node& node, ResidualBase& value) {
  const Result<ResidualBase> base = residual_base_from_string(node.value_or(std::string()));
  if (!base.ok()) return "\"none\", \"last_frame\" or \"advected\"";
  value = *base;
  return nullptr;
}
const char* assign(const toml::node& node, Likelihood& value) {
  const Result<Likelihood> likelihood = likelihood_from_string(node.value_or(std::string()));
  if (!likelihood.ok()) return "\"gaussian\" or \"huber\"";
  value = *likelihood;
  return nullptr;
}
const char* assign(const toml::node& node, OuterData& value) {
  const std::string name = node.value_or(std::string());
  if (name != "query" && name != "support_and_query") return "\"query\" or \"support_and_query\"";
  value = name == "query" ? OuterData::query : OuterData::support_and_query;
  return nullptr;
}
const char* assign(const toml::node& node, ThetaPosterior& value) {
  const std::string name = node.value_or(std::string());
  if (name != "dirac" && name != "gaussian") return "\"dirac\" or \"gaussian\"";
  value = name == "dirac" ? ThetaPosterior::dirac : ThetaPosterior::gaussian;
  return nullptr;
}
const char* assign(const toml::node& node, ValidationFolder& value) {
  std::string text;
  if (const char* wanted = assign(node, text)) return wanted;
  const Result<ValidationFolder> folder = parse_validation_folder(text);
  if (!folder.ok()) return "\"FOLDER\" or \"FOLDER@2018-06-06T12:00Z\"";
  value = *folder;
  return nullptr;
}
template <class Item>
const char* assign(const toml::node& node, std::vector<Item>& values) {
  const toml::array* array = node.as_array();
  if (!array) return "an array of strings";
  values.clear();
  for (const toml::node& item : *array) {
    Item value;
    if (const char* wanted = assign(item, value)) return wanted;
    values.push_back(value);
  }
  return nullptr;
}

Status error_at(const std::string& path, const toml::source_region& where, const std::string& message) {
  return Status::error(path + ": line " + std::to_string(where.begin.line) + ": " + message);
}

}  // namespace

Result<ValidationFolder> parse_validation_folder(const std::string& text) {
  const std::size_t at = text.rfind('@');
  ValidationFolder folder{text.substr(0, at), at == std::string::npos ? "" : text.substr(at + 1)};
  if (folder.path.empty())
    return Status::error("'" + text + "' names no folder; write FOLDER or FOLDER@2018-06-06T12:00Z");
  if (at != std::string::npos) {
    const Result<std::int64_t> from = parse_time(folder.from);
    if (!from.ok()) return from.status();
  }
  return folder;
}

Status validate(const FitSettings& settings) {
  ALTOCAST_RETURN_IF_ERROR(validate(settings.network).within("network"));
  std::string wrong;
  for_each_setting(settings,
                   [&](const std::string& section, const std::string& key, const auto& value, const Range& range) {
                     if (wrong.empty()) wrong = out_of_range(section + "." + key, value, range);
                   });
  if (!wrong.empty()) return Status::error(wrong);
  if (!(settings.rho_low < settings.rho_high)) return Status::error("prior.rho_low must be below prior.rho_high");
  if (settings.theta_posterior == ThetaPosterior::gaussian && !(settings.hyper_prior_weight > 0)) {
    return Status::error("outer.theta = \"gaussian\" needs prior.hyper_prior_weight above 0");
  }
  for (const ValidationFolder& folder : settings.validation) {
    if (folder.from.empty()) continue;
    if (const Result<std::int64_t> from = parse_time(folder.from); !from.ok())
      return from.status().within("data.validation");
  }
  return {};
}

Status read_fit_settings(std::string_view text, const std::string& path, FitSettings& settings) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) return error_at(path, parsed.error().source(), std::string(parsed.error().description()));
  const toml::table& root = parsed.table();

  Status status;
  std::set<std::string> known;
  for_each_setting(settings, [&](const char* section, const char* key, auto& value, const Range& range) {
    const std::string name = std::string(section) + "." + key;
    known.insert(section);
    known.insert(name);
    const toml::table* table = root[section].as_table();
    const toml::node* node = table ? table->get(key) : nullptr;
    if (!node || !status.ok()) return;
    const char* wanted = assign(*node, value);
    const std::string wrong = wanted ? name + " must be " + wanted : out_of_range(name, value, range);
    if (!wrong.empty()) status = error_at(path, node->source(), wrong);
  });
  ALTOCAST_RETURN_IF_ERROR(status);
  for (const auto& [section, node] : root) {
    if (!known.contains(std::string(section.str())) || !node.is_table()) {
      return error_at(path, node.source(), "unknown section or key '" + std::string(section.str()) + "'");
    }
    for (const auto& [key, value] : *node.as_table()) {
      const std::string name = std::string(section.str()) + "." + std::string(key.str());
      if (!known.contains(name)) return error_at(path, value.source(), "unknown key '" + name + "'");
    }
  }

  // What is left are rules on several settings. The line is that of a key which the message names.
  status = validate(settings);
  if (status.ok()) return {};
  for (const auto& [section, node] : root) {
    if (!status.message().starts_with(section.str())) continue;
    for (const auto& [key, value] : *node.as_table()) {
      if (status.message().find(key.str()) != std::string::npos)
        return error_at(path, value.source(), status.message());
    }
  }
  return status.within(path);
}

std::string write_fit_settings(const FitSettings& settings) {
  std::string text = "# Written by altocast-train fit. These settings and the data determine the prior.\n";
  std::string current;
  for_each_setting(settings, [&](const char* section, const char* key, const auto& value, const Range&) {
    if (current != section) {
      current = section;
      text += "\n[" + current + "]\n";
    }
    text += std::string(key) + " = " + to_text(value) + "\n";
  });
  return text;
}

}  // namespace altocast
