#include "trainer/fit_settings.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <charconv>
#include <cmath>
#include <functional>
#include <set>

#include "runtime/time.h"

namespace altocast {
namespace {

// Visits every plain setting as (section, key, member). Reading and writing share this one list.
template <class Settings, class Visit>
void for_each_setting(Settings& s, const Visit& visit) {
  visit("network", "input_frames", s.network.input_frames);
  visit("network", "leads", s.network.leads);
  visit("network", "base_channels", s.network.base_channels);
  visit("network", "depth", s.network.depth);
  visit("network", "norm_groups", s.network.norm_groups);
  visit("network", "activation", s.network.activation);
  visit("network", "residual", s.network.residual);
  visit("data", "offset", s.normalisation.offset);
  visit("data", "scale", s.normalisation.scale);
  visit("data", "folders", s.data);
  visit("data", "validation", s.validation);
  visit("data", "validation_share", s.validation_share);
  visit("data", "validation_gap_hours", s.validation_gap_hours);
  visit("data", "validation_tasks", s.validation_tasks);
  visit("training", "seed", s.seed);
  visit("training", "steps", s.steps);
  visit("training", "warmup_steps", s.warmup_steps);
  visit("training", "first_order_steps", s.first_order_steps);
  visit("training", "warmup_batch", s.warmup_batch);
  visit("training", "warmup_tile", s.warmup_tile);
  visit("training", "meta_batch", s.meta_batch);
  visit("training", "tile", s.tile);
  visit("training", "support_pairs", s.support_pairs);
  visit("training", "query_pairs", s.query_pairs);
  visit("training", "warmup_learning_rate", s.warmup_learning_rate);
  visit("training", "learning_rate", s.learning_rate);
  visit("training", "rho_learning_rate", s.rho_learning_rate);
  visit("training", "gradient_clip", s.gradient_clip);
  visit("training", "checkpoint_every", s.checkpoint_every);
  visit("training", "report_every", s.report_every);
  visit("training", "validate_every", s.validate_every);
  visit("inner", "steps", s.inner.steps);
  visit("inner", "samples", s.inner.samples);
  visit("inner", "antithetic", s.inner.antithetic);
  visit("inner", "kl_weight", s.inner.kl_weight);
  visit("inner", "clip_mu", s.inner.clip_mu);
  visit("inner", "clip_rho", s.inner.clip_rho);
  visit("inner", "rate_mu", s.rate_mu);
  visit("inner", "rate_rho", s.rate_rho);
  visit("outer", "samples", s.outer.samples);
  visit("outer", "kl_weight", s.outer.kl_weight);
  visit("outer", "data", s.outer.data);
  visit("prior", "initial", s.initial);
  visit("prior", "initial_rho", s.initial_rho);
  visit("prior", "initial_log_noise", s.initial_log_noise);
  visit("prior", "rho_low", s.rho_low);
  visit("prior", "rho_high", s.rho_high);
  visit("prior", "hyper_prior_weight", s.hyper_prior_weight);
}

std::string quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
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
std::string to_text(OuterData value) { return value == OuterData::query ? "\"query\"" : "\"support_and_query\""; }
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

// Each returns what the value should have been, or null if it was taken.
const char* assign(const toml::node& node, int& value) {
  const auto integer = node.value_exact<std::int64_t>();
  if (!integer || *integer < -1000000000 || *integer > 1000000000) return "an integer";
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
  const std::string name = node.value_or(std::string());
  if (name != "none" && name != "last_frame") return "\"none\" or \"last_frame\"";
  value = name == "none" ? ResidualBase::none : ResidualBase::last_frame;
  return nullptr;
}
const char* assign(const toml::node& node, OuterData& value) {
  const std::string name = node.value_or(std::string());
  if (name != "query" && name != "support_and_query") return "\"query\" or \"support_and_query\"";
  value = name == "query" ? OuterData::query : OuterData::support_and_query;
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
  if (at != std::string::npos) {
    const Result<std::int64_t> from = parse_time(folder.from);
    if (!from.ok()) return from.status();
  }
  return folder;
}

Status validate(const FitSettings& s) {
  ALTOCAST_RETURN_IF_ERROR(validate(s.network).within("network"));
  const auto require = [](bool good, const char* message) { return good ? Status() : Status::error(message); };
  ALTOCAST_RETURN_IF_ERROR(require(s.steps >= 1, "training.steps must be at least 1"));
  ALTOCAST_RETURN_IF_ERROR(require(s.warmup_steps >= 0 && s.first_order_steps >= 0,
                                   "training.warmup_steps and training.first_order_steps must not be negative"));
  ALTOCAST_RETURN_IF_ERROR(require(s.warmup_batch >= 1 && s.warmup_batch <= 1024 && s.meta_batch >= 1 && s.meta_batch <= 1024,
                                   "training.warmup_batch and training.meta_batch must lie in 1 … 1024"));
  ALTOCAST_RETURN_IF_ERROR(require(s.tile >= 8 && s.tile <= 4096 && s.warmup_tile >= 8 && s.warmup_tile <= 4096,
                                   "training.tile and training.warmup_tile must lie in 8 … 4096"));
  ALTOCAST_RETURN_IF_ERROR(require(s.support_pairs >= 1 && s.support_pairs <= 64 && s.query_pairs >= 1 && s.query_pairs <= 64,
                                   "training.support_pairs and training.query_pairs must lie in 1 … 64"));
  ALTOCAST_RETURN_IF_ERROR(require(s.inner.steps >= 0 && s.inner.steps <= 64 && s.inner.samples >= 1 && s.inner.samples <= 64,
                                   "inner.steps must lie in 0 … 64 and inner.samples in 1 … 64"));
  ALTOCAST_RETURN_IF_ERROR(require(s.outer.samples >= 1 && s.outer.samples <= 64, "outer.samples must lie in 1 … 64"));
  ALTOCAST_RETURN_IF_ERROR(require(s.rate_mu >= 0 && s.rate_rho >= 0 && s.inner.kl_weight >= 0 && s.outer.kl_weight >= 0,
                                   "inner and outer rates and KL weights must not be negative"));
  ALTOCAST_RETURN_IF_ERROR(require(s.normalisation.scale > 0, "data.scale must be positive"));
  ALTOCAST_RETURN_IF_ERROR(require(s.rho_low < s.rho_high && s.rho_low >= -20 && s.rho_high <= 5,
                                   "prior.rho_low must be below prior.rho_high, both in -20 … 5"));
  ALTOCAST_RETURN_IF_ERROR(require(s.checkpoint_every >= 1 && s.report_every >= 1 && s.validate_every >= 1,
                                   "training.checkpoint_every, report_every and validate_every must be at least 1"));
  ALTOCAST_RETURN_IF_ERROR(require(s.validation_share >= 0 && s.validation_share <= 0.5,
                                   "data.validation_share must lie in 0 … 0.5"));
  return require(s.validation_tasks >= 0 && s.validation_tasks <= 4096, "data.validation_tasks must lie in 0 … 4096");
}

Status read_fit_settings(std::string_view text, const std::string& path, FitSettings& settings) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) return error_at(path, parsed.error().source(), std::string(parsed.error().description()));
  const toml::table& root = parsed.table();

  Status status;
  std::set<std::string> known;
  for_each_setting(settings, [&](const char* section, const char* key, auto& value) {
    known.insert(section);
    known.insert(std::string(section) + "." + key);
    const toml::table* table = root[section].as_table();
    const toml::node* node = table ? table->get(key) : nullptr;
    if (!node || !status.ok()) return;
    if (const char* wanted = assign(*node, value)) {
      status = error_at(path, node->source(), std::string(section) + "." + key + " must be " + wanted);
    }
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
  return validate(settings).within(path);
}

std::string write_fit_settings(const FitSettings& settings) {
  std::string text = "# Written by altocast-train fit. These settings and the data determine the prior.\n";
  std::string current;
  for_each_setting(settings, [&](const char* section, const char* key, const auto& value) {
    if (current != section) {
      current = section;
      text += "\n[" + current + "]\n";
    }
    text += std::string(key) + " = " + to_text(value) + "\n";
  });
  return text;
}

}  // namespace altocast
