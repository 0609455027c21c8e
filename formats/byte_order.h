// Little- and big-endian numbers in byte buffers, the same on every host. Compilers turn these shifts into
// one move.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace altocast {

// The unsigned integer that carries the bits of a number of N bytes.
template <std::size_t N>
using BitsOf = std::conditional_t<
    N == 1, std::uint8_t,
    std::conditional_t<N == 2, std::uint16_t, std::conditional_t<N == 4, std::uint32_t, std::uint64_t>>>;

// `bytes` must hold sizeof(T) bytes.
template <class T>
T load_little(const std::uint8_t* bytes) {
  using Bits = BitsOf<sizeof(T)>;
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bits = static_cast<Bits>(bits | static_cast<Bits>(static_cast<Bits>(bytes[i]) << (8 * i)));
  }
  return std::bit_cast<T>(bits);
}

template <class T>
void store_little(std::uint8_t* bytes, T value) {
  const auto bits = std::bit_cast<BitsOf<sizeof(T)>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<std::uint8_t>(bits >> (8 * i));
}

template <class T>
T load_big(const std::uint8_t* bytes) {
  using Bits = BitsOf<sizeof(T)>;
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bits = static_cast<Bits>(bits | static_cast<Bits>(static_cast<Bits>(bytes[sizeof(T) - 1 - i]) << (8 * i)));
  }
  return std::bit_cast<T>(bits);
}

template <class T>
void store_big(std::uint8_t* bytes, T value) {
  const auto bits = std::bit_cast<BitsOf<sizeof(T)>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[sizeof(T) - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
  }
}

}  // namespace altocast
