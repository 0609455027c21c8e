#include "formats/record_log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/byte_order.h"
#include "formats/crc32c.h"

namespace altocast {
namespace {

constexpr std::size_t kHead = 8, kTail = 4;

// Calls again what a signal has interrupted.
template <class Call>
auto uninterrupted(const Call& call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// How many bytes there were, up to `count`; −1 after an error.
std::ptrdiff_t read_up_to(int file, std::uint8_t* bytes, std::size_t count, std::uint64_t offset) {
  std::size_t got = 0;
  while (got < count) {
    const auto part =
        uninterrupted([&] { return ::pread(file, bytes + got, count - got, static_cast<off_t>(offset + got)); });
    if (part < 0) return -1;
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  return static_cast<std::ptrdiff_t>(got);
}

}  // namespace

Status RecordLog::fail(const char* what) const {
  return Status::error(path_ + ": " + what + ": " + std::error_code(errno, std::generic_category()).message());
}

Result<RecordLog> RecordLog::open(const std::string& path) {
  RecordLog log(path,
                uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666); }));
  if (log.file_ < 0) return log.fail("can't open");
  if (uninterrupted([&] { return ::flock(log.file_, LOCK_EX | LOCK_NB); }) == 0) return log;
  if (errno == EWOULDBLOCK) return Status::error(path + ": another process is writing it");
  if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS) return log;  // a file system that knows no locks
  return log.fail("can't lock");
}

RecordLog::~RecordLog() {
  if (file_ >= 0) ::close(file_);
}

RecordLog::RecordLog(RecordLog&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), end_(other.end_) {}

std::uint64_t RecordLog::size() const {
  return static_cast<std::uint64_t>(std::max<off_t>(::lseek(file_, 0, SEEK_END), 0));
}

Status RecordLog::read(const Visit& visit) {
  std::vector<std::uint8_t> bytes(kHead);
  std::uint64_t offset = 0;
  while (true) {
    bytes.resize(kHead);
    std::ptrdiff_t got = read_up_to(file_, bytes.data(), kHead, offset);
    if (got < 0) return fail("can't read");
    const auto length = load_little<std::uint32_t>(bytes.data());
    if (got < static_cast<std::ptrdiff_t>(kHead) || length > kMaxRecordBytes) return {};
    if (size() < offset + kHead + length + kTail) return {};  // room is made for what is there only
    bytes.resize(kHead + length + kTail);
    got = read_up_to(file_, bytes.data(), bytes.size(), offset);
    if (got < 0) return fail("can't read");
    if (static_cast<std::size_t>(got) < bytes.size()) return {};
    const std::span<const std::uint8_t> checked(bytes.data(), kHead + length);
    if (crc32c(checked) != load_little<std::uint32_t>(bytes.data() + kHead + length)) return {};
    offset += bytes.size();
    if (!visit(load_little<std::uint32_t>(bytes.data() + 4), checked.subspan(kHead), offset)) return {};
  }
}

Status RecordLog::truncate(std::uint64_t offset) {
  if (uninterrupted([&] { return ::ftruncate(file_, static_cast<off_t>(offset)); }) != 0) return fail("can't shorten");
  end_ = offset;
  return {};
}

Status RecordLog::append(std::uint32_t kind, std::span<const std::uint8_t> payload) {
  std::vector<std::uint8_t> bytes(kHead + payload.size() + kTail);
  store_little(bytes.data(), static_cast<std::uint32_t>(payload.size()));
  store_little(bytes.data() + 4, kind);
  std::copy(payload.begin(), payload.end(), bytes.begin() + kHead);
  const std::span<const std::uint8_t> checked(bytes.data(), kHead + payload.size());
  store_little(bytes.data() + checked.size(), crc32c(checked));
  for (std::size_t done = 0; done < bytes.size();) {
    const auto part = uninterrupted(
        [&] { return ::pwrite(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(end_ + done)); });
    if (part < 0) return fail("can't write");
    done += static_cast<std::size_t>(part);
  }
  end_ += bytes.size();
  return {};
}

Status RecordLog::sync() {
  return uninterrupted([&] { return ::fdatasync(file_); }) == 0 ? Status() : fail("can't bring to the disk");
}

Status RecordLog::remove() {
  if (::unlink(path_.c_str()) != 0) return fail("can't remove");
  ::close(std::exchange(file_, -1));
  return {};
}

}  // namespace altocast
