// The container that altocast's own files share: a checked header, fixed-size section records, planes of
// numbers on 64-byte boundaries, and a SHA-256 trailer. docs/formats.md has the byte tables. What the
// sections mean is left to prior, posterior and checkpoint.
//
// Reading is a pure function over untrusted bytes. Every count, offset, product, padding byte and checksum is
// verified before anything is allocated for it, and a parsed container only holds views into the bytes it was
// parsed from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/sha256.h"
#include "formats/status.h"

namespace altocast {

enum class FileKind : std::uint16_t { prior = 1, posterior = 2, checkpoint = 3 };
std::string_view to_string(FileKind kind);

enum class ElementType : std::uint32_t { f32 = 0, f16 = 1, u8 = 2, f64 = 3, u64 = 4, i64 = 5, text = 6 };
std::string_view to_string(ElementType type);
std::size_t element_bytes(ElementType type);

inline constexpr std::size_t kContainerHeaderBytes = 64;
inline constexpr std::size_t kSectionRecordBytes = 128;
inline constexpr std::size_t kSectionNameBytes = 63;  // at most
inline constexpr std::size_t kMaxSections = 4096;
inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;
inline constexpr int kMaxRank = 4;

// A header that a reader of version (major, minor) accepts: the same major, any minor. A new minor may add
// sections, which older readers pass over; all else takes a new major.
struct ContainerHeader {
  FileKind kind = FileKind::prior;
  std::uint16_t major = 1;
  std::uint16_t minor = 0;
  std::uint64_t architecture_hash = 0;
};

struct Section {
  std::string_view name;
  ElementType type = ElementType::f32;
  int rank = 1;
  std::array<std::uint64_t, kMaxRank> dims{1, 1, 1, 1};  // 1 beyond the rank
  std::size_t count = 0;                                 // elements
  std::span<const std::uint8_t> bytes;
};

class Container {
 public:
  // The bytes must outlive the container. `major` is the version the caller knows.
  static Result<Container> parse(std::span<const std::uint8_t> bytes, FileKind kind, std::uint16_t major);

  const ContainerHeader& header() const { return header_; }
  const std::vector<Section>& sections() const { return sections_; }
  const Sha256Digest& file_sha256() const { return file_sha256_; }  // of the whole file, trailer included

  const Section* find(std::string_view name) const;  // nullptr if there is none

  // The values of a section that must exist with this type and, for the first group, this number of elements.
  // Floating point numbers must be finite and lie in [low, high].
  Result<std::vector<float>> f32(std::string_view name, std::size_t count,
                                 float low = std::numeric_limits<float>::lowest(),
                                 float high = std::numeric_limits<float>::max()) const;
  Result<std::vector<std::int64_t>> i64(std::string_view name, std::size_t count) const;
  Result<std::vector<std::uint64_t>> u64(std::string_view name, std::size_t count) const;
  Result<const Section*> require(std::string_view name, ElementType type, std::size_t count) const;
  Result<const Section*> require(std::string_view name, ElementType type) const;
  Result<std::string> text(std::string_view name) const;

 private:
  ContainerHeader header_;
  std::vector<Section> sections_;
  Sha256Digest file_sha256_{};
};

// Which of altocast's files this is, by its first bytes alone.
Result<FileKind> identify(std::span<const std::uint8_t> bytes);

// Valid UTF-8 of at most kMaxTextBytes without control characters other than tab and line feed: safe to show
// on a terminal. The failure says at which byte.
Status check_text(std::string_view text);

// "NAME[17] is nan": finite and in [low, high], or a failure that names the first value that is not.
Status check_values(std::string_view name, std::span<const float> values, float low, float high);
Status check_values(std::string_view name, std::span<const double> values);

// Collects sections and lays them out. Names must be distinct, non-empty and at most kSectionNameBytes long,
// and text must pass check_text: callers validate before, violations are programmer errors (assert).
class ContainerWriter {
 public:
  explicit ContainerWriter(ContainerHeader header) : header_(header) {}

  void add_f32(std::string_view name, std::span<const float> values);
  void add_f64(std::string_view name, std::span<const double> values);
  void add_u64(std::string_view name, std::span<const std::uint64_t> values);
  void add_i64(std::string_view name, std::span<const std::int64_t> values);
  void add_i64(std::string_view name, std::initializer_list<std::int64_t> values);
  void add_f32(std::string_view name, std::initializer_list<float> values);
  void add_text(std::string_view name, std::string_view text);
  // Elements already in file order; `dims` multiply to bytes.size() / element_bytes(type).
  void add_raw(std::string_view name, ElementType type, std::span<const std::uint64_t> dims,
               std::vector<std::uint8_t> bytes);

  std::vector<std::uint8_t> finish() const;

 private:
  struct Pending {
    std::string name;
    ElementType type;
    std::vector<std::uint64_t> dims;
    std::vector<std::uint8_t> bytes;
  };
  ContainerHeader header_;
  std::vector<Pending> sections_;
};

}  // namespace altocast
