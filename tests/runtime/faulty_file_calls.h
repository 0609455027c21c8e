// A disk that fails on command: one call fails, or the power is cut at it, or a flush to the disk is lost. What was not
// brought to the disk before a cut is then gone or cut off, as far as a file system may do that.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "formats/durable_file.h"

namespace altocast {

enum class DiskFault {
  error,      // call number `at` fails
  cut,        // from call `at` on nothing happens any more
  lost_sync,  // from call `at` on nothing is brought to the disk, and all say that it was
};

class FaultyFileCalls : public FileCalls {
 public:
  FaultyFileCalls(DiskFault fault, int at, int error_number) : fault_(fault), at_(at), error_(error_number) {
    replace_system_file_calls(this);
  }
  ~FaultyFileCalls() override { replace_system_file_calls(nullptr); }

  int calls() const { return calls_; }
  const std::string& failed() const { return failed_; }  // name of the call it happened at; empty if none yet

  // The power is gone. Files that were written and not brought to the disk lose their second half, the rest becomes
  // zeros; with `lose_names`, what was renamed, made or linked without its folder being brought to the disk is undone.
  void cut_power(bool lose_names) {
    for (const std::string& path : dirty_) {
      std::error_code error;
      const std::uintmax_t size = std::filesystem::file_size(path, error);
      if (error) continue;
      std::filesystem::resize_file(path, 0, error);
      std::filesystem::resize_file(path, size / 2, error);
    }
    for (std::size_t i = undo_.size(); lose_names && i-- > 0;) {
      const Change& change = undo_[i];
      std::error_code error;
      if (change.kind == Change::renamed) {
        std::filesystem::rename(change.to, change.from, error);
        if (!change.backup.empty()) std::filesystem::rename(change.backup, change.to, error);
      }
      if (change.kind == Change::exchanged) FileCalls::exchange(change.from.c_str(), change.to.c_str());
      if (change.kind == Change::made) std::filesystem::remove_all(change.to, error);
    }
    forget_changes();
  }

  int open(const char* path, int flags, unsigned mode) override {
    if (cut("open")) return -1;
    const bool fresh = (flags & O_CREAT) != 0 && !std::filesystem::exists(path);
    const int file = FileCalls::open(path, flags, mode);
    if (file >= 0) names_[file] = path;
    if (file >= 0 && fresh) undo_.push_back({Change::made, "", path, ""});
    return file;
  }
  std::ptrdiff_t write(int file, const void* bytes, std::size_t count) override {
    if (cut("write")) return -1;
    dirty_.insert(names_[file]);
    return FileCalls::write(file, bytes, count);
  }
  int lock(int file) override { return cut("lock") ? -1 : FileCalls::lock(file); }
  int truncate(int file) override {
    if (cut("truncate")) return -1;
    dirty_.insert(names_[file]);
    return FileCalls::truncate(file);
  }
  int same_file(int file, const char* path) override {
    return cut("same_file") ? -1 : FileCalls::same_file(file, path);
  }
  int fdatasync(int file) override {
    if (cut("fdatasync")) return -1;
    if (!lost_) dirty_.erase(names_[file]);
    return 0;  // the tests' disk is real enough without waiting for it
  }
  int fsync(int file) override {
    if (cut("fsync")) return -1;
    if (!lost_) dirty_.erase(names_[file]);
    if (!lost_ && std::filesystem::is_directory(names_[file])) forget_changes();
    return 0;
  }
  int syncfs(int) override {
    if (cut("syncfs")) return -1;
    if (lost_) return 0;
    dirty_.clear();
    forget_changes();
    return 0;
  }
  int rename(const char* from, const char* to) override {
    if (cut("rename")) return -1;
    std::string backup;
    if (std::filesystem::is_regular_file(to) || std::filesystem::is_symlink(to)) {
      backup = std::string(to) + ".undo";
      std::filesystem::remove(backup);
      std::filesystem::copy(to, backup, std::filesystem::copy_options::copy_symlinks);
    }
    if (const int result = FileCalls::rename(from, to); result != 0) return result;
    move_names(from, to);
    undo_.push_back({Change::renamed, from, to, backup});
    return 0;
  }
  int exchange(const char* a, const char* b) override {
    if (cut("exchange")) return -1;
    const int result = FileCalls::exchange(a, b);
    if (result == 0) undo_.push_back({Change::exchanged, a, b, ""});
    return result;
  }
  int close(int file) override {
    names_.erase(file);
    const bool fails = cut("close");
    const int result = FileCalls::close(file);
    if (fails) errno = error_;
    return fails ? -1 : result;
  }
  int unlink(const char* path) override { return cut("unlink") ? -1 : FileCalls::unlink(path); }
  int mkdir(const char* path, unsigned mode) override {
    if (cut("mkdir")) return -1;
    const int result = FileCalls::mkdir(path, mode);
    if (result == 0) undo_.push_back({Change::made, "", path, ""});
    return result;
  }
  int symlink(const char* target, const char* path) override {
    if (cut("symlink")) return -1;
    const int result = FileCalls::symlink(target, path);
    if (result == 0) undo_.push_back({Change::made, "", path, ""});
    return result;
  }

 private:
  struct Change {
    enum Kind { renamed, exchanged, made } kind;
    std::string from, to, backup;
  };

  // Whether this call is to fail.
  bool cut(const char* name) {
    const int call = calls_++;
    if (call == at_) failed_ = name;
    if (fault_ == DiskFault::lost_sync) {
      lost_ = call >= at_;
      return false;
    }
    if (fault_ == DiskFault::error ? call != at_ : call < at_) return false;
    errno = error_;
    return true;
  }
  void move_names(const std::string& from, const std::string& to) {
    std::set<std::string> moved;
    for (const std::string& path : dirty_) {
      const bool inside = path == from || path.starts_with(from + "/");
      moved.insert(inside ? to + path.substr(from.size()) : path);
    }
    dirty_ = std::move(moved);
    for (auto& [file, path] : names_) {
      if (path == from) path = to;
    }
  }
  void forget_changes() {
    std::error_code error;
    for (const Change& change : undo_) {
      if (!change.backup.empty()) std::filesystem::remove(change.backup, error);
    }
    undo_.clear();
  }

  DiskFault fault_;
  int at_, error_;
  int calls_ = 0;
  bool lost_ = false;
  std::string failed_;
  std::map<int, std::string> names_;
  std::set<std::string> dirty_;  // written since they were last brought to the disk
  std::vector<Change> undo_;     // since their folders were
};

}  // namespace altocast
