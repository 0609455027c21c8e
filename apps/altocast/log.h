// What the program says on stderr.
#pragma once

#include <string>

namespace altocast {

// One line, "altocast: TEXT", or "altocast COMMAND: TEXT". Control characters, which a file's name may hold,
// are shown as question marks.
void log_line(const std::string& text, const char* command = nullptr);

}  // namespace altocast
