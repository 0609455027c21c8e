// NumPy's .npy arrays, as far as reference vectors and results need them: little-endian f4, f8, i4, i8 and u1
// in C order of rank 0 … 4 are read, f4 and f8 written. The format: numpy.lib.format, versions 1.0 to 3.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/status.h"

namespace altocast {

struct NpyArray {
  std::vector<std::size_t> shape;  // empty for a single number
  std::vector<double> values;      // row by row; NaN and infinity are passed on
};

// Pure function over untrusted bytes; the data must fill the file exactly. An i8 that a double can't hold is
// refused.
Result<NpyArray> parse_npy(std::span<const std::uint8_t> bytes);
Result<NpyArray> load_npy(const std::string& path);

// `shape` must multiply to values.size().
std::vector<std::uint8_t> serialize_npy(std::span<const std::size_t> shape, std::span<const float> values);
std::vector<std::uint8_t> serialize_npy(std::span<const std::size_t> shape, std::span<const double> values);

// Durable, as formats/durable_file.h.
Status save_npy(const std::string& path, std::span<const std::size_t> shape, std::span<const float> values);
Status save_npy(const std::string& path, std::span<const std::size_t> shape, std::span<const double> values);

}  // namespace altocast
