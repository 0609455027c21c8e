// How the program ends when something was thrown, which nothing of it catches.
#pragma once

#include <exception>

namespace altocast {

// Says what was thrown, or if null that something went wrong, and ends the program. On any thread.
[[noreturn]] void end_by_exception(const std::exception* error);

}  // namespace altocast
