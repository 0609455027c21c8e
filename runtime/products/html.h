// Text of the pages that people read.
#pragma once

#include <string>
#include <string_view>

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

}  // namespace altocast
