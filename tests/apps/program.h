// Runs the edge program as a subprocess, under the toolchain's emulator if there is one (ALTOCAST_RUN is the
// whole command), and the small files that its tests start from.
#pragma once

#include <stdlib.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <string>

#include "formats/prior.h"
#include "runtime/random_prior.h"
#include "runtime/synthetic.h"

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

// A network so small that even an emulated processor runs it in a moment: 2 frames in, 2 leads out.
inline Prior small_prior(std::uint64_t seed) {
  NetworkSpec spec;
  spec.input_frames = 2;
  spec.leads = 2;
  spec.base_channels = 4;
  spec.depth = 1;
  Prior prior = random_prior(spec, seed);
  prior.support_pairs = 3;
  prior.inner.steps = 2;
  prior.inner.samples = 2;
  prior.cadence_seconds = 1800;
  for (float& rate : prior.rate_mu) rate = 0.02f;
  for (float& rate : prior.rate_rho) rate = 0.5f;
  return prior;
}

// Frames from 2018-06-06T00:00Z on, half an hour apart, of a size that is no multiple of anything.
inline SyntheticSettings small_frames() {
  SyntheticSettings settings;
  settings.frames = 7;
  settings.height = 21;
  settings.width = 26;
  return settings;
}

}  // namespace altocast
