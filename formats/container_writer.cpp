#include <algorithm>
#include <cassert>

#include "formats/byte_order.h"
#include "formats/container.h"
#include "formats/container_layout.h"
#include "formats/crc32c.h"

namespace altocast {
namespace {

template <class T>
std::vector<std::uint8_t> encode(std::span<const T> values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) store_little(bytes.data() + i * sizeof(T), values[i]);
  return bytes;
}

}  // namespace

void ContainerWriter::add_f32(std::string_view name, std::span<const float> values) {
  add_raw(name, ElementType::f32, {{values.size()}}, encode(values));
}
void ContainerWriter::add_f64(std::string_view name, std::span<const double> values) {
  add_raw(name, ElementType::f64, {{values.size()}}, encode(values));
}
void ContainerWriter::add_u64(std::string_view name, std::span<const std::uint64_t> values) {
  add_raw(name, ElementType::u64, {{values.size()}}, encode(values));
}
void ContainerWriter::add_i64(std::string_view name, std::span<const std::int64_t> values) {
  add_raw(name, ElementType::i64, {{values.size()}}, encode(values));
}
void ContainerWriter::add_i64(std::string_view name, std::initializer_list<std::int64_t> values) {
  add_i64(name, std::span<const std::int64_t>(values.begin(), values.size()));
}
void ContainerWriter::add_f32(std::string_view name, std::initializer_list<float> values) {
  add_f32(name, std::span<const float>(values.begin(), values.size()));
}
void ContainerWriter::add_text(std::string_view name, std::string_view text) {
  assert(check_text(text).ok());
  add_raw(name, ElementType::text, {{text.size()}}, {text.begin(), text.end()});
}

void ContainerWriter::add_raw(std::string_view name, ElementType type, std::span<const std::uint64_t> dims,
                              std::vector<std::uint8_t> bytes) {
  assert(!name.empty() && name.size() <= kSectionNameBytes);
  assert(!dims.empty() && dims.size() <= kMaxRank);
  assert(sections_.size() < kMaxSections);
  assert(std::none_of(sections_.begin(), sections_.end(), [&](const Pending& s) { return s.name == name; }));
  sections_.push_back({std::string(name), type, {dims.begin(), dims.end()}, std::move(bytes)});
}

std::vector<std::uint8_t> ContainerWriter::finish() const {
  const std::size_t header_bytes = kContainerHeaderBytes + sections_.size() * kSectionRecordBytes;
  std::uint64_t end = header_bytes;
  for (const Pending& section : sections_) end = layout::align(end + section.bytes.size());
  const auto trailer = static_cast<std::size_t>(end);
  std::vector<std::uint8_t> file(trailer + layout::kTrailerBytes);

  std::size_t offset = header_bytes;
  std::uint8_t* record = file.data() + kContainerHeaderBytes;
  for (const Pending& section : sections_) {
    std::copy(section.name.begin(), section.name.end(), record + layout::kRecordName);
    store_little(record + layout::kRecordType, static_cast<std::uint32_t>(section.type));
    store_little(record + layout::kRecordRank, static_cast<std::uint32_t>(section.dims.size()));
    for (std::size_t d = 0; d < kMaxRank; ++d) {
      const std::uint64_t extent = d < section.dims.size() ? section.dims[d] : 1;
      store_little(record + layout::kRecordDims + 8 * d, extent);
    }
    store_little(record + layout::kRecordOffset, static_cast<std::uint64_t>(offset));
    store_little(record + layout::kRecordCrc, crc32c(section.bytes));
    std::copy(section.bytes.begin(), section.bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(offset));
    offset = static_cast<std::size_t>(layout::align(offset + section.bytes.size()));
    record += kSectionRecordBytes;
  }

  std::uint8_t* header = file.data();
  std::copy(layout::kMagic.begin(), layout::kMagic.end(), header);
  store_little(header + layout::kKind, static_cast<std::uint16_t>(header_.kind));
  store_little(header + layout::kMajor, header_.major);
  store_little(header + layout::kMinor, header_.minor);
  store_little(header + layout::kHeaderBytes, static_cast<std::uint32_t>(header_bytes));
  store_little(header + layout::kSectionCount, static_cast<std::uint32_t>(sections_.size()));
  store_little(header + layout::kFileBytes, static_cast<std::uint64_t>(file.size()));
  store_little(header + layout::kArchitectureHash, header_.architecture_hash);
  const std::span<const std::uint8_t> all(file);
  store_little(header + layout::kRecordsCrc,
               crc32c(all.subspan(kContainerHeaderBytes, header_bytes - kContainerHeaderBytes)));
  store_little(header + layout::kHeaderCrc, crc32c(all.first(layout::kHeaderCrc)));

  const Sha256Digest digest = sha256(all.first(trailer));
  std::copy(digest.begin(), digest.end(), file.begin() + static_cast<std::ptrdiff_t>(trailer));
  return file;
}

}  // namespace altocast
