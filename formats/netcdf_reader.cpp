#include "formats/netcdf_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>

#include "formats/byte_order.h"

namespace altocast {
namespace {

constexpr std::uint32_t kDimensions = 10, kVariables = 11, kAttributes = 12, kFloat = 5;
constexpr std::size_t kMaxHeader = 1 << 16;
constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 32;

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return descriptor_ >= 0; }

  // The file's size, or −1.
  std::int64_t size() const {
    struct stat about {};
    return ::fstat(descriptor_, &about) == 0 ? std::int64_t{about.st_size} : -1;
  }
  // All of `out`, from `offset` on.
  bool read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    while (!out.empty()) {
      const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return true;
  }

 private:
  int descriptor_;
};

// Takes numbers off the header's front; past its end it gives zeros and remembers.
class HeaderReader {
 public:
  explicit HeaderReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }

  template <class T>
  T number() {
    const std::span<const std::uint8_t> bytes = take(sizeof(T));
    return bytes.empty() ? T{} : load_big<T>(bytes.data());
  }
  std::string name() {
    const std::span<const std::uint8_t> bytes = padded(number<std::uint32_t>());
    return {bytes.begin(), bytes.end()};
  }
  // A list's length; it may be absent: tag and length zero.
  std::uint32_t list(std::uint32_t tag) {
    const auto found = number<std::uint32_t>();
    const auto length = number<std::uint32_t>();
    if (found != tag && (found != 0 || length != 0)) ok_ = false;
    return ok_ ? length : 0;
  }
  void skip_attributes() {
    const std::uint32_t count = list(kAttributes);
    for (std::uint32_t i = 0; i < count && ok_; ++i) {
      name();
      const auto type = number<std::uint32_t>();
      const std::uint64_t bytes = type <= 2 ? 1 : type == 3 ? 2 : type == 6 ? 8 : 4;
      padded(bytes * number<std::uint32_t>());
    }
  }

 private:
  std::span<const std::uint8_t> take(std::uint64_t count) {
    if (!ok_ || count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::span<const std::uint8_t> front = bytes_.first(static_cast<std::size_t>(count));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(count));
    return front;
  }
  // `count` bytes, and the zeros up to a multiple of 4 behind them.
  std::span<const std::uint8_t> padded(std::uint64_t count) {
    const std::span<const std::uint8_t> bytes = take((count + 3) / 4 * 4);
    return ok_ ? bytes.first(static_cast<std::size_t>(count)) : bytes;
  }

  std::span<const std::uint8_t> bytes_;
  bool ok_ = true;
};

}  // namespace

Result<NetcdfReader> NetcdfReader::open(const std::string& path) {
  const File file(path);
  if (!file.ok()) return Status::error(path + ": can't open: " + std::generic_category().message(errno));
  const std::int64_t size = file.size();
  std::vector<std::uint8_t> head(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 0, kMaxHeader)));
  if (!file.read(0, head)) return Status::error(path + ": can't be read");
  NetcdfReader reader(path);
  ALTOCAST_RETURN_IF_ERROR(reader.parse(head, static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0))));
  return reader;
}

Status NetcdfReader::parse(std::span<const std::uint8_t> head, std::uint64_t file_bytes) {
  const auto damaged = [&](const std::string& what) { return Status::error(path_ + ": " + what); };
  HeaderReader in(head);
  if (in.number<std::uint32_t>() != 0x43444602) return damaged("is no NetCDF file of the CDF-2 format");
  if (in.number<std::uint32_t>() != 0) return damaged("has records, which a forecast's file has not");
  std::vector<std::uint32_t> lengths;
  for (std::uint32_t i = in.list(kDimensions); i > 0 && in.ok(); --i) {
    in.name();
    lengths.push_back(in.number<std::uint32_t>());
  }
  in.skip_attributes();
  for (std::uint32_t i = in.list(kVariables); i > 0 && in.ok(); --i) {
    Variable variable;
    variable.name = in.name();
    variable.count = 1;
    for (std::uint32_t rank = in.number<std::uint32_t>(); rank > 0 && in.ok(); --rank) {
      const auto index = in.number<std::uint32_t>();
      if (!in.ok() || index >= lengths.size() || lengths[index] == 0) return damaged("has damaged dimensions");
      variable.shape.push_back(lengths[index]);
      variable.count *= lengths[index];
      if (variable.count > kMaxCount) return damaged("has a variable that is too large");
    }
    in.skip_attributes();
    const auto type = in.number<std::uint32_t>();
    in.number<std::uint32_t>();  // the size in bytes, which follows from the rest
    variable.offset = in.number<std::uint64_t>();
    if (type != kFloat || !in.ok()) continue;
    if (variable.offset > file_bytes || 4 * variable.count > file_bytes - variable.offset)
      return damaged("is shorter than its header says");
    variables_.push_back(std::move(variable));
  }
  return in.ok() ? Status() : damaged("has a damaged header, or one of more than 64 KiB");
}

const NetcdfReader::Variable* NetcdfReader::find(const std::string& variable) const {
  const auto found =
      std::find_if(variables_.begin(), variables_.end(), [&](const Variable& v) { return v.name == variable; });
  return found == variables_.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> NetcdfReader::shape(const std::string& variable) const {
  const Variable* found = find(variable);
  return found ? found->shape : std::vector<std::uint32_t>{};
}

Status NetcdfReader::read(const std::string& variable, std::uint64_t first, std::span<float> out) const {
  const Variable* found = find(variable);
  if (!found) return Status::error(path_ + ": has no variable '" + variable + "' of floats");
  assert(first <= found->count && out.size() <= found->count - first);
  const File file(path_);
  std::vector<std::uint8_t> bytes(out.size() * 4);
  if (!file.ok() || !file.read(found->offset + 4 * first, bytes)) return Status::error(path_ + ": can't be read");
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = load_big<float>(bytes.data() + 4 * i);
  return {};
}

}  // namespace altocast
