// The commands of altocast-train. Each parses its own arguments and returns the exit code: 0 done, 1 the data or a file
// is not fit (said on stderr), 2 the command line is wrong.
#pragma once

#include <span>

namespace altocast {

enum ExitCode { kDone = 0, kUnfit = 1, kUsage = 2 };

// argv[0] is the command's name.
int run_fit(std::span<char*> argv);
int run_calibrate(std::span<char*> argv);
int run_check_reference(std::span<char*> argv);
int run_bench(std::span<char*> argv);
int run_report(std::span<char*> argv);

}  // namespace altocast
