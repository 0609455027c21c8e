// Reads classic NetCDF files of the kind that formats/netcdf.h writes (CDF-1 and CDF-2 without record variables), a
// piece at a time: one lead of a forecast does not need its whole file. Opening verifies the header; every count and
// offset is checked against the file before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/netcdf.h"
#include "formats/status.h"

namespace altocast {

// The header of a file of `file_bytes` bytes: what it declares, and where each variable's values begin. `header` holds
// the file's first bytes, as many as there are up to kMaxNetcdfHeader. Pure function.
inline constexpr std::size_t kMaxNetcdfHeader = std::size_t{1} << 20;
struct NetcdfHeader {
  NetcdfSchema schema;
  std::vector<std::uint64_t> begins;  // one a variable
};
Result<NetcdfHeader> parse_netcdf_header(std::span<const std::uint8_t> header, std::uint64_t file_bytes);

class NetcdfReader {
 public:
  // Reads the header. Fails if the file is not of that format, or shorter than its header says.
  static Result<NetcdfReader> open(const std::string& path);

  // Lengths of a variable's dimensions, the slowest first; empty if there is no such variable of floats.
  std::vector<std::uint32_t> shape(const std::string& variable) const;

  // Values first … first + out.size() − 1 of a variable of floats, which must exist.
  Status read(const std::string& variable, std::uint64_t first, std::span<float> out) const;

  // All values of a variable of any type, up to a million. Fails if there is no such variable.
  Result<std::vector<double>> numbers(const std::string& variable) const;

  // An attribute of a variable, or of the file where `variable` is empty; nothing if there is none, or none of this
  // type. Numbers are single doubles.
  std::optional<std::string> text(const std::string& variable, const std::string& attribute) const;
  std::optional<double> number(const std::string& variable, const std::string& attribute) const;

 private:
  explicit NetcdfReader(std::string path) : path_(std::move(path)) {}
  const NetcdfVariable* find(const std::string& variable) const;
  const NetcdfAttribute* find(const std::string& variable, const std::string& attribute) const;
  Result<std::vector<std::uint8_t>> bytes(const NetcdfVariable& variable, std::uint64_t first,
                                          std::uint64_t count) const;

  std::string path_;
  NetcdfHeader header_;
};

}  // namespace altocast
