// Images of 16-bit numbers, decoded or computed once and read in any order from then on: in memory, or in a file that
// is mapped, so that the system holds of it what memory allows and an archive may be larger. A file is written as a
// whole or not at all, and is good for the key that it was written under: what its content depends on.
//
// A file holds the planes one after the other, native little-endian numbers, then a note and a trailer of 80 bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/durable_file.h"
#include "formats/sha256.h"
#include "formats/status.h"

namespace altocast {

// Movable, not copyable; its planes stay where they are.
class FrameStore {
 public:
  FrameStore() = default;

  // The file `path`, if it is there, is whole, and was written under this key for planes of this size; else nothing.
  static std::optional<FrameStore> open(const std::string& path, const Sha256Digest& key, std::size_t plane_size);

  std::size_t count() const { return count_; }
  const std::uint16_t* plane(std::size_t index) const { return planes_ + index * plane_size_; }
  const std::string& note() const { return note_; }
  std::uint32_t content_crc() const { return content_crc_; }  // of all planes

 private:
  friend class FrameStoreWriter;

  const std::uint16_t* planes_ = nullptr;
  std::size_t plane_size_ = 0, count_ = 0;
  std::string note_;
  std::uint32_t content_crc_ = 0;
  std::shared_ptr<const void> owner_;  // of the memory or the mapping
};

// One plane is in memory at a time, or all of them where there is no file.
class FrameStoreWriter {
 public:
  // With an empty path the store will be in memory.
  static Result<FrameStoreWriter> create(const std::string& path, const Sha256Digest& key, std::size_t plane_size);

  Status append(std::span<const std::uint16_t> plane);
  Result<FrameStore> finish(const std::string& note);

 private:
  FrameStoreWriter() = default;

  std::string path_;
  Sha256Digest key_{};
  std::size_t plane_size_ = 0, count_ = 0;
  std::uint32_t crc_ = 0;
  std::optional<DurableFile> file_;
  std::vector<std::uint16_t> memory_;
};

}  // namespace altocast
