// Replaces a whole folder of files at once. The new content is built in `FOLDER.partial`, brought to the
// disk, and takes the old folder's place by renaming; whoever looks sees the old files or the new ones, and
// after a failure or a power cut the old ones (a folder that was set aside when the power failed is put back
// by the next create()).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "formats/durable_file.h"
#include "formats/status.h"

namespace altocast {

class OutputFolder {
 public:
  // Whether a file of this name belongs to the products being written.
  using Owns = bool (*)(std::string_view name);

  // `folder` may be absent (its parent must exist) or hold nothing but files that `owns` claims; any other
  // content fails, so that no one's files are ever deleted. One writer at a time: a second one fails.
  static Result<OutputFolder> create(const std::string& folder, Owns owns, FileCalls& calls = system_file_calls());

  OutputFolder(OutputFolder&& other) noexcept;
  OutputFolder& operator=(OutputFolder&&) = delete;
  ~OutputFolder();  // without commit(): removes what was built

  // Adds a file; `name` holds no '/'.
  Status add(const std::string& name, std::span<const std::uint8_t> bytes);
  Status add(const std::string& name, std::string_view text);

  // Where files lie until commit().
  const std::string& path() const { return partial_; }

  Status commit();

 private:
  OutputFolder(std::string folder, std::string partial, Owns owns, int lock, FileCalls& calls);

  std::string folder_;
  std::string partial_;
  Owns owns_ = nullptr;
  int lock_ = -1;  // descriptor of the partial folder, which carries the lock
  FileCalls* calls_;
};

}  // namespace altocast
