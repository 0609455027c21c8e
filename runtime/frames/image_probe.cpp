#include "runtime/frames/image_probe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <system_error>
#include <vector>

#include "formats/crc32c.h"

namespace altocast {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kPngHead = 33;  // signature and IHDR chunk
constexpr std::size_t kTail = 1024;   // the end mark may be followed by some padding
constexpr std::size_t kJpegHead = 1 << 18;
constexpr std::array<std::uint8_t, 8> kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::array<std::uint8_t, 12> kPngEnd = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
constexpr std::array<std::uint8_t, 3> kJpegStart = {0xff, 0xd8, 0xff};
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

using Finding = std::optional<FrameFinding>;

Finding incomplete(const std::string& reason) { return FrameFinding{FrameFault::incomplete, reason}; }
Finding corrupt(const std::string& reason) { return FrameFinding{FrameFault::corrupt, reason}; }
Finding unreadable(const std::string& reason) { return FrameFinding{FrameFault::unreadable, reason}; }

Finding probe_png(const Bytes& head, ImageProbe& image) {
  if (head.size() < kPngHead) return incomplete("truncated: ends within the PNG header");
  if (std::memcmp(head.data() + 12, "IHDR", 4) != 0) return corrupt("corrupt: no PNG header chunk");
  const std::span<const std::uint8_t> header = std::span(head).subspan(12, 17);  // type and data
  if (crc32_png(header) != big_endian_32(head, 29)) return corrupt("corrupt: the PNG header has a wrong checksum");
  const std::uint32_t width = big_endian_32(head, 16);
  const std::uint32_t height = big_endian_32(head, 20);
  if (width == 0 || height == 0 || width > 65535 || height > 65535) return corrupt("corrupt: impossible PNG size");
  image = {static_cast<int>(width), static_cast<int>(height), head[24] == 16 ? 16 : 8, false};
  return {};
}

// Walks the marker segments up to the frame header (SOF), which holds the size.
Finding probe_jpeg(const Bytes& head, ImageProbe& image) {
  std::size_t at = 2;
  while (at + 9 <= head.size()) {
    if (head[at] != 0xff) return corrupt("corrupt: no JPEG marker where one is due");
    const int marker = head[at + 1];
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    const bool frame_header = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame_header) {
      const int height = big_endian_16(head, at + 5);
      const int width = big_endian_16(head, at + 7);
      if (width == 0 || height == 0) return corrupt("corrupt: impossible JPEG size");
      image = {width, height, 8, true};
      return {};
    }
    const bool bare = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);  // markers without a segment
    at += bare ? 2 : 2 + static_cast<std::size_t>(std::max(2, big_endian_16(head, at + 2)));
  }
  if (head.size() < kJpegHead) return incomplete("truncated: ends before the JPEG frame header");
  return corrupt("corrupt: no JPEG frame header");
}

template <std::size_t N>
bool holds(const Bytes& bytes, const std::array<std::uint8_t, N>& mark) {
  return std::search(bytes.begin(), bytes.end(), mark.begin(), mark.end()) != bytes.end();
}

// Whether the bytes are the mark, or as much of it as there are bytes.
template <std::size_t N>
bool begins(const Bytes& bytes, const std::array<std::uint8_t, N>& mark) {
  return std::equal(mark.begin(), mark.begin() + static_cast<std::ptrdiff_t>(std::min(N, bytes.size())), bytes.begin());
}

}  // namespace

Finding probe_image(const std::string& path, ImageProbe& image) {
  const File file(path);
  if (!file.ok()) return unreadable("cannot be read: " + system_message());
  struct stat facts {};
  if (::fstat(file.descriptor(), &facts) != 0) return unreadable("cannot be read: " + system_message());
  if (S_ISDIR(facts.st_mode)) return unreadable("is a folder, not an image");
  if (!S_ISREG(facts.st_mode)) return unreadable("is no regular file");
  if (facts.st_size == 0) return incomplete("is empty");

  const Bytes head = file.read(0, kPngHead);
  if (head.empty()) return unreadable("cannot be read: " + system_message());
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  const Bytes tail = file.read(size > kTail ? size - kTail : 0, kTail);
  if (begins(head, kPngSignature)) {
    Finding finding = probe_png(head, image);
    if (!finding && !holds(tail, kPngEnd)) finding = incomplete("truncated: the PNG has no end mark");
    return finding;
  }
  if (begins(head, kJpegStart)) {
    Finding finding = probe_jpeg(file.read(0, kJpegHead), image);
    if (!finding && !holds(tail, kJpegEnd)) finding = incomplete("truncated: the JPEG has no end mark");
    return finding;
  }
  if (std::all_of(head.begin(), head.end(), [](std::uint8_t byte) { return byte == 0; }))
    return incomplete("holds zeros where the image should begin");
  return FrameFinding{FrameFault::no_image, "is neither PNG nor JPEG"};
}

}  // namespace altocast
