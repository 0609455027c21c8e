// A program that uses what the edge program uses of the libraries: where it links with this folder, so does that one
// (apps/CMakeLists.txt). It is never run.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>

#include "apps/altocast/end_by_exception.h"

void altocast::end_by_exception(const std::exception* error) {
  std::fputs(error != nullptr ? error->what() : "", stderr);
  std::_Exit(1);
}

int main(int count, char** arguments) {
  char text[64];
  std::snprintf(text, sizeof text, "%g", 0.5 * count);
  std::thread([&] { std::fprintf(stderr, "%s %s\n", text, std::to_string(count).c_str()); }).join();
  std::puts(std::generic_category().message(count).c_str());
  std::printf("%s\n", arguments[0]);
  return std::fflush(stdout);
}
