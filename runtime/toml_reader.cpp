#include "runtime/toml_reader.h"

#include <algorithm>
#include <cmath>

namespace altocast {

Result<toml::table> parse_toml(std::string_view text, const std::string& path) {
  constexpr std::size_t kMaxText = 1 << 16;
  if (text.size() > kMaxText) return Status::error(path + ": larger than 64 KiB; it should hold a few settings");
  toml::parse_result parsed = toml::parse(text);
  if (parsed.failed()) {
    const toml::parse_error& error = parsed.error();
    return Status::error(path + ", line " + std::to_string(error.source().begin.line) + ": " +
                         std::string(error.description()));
  }
  return std::move(parsed).table();
}

void TomlReader::fail(const toml::node& node, const std::string& message) {
  if (status_.ok())
    status_ = Status::error(path_ + ", line " + std::to_string(node.source().begin.line) + ": " + message);
}

void TomlReader::check_keys(std::span<const std::string_view> known) {
  for (const auto& [key, node] : table_) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    std::string list;
    for (std::size_t i = 0; i < known.size(); ++i) {
      list += (i == 0 ? "" : i + 1 == known.size() ? " and " : ", ") + std::string(known[i]);
    }
    fail(node, "unknown key '" + std::string(key.str()) + "'; known are " + list);
  }
}

bool TomlReader::text(const char* key, std::string& value) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return false;
  if (const auto* string = node->as_string()) {
    value = string->get();
    return true;
  }
  fail(*node, std::string(key) + " must be text in quotes");
  return false;
}

bool TomlReader::boolean(const char* key, bool& value) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return false;
  if (const auto* boolean = node->as_boolean()) {
    value = boolean->get();
    return true;
  }
  fail(*node, std::string(key) + " must be true or false");
  return false;
}

bool TomlReader::integer(const char* key, int low, int high, int& value) {
  const toml::node* node = table_.get(key);
  return node != nullptr && whole(*node, key, low, high, value);
}

bool TomlReader::real(const char* key, double& value) {
  const toml::node* node = table_.get(key);
  return node != nullptr && finite(*node, key, value);
}

bool TomlReader::integers(const char* key, std::span<int> values, int low, int high) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return false;
  const toml::array* array = list(*node, key, values.size());
  for (std::size_t i = 0; array != nullptr && i < values.size(); ++i) {
    if (!whole(*array->get(i), key, low, high, values[i])) return false;
  }
  return array != nullptr;
}

bool TomlReader::reals(const char* key, std::span<double> values) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return false;
  const toml::array* array = list(*node, key, values.size());
  for (std::size_t i = 0; array != nullptr && i < values.size(); ++i) {
    if (!finite(*array->get(i), key, values[i])) return false;
  }
  return array != nullptr;
}

const toml::array* TomlReader::list(const toml::node& node, const char* key, std::size_t size) {
  const toml::array* array = node.as_array();
  if (array != nullptr && array->size() == size) return array;
  fail(node, std::string(key) + " must be a list of " + std::to_string(size) + " numbers");
  return nullptr;
}

bool TomlReader::whole(const toml::node& node, const char* key, int low, int high, int& value) {
  const auto* number = node.as_integer();
  if (number == nullptr || number->get() < low || number->get() > high) {
    fail(node,
         std::string(key) + " must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return false;
  }
  value = static_cast<int>(number->get());
  return true;
}

bool TomlReader::finite(const toml::node& node, const char* key, double& value) {
  if (const auto* number = node.as_integer()) {
    value = static_cast<double>(number->get());
  } else if (const auto* real_number = node.as_floating_point(); real_number && std::isfinite(real_number->get())) {
    value = real_number->get();
  } else {
    fail(node, std::string(key) + " must be a finite number");
    return false;
  }
  return true;
}

}  // namespace altocast
