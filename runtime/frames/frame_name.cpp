#include "runtime/frames/frame_name.h"

#include <algorithm>
#include <array>

#include "runtime/time.h"

namespace altocast {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The name without a known image extension; empty if it has none.
std::string_view image_stem(std::string_view name) {
  for (const std::string_view extension : {".png", ".jpg", ".jpeg"}) {
    if (name.size() <= extension.size()) continue;
    const std::string_view end = name.substr(name.size() - extension.size());
    if (std::equal(end.begin(), end.end(), extension.begin(), [](char a, char b) { return lower(a) == b; })) {
      return name.substr(0, name.size() - extension.size());
    }
  }
  return {};
}

// Whether `text` has the pattern's shape: '9' stands for any digit, all else for itself.
bool has_shape(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(),
                    [](char c, char p) { return p == '9' ? c >= '0' && c <= '9' : c == p; });
}

FrameName parse_plain(std::string_view path) {
  if (path.find('/') != std::string_view::npos) return {};
  const std::string_view stem = image_stem(path);
  if (!has_shape(stem, "99999999T9999Z") && !has_shape(stem, "99999999T999999Z")) return {};
  const Result<std::int64_t> time = parse_time(stem);
  if (!time.ok()) return {FrameName::Kind::malformed, 0, time.message()};
  return {FrameName::Kind::frame, *time, {}};
}

constexpr std::array kLayouts = {
    FrameLayout{"plain", 0, parse_plain},
};

}  // namespace

std::span<const FrameLayout> frame_layouts() { return kLayouts; }

FrameName parse_frame_name(std::string_view relative_path) {
  for (const FrameLayout& layout : kLayouts) {
    FrameName name = layout.parse(relative_path);
    if (name.kind != FrameName::Kind::unrelated) return name;
  }
  return {};
}

}  // namespace altocast
