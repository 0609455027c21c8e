#include "trainer/frame_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cassert>
#include <cstring>

#include "formats/crc32c.h"

namespace altocast {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Trailer {
  char magic[8] = {'a', 'l', 't', 'o', 'p', 'l', 'n', '1'};
  Sha256Digest key{};
  std::uint64_t plane_size = 0, count = 0, note_size = 0;
  std::uint32_t content_crc = 0;
  std::uint32_t note_crc = 0;
  std::uint32_t reserved = 0;
  std::uint32_t crc = 0;  // of all before it
};
static_assert(sizeof(Trailer) == 80);

template <class T>
std::span<const std::uint8_t> bytes_of(const T* values, std::size_t count) {
  return {reinterpret_cast<const std::uint8_t*>(values), count * sizeof(T)};
}

std::uint32_t trailer_crc(const Trailer& trailer) {
  return crc32c(bytes_of(reinterpret_cast<const std::uint8_t*>(&trailer), sizeof trailer - sizeof trailer.crc));
}

// A whole file in memory as long as someone holds it; null if that fails.
std::shared_ptr<const std::uint8_t> map_file(const std::string& path, std::size_t& size) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat status {};
  void* memory = MAP_FAILED;
  if (::fstat(file, &status) == 0 && status.st_size > 0) {
    size = static_cast<std::size_t>(status.st_size);
    memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  }
  ::close(file);
  if (memory == MAP_FAILED) return nullptr;
  return {static_cast<const std::uint8_t*>(memory),
          [size](const std::uint8_t* mapped) { ::munmap(const_cast<std::uint8_t*>(mapped), size); }};
}

}  // namespace

std::optional<FrameStore> FrameStore::open(const std::string& path, const Sha256Digest& key, std::size_t plane_size) {
  std::size_t size = 0;
  const std::shared_ptr<const std::uint8_t> file = map_file(path, size);
  Trailer trailer;
  if (!file || size < sizeof trailer) return std::nullopt;
  const Trailer expected;
  std::memcpy(&trailer, file.get() + size - sizeof trailer, sizeof trailer);
  if (std::memcmp(trailer.magic, expected.magic, sizeof trailer.magic) != 0 || trailer.crc != trailer_crc(trailer) ||
      trailer.key != key || trailer.plane_size != plane_size) {
    return std::nullopt;
  }
  const std::size_t planes = trailer.count * plane_size * sizeof(std::uint16_t);
  if (size != planes + trailer.note_size + sizeof trailer) return std::nullopt;
  const std::span<const std::uint8_t> note(file.get() + planes, trailer.note_size);
  if (crc32c(note) != trailer.note_crc) return std::nullopt;
  FrameStore store;
  store.planes_ = reinterpret_cast<const std::uint16_t*>(file.get());
  store.plane_size_ = plane_size;
  store.count_ = trailer.count;
  store.note_.assign(note.begin(), note.end());
  store.content_crc_ = trailer.content_crc;
  store.owner_ = file;
  return store;
}

Result<FrameStoreWriter> FrameStoreWriter::create(const std::string& path, const Sha256Digest& key,
                                                  std::size_t plane_size) {
  FrameStoreWriter writer;
  writer.path_ = path;
  writer.key_ = key;
  writer.plane_size_ = plane_size;
  if (!path.empty()) {
    Result<DurableFile> file = DurableFile::create(path);
    if (!file.ok()) return file.status();
    writer.file_.emplace(std::move(*file));
  }
  return writer;
}

Status FrameStoreWriter::append(std::span<const std::uint16_t> plane) {
  assert(plane.size() == plane_size_);
  const std::span<const std::uint8_t> bytes = bytes_of(plane.data(), plane.size());
  crc_ = crc32c(bytes, crc_);
  ++count_;
  if (file_) return file_->write(bytes);
  memory_.insert(memory_.end(), plane.begin(), plane.end());
  return {};
}

Result<FrameStore> FrameStoreWriter::finish(const std::string& note) {
  if (file_) {
    Trailer trailer;
    trailer.key = key_;
    trailer.plane_size = plane_size_;
    trailer.count = count_;
    trailer.note_size = note.size();
    trailer.content_crc = crc_;
    trailer.note_crc = crc32c(bytes_of(note.data(), note.size()));
    trailer.crc = trailer_crc(trailer);
    ALTOCAST_RETURN_IF_ERROR(file_->write(bytes_of(note.data(), note.size())));
    ALTOCAST_RETURN_IF_ERROR(file_->write(bytes_of(reinterpret_cast<const std::uint8_t*>(&trailer), sizeof trailer)));
    ALTOCAST_RETURN_IF_ERROR(file_->commit());
    std::optional<FrameStore> store = FrameStore::open(path_, key_, plane_size_);
    if (!store) return Status::error(path_ + ": cannot be mapped; give another --store DIR");
    return std::move(*store);
  }
  const auto planes = std::make_shared<const std::vector<std::uint16_t>>(std::move(memory_));
  FrameStore store;
  store.planes_ = planes->data();
  store.plane_size_ = plane_size_;
  store.count_ = count_;
  store.note_ = note;
  store.content_crc_ = crc_;
  store.owner_ = planes;
  return store;
}

}  // namespace altocast
