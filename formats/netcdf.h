// A writer of classic NetCDF files, 64-bit-offset variant (CDF-2): dimensions, attributes and fixed-size
// variables of int, float and double. It streams: what is written goes to a durable file at once, nothing
// large is held in memory. The format:
// https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "formats/durable_file.h"
#include "formats/status.h"

namespace altocast {

enum class NetcdfType : std::uint32_t { int32 = 4, float32 = 5, float64 = 6 };

struct NetcdfAttribute {
  std::string name;
  std::variant<std::string, std::vector<std::int32_t>, std::vector<float>, std::vector<double>> value;
};

struct NetcdfDimension {
  std::string name;
  std::uint32_t length = 1;  // at least 1
};

struct NetcdfVariable {
  std::string name;
  NetcdfType type = NetcdfType::float32;
  std::vector<std::size_t> dimensions;  // indices into NetcdfSchema::dimensions, slowest first; none for a scalar
  std::vector<NetcdfAttribute> attributes;
};

struct NetcdfSchema {
  std::vector<NetcdfDimension> dimensions;
  std::vector<NetcdfAttribute> attributes;  // global
  std::vector<NetcdfVariable> variables;
};

// The header that declares `schema`; the variables' values follow it directly in order, big-endian. Fails on
// names that are doubled or not [A-Za-z_][A-Za-z0-9_.@+-]*, text that is not UTF-8, unknown dimensions, and
// variables of 4 GiB or more.
Result<std::vector<std::uint8_t>> netcdf_header(const NetcdfSchema& schema);

// Writes one file: create, then the values of every variable in the schema's order (each in one or several
// pieces), then commit. Dropped before, it leaves no file.
class NetcdfWriter {
 public:
  static Result<NetcdfWriter> create(const std::string& path, const NetcdfSchema& schema);

  // The next values of the current variable, whose type must be theirs; a piece may not reach into the next
  // variable.
  Status write(std::span<const std::int32_t> values);
  Status write(std::span<const float> values);
  Status write(std::span<const double> values);

  // Fails if values are missing.
  Status commit();

 private:
  struct Progress {
    std::string name;
    NetcdfType type;
    std::uint64_t missing;  // values
  };
  NetcdfWriter(DurableFile file, std::vector<Progress> variables);
  template <class T>
  Status append(NetcdfType type, std::span<const T> values);

  DurableFile file_;
  std::vector<Progress> variables_;
  std::size_t current_ = 0;
};

}  // namespace altocast
