// make_case DIR: a small prior, and frames both as a folder of images and as raw bytes, for c_program_test.sh.
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/runtime/small_station.h"

int main(int argc, char** argv) {
  using namespace altocast;
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  const SyntheticSettings frames = small_frames();
  const Status saved = save_prior(small_prior(3), folder + "/station.prior");
  const Status written = write_synthetic_frames(frames, folder + "/frames");
  if (!saved.ok() || !written.ok()) {
    std::fprintf(stderr, "%s%s\n", saved.message().c_str(), written.message().c_str());
    return 1;
  }
  std::ofstream raw(folder + "/frames.raw", std::ios::binary);
  for (int i = 0; i < frames.frames; ++i) {
    for (const std::uint8_t pixel : synthetic_frame(frames, i)) raw.put(static_cast<char>(pixel));
  }
  std::ofstream(folder + "/shape") << frames.frames << ' ' << frames.height << ' ' << frames.width << '\n';
  return raw.good() ? 0 : 1;
}
