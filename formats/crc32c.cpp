#include "formats/crc32c.h"

#include <array>

#include "formats/byte_order.h"

namespace altocast {
namespace {

// tables[k][b]: the effect on the check of byte b followed by k zero bytes. Made when they are first needed: in the
// program they would take 16 KB.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

Tables make_tables(std::uint32_t reflected_polynomial) {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1u) != 0 ? reflected_polynomial : 0u);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xffu];
    }
  }
  return tables;
}

std::uint32_t update(const Tables& t, std::span<const std::uint8_t> bytes, std::uint32_t previous) {
  std::uint32_t crc = ~previous;
  const std::uint8_t* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    const std::uint32_t low = crc ^ load_little<std::uint32_t>(p);
    const std::uint32_t high = load_little<std::uint32_t>(p + 4);
    crc = t[7][low & 0xffu] ^ t[6][(low >> 8) & 0xffu] ^ t[5][(low >> 16) & 0xffu] ^ t[4][low >> 24] ^
          t[3][high & 0xffu] ^ t[2][(high >> 8) & 0xffu] ^ t[1][(high >> 16) & 0xffu] ^ t[0][high >> 24];
  }
  for (; left > 0; --left, ++p) crc = (crc >> 8) ^ t[0][(crc ^ *p) & 0xffu];
  return ~crc;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t previous) {
  static const Tables castagnoli = make_tables(0x82f63b78u);
  return update(castagnoli, bytes, previous);
}

std::uint32_t crc32_png(std::span<const std::uint8_t> bytes, std::uint32_t previous) {
  static const Tables iso_3309 = make_tables(0xedb88320u);
  return update(iso_3309, bytes, previous);
}

}  // namespace altocast
