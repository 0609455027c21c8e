// Reads settings out of TOML text: one table at a time, strictly, remembering the first thing wrong with its line.
// For the runtime's own sources: it draws in toml++.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "formats/status.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
// Both compilers have it by now; the other way goes through streams and locales.
#define TOML_FLOAT_CHARCONV 1
// toml++ narrows in places; its warnings are not ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace altocast {

// Fails on wrong syntax and on texts above 64 KiB (toml++ nests by recursion), naming `path` and the line.
Result<toml::table> parse_toml(std::string_view text, const std::string& path);

// Reads one table. Each function leaves its value alone if the key is absent, and returns whether it was read.
class TomlReader {
 public:
  // Both are borrowed.
  TomlReader(const toml::table& table, const std::string& path) : table_(table), path_(path) {}

  void fail(const toml::node& node, const std::string& message);
  const Status& status() const { return status_; }

  // Fails on a key that is none of these.
  void check_keys(std::span<const std::string_view> known);

  bool text(const char* key, std::string& value);
  bool boolean(const char* key, bool& value);
  // A whole number in [low, high].
  bool integer(const char* key, int low, int high, int& value);
  bool real(const char* key, double& value);  // finite
  bool integers(const char* key, std::span<int> values, int low, int high);
  bool reals(const char* key, std::span<double> values);

 private:
  const toml::array* list(const toml::node& node, const char* key, std::size_t size);
  bool whole(const toml::node& node, const char* key, int low, int high, int& value);
  bool finite(const toml::node& node, const char* key, double& value);

  const toml::table& table_;
  const std::string& path_;
  Status status_;
};

}  // namespace altocast
