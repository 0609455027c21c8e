// SHA-256 (FIPS 180-4): the identity of a prior file, the trailer of altocast's own files, the hash of a
// forecast.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace altocast {

using Sha256Digest = std::array<std::uint8_t, 32>;

// Hashes a message that arrives in pieces. A copy taken midway goes on independently.
class Sha256 {
 public:
  void update(std::span<const std::uint8_t> bytes);
  // The digest of all that was given. The object must not be updated afterwards.
  Sha256Digest finish();

 private:
  void compress(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                      0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  std::array<std::uint8_t, 64> block_{};
  std::size_t in_block_ = 0;
  std::uint64_t total_bytes_ = 0;
};

Sha256Digest sha256(std::span<const std::uint8_t> bytes);

// 64 lower-case hexadecimal digits.
std::string to_hex(const Sha256Digest& digest);

}  // namespace altocast
