// A file of records that only grows, for work that must go on after a power cut where it stood. Each record is framed
// and checked (length, kind, CRC-32C), so that a torn end is known as such: reading stops before the first record that
// is not whole, and what is written next takes its place.
//
//   record: u32 length of the payload, u32 kind, payload, u32 CRC-32C of all that; little-endian
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "formats/status.h"

namespace altocast {

inline constexpr std::uint32_t kMaxRecordBytes = 1u << 28;

// Not for concurrent use. Locked: a second process that opens the same file fails.
class RecordLog {
 public:
  static Result<RecordLog> open(const std::string& path);  // makes an empty one where there is none
  ~RecordLog();
  RecordLog(RecordLog&& other) noexcept;
  RecordLog& operator=(RecordLog&&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t size() const;  // of the file, a torn end included

  // Calls `visit` with each whole record from the first on and the offset where it ends, one record in memory at a
  // time, until there is no more or it returns false.
  using Visit = std::function<bool(std::uint32_t kind, std::span<const std::uint8_t> payload, std::uint64_t end)>;
  Status read(const Visit& visit);

  Status truncate(std::uint64_t offset);  // drops all that is behind; the next record goes there
  Status append(std::uint32_t kind, std::span<const std::uint8_t> payload);
  Status sync();    // brings all that was appended to the disk
  Status remove();  // nothing may be called afterwards

 private:
  RecordLog(std::string path, int file) : path_(std::move(path)), file_(file) {}
  Status fail(const char* what) const;

  std::string path_;
  int file_ = -1;
  std::uint64_t end_ = 0;  // where the next record goes
};

}  // namespace altocast
