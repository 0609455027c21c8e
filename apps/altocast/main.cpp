// altocast: adapts a prior at a station and forecasts. Argument parsing and printing only; the work is in
// runtime/.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "apps/altocast/command.h"
#include "apps/altocast/end_by_exception.h"
#include "apps/altocast/log.h"
#include "runtime/station/host.h"

namespace altocast {
namespace {

struct Command {
  const char* name;
  Status (*run)(std::span<char*> argv);
  const char* summary;
};
constexpr Command kCommands[] = {
    {"info", run_info, "what a prior, posterior or checkpoint file holds; verifies it"},
    {"adapt", run_adapt, "adapt a prior to a station's frames; writes a posterior"},
    {"forecast", run_forecast, "forecast an ensemble from a prior or a posterior, --adapt does both steps"},
    {"point", run_point, "what a forecast says of one place"},
    {"verify", run_verify, "score a prior over an archive, with and without adaptation"},
    {"bench", run_bench, "how fast this machine adapts and forecasts"},
    {"watch", run_watch, "run a station: forecast whenever a new frame comes"},
    {"synth", run_synth, "make up frames to try it on"},
};

void print_commands(std::FILE* file) {
  std::fputs("usage: altocast COMMAND [options]\n\n", file);
  for (const Command& command : kCommands) std::fprintf(file, "  %-10s%s\n", command.name, command.summary);
  std::fputs("\n'altocast COMMAND --help' lists a command's options.\n", file);
}

const char* running_command = nullptr;

// What is thrown (the C++ library does, where the system grants no memory or no threads) is caught nowhere and comes
// here, on any thread. In the static program it does not come so far: there is nothing that could catch
// (static/exceptions.cpp).
[[noreturn]] void terminate() {
#ifdef __cpp_exceptions
  try {
    if (std::current_exception()) throw;
  } catch (const std::exception& error) {
    end_by_exception(&error);
  }
#endif
  end_by_exception(nullptr);
}

ExitCode run(const Command& command, std::span<char*> argv) {
  running_command = command.name;
  Status status = command.run(argv);
  if (status.ok() && std::fflush(stdout) != 0) status = Status::error("stdout cannot be written");
  if (status.ok()) return kDone;
  log_line(status.message(), command.name);
  return kUnfit;
}

}  // namespace

void end_by_exception(const std::exception* error) {
  static thread_local bool ending = false;
  if (std::exchange(ending, true)) {  // there is not even memory for the message
    std::fputs("altocast: not enough memory\n", stderr);
    std::_Exit(kUnfit);
  }
  if (dynamic_cast<const std::bad_alloc*>(error) != nullptr) {
    log_line("not enough memory; take smaller frames (crop or downscale) or fewer members", running_command);
  } else {
    log_line(error != nullptr ? error->what() : "a fault in the program ended it", running_command);
  }
  std::fflush(stdout);
  std::_Exit(kUnfit);
}

void fail_usage(const std::string& message) {
  log_line(message + "; see altocast " + running_command + " --help", running_command);
  std::exit(kUsage);
}

}  // namespace altocast

int main(int argc, char** argv) {
  using namespace altocast;
  std::set_terminate(terminate);
  return_freed_memory();
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const std::string_view name = argc > 1 ? argv[1] : "";
  for (const Command& command : kCommands) {
    if (name == command.name) return run(command, arguments.subspan(1));
  }
  if (name == "--version") {
    std::printf("altocast %s\n", version());
    return kDone;
  }
  if (name == "--help" || name == "-h" || name == "help") {
    print_commands(stdout);
    return kDone;
  }
  if (!name.empty()) log_line("unknown command '" + std::string(name) + "'");
  print_commands(stderr);
  return kUsage;
}
