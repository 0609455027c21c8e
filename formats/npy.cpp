#include "formats/npy.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>

#include "formats/byte_order.h"
#include "formats/durable_file.h"

namespace altocast {
namespace {

constexpr std::array<std::uint8_t, 6> kMagic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr std::size_t kMaxHeaderBytes = 65536;
constexpr std::size_t kMaxRank = 4;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 32;

// What the header's Python dictionary says.
struct Description {
  std::string_view type;
  bool fortran_order = false;
  std::vector<std::size_t> shape;
};

// Reads the dictionary's few forms: quoted strings, True, False, and a tuple of numbers.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Result<Description> parse() {
    Description description;
    bool has_type = false, has_order = false, has_shape = false;
    if (!accept('{')) return here("'{' expected");
    while (!accept('}')) {
      std::string_view key;
      if (!quoted(key) || !accept(':')) return here("a key and ':' expected");
      bool* seen = key == "descr"           ? &has_type
                   : key == "fortran_order" ? &has_order
                   : key == "shape"         ? &has_shape
                                            : nullptr;
      if (seen == nullptr || *seen) return here("an unknown or repeated key");
      *seen = true;
      const bool understood = seen == &has_type    ? quoted(description.type)
                              : seen == &has_order ? boolean(description.fortran_order)
                                                   : tuple(description.shape);
      if (!understood) return here("a value that can't be read");
      if (!accept(',') && !peek('}')) return here("',' or '}' expected");
    }
    skip_space();
    if (at_ != text_.size()) return here("more after '}'");
    if (!has_type || !has_order || !has_shape) return here("descr, fortran_order or shape is missing");
    return description;
  }

 private:
  Status here(const char* what) const { return Status::error("header, byte " + std::to_string(at_) + ": " + what); }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool peek(char c) {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool accept(char c) {
    if (!peek(c)) return false;
    ++at_;
    return true;
  }
  bool quoted(std::string_view& value) {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return false;
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return false;
    value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool boolean(bool& value) {
    skip_space();
    value = text_.substr(at_, 4) == "True";
    if (!value && text_.substr(at_, 5) != "False") return false;
    at_ += value ? 4 : 5;
    return true;
  }
  bool tuple(std::vector<std::size_t>& values) {
    if (!accept('(')) return false;
    while (!accept(')')) {
      skip_space();
      std::size_t value = 0, digits = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
        value = 10 * value + static_cast<std::size_t>(text_[at_] - '0');
      }
      // Nine digits fit into 32 bits, and no array that is read here is longer.
      if (digits == 0 || digits > 9 || values.size() == kMaxRank) return false;
      values.push_back(value);
      if (!accept(',') && !peek(')')) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

template <class T>
std::vector<double> decode(std::span<const std::uint8_t> data) {
  std::vector<double> values(data.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<double>(load_little<T>(data.data() + i * sizeof(T)));
  }
  return values;
}

template <class T>
std::vector<std::uint8_t> serialize(std::string_view type, std::span<const std::size_t> shape,
                                    std::span<const T> values) {
  std::string header = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (";
  std::size_t count = 1;
  for (const std::size_t extent : shape) {
    header += std::to_string(extent) + (shape.size() == 1 ? "," : ", ");
    count *= extent;
  }
  if (shape.size() > 1) header.resize(header.size() - 2);
  assert(count == values.size());
  header += "), }";
  constexpr std::size_t kPreamble = 10, kAlignment = 64;
  while ((kPreamble + header.size() + 1) % kAlignment != 0) header += ' ';
  header += '\n';
  std::vector<std::uint8_t> file(kPreamble + header.size() + sizeof(T) * count);
  std::copy(kMagic.begin(), kMagic.end(), file.begin());
  file[6] = 1;
  store_little(file.data() + 8, static_cast<std::uint16_t>(header.size()));
  std::copy(header.begin(), header.end(), file.begin() + kPreamble);
  std::uint8_t* data = file.data() + kPreamble + header.size();
  for (std::size_t i = 0; i < values.size(); ++i) store_little(data + i * sizeof(T), values[i]);
  return file;
}

}  // namespace

Result<NpyArray> parse_npy(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 10 || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    return Status::error("byte 0: not a .npy file");
  }
  const unsigned major = bytes[6];
  if (major < 1 || major > 3)
    return Status::error("byte 6: unknown version " + std::to_string(major) + " of the format");
  const std::size_t preamble = major == 1 ? 10 : 12;
  if (bytes.size() < preamble) return Status::error("the file ends inside its header");
  const std::size_t header_bytes =
      major == 1 ? load_little<std::uint16_t>(bytes.data() + 8) : load_little<std::uint32_t>(bytes.data() + 8);
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - preamble) {
    return Status::error("byte 8: a header longer than the file, or than 64 KiB");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data() + preamble), header_bytes);
  Result<Description> description = HeaderParser(text).parse();
  if (!description.ok()) return description.status();
  if (description->fortran_order && description->shape.size() > 1) {
    return Status::error("header: column order is not read; save numpy.ascontiguousarray(…)");
  }

  struct Type {
    std::string_view name;
    std::size_t bytes;
    std::vector<double> (*decode)(std::span<const std::uint8_t>);
  };
  constexpr Type kTypes[] = {{"<f4", 4, decode<float>},
                             {"<f8", 8, decode<double>},
                             {"<i4", 4, decode<std::int32_t>},
                             {"<i8", 8, decode<std::int64_t>},
                             {"|u1", 1, decode<std::uint8_t>}};
  const Type* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const Type& candidate) { return candidate.name == description->type; });
  if (type == std::end(kTypes)) return Status::error("header: element type is not <f4, <f8, <i4, <i8 or |u1");
  const std::span<const std::uint8_t> data = bytes.subspan(preamble + header_bytes);
  std::uint64_t needed = type->bytes;
  bool empty = false, too_many = false;
  for (const std::size_t extent : description->shape) {
    empty |= extent == 0;
    if (extent != 0 && !too_many) {
      too_many = needed > data.size() / extent;
      needed *= too_many ? 1 : extent;
    }
  }
  if (empty) {
    too_many = false;
    needed = 0;
  }
  if (too_many || needed != data.size()) {
    return Status::error("byte " + std::to_string(preamble + header_bytes) + ": the file holds " +
                         std::to_string(data.size()) + " bytes of data, which is not what its shape says");
  }
  if (description->type == "<i8") {
    constexpr std::int64_t kExact = std::int64_t{1} << 53;
    for (std::size_t i = 0; i < data.size(); i += 8) {
      const auto value = load_little<std::int64_t>(data.data() + i);
      if (value < -kExact || value > kExact) {
        return Status::error("element " + std::to_string(i / 8) + ": an integer beyond 2^53");
      }
    }
  }
  return NpyArray{std::move(description->shape), type->decode(data)};
}

Result<NpyArray> load_npy(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.status();
  Result<NpyArray> array = parse_npy(*bytes);
  if (!array.ok()) return array.status().within(path);
  return array;
}

std::vector<std::uint8_t> serialize_npy(std::span<const std::size_t> shape, std::span<const float> values) {
  return serialize("<f4", shape, values);
}

std::vector<std::uint8_t> serialize_npy(std::span<const std::size_t> shape, std::span<const double> values) {
  return serialize("<f8", shape, values);
}

Status save_npy(const std::string& path, std::span<const std::size_t> shape, std::span<const float> values) {
  return replace_file(path, serialize_npy(shape, values));
}

Status save_npy(const std::string& path, std::span<const std::size_t> shape, std::span<const double> values) {
  return replace_file(path, serialize_npy(shape, values));
}

}  // namespace altocast
