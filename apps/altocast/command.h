// The commands of altocast. Each parses its own arguments, calls the runtime and prints: data to stdout, all
// else to stderr. A failed Status becomes exit code 1 (the data or a file is not fit), a UsageError 2 (the
// command line is wrong).
#pragma once

#include <span>
#include <stdexcept>
#include <string>

#include "formats/status.h"

namespace altocast {

enum ExitCode { kDone = 0, kUnfit = 1, kUsage = 2 };

// The command line is wrong; the text says what would be right.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// argv[0] is the command's name.
Status run_info(std::span<char*> argv);
Status run_adapt(std::span<char*> argv);
Status run_forecast(std::span<char*> argv);
Status run_point(std::span<char*> argv);
Status run_verify(std::span<char*> argv);
Status run_bench(std::span<char*> argv);
Status run_synth(std::span<char*> argv);
Status run_watch(std::span<char*> argv);

}  // namespace altocast
