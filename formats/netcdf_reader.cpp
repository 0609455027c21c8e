#include "formats/netcdf_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "formats/byte_order.h"

namespace altocast {
namespace {

constexpr std::uint32_t kDimensions = 10, kVariables = 11, kAttributes = 12, kText = 2;
constexpr std::uint64_t kMaxValues = 1000000;  // of one reading

std::size_t bytes_of(NetcdfType type) { return type == NetcdfType::float64 ? 8 : 4; }

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::int64_t size() const {  // or −1
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
  static Status error(const std::string& path) {
    return Status::error(path + ": cannot be read: " + std::generic_category().message(errno));
  }

 private:
  int descriptor_;
};

// Takes numbers and texts off the header. After the first failure everything is zero or empty.
class HeaderReader {
 public:
  explicit HeaderReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool good() const { return good_; }
  void fail() { good_ = false; }
  std::size_t left() const { return bytes_.size() - at_; }

  template <class T>
  T number() {
    if (!good_ || left() < sizeof(T)) {
      good_ = false;
      return T{};
    }
    const T value = load_big<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return value;
  }
  // A count of things that take at least `least` bytes each.
  std::size_t count(std::size_t least) {
    const auto value = number<std::uint32_t>();
    if (value > left() / least) good_ = false;
    return good_ ? value : 0;
  }
  std::string text() {
    const std::size_t size = count(1);
    const std::size_t padded = (size + 3) / 4 * 4;
    if (!good_ || padded > left()) {
      good_ = false;
      return {};
    }
    std::string value(reinterpret_cast<const char*>(bytes_.data() + at_), size);
    at_ += padded;
    return value;
  }
  // The size of a list with this tag; zero for an absent one.
  std::size_t list(std::uint32_t tag) {
    const auto found = number<std::uint32_t>();
    const std::size_t size = count(8);
    if (found != tag && (found != 0 || size != 0)) good_ = false;
    return good_ ? size : 0;
  }
  std::vector<NetcdfAttribute> attributes() {
    std::vector<NetcdfAttribute> attributes(list(kAttributes));
    for (NetcdfAttribute& attribute : attributes) {
      attribute.name = text();
      switch (number<std::uint32_t>()) {
        case kText:
          attribute.value = text();
          break;
        case static_cast<std::uint32_t>(NetcdfType::int32):
          attribute.value = numbers<std::int32_t>();
          break;
        case static_cast<std::uint32_t>(NetcdfType::float32):
          attribute.value = numbers<float>();
          break;
        case static_cast<std::uint32_t>(NetcdfType::float64):
          attribute.value = numbers<double>();
          break;
        default:
          good_ = false;
      }
    }
    return attributes;
  }

 private:
  template <class T>
  std::vector<T> numbers() {
    std::vector<T> values(count(sizeof(T)));
    for (T& value : values) value = number<T>();
    return values;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

// Values of a variable, nothing if they would not fit into 2^63 bytes.
std::optional<std::uint64_t> count_of(const NetcdfSchema& schema, const NetcdfVariable& variable) {
  std::uint64_t count = 1;
  for (const std::size_t dimension : variable.dimensions) {
    const std::uint64_t length = schema.dimensions[dimension].length;
    if (length == 0 || count > (std::uint64_t{1} << 60) / length) return std::nullopt;
    count *= length;
  }
  return count;
}

}  // namespace

Result<NetcdfHeader> parse_netcdf_header(std::span<const std::uint8_t> bytes, std::uint64_t file_bytes) {
  if (bytes.size() < 4 || bytes[0] != 'C' || bytes[1] != 'D' || bytes[2] != 'F' || (bytes[3] != 1 && bytes[3] != 2)) {
    return Status::error("not a classic NetCDF file");
  }
  const bool wide = bytes[3] == 2;
  HeaderReader in(bytes.subspan(4));
  if (in.number<std::uint32_t>() != 0) return Status::error("a NetCDF file with records, which altocast does not read");
  NetcdfHeader header;
  NetcdfSchema& schema = header.schema;
  schema.dimensions.resize(in.list(kDimensions));
  for (NetcdfDimension& dimension : schema.dimensions) {
    dimension.name = in.text();
    dimension.length = in.number<std::uint32_t>();
  }
  schema.attributes = in.attributes();
  schema.variables.resize(in.list(kVariables));
  for (NetcdfVariable& variable : schema.variables) {
    variable.name = in.text();
    variable.dimensions.resize(in.count(4));
    for (std::size_t& index : variable.dimensions) {
      index = in.number<std::uint32_t>();
      if (index >= schema.dimensions.size()) in.fail();
    }
    if (!in.good()) break;
    variable.attributes = in.attributes();
    const auto type = in.number<std::uint32_t>();
    if (type != 4 && type != 5 && type != 6)
      return Status::error("variable '" + variable.name + "' is of a type that altocast does not read");
    variable.type = static_cast<NetcdfType>(type);
    in.number<std::uint32_t>();  // the size, which follows from the dimensions
    header.begins.push_back(wide ? in.number<std::uint64_t>() : in.number<std::uint32_t>());
    if (!in.good()) break;
    const std::optional<std::uint64_t> count = count_of(schema, variable);
    if (!count || header.begins.back() > file_bytes ||
        *count > (file_bytes - header.begins.back()) / bytes_of(variable.type)) {
      return Status::error("the values of '" + variable.name + "' are not all there: the file is truncated or damaged");
    }
  }
  if (!in.good()) return Status::error("the NetCDF header is damaged or larger than 1 MiB");
  return header;
}

Result<NetcdfReader> NetcdfReader::open(const std::string& path) {
  NetcdfReader reader(path);
  const File file(path);
  const std::int64_t size = file.size();
  std::vector<std::uint8_t> head(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 0, kMaxNetcdfHeader)));
  if (size < 0 || !file.read(0, head)) return file.error(path);
  Result<NetcdfHeader> header = parse_netcdf_header(head, static_cast<std::uint64_t>(size));
  if (!header.ok()) return header.status().within(path);
  reader.header_ = *std::move(header);
  return reader;
}

const NetcdfVariable* NetcdfReader::find(const std::string& name) const {
  for (const NetcdfVariable& variable : header_.schema.variables)
    if (variable.name == name) return &variable;
  return nullptr;
}

const NetcdfAttribute* NetcdfReader::find(const std::string& variable, const std::string& name) const {
  const NetcdfVariable* owner = find(variable);
  if (owner == nullptr && !variable.empty()) return nullptr;
  for (const NetcdfAttribute& attribute : owner != nullptr ? owner->attributes : header_.schema.attributes)
    if (attribute.name == name) return &attribute;
  return nullptr;
}

std::optional<std::string> NetcdfReader::text(const std::string& variable, const std::string& name) const {
  const NetcdfAttribute* attribute = find(variable, name);
  const auto* text = attribute != nullptr ? std::get_if<std::string>(&attribute->value) : nullptr;
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

std::optional<double> NetcdfReader::number(const std::string& variable, const std::string& name) const {
  const NetcdfAttribute* attribute = find(variable, name);
  const auto* numbers = attribute != nullptr ? std::get_if<std::vector<double>>(&attribute->value) : nullptr;
  return numbers != nullptr && numbers->size() == 1 ? std::optional(numbers->front()) : std::nullopt;
}

std::vector<std::uint32_t> NetcdfReader::shape(const std::string& name) const {
  std::vector<std::uint32_t> lengths;
  const NetcdfVariable* variable = find(name);
  if (variable == nullptr || variable->type != NetcdfType::float32) return lengths;
  for (const std::size_t dimension : variable->dimensions)
    lengths.push_back(header_.schema.dimensions[dimension].length);
  return lengths;
}

Result<std::vector<std::uint8_t>> NetcdfReader::bytes(const NetcdfVariable& variable, std::uint64_t first,
                                                      std::uint64_t count) const {
  const std::size_t width = bytes_of(variable.type);
  const std::uint64_t begin =
      header_.begins[static_cast<std::size_t>(&variable - header_.schema.variables.data())] + first * width;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count) * width);
  const File file(path_);
  if (!file.read(begin, bytes)) return file.error(path_);
  return bytes;
}

Status NetcdfReader::read(const std::string& name, std::uint64_t first, std::span<float> out) const {
  const NetcdfVariable* variable = find(name);
  if (variable == nullptr || variable->type != NetcdfType::float32) {
    return Status::error(path_ + ": has no variable '" + name + "' of floats");
  }
  const std::uint64_t all = count_of(header_.schema, *variable).value_or(0);
  if (first > all || out.size() > all - first)
    return Status::error(path_ + ": '" + name + "' is smaller than expected");
  const Result<std::vector<std::uint8_t>> raw = bytes(*variable, first, out.size());
  if (!raw.ok()) return raw.status();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = load_big<float>(raw->data() + 4 * i);
  return {};
}

Result<std::vector<double>> NetcdfReader::numbers(const std::string& name) const {
  const NetcdfVariable* variable = find(name);
  if (variable == nullptr) return Status::error(path_ + ": has no variable '" + name + "'");
  const std::uint64_t count = count_of(header_.schema, *variable).value_or(0);
  if (count > kMaxValues) return Status::error(path_ + ": '" + name + "' is larger than expected");
  const Result<std::vector<std::uint8_t>> raw = bytes(*variable, 0, count);
  if (!raw.ok()) return raw.status();
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint8_t* at = raw->data() + i * bytes_of(variable->type);
    values[i] = variable->type == NetcdfType::float64   ? load_big<double>(at)
                : variable->type == NetcdfType::float32 ? static_cast<double>(load_big<float>(at))
                                                        : static_cast<double>(load_big<std::int32_t>(at));
  }
  return values;
}

}  // namespace altocast
