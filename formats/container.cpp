#include "formats/container.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unordered_set>

#include "formats/byte_order.h"
#include "formats/container_layout.h"
#include "formats/crc32c.h"

namespace altocast {
namespace {

std::string at_byte(std::uint64_t offset) { return "byte " + std::to_string(offset); }

bool all_zero(std::span<const std::uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

Status check_magic(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return Status::error("the file is empty");
  const std::size_t shown = std::min(bytes.size(), layout::kMagic.size());
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(shown), layout::kMagic.begin())) {
    if (bytes.size() >= 4 && std::equal(layout::kMagic.begin(), layout::kMagic.begin() + 4, bytes.begin())) {
      return Status::error("byte 4: the line ends were changed on the way; copy the file again in binary mode");
    }
    return Status::error("byte 0: not an altocast file (prior, posterior or checkpoint)");
  }
  return {};
}

Result<FileKind> kind_from(std::uint16_t code) {
  if (code < 1 || code > 3) return Status::error("byte 8: unknown kind of file, " + std::to_string(code));
  return static_cast<FileKind>(code);
}

// What of the header the sections are checked against.
struct Extent {
  std::size_t header_bytes = 0;
  std::size_t section_count = 0;
  std::size_t trailer = 0;  // offset
};

Result<Extent> check_header(std::span<const std::uint8_t> bytes, FileKind kind, std::uint16_t major,
                            ContainerHeader& header) {
  ALTOCAST_RETURN_IF_ERROR(check_magic(bytes));
  if (bytes.size() < kContainerHeaderBytes) {
    return Status::error("the file ends at " + at_byte(bytes.size()) + ", inside its header; copy it again");
  }
  const std::uint8_t* p = bytes.data();
  // The version comes before the checksum: a newer layout may keep its checksums elsewhere.
  header.major = load_little<std::uint16_t>(p + layout::kMajor);
  header.minor = load_little<std::uint16_t>(p + layout::kMinor);
  const std::uint32_t stated_crc = load_little<std::uint32_t>(p + layout::kHeaderCrc);
  const bool crc_holds = stated_crc == crc32c(bytes.first(layout::kHeaderCrc));
  if (crc_holds && header.major > major) {
    return Status::error("byte 10: written in version " + std::to_string(header.major) + "." +
                         std::to_string(header.minor) + " of the format; this program knows version " +
                         std::to_string(major) + ": use a newer altocast");
  }
  if (!crc_holds) return Status::error("byte 60: the header's checksum is wrong; copy the file again");
  if (header.major != major) {
    return Status::error("byte 10: unknown version " + std::to_string(header.major) + " of the format");
  }
  const Result<FileKind> stated_kind = kind_from(load_little<std::uint16_t>(p + layout::kKind));
  if (!stated_kind.ok()) return stated_kind.status();
  header.kind = *stated_kind;
  if (header.kind != kind) {
    return Status::error("byte 8: this is a " + std::string(to_string(header.kind)) + " file, not a " +
                         std::string(to_string(kind)));
  }
  if (!all_zero(bytes.subspan(layout::kReserved0, 2))) return Status::error("byte 14: reserved bytes are not zero");
  if (!all_zero(bytes.subspan(layout::kReserved1, 16))) return Status::error("byte 40: reserved bytes are not zero");
  header.architecture_hash = load_little<std::uint64_t>(p + layout::kArchitectureHash);

  const auto file_bytes = load_little<std::uint64_t>(p + layout::kFileBytes);
  if (file_bytes != bytes.size()) {
    return Status::error(
        "byte 24: the header says " + std::to_string(file_bytes) + " bytes, but the file has " +
        std::to_string(bytes.size()) +
        (bytes.size() < file_bytes ? ": it was cut short; copy it again" : ": there is more than its end"));
  }
  Extent extent;
  extent.section_count = load_little<std::uint32_t>(p + layout::kSectionCount);
  if (extent.section_count > kMaxSections) {
    return Status::error("byte 20: " + std::to_string(extent.section_count) + " sections are more than the " +
                         std::to_string(kMaxSections) + " allowed");
  }
  extent.header_bytes = kContainerHeaderBytes + extent.section_count * kSectionRecordBytes;
  if (load_little<std::uint32_t>(p + layout::kHeaderBytes) != extent.header_bytes) {
    return Status::error("byte 16: the header's length does not fit its number of sections");
  }
  if (bytes.size() < extent.header_bytes + layout::kTrailerBytes) {
    return Status::error("byte 20: the file is too small for its " + std::to_string(extent.section_count) +
                         " sections");
  }
  extent.trailer = bytes.size() - layout::kTrailerBytes;
  if (load_little<std::uint32_t>(p + layout::kRecordsCrc) !=
      crc32c(bytes.subspan(kContainerHeaderBytes, extent.header_bytes - kContainerHeaderBytes))) {
    return Status::error("byte 56: the checksum of the section table is wrong; copy the file again");
  }
  return extent;
}

// The section of the record at `at`, whose plane must begin at `expected_offset` and end before the trailer.
Result<Section> check_record(std::span<const std::uint8_t> bytes, std::size_t at, std::uint64_t expected_offset,
                             std::size_t trailer) {
  const std::uint8_t* record = bytes.data() + at;
  const auto* name_begin = reinterpret_cast<const char*>(record + layout::kRecordName);
  const auto* name_end = std::find(name_begin, name_begin + kSectionNameBytes + 1, '\0');
  const auto bad_name = [&](const char* why) { return Status::error(at_byte(at) + ": a section name " + why); };
  if (name_end == name_begin) return bad_name("is empty");
  if (name_end == name_begin + kSectionNameBytes + 1) return bad_name("has no end");
  if (!std::all_of(name_begin, name_end, [](char c) { return c > ' ' && c < 127; })) {
    return bad_name("holds other than printable ASCII");
  }
  if (!std::all_of(name_end, name_begin + kSectionNameBytes + 1, [](char c) { return c == '\0'; })) {
    return bad_name("is not padded with zeros");
  }
  Section section;
  section.name = std::string_view(name_begin, static_cast<std::size_t>(name_end - name_begin));
  const auto bad = [&](std::size_t field, const std::string& why) {
    return Status::error("section '" + std::string(section.name) + "', " + at_byte(at + field) + ": " + why);
  };
  const auto type = load_little<std::uint32_t>(record + layout::kRecordType);
  if (type > static_cast<std::uint32_t>(ElementType::text)) {
    return bad(layout::kRecordType, "unknown element type " + std::to_string(type));
  }
  section.type = static_cast<ElementType>(type);
  const auto rank = load_little<std::uint32_t>(record + layout::kRecordRank);
  if (rank < 1 || rank > kMaxRank) return bad(layout::kRecordRank, "rank " + std::to_string(rank) + " is not in 1 … 4");
  section.rank = static_cast<int>(rank);
  // No section is larger than the file, so a product beyond its size ends the search before it can overflow.
  std::uint64_t count = 1;
  for (std::size_t d = 0; d < kMaxRank; ++d) {
    const auto extent = load_little<std::uint64_t>(record + layout::kRecordDims + 8 * d);
    if (d >= rank && extent != 1) return bad(layout::kRecordDims + 8 * d, "an extent beyond the rank is not 1");
    if (extent != 0 && count > bytes.size() / extent) {
      return bad(layout::kRecordDims + 8 * d, "extents that the file can't hold");
    }
    section.dims[d] = extent;
    count *= extent;
  }
  const auto offset = load_little<std::uint64_t>(record + layout::kRecordOffset);
  if (offset != expected_offset) {
    return bad(layout::kRecordOffset, "begins at " + at_byte(offset) + " and not at " + at_byte(expected_offset) +
                                          ", where the section before it ends");
  }
  const std::uint64_t room = (trailer - offset) / element_bytes(section.type);
  if (count > room) return bad(layout::kRecordDims, "ends beyond the file's last section byte");
  if (!all_zero(bytes.subspan(at + layout::kReserved2, 12))) {
    return bad(layout::kReserved2, "reserved bytes are not zero");
  }
  section.count = static_cast<std::size_t>(count);
  section.bytes = bytes.subspan(static_cast<std::size_t>(offset), section.count * element_bytes(section.type));
  if (load_little<std::uint32_t>(record + layout::kRecordCrc) != crc32c(section.bytes)) {
    return Status::error("section '" + std::string(section.name) + "', bytes " + std::to_string(offset) + " … " +
                         std::to_string(offset + section.bytes.size()) + ": wrong checksum; copy the file again");
  }
  return section;
}

template <class T>
std::vector<T> decode(const Section& section) {
  std::vector<T> values(section.count);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = load_little<T>(section.bytes.data() + i * sizeof(T));
  return values;
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

template <class T>
Status check_finite_range(std::string_view name, std::span<const T> values, T low, T high) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= low && values[i] <= high) continue;  // false for NaN
    const double value = double{values[i]};
    return Status::error(std::string(name) + "[" + std::to_string(i) + "] is " + shown(value) +
                         (std::isfinite(value) ? ", not in " + shown(low) + " … " + shown(high) : ", not finite"));
  }
  return {};
}

}  // namespace

std::string_view to_string(FileKind kind) {
  switch (kind) {
    case FileKind::prior:
      return "prior";
    case FileKind::posterior:
      return "posterior";
    case FileKind::checkpoint:
      return "checkpoint";
  }
  return "unknown";
}

std::string_view to_string(ElementType type) {
  constexpr std::array<std::string_view, 7> kNames = {"f32", "f16", "u8", "f64", "u64", "i64", "text"};
  return kNames[static_cast<std::size_t>(type)];
}

std::size_t element_bytes(ElementType type) {
  constexpr std::array<std::size_t, 7> kBytes = {4, 2, 1, 8, 8, 8, 1};
  return kBytes[static_cast<std::size_t>(type)];
}

Result<FileKind> identify(std::span<const std::uint8_t> bytes) {
  ALTOCAST_RETURN_IF_ERROR(check_magic(bytes));
  if (bytes.size() < kContainerHeaderBytes) {
    return Status::error("the file ends at " + at_byte(bytes.size()) + ", inside its header; copy it again");
  }
  return kind_from(load_little<std::uint16_t>(bytes.data() + layout::kKind));
}

Result<Container> Container::parse(std::span<const std::uint8_t> bytes, FileKind kind, std::uint16_t major) {
  Container container;
  const Result<Extent> extent = check_header(bytes, kind, major, container.header_);
  if (!extent.ok()) return extent.status();

  container.sections_.reserve(extent->section_count);
  std::unordered_set<std::string_view> names;
  std::uint64_t offset = extent->header_bytes;
  for (std::size_t i = 0; i < extent->section_count; ++i) {
    const std::size_t at = kContainerHeaderBytes + i * kSectionRecordBytes;
    Result<Section> section = check_record(bytes, at, offset, extent->trailer);
    if (!section.ok()) return section.status();
    if (!names.insert(section->name).second) {
      return Status::error(at_byte(at) + ": a second section '" + std::string(section->name) + "'");
    }
    const std::uint64_t end = offset + section->bytes.size();
    offset = layout::align(end);
    if (offset > extent->trailer) {
      return Status::error("section '" + std::string(section->name) + "': its padding runs beyond the file's end");
    }
    if (!all_zero(bytes.subspan(static_cast<std::size_t>(end), static_cast<std::size_t>(offset - end)))) {
      return Status::error(at_byte(end) + ": the padding after section '" + std::string(section->name) +
                           "' is not zero");
    }
    container.sections_.push_back(*section);
  }
  if (offset != extent->trailer) {
    return Status::error(at_byte(offset) + ": bytes between the last section and the trailer at " +
                         at_byte(extent->trailer));
  }
  Sha256 hash;
  hash.update(bytes.first(extent->trailer));
  const Sha256Digest digest = Sha256(hash).finish();
  const auto trailer = bytes.subspan(extent->trailer);
  if (!std::equal(digest.begin(), digest.end(), trailer.begin(), trailer.end())) {
    return Status::error(at_byte(extent->trailer) + ": the SHA-256 trailer is wrong; copy the file again");
  }
  hash.update(trailer);
  container.file_sha256_ = hash.finish();
  return container;
}

const Section* Container::find(std::string_view name) const {
  const auto it = std::find_if(sections_.begin(), sections_.end(), [&](const Section& s) { return s.name == name; });
  return it == sections_.end() ? nullptr : &*it;
}

Result<const Section*> Container::require(std::string_view name, ElementType type) const {
  const Section* section = find(name);
  if (section == nullptr) return Status::error("section '" + std::string(name) + "' is missing");
  if (section->type != type) {
    return Status::error("section '" + std::string(name) + "' holds " + std::string(to_string(section->type)) +
                         " and not " + std::string(to_string(type)));
  }
  return section;
}

Result<const Section*> Container::require(std::string_view name, ElementType type, std::size_t count) const {
  Result<const Section*> section = require(name, type);
  if (section.ok() && (*section)->count != count) {
    return Status::error("section '" + std::string(name) + "' has " + std::to_string((*section)->count) +
                         " elements and not " + std::to_string(count));
  }
  return section;
}

Result<std::vector<float>> Container::f32(std::string_view name, std::size_t count, float low, float high) const {
  const Result<const Section*> section = require(name, ElementType::f32, count);
  if (!section.ok()) return section.status();
  std::vector<float> values = decode<float>(**section);
  ALTOCAST_RETURN_IF_ERROR(
      check_values("section '" + std::string(name) + "': " + std::string(name), values, low, high));
  return values;
}

Result<std::vector<std::int64_t>> Container::i64(std::string_view name, std::size_t count) const {
  const Result<const Section*> section = require(name, ElementType::i64, count);
  if (!section.ok()) return section.status();
  return decode<std::int64_t>(**section);
}

Result<std::vector<std::uint64_t>> Container::u64(std::string_view name, std::size_t count) const {
  const Result<const Section*> section = require(name, ElementType::u64, count);
  if (!section.ok()) return section.status();
  return decode<std::uint64_t>(**section);
}

Result<std::string> Container::text(std::string_view name) const {
  const Result<const Section*> section = require(name, ElementType::text);
  if (!section.ok()) return section.status();
  const std::string_view text(reinterpret_cast<const char*>((*section)->bytes.data()), (*section)->bytes.size());
  ALTOCAST_RETURN_IF_ERROR(check_text(text).within("section '" + std::string(name) + "'"));
  return std::string(text);
}

Status check_text(std::string_view text) {
  if (text.size() > kMaxTextBytes) return Status::error("the text is longer than 1 MiB");
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = byte < 0x80   ? 1
                               : byte < 0xc2 ? 0
                               : byte < 0xe0 ? 2
                               : byte < 0xf0 ? 3
                               : byte < 0xf5 ? 4
                                             : 0;
    std::uint32_t code = length == 1 ? byte : length == 0 ? 0u : byte & (0x7fu >> length);
    bool well_formed = length != 0 && length <= text.size() - i;
    for (std::size_t k = 1; well_formed && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      well_formed = (next & 0xc0u) == 0x80u;
      code = (code << 6) | (next & 0x3fu);
    }
    // Overlong forms, surrogates and what lies beyond Unicode.
    constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
    well_formed = well_formed && code >= kSmallest[length] && code <= 0x10ffffu && (code < 0xd800u || code > 0xdfffu);
    if (!well_formed) return Status::error("byte " + std::to_string(i) + " of the text is not UTF-8");
    if ((code < 0x20 && code != '\t' && code != '\n') || (code >= 0x7f && code < 0xa0)) {
      return Status::error("byte " + std::to_string(i) + " of the text is a control character");
    }
    i += length;
  }
  return {};
}

Status check_values(std::string_view name, std::span<const float> values, float low, float high) {
  return check_finite_range(name, values, low, high);
}

Status check_values(std::string_view name, std::span<const double> values) {
  return check_finite_range(name, values, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
}

}  // namespace altocast
