// The commands of altocast. Each parses its own arguments, calls the runtime and prints: data to stdout, all
// else to stderr. A failed Status becomes exit code 1 (the data or a file is not fit); 2 is that of a wrong command
// line.
#pragma once

#include <span>
#include <string>

#include "formats/status.h"

namespace altocast {

enum ExitCode { kDone = 0, kUnfit = 1, kUsage = 2 };

// The command line is wrong: prints `message`, which says what would be right, and ends the program.
[[noreturn]] void fail_usage(const std::string& message);

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
