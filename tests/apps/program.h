// Runs the edge program as a subprocess, under the toolchain's emulator if there is one (ALTOCAST_RUN is the
// whole command), and the small files that its tests start from.
#pragma once

#include <stdlib.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <string>

namespace altocast {

struct ProgramRun {
  int exit_code = -1;  // 128 + signal if the program was killed
  std::string out, err;
};

inline std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// `arguments` as a shell would read them, in folder `folder`.
inline ProgramRun run_altocast(const std::string& folder, const std::string& arguments) {
  const std::string out = folder + "/stdout.txt", err = folder + "/stderr.txt";
  const std::string redirected = arguments.find('>') == std::string::npos ? " > '" + out + "'" : "";
  const std::string line =
      "cd '" + folder + "' && " ALTOCAST_RUN " " + arguments + redirected + " 2> '" + err + "' < /dev/null";
  const int status = system(line.c_str());
  ProgramRun run;
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  run.out = redirected.empty() ? "" : file_text(out);
  run.err = file_text(err);
  return run;
}

}  // namespace altocast
