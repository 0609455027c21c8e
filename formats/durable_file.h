// Files that survive a power cut. A new content is written to `PATH.partial` beside the old file, brought to
// the disk and renamed over it: at any moment the old or the new file stands whole, never a part of one. A
// partial file that a power cut left behind is taken over by the next write. If PATH is a symbolic link, the
// link itself is replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/status.h"

namespace altocast {

// The system calls by which anything is written that must survive a power cut; results and errno as in POSIX. Tests
// replace it to cut each call.
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  virtual int open(const char* path, int flags, unsigned mode);
  virtual std::ptrdiff_t write(int file, const void* bytes, std::size_t count);
  virtual std::ptrdiff_t read(int file, void* bytes, std::size_t count);
  virtual int lock(int file);  // exclusive, without waiting; released by close
  virtual int truncate(int file);
  virtual int same_file(int file, const char* path);  // 1 if `path` still names the open file, else 0
  virtual int fdatasync(int file);
  virtual int fsync(int file);
  virtual int rename(const char* from, const char* to);
  virtual int close(int file);
  virtual int unlink(const char* path);
  virtual int mkdir(const char* path, unsigned mode);
  virtual int symlink(const char* target, const char* path);
  virtual int exchange(const char* a, const char* b);  // of two names at once
  virtual int syncfs(int file);                        // all of the file system that holds the open file
};
FileCalls& system_file_calls();

// What system_file_calls() gives from now on, in every thread; null: the system's own. For tests.
void replace_system_file_calls(FileCalls* calls);

// A file in the making. Dropped before commit(), it leaves nothing behind. Not for use by several threads at
// once.
class DurableFile {
 public:
  static Result<DurableFile> create(const std::string& path, FileCalls& calls = system_file_calls());
  ~DurableFile();
  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&&) = delete;

  // Appends. After a failure nothing more can be written and commit() fails.
  Status write(std::span<const std::uint8_t> bytes);

  // Puts the content in the place of `path`. If this fails, the old file is untouched; the one exception is
  // named in the message: the new file stands but may not survive a power cut.
  Status commit();

 private:
  DurableFile(std::string path, FileCalls& calls);
  Status open();
  Status fail(const std::string& what, int error_number);
  void discard();

  std::string path_, partial_;
  FileCalls* calls_;
  int file_ = -1;
};

// Replaces `path` by `bytes`, all or nothing.
Status replace_file(const std::string& path, std::span<const std::uint8_t> bytes,
                    FileCalls& calls = system_file_calls());

// The whole file. More than `max_bytes` is refused without reading it.
Result<std::vector<std::uint8_t>> read_file(const std::string& path, std::uint64_t max_bytes,
                                            FileCalls& calls = system_file_calls());

}  // namespace altocast
