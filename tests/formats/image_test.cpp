#include "formats/image.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "formats/byte_order.h"
#include "formats/crc32c.h"
#include "formats/image_codec.h"
#include "tests/formats/sample_jpeg.h"
#include "tests/formats/samples.h"
#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

using Bytes = std::vector<std::uint8_t>;

void append_chunk(Bytes& file, const std::string& type, const Bytes& data) {
  std::uint8_t number[4];
  store_big(number, static_cast<std::uint32_t>(data.size()));
  file.insert(file.end(), number, number + 4);
  Bytes body(type.begin(), type.end());
  body.insert(body.end(), data.begin(), data.end());
  file.insert(file.end(), body.begin(), body.end());
  store_big(number, crc32_png(body));
  file.insert(file.end(), number, number + 4);
}

Bytes png_header(std::uint32_t width, std::uint32_t height, std::uint8_t bits, std::uint8_t colour_type) {
  Bytes data(13);
  store_big(data.data(), width);
  store_big(data.data() + 4, height);
  data[8] = bits;
  data[9] = colour_type;
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  append_chunk(file, "IHDR", data);
  return file;
}

// `rows` with their filter bytes, uncompressed: one stored deflate block between zlib's header and Adler-32.
Bytes stored(const Bytes& rows) {
  Bytes data = {0x78,
                0x01,
                0x01,
                static_cast<std::uint8_t>(rows.size()),
                static_cast<std::uint8_t>(rows.size() >> 8),
                static_cast<std::uint8_t>(~rows.size()),
                static_cast<std::uint8_t>(~rows.size() >> 8)};
  data.insert(data.end(), rows.begin(), rows.end());
  std::uint32_t a = 1, b = 0;
  for (const std::uint8_t byte : rows) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  std::uint8_t adler[4];
  store_big(adler, (b << 16) | a);
  data.insert(data.end(), adler, adler + 4);
  return data;
}

Bytes png(std::uint32_t width, std::uint32_t height, std::uint8_t bits, std::uint8_t colour_type, const Bytes& rows,
          const Bytes& palette = {}) {
  Bytes file = png_header(width, height, bits, colour_type);
  if (!palette.empty()) append_chunk(file, "PLTE", palette);
  append_chunk(file, "IDAT", stored(rows));
  append_chunk(file, "IEND", {});
  return file;
}

GrayImage must_decode(const Bytes& file) {
  auto image = decode_image(file);
  EXPECT_TRUE(image.ok()) << image.message();
  return image.ok() ? *std::move(image) : GrayImage{};
}

using Pixels = std::vector<std::uint16_t>;

TEST(Image, Every_kind_of_png_becomes_grey) {
  EXPECT_EQ(must_decode(png(2, 2, 8, 0, {0, 10, 20, 0, 30, 255})).pixels, (Pixels{10, 20, 30, 255}));
  EXPECT_EQ(must_decode(png(3, 1, 1, 0, {0, 0b10100000})).pixels, (Pixels{255, 0, 255}));
  EXPECT_EQ(must_decode(png(2, 1, 4, 0, {0, 0x1f})).pixels, (Pixels{17, 255}));
  EXPECT_EQ(must_decode(png(1, 1, 8, 4, {0, 77, 3})).pixels, (Pixels{77}));
  // 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2
  EXPECT_EQ(must_decode(png(1, 1, 8, 2, {0, 200, 100, 50})).pixels, (Pixels{124}));
  EXPECT_EQ(must_decode(png(1, 1, 8, 6, {0, 200, 100, 50, 0})).pixels, (Pixels{124}));
  EXPECT_EQ(must_decode(png(2, 1, 8, 3, {0, 1, 0}, {1, 1, 1, 200, 100, 50})).pixels, (Pixels{124, 1}));
  const GrayImage wide = must_decode(png(2, 1, 16, 0, {0, 0x12, 0x34, 0xff, 0xff}));
  EXPECT_EQ(wide.bits, 16);
  EXPECT_EQ(wide.pixels, (Pixels{0x1234, 0xffff}));
  EXPECT_EQ(must_decode(png(1, 1, 16, 2, {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})).pixels, (Pixels{0xffff}));
}

TEST(Image, A_jpeg_decodes_to_the_same_bits_everywhere_and_near_its_original) {
  const GrayImage gray = must_decode(gray_jpeg()), colour = must_decode(colour_jpeg());
  ASSERT_EQ(gray.pixels.size(), 24u * 17u);
  ASSERT_EQ(colour.pixels.size(), 24u * 17u);
  std::vector<std::uint8_t> both;
  for (int y = 0; y < 17; ++y) {
    for (int x = 0; x < 24; ++x) {
      const auto i = static_cast<std::size_t>(24 * y + x);
      EXPECT_NEAR(gray.pixels[i], 8 * x + 3 * y, 8);
      EXPECT_NEAR(colour.pixels[i], 0.299 * 10 * x + 0.587 * 15 * y + 11.4, 16);
      both.push_back(static_cast<std::uint8_t>(gray.pixels[i]));
      both.push_back(static_cast<std::uint8_t>(colour.pixels[i]));
    }
  }
  EXPECT_EQ(crc32c(both), 1278883764u);
}

TEST(Image, Written_pngs_are_read_back) {
  TemporaryFolder folder;
  constexpr int kWidth = 31, kHeight = 7;
  std::vector<std::uint8_t> narrow;
  Pixels wide, expected;
  for (std::size_t i = 0; i < kWidth * kHeight; ++i) {
    narrow.push_back(static_cast<std::uint8_t>(255.0f * noise(i)));
    expected.push_back(narrow.back());
    wide.push_back(static_cast<std::uint16_t>(65535.0f * noise(i + 999)));
  }
  ASSERT_TRUE(save_png(folder / "8.png", kWidth, kHeight, 1, narrow).ok());
  ASSERT_TRUE(save_png(folder / "16.png", kWidth, kHeight, wide).ok());
  const auto eight = load_image(folder / "8.png"), sixteen = load_image(folder / "16.png");
  ASSERT_TRUE(eight.ok() && sixteen.ok()) << eight.message() << sixteen.message();
  EXPECT_EQ(eight->bits, 8);
  EXPECT_EQ(eight->width, kWidth);
  EXPECT_EQ(eight->height, kHeight);
  EXPECT_EQ(eight->pixels, expected);
  EXPECT_EQ(sixteen->bits, 16);
  EXPECT_EQ(sixteen->pixels, wide);
  for (const int channels : {3, 4}) {
    std::vector<std::uint8_t> colours;
    for (const std::uint8_t value : narrow) {
      colours.insert(colours.end(), {value, value, value});
      if (channels == 4) colours.push_back(128);
    }
    const auto file = encode_png(kWidth, kHeight, channels, colours);
    ASSERT_TRUE(file.ok()) << file.message();
    EXPECT_EQ(must_decode(*file).pixels, expected);
  }
}

TEST(Image, Pictures_of_impossible_size_are_not_written) {
  const std::vector<std::uint8_t> pixels(12);
  EXPECT_FALSE(encode_png(0, 12, 1, pixels).ok());
  EXPECT_FALSE(encode_png(4, 4, 1, pixels).ok());
  EXPECT_FALSE(encode_png(6, 1, 2, pixels).ok());
  EXPECT_FALSE(encode_png(20000, 1, 1, std::vector<std::uint8_t>(20000)).ok());
  EXPECT_FALSE(encode_png(3, 3, Pixels(8)).ok());
}

TEST(BadImage, Truncated_anywhere_or_prolonged_a_png_is_refused) {
  const Bytes file = *encode_png(9, 5, Pixels(45, 700));
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto image = decode_image(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_FALSE(image.ok()) << size;
  }
  Bytes longer = file;
  longer.push_back(0);
  EXPECT_NE(decode_image(longer).message().find("bytes after the end"), std::string::npos);
}

TEST(BadImage, Any_flipped_byte_of_a_png_is_refused) {
  const Bytes file = *encode_png(9, 5, Pixels(45, 700));
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const unsigned mask : {1u, 0x20u, 0xffu}) {
      Bytes damaged = file;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ mask);
      EXPECT_FALSE(decode_image(damaged).ok()) << i;
    }
  }
}

TEST(BadImage, Truncated_anywhere_a_jpeg_is_refused) {
  for (const Bytes& file : {gray_jpeg(), colour_jpeg()}) {
    for (std::size_t size = 0; size < file.size(); ++size) {
      const auto image = decode_image(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
      EXPECT_FALSE(image.ok()) << size;
    }
  }
}

TEST(BadImage, A_damaged_jpeg_is_refused_or_keeps_its_size_within_the_limits) {
  for (const Bytes& file : {gray_jpeg(), colour_jpeg()}) {
    for (std::size_t i = 0; i < file.size(); ++i) {
      for (const unsigned mask : {0x01u, 0x10u, 0xffu}) {
        Bytes damaged = file;
        damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ mask);
        const auto image = decode_image(damaged, {.max_file_bytes = 1000, .max_side = 300, .max_pixels = 10000});
        if (image.ok()) {
          EXPECT_EQ(image->pixels.size(), static_cast<std::size_t>(image->width * image->height));
        } else {
          EXPECT_FALSE(image.message().empty());
        }
      }
    }
  }
}

TEST(BadImage, A_jpeg_huffman_table_of_too_many_symbols_is_refused) {
  Bytes file = gray_jpeg();
  std::size_t at = 0;
  while (file[at] != 0xff || file[at + 1] != 0xc4) ++at;
  file[at + 5 + 7] = 255;  // codes of 8 bits
  EXPECT_NE(decode_image(file).message().find("too many symbols"), std::string::npos) << decode_image(file).message();
}

TEST(BadImage, Other_files_are_named_as_such) {
  EXPECT_NE(decode_image(Bytes{}).message().find("empty"), std::string::npos);
  EXPECT_NE(decode_image(Bytes{'G', 'I', 'F', '8', '9', 'a'}).message().find("neither"), std::string::npos);
  TemporaryFolder folder;
  EXPECT_NE(load_image(folder / "no.png").message().find("no.png"), std::string::npos);
}

TEST(BadImage, Sizes_beyond_the_limits_are_refused_before_decoding) {
  const auto message = [](std::uint32_t width, std::uint32_t height) {
    return decode_image(png(width, height, 8, 0, {0, 1})).message();
  };
  EXPECT_NE(message(20000, 1).find("beyond the limit"), std::string::npos) << message(20000, 1);
  EXPECT_NE(message(16384, 16384).find("beyond the limit"), std::string::npos);
  EXPECT_FALSE(decode_image(png(0, 1, 8, 0, {0})).ok());
  EXPECT_FALSE(decode_image(png(0x80000000u, 0x80000000u, 8, 0, {0})).ok());
  EXPECT_NE(decode_image(png(2, 2, 8, 0, {0, 1, 2, 0, 3, 4}), {.max_file_bytes = 20}).message().find("20 bytes"),
            std::string::npos);
}

TEST(BadImage, Data_that_is_too_short_for_the_size_is_refused) {
  EXPECT_FALSE(decode_image(png(3, 2, 8, 0, {0, 1, 2, 3, 0, 4, 5})).ok());
}

TEST(BadImage, Data_that_unfold_far_beyond_the_size_are_refused_without_the_memory) {
  Bytes file = png_header(4, 4, 8, 0);
  append_chunk(file, "IDAT", codec_deflate(Bytes(4 << 20)));
  append_chunk(file, "IEND", {});
  EXPECT_LT(file.size(), 100000u);
  EXPECT_FALSE(decode_image(file).ok());
}

}  // namespace
}  // namespace altocast
