#include "apps/altocast/log.h"

#include <cstdio>

namespace altocast {

void log_line(const std::string& text, const char* command) {
  std::string line = command == nullptr ? "altocast: " : "altocast " + std::string(command) + ": ";
  for (const char c : text) line += static_cast<unsigned char>(c) < 32 || c == 127 ? '?' : c;
  line += '\n';
  std::fputs(line.c_str(), stderr);
}

}  // namespace altocast
