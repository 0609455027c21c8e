#include "formats/netcdf.h"

#include <algorithm>
#include <limits>
#include <set>

#include "formats/byte_order.h"
#include "formats/container.h"

namespace altocast {
namespace {

// Tags of the header's lists, and the type code of text.
constexpr std::uint32_t kDimensions = 10, kVariables = 11, kAttributes = 12, kText = 2;
constexpr std::uint64_t kMaxVariableBytes = 0xfffffffc;
constexpr std::size_t kMaxNameBytes = 256;

std::size_t bytes_of(NetcdfType type) { return type == NetcdfType::float64 ? 8 : 4; }

class HeaderBytes {
 public:
  template <class T>
  void number(T value) {
    std::uint8_t bytes[sizeof(T)];
    store_big(bytes, value);
    data_.insert(data_.end(), bytes, bytes + sizeof(T));
  }
  void count(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
  // Padded with zeros to a multiple of 4.
  void text(const std::string& value) {
    data_.insert(data_.end(), value.begin(), value.end());
    data_.resize((data_.size() + 3) / 4 * 4);
  }
  void name(const std::string& value) {
    count(value.size());
    text(value);
  }
  // An empty list has the tag zero.
  void list(std::uint32_t tag, std::size_t size) {
    number(size == 0 ? std::uint32_t{0} : tag);
    count(size);
  }
  void attributes(const std::vector<NetcdfAttribute>& attributes) {
    list(kAttributes, attributes.size());
    for (const NetcdfAttribute& attribute : attributes) {
      name(attribute.name);
      if (const auto* words = std::get_if<std::string>(&attribute.value)) {
        number(kText);
        name(*words);  // the same form: length, characters, padding
      } else if (const auto* integers = std::get_if<std::vector<std::int32_t>>(&attribute.value)) {
        values(NetcdfType::int32, *integers);
      } else if (const auto* floats = std::get_if<std::vector<float>>(&attribute.value)) {
        values(NetcdfType::float32, *floats);
      } else {
        values(NetcdfType::float64, std::get<std::vector<double>>(attribute.value));
      }
    }
  }
  std::vector<std::uint8_t> take() { return std::move(data_); }

 private:
  template <class T>
  void values(NetcdfType type, const std::vector<T>& list) {
    number(static_cast<std::uint32_t>(type));
    count(list.size());
    for (const T value : list) number(value);
  }
  std::vector<std::uint8_t> data_;
};

Status check_name(const std::string& name, std::set<std::string>& seen) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto inner = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '@' || c == '+' || c == '-';
  };
  if (name.empty() || name.size() > kMaxNameBytes || !letter(name[0]) ||
      !std::all_of(name.begin(), name.end(), inner)) {
    return Status::error("'" + name + "' can't be a name in a NetCDF file");
  }
  if (!seen.insert(name).second) return Status::error("'" + name + "' is defined twice");
  return {};
}

Status check_attributes(const std::vector<NetcdfAttribute>& attributes) {
  std::set<std::string> names;
  for (const NetcdfAttribute& attribute : attributes) {
    ALTOCAST_RETURN_IF_ERROR(check_name(attribute.name, names).within("attribute"));
    if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      ALTOCAST_RETURN_IF_ERROR(check_text(*text).within("attribute '" + attribute.name + "'"));
    }
  }
  return {};
}

// The number of values of each variable, or why the schema can't be written.
Result<std::vector<std::uint64_t>> checked_counts(const NetcdfSchema& schema) {
  std::set<std::string> dimension_names, variable_names;
  for (const NetcdfDimension& dimension : schema.dimensions) {
    ALTOCAST_RETURN_IF_ERROR(check_name(dimension.name, dimension_names).within("dimension"));
    if (dimension.length < 1 || dimension.length > 0x7fffffffu) {
      return Status::error("dimension '" + dimension.name + "' must have a length of 1 … 2^31 − 1");
    }
  }
  ALTOCAST_RETURN_IF_ERROR(check_attributes(schema.attributes));
  std::vector<std::uint64_t> counts;
  for (const NetcdfVariable& variable : schema.variables) {
    ALTOCAST_RETURN_IF_ERROR(check_name(variable.name, variable_names).within("variable"));
    ALTOCAST_RETURN_IF_ERROR(check_attributes(variable.attributes).within("variable '" + variable.name + "'"));
    std::uint64_t count = 1;
    for (const std::size_t index : variable.dimensions) {
      if (index >= schema.dimensions.size()) {
        return Status::error("variable '" + variable.name + "' has a dimension that is not defined");
      }
      const std::uint64_t length = schema.dimensions[index].length;
      if (count > kMaxVariableBytes / bytes_of(variable.type) / length) {
        return Status::error("variable '" + variable.name + "' is larger than the 4 GiB that CDF-2 allows");
      }
      count *= length;
    }
    counts.push_back(count);
  }
  return counts;
}

std::vector<std::uint8_t> header(const NetcdfSchema& schema, const std::vector<std::uint64_t>& counts,
                                 std::uint64_t first_offset) {
  HeaderBytes out;
  out.text("CDF\x02");
  out.count(0);  // no records
  out.list(kDimensions, schema.dimensions.size());
  for (const NetcdfDimension& dimension : schema.dimensions) {
    out.name(dimension.name);
    out.number(dimension.length);
  }
  out.attributes(schema.attributes);
  out.list(kVariables, schema.variables.size());
  std::uint64_t offset = first_offset;
  for (std::size_t i = 0; i < schema.variables.size(); ++i) {
    const NetcdfVariable& variable = schema.variables[i];
    out.name(variable.name);
    out.count(variable.dimensions.size());
    for (const std::size_t index : variable.dimensions) out.count(index);
    out.attributes(variable.attributes);
    out.number(static_cast<std::uint32_t>(variable.type));
    const std::uint64_t bytes = counts[i] * bytes_of(variable.type);
    out.number(static_cast<std::uint32_t>(bytes));
    out.number(offset);
    offset += bytes;
  }
  return out.take();
}

}  // namespace

Result<std::vector<std::uint8_t>> netcdf_header(const NetcdfSchema& schema) {
  const Result<std::vector<std::uint64_t>> counts = checked_counts(schema);
  if (!counts.ok()) return counts.status();
  // The header's length does not depend on the offsets in it.
  return header(schema, *counts, header(schema, *counts, 0).size());
}

NetcdfWriter::NetcdfWriter(DurableFile file, std::vector<Progress> variables)
    : file_(std::move(file)), variables_(std::move(variables)) {}

Result<NetcdfWriter> NetcdfWriter::create(const std::string& path, const NetcdfSchema& schema) {
  const Result<std::vector<std::uint64_t>> counts = checked_counts(schema);
  if (!counts.ok()) return counts.status().within(path);
  const Result<std::vector<std::uint8_t>> head = netcdf_header(schema);
  if (!head.ok()) return head.status().within(path);
  std::vector<Progress> variables;
  for (std::size_t i = 0; i < schema.variables.size(); ++i) {
    variables.push_back({schema.variables[i].name, schema.variables[i].type, (*counts)[i]});
  }
  Result<DurableFile> file = DurableFile::create(path);
  if (!file.ok()) return file.status();
  ALTOCAST_RETURN_IF_ERROR(file->write(*head));
  return NetcdfWriter(*std::move(file), std::move(variables));
}

template <class T>
Status NetcdfWriter::append(NetcdfType type, std::span<const T> values) {
  while (current_ < variables_.size() && variables_[current_].missing == 0) ++current_;
  if (values.empty()) return {};
  if (current_ == variables_.size()) return Status::error("all variables have been written already");
  Progress& variable = variables_[current_];
  if (variable.type != type) return Status::error("variable '" + variable.name + "' has another type");
  if (values.size() > variable.missing) {
    return Status::error("variable '" + variable.name + "' has room for " + std::to_string(variable.missing) +
                         " more values, not for " + std::to_string(values.size()));
  }
  variable.missing -= values.size();
  std::uint8_t block[8192];
  constexpr std::size_t kInBlock = sizeof block / sizeof(T);
  for (; !values.empty(); values = values.subspan(std::min(kInBlock, values.size()))) {
    const std::size_t count = std::min(kInBlock, values.size());
    for (std::size_t i = 0; i < count; ++i) store_big(block + i * sizeof(T), values[i]);
    ALTOCAST_RETURN_IF_ERROR(file_.write(std::span<const std::uint8_t>(block, count * sizeof(T))));
  }
  return {};
}

Status NetcdfWriter::write(std::span<const std::int32_t> values) { return append(NetcdfType::int32, values); }
Status NetcdfWriter::write(std::span<const float> values) { return append(NetcdfType::float32, values); }
Status NetcdfWriter::write(std::span<const double> values) { return append(NetcdfType::float64, values); }

Status NetcdfWriter::commit() {
  for (const Progress& variable : variables_) {
    if (variable.missing > 0) {
      return Status::error("variable '" + variable.name + "' lacks " + std::to_string(variable.missing) + " values");
    }
  }
  return file_.commit();
}

}  // namespace altocast
