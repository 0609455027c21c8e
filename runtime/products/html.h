// Text of the pages that people read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace altocast {

// `text` as HTML shows it, between tags or in a quoted attribute.
inline std::string html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// Adds a picture as an address that holds it.
inline void append_data_uri(std::string& text, const std::vector<std::uint8_t>& png) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  text += "data:image/png;base64,";
  text.reserve(text.size() + png.size() / 3 * 4 + 4);
  for (std::size_t at = 0; at < png.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, png.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? png[at + i] : 0u);
    for (std::size_t i = 0; i < 4; ++i) text += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
}

}  // namespace altocast
