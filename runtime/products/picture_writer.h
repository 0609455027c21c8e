// Draws and encodes many pictures side by side, and puts those that are files into a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/status.h"
#include "runtime/products/output_folder.h"
#include "runtime/thread_pool.h"

namespace altocast {

class PictureWriter {
 public:
  using Png = std::vector<std::uint8_t>;
  using Draw = std::function<Result<Png>()>;  // called from any thread

  // `threads` may be null: all is drawn in the caller.
  PictureWriter(OutputFolder& output, ThreadPool* threads) : output_(output), threads_(threads) {}

  void add_file(std::string name, Draw draw);
  void add_embedded(Png& png, Draw draw);  // `png` is filled by write()

  // Draws what was added, and adds the files to the folder in the order in which they came. The large ones had best
  // come first. Fails with the first picture that cannot be drawn or written.
  Status write();

  const std::vector<std::string>& names() const { return names_; }  // of the files

 private:
  struct Job {
    std::string name;  // empty: embedded
    Png* embedded = nullptr;
    Draw draw;
  };
  OutputFolder& output_;
  ThreadPool* threads_;
  std::vector<Job> jobs_;
  std::vector<std::string> names_;
};

}  // namespace altocast
