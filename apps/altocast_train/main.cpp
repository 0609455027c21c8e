// altocast-train: meta-learns a prior on a server. Argument parsing and printing only; the work is in trainer/.
#include <cstdio>
#include <cxxopts.hpp>
#include <string_view>

#include "apps/altocast_train/command.h"
#include "runtime/station/host.h"

namespace {

constexpr const char* kUsageText =
    "altocast-train: meta-learns the weights' prior for satellite nowcasting\n\n"
    "  altocast-train fit --data DIR [--data DIR ...] --out RUN     train; writes RUN/model.prior\n"
    "  altocast-train calibrate --prior P --data DIR ... --out P2   learn a prior's observation noise\n"
    "  altocast-train report RUN                                    turn a run's log into a page with plots\n"
    "  altocast-train check-reference CASE_DIR ...                  compare with automatic differentiation\n"
    "  altocast-train bench                                         time gradients and meta-gradients\n\n"
    "'altocast-train COMMAND --help' lists a command's options.\n";

}  // namespace

int main(int argc, char** argv) {
  using namespace altocast;
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const std::string_view command = argc > 1 ? argv[1] : "";
  try {
    if (command == "fit") return run_fit(arguments.subspan(1));
    if (command == "calibrate") return run_calibrate(arguments.subspan(1));
    if (command == "check-reference") return run_check_reference(arguments.subspan(1));
    if (command == "bench") return run_bench(arguments.subspan(1));
    if (command == "report") return run_report(arguments.subspan(1));
  } catch (const cxxopts::exceptions::exception& error) {
    std::fprintf(stderr, "altocast-train %s: %s; see altocast-train %s --help\n", argv[1], error.what(), argv[1]);
    return kUsage;
  }
  if (command == "--version") {
    std::printf("altocast-train %s\n", version());
    return kDone;
  }
  const bool help = command == "--help" || command == "-h";
  std::fputs(kUsageText, help ? stdout : stderr);
  if (!help && !command.empty()) std::fprintf(stderr, "\nunknown command '%s'\n", argv[1]);
  return help ? kDone : kUsage;
}
