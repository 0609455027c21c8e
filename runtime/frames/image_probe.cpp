#include "runtime/frames/image_probe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <vector>

namespace altocast {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kPngHead = 33;  // signature and IHDR chunk
constexpr std::size_t kTail = 1024;   // the end mark may be followed by some padding
constexpr std::size_t kJpegHead = 1 << 18;
constexpr std::array<std::uint8_t, 8> kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::array<std::uint8_t, 12> kPngEnd = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
constexpr std::array<std::uint8_t, 2> kJpegEnd = {0xff, 0xd9};

std::string system_message() { return std::generic_category().message(errno); }

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  // Up to `count` bytes from `offset` on; fewer at the file's end or on a read error.
  Bytes read(std::uint64_t offset, std::size_t count) const {
    Bytes bytes(count);
    std::size_t done = 0;
    while (done < count) {
      const ssize_t got = ::pread(descriptor_, bytes.data() + done, count - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }

 private:
  int descriptor_;
};

int big_endian_16(const Bytes& bytes, std::size_t at) { return bytes[at] << 8 | bytes[at + 1]; }

std::uint32_t big_endian_32(const Bytes& bytes, std::size_t at) {
  return static_cast<std::uint32_t>(big_endian_16(bytes, at)) << 16 |
         static_cast<std::uint32_t>(big_endian_16(bytes, at + 2));
}

Result<ImageProbe> probe_png(const Bytes& head) {
  if (head.size() < kPngHead) return Status::error("truncated: ends within the PNG header");
  if (std::memcmp(head.data() + 12, "IHDR", 4) != 0) return Status::error("corrupt: no PNG header chunk");
  const std::uint32_t width = big_endian_32(head, 16);
  const std::uint32_t height = big_endian_32(head, 20);
  if (width == 0 || height == 0 || width > 65535 || height > 65535)
    return Status::error("corrupt: impossible PNG size");
  return ImageProbe{static_cast<int>(width), static_cast<int>(height), head[24] == 16 ? 16 : 8, false};
}

// Walks the marker segments up to the frame header (SOF), which holds the size.
Result<ImageProbe> probe_jpeg(const Bytes& head) {
  std::size_t at = 2;
  while (at + 9 <= head.size()) {
    if (head[at] != 0xff) return Status::error("corrupt: no JPEG marker where one is due");
    const int marker = head[at + 1];
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    const bool frame_header = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame_header) {
      const int height = big_endian_16(head, at + 5);
      const int width = big_endian_16(head, at + 7);
      if (width == 0 || height == 0) return Status::error("corrupt: impossible JPEG size");
      return ImageProbe{width, height, 8, true};
    }
    const bool bare = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);  // markers without a segment
    at += bare ? 2 : 2 + static_cast<std::size_t>(std::max(2, big_endian_16(head, at + 2)));
  }
  return Status::error("truncated or corrupt: no JPEG frame header");
}

template <std::size_t N>
bool holds(const Bytes& bytes, const std::array<std::uint8_t, N>& mark) {
  return std::search(bytes.begin(), bytes.end(), mark.begin(), mark.end()) != bytes.end();
}

}  // namespace

Result<ImageProbe> probe_image(const std::string& path) {
  const File file(path);
  if (!file.ok()) return Status::error("cannot be read: " + system_message());
  struct stat facts {};
  if (::fstat(file.descriptor(), &facts) != 0) return Status::error("cannot be read: " + system_message());
  if (S_ISDIR(facts.st_mode)) return Status::error("is a folder, not an image");
  if (!S_ISREG(facts.st_mode)) return Status::error("is no regular file");
  if (facts.st_size == 0) return Status::error("is empty");

  Bytes head = file.read(0, kPngHead);
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  const Bytes tail = file.read(size > kTail ? size - kTail : 0, kTail);
  if (head.size() >= 8 && std::equal(kPngSignature.begin(), kPngSignature.end(), head.begin())) {
    Result<ImageProbe> probe = probe_png(head);
    if (probe.ok() && !holds(tail, kPngEnd)) return Status::error("truncated: the PNG has no end mark");
    return probe;
  }
  if (head.size() >= 3 && head[0] == 0xff && head[1] == 0xd8 && head[2] == 0xff) {
    Result<ImageProbe> probe = probe_jpeg(file.read(0, kJpegHead));
    if (probe.ok() && !holds(tail, kJpegEnd)) return Status::error("truncated: the JPEG has no end mark");
    return probe;
  }
  return Status::error("is neither PNG nor JPEG");
}

}  // namespace altocast
