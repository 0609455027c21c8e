// A fingerprint of numbers' bits (FNV-1a, 64 bits), for tests that hold them equal across platforms.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace altocast {

class BitHash {
 public:
  void add(float v) { add_bits(std::bit_cast<std::uint32_t>(v), 4); }
  void add(double v) { add_bits(std::bit_cast<std::uint64_t>(v), 8); }
  template <class T>
  void add(std::span<const T> values) {
    for (const T v : values) add(v);
  }
  std::uint64_t value() const { return hash_; }

 private:
  void add_bits(std::uint64_t bits, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      hash_ = (hash_ ^ (bits >> (8 * i) & 0xFF)) * 0x100000001B3u;
    }
  }
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace altocast
