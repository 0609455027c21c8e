#include "formats/durable_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "formats/memory.h"

namespace altocast {
namespace {

// Thread-safe, unlike strerror.
std::string describe(int error_number) { return std::generic_category().message(error_number); }

// What the person at the terminal can do about it.
std::string mend(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space or choose another folder";
    case EACCES:
    case EPERM:
      return "; check the permissions";
    case EROFS:
      return "; the file system is mounted read-only: choose another folder";
    case ENOENT:
    case ENOTDIR:
      return "; check the path";
    case EIO:
      return "; the medium may be failing: check it (dmesg)";
    case EWOULDBLOCK:
      return "; another program is writing this file: let it finish";
    default:
      return "";
  }
}

Status failure(const std::string& path, const std::string& what, int error_number) {
  return Status::error(path + ": " + what + ": " + describe(error_number) + mend(error_number));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Calls `call` again for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

constexpr std::size_t kLargestTransfer = std::size_t{1} << 28;

FileCalls* replaced_calls = nullptr;

}  // namespace

int FileCalls::open(const char* path, int flags, unsigned mode) { return ::open(path, flags, mode); }
std::ptrdiff_t FileCalls::write(int file, const void* bytes, std::size_t count) { return ::write(file, bytes, count); }
std::ptrdiff_t FileCalls::read(int file, void* bytes, std::size_t count) { return ::read(file, bytes, count); }
int FileCalls::lock(int file) { return ::flock(file, LOCK_EX | LOCK_NB); }
int FileCalls::truncate(int file) { return ::ftruncate(file, 0); }
int FileCalls::same_file(int file, const char* path) {
  struct stat opened, named;
  if (::fstat(file, &opened) != 0) return -1;
  if (::lstat(path, &named) != 0) return errno == ENOENT ? 0 : -1;
  return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino ? 1 : 0;
}
int FileCalls::fdatasync(int file) { return ::fdatasync(file); }
int FileCalls::fsync(int file) { return ::fsync(file); }
int FileCalls::rename(const char* from, const char* to) { return std::rename(from, to); }
int FileCalls::close(int file) { return ::close(file); }
int FileCalls::unlink(const char* path) { return ::unlink(path); }
int FileCalls::mkdir(const char* path, unsigned mode) { return ::mkdir(path, mode); }
int FileCalls::symlink(const char* target, const char* path) { return ::symlink(target, path); }
int FileCalls::exchange(const char* a, const char* b) { return ::renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE); }
int FileCalls::syncfs(int file) { return ::syncfs(file); }

FileCalls& system_file_calls() {
  static FileCalls calls;
  return replaced_calls != nullptr ? *replaced_calls : calls;
}

void replace_system_file_calls(FileCalls* calls) { replaced_calls = calls; }

DurableFile::DurableFile(std::string path, FileCalls& calls)
    : path_(std::move(path)), partial_(path_ + ".partial"), calls_(&calls) {}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      calls_(other.calls_),
      file_(std::exchange(other.file_, -1)) {}

DurableFile::~DurableFile() { discard(); }

Result<DurableFile> DurableFile::create(const std::string& path, FileCalls& calls) {
  if (path.empty() || path.back() == '/') return Status::error("'" + path + "': not a file name");
  DurableFile file(path, calls);
  if (Status status = file.open(); !status.ok()) return status;
  return file;
}

// Takes the partial file under an exclusive lock, so that two programs never write into one. Between our open
// and our lock its former owner may have renamed it into place: then the name no longer leads to it and we
// start again.
Status DurableFile::open() {
  constexpr int kAttempts = 8;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int file =
        uninterrupted([&] { return calls_->open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666); });
    if (file < 0) return failure(path_, "can't create " + partial_, errno);
    const bool locked = uninterrupted([&] { return calls_->lock(file); }) == 0;
    const int lock_error = locked ? 0 : errno;
    // A file system that knows no locks is used without.
    if (!locked && lock_error != ENOLCK && lock_error != EOPNOTSUPP && lock_error != ENOSYS) {
      // Not ours to remove: another program may be writing it.
      calls_->close(file);
      return failure(path_, "can't lock " + partial_, lock_error);
    }
    const int same = calls_->same_file(file, partial_.c_str());
    if (same == 0) {
      calls_->close(file);
      continue;
    }
    file_ = file;
    if (same < 0) return fail("can't look at the new file", errno);
    if (uninterrupted([&] { return calls_->truncate(file); }) != 0) return fail("can't empty the new file", errno);
    return {};
  }
  return failure(path_, "can't create " + partial_, EWOULDBLOCK);
}

Status DurableFile::fail(const std::string& what, int error_number) {
  discard();
  return failure(path_, what, error_number);
}

void DurableFile::discard() {
  if (file_ < 0) return;
  calls_->unlink(partial_.c_str());
  calls_->close(file_);
  file_ = -1;
}

Status DurableFile::write(std::span<const std::uint8_t> bytes) {
  if (file_ < 0) return Status::error(path_ + ": the file was given up after an earlier failure");
  while (!bytes.empty()) {
    const std::ptrdiff_t written =
        uninterrupted([&] { return calls_->write(file_, bytes.data(), std::min(bytes.size(), kLargestTransfer)); });
    if (written < 0) return fail("can't write", errno);
    if (written == 0) return fail("can't write", ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status DurableFile::commit() {
  if (file_ < 0) return Status::error(path_ + ": the file was given up after an earlier failure");
  if (uninterrupted([&] { return calls_->fdatasync(file_); }) != 0) return fail("can't bring to the disk", errno);
  // Opened before the rename: once that is done, the only step that can still fail is bringing it to the
  // disk.
  const std::string folder_name = folder_of(path_);
  const int folder =
      uninterrupted([&] { return calls_->open(folder_name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
  if (folder < 0) return fail("can't open its folder", errno);
  if (calls_->rename(partial_.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    calls_->close(folder);
    return fail("can't rename " + partial_, error_number);
  }
  const int file = std::exchange(file_, -1);
  // Some file systems can't sync a folder and say EINVAL; their renames are as durable as they get.
  const bool synced = uninterrupted([&] { return calls_->fsync(folder); }) == 0 || errno == EINVAL;
  const int sync_error = synced ? 0 : errno;
  // What fdatasync has brought to the disk, close can't lose: its result says nothing more.
  calls_->close(folder);
  calls_->close(file);
  if (!synced) return failure(path_, "the new file is in place, but may not survive a power cut", sync_error);
  return {};
}

Status replace_file(const std::string& path, std::span<const std::uint8_t> bytes, FileCalls& calls) {
  Result<DurableFile> file = DurableFile::create(path, calls);
  if (!file.ok()) return file.status();
  ALTOCAST_RETURN_IF_ERROR(file->write(bytes));
  return file->commit();
}

Result<std::vector<std::uint8_t>> read_file(const std::string& path, std::uint64_t max_bytes, FileCalls& calls) {
  const int file = uninterrupted([&] { return calls.open(path.c_str(), O_RDONLY | O_CLOEXEC, 0); });
  if (file < 0) return failure(path, "can't open", errno);
  const auto too_large = [&] {
    return Status::error(path + ": larger than the limit of " + std::to_string(max_bytes) +
                         " bytes; is it the right file?");
  };
  const auto read_all = [&]() -> Result<std::vector<std::uint8_t>> {
    struct stat about;
    if (::fstat(file, &about) != 0) return failure(path, "can't look at it", errno);
    if (S_ISDIR(about.st_mode)) return Status::error(path + ": is a folder; give a file");
    const auto expected = static_cast<std::uint64_t>(std::max<off_t>(about.st_size, 0));
    if (expected > max_bytes) return too_large();
    std::vector<std::uint8_t> bytes;
    // One byte more than the size told, to see the end of the file (or that it grew, or that it is a pipe).
    std::size_t used = 0;
    for (std::uint64_t room = expected + 1;; room = std::max<std::uint64_t>(2 * std::uint64_t{used}, 65536)) {
      if (!try_resize(bytes, room)) return Status::error(path + ": not enough memory to read it");
      while (used < bytes.size()) {
        const std::ptrdiff_t got = uninterrupted(
            [&] { return calls.read(file, bytes.data() + used, std::min(bytes.size() - used, kLargestTransfer)); });
        if (got < 0) return failure(path, "can't read", errno);
        if (got == 0) {
          bytes.resize(used);
          return bytes;
        }
        used += static_cast<std::size_t>(got);
        if (used > max_bytes) return too_large();
      }
    }
  };
  Result<std::vector<std::uint8_t>> result = read_all();
  calls.close(file);
  return result;
}

}  // namespace altocast
