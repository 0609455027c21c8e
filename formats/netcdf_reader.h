// Reads floats out of a classic NetCDF file as formats/netcdf.h writes it (CDF-2, no records), a piece at a time: one
// lead of a forecast does not need its whole file. Attributes are passed over. Every count and offset is checked
// against the file before it is used.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/status.h"

namespace altocast {

class NetcdfReader {
 public:
  // Reads the header. Fails if the file is not of that format, or shorter than its header says.
  static Result<NetcdfReader> open(const std::string& path);

  // Lengths of a variable's dimensions, the slowest first; empty if there is no such variable of floats.
  std::vector<std::uint32_t> shape(const std::string& variable) const;

  // Values first … first + out.size() − 1 of a variable of floats.
  Status read(const std::string& variable, std::uint64_t first, std::span<float> out) const;

 private:
  struct Variable {
    std::string name;
    std::vector<std::uint32_t> shape;
    std::uint64_t count = 0, offset = 0;
  };
  explicit NetcdfReader(std::string path) : path_(std::move(path)) {}
  Status parse(std::span<const std::uint8_t> head, std::uint64_t file_bytes);
  const Variable* find(const std::string& variable) const;

  std::string path_;
  std::vector<Variable> variables_;  // those of floats
};

}  // namespace altocast
