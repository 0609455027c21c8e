// Published test vectors of the two cyclic checks and of SHA-256, and exhaustive checks of the half
// conversion.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string_view>
#include <vector>

#include "formats/crc32c.h"
#include "formats/half.h"
#include "formats/sha256.h"

namespace altocast {
namespace {

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(Crc, Castagnoli_matches_the_vectors_of_rfc_3720) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(std::vector<std::uint8_t>(32, 0x00)), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::vector<std::uint8_t>(32, 0xff)), 0x62a8ab43u);
  std::vector<std::uint8_t> ascending(32);
  for (std::size_t i = 0; i < ascending.size(); ++i) ascending[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
}

TEST(Crc, Iso_3309_matches_its_check_value_and_the_empty_png_trailer) {
  EXPECT_EQ(crc32_png(bytes_of("123456789")), 0xcbf43926u);
  EXPECT_EQ(crc32_png(bytes_of("IEND")), 0xae426082u);
}

TEST(Crc, A_message_in_two_pieces_has_the_check_of_the_whole) {
  std::vector<std::uint8_t> message(100);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(37 * i + 11);
  const std::span<const std::uint8_t> all(message);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << cut;
  }
}

TEST(Sha256, Matches_the_vectors_of_fips_180) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(bytes_of("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(std::vector<std::uint8_t>(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, Every_cut_of_a_message_gives_the_same_digest) {
  const std::vector<std::uint8_t> message(150, 0x5a);
  const std::span<const std::uint8_t> all(message);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    Sha256 hash;
    hash.update(all.first(cut));
    hash.update(all.subspan(cut));
    EXPECT_EQ(hash.finish(), sha256(all)) << cut;
  }
}

TEST(Half, Every_half_survives_the_way_to_float_and_back) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = float_from_half(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(float_from_half(half_from_float(value))));
    } else {
      ASSERT_EQ(half_from_float(value), half) << bits;
    }
  }
}

TEST(Half, Known_values) {
  EXPECT_EQ(float_from_half(0x3c00), 1.0f);
  EXPECT_EQ(float_from_half(0xc000), -2.0f);
  EXPECT_EQ(float_from_half(0x7bff), 65504.0f);
  EXPECT_EQ(float_from_half(0x0400), std::ldexp(1.0f, -14));
  EXPECT_EQ(float_from_half(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(half_from_float(65519.996f), 0x7bff);
  EXPECT_EQ(half_from_float(65520.0f), 0x7c00);
  EXPECT_EQ(half_from_float(-1e30f), 0xfc00);
}

TEST(Half, Rounds_to_the_nearest_and_ties_to_even) {
  for (std::uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const auto below = static_cast<std::uint16_t>(bits);
    const auto above = static_cast<std::uint16_t>(bits + 1);
    const float middle = (float_from_half(below) + float_from_half(above)) / 2;  // exact in float
    ASSERT_EQ(half_from_float(middle), bits % 2 == 0 ? below : above) << bits;
    ASSERT_EQ(half_from_float(std::nextafter(middle, 0.0f)), below) << bits;
    ASSERT_EQ(half_from_float(std::nextafter(middle, 1e9f)), above) << bits;
    ASSERT_EQ(half_from_float(-middle), half_from_float(middle) | 0x8000) << bits;
  }
}

}  // namespace
}  // namespace altocast
