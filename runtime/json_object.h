// A JSON object in the making, for the commands' output and the files beside it.
#pragma once

#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/json_text.h"

namespace altocast {

class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value) { return raw(key, json_string(value)); }
  JsonObject& number(std::string_view key, double value) { return raw(key, json_number(value)); }
  JsonObject& integer(std::string_view key, std::integral auto value) { return raw(key, std::to_string(value)); }
  JsonObject& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  // `json` is JSON already.
  JsonObject& raw(std::string_view key, std::string_view json) {
    body_ += (body_.empty() ? "" : ",") + json_string(key) + ":";
    body_ += json;
    return *this;
  }
  std::string str() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

// "[a,b,…]" of what `to_json` makes of each.
template <class Values, class ToJson>
std::string json_array(const Values& values, const ToJson& to_json) {
  std::string body;
  for (const auto& value : values) body += (body.empty() ? "" : ",") + to_json(value);
  return "[" + body + "]";
}

}  // namespace altocast
