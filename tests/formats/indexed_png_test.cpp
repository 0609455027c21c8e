#include "formats/indexed_png.h"

#include <gtest/gtest.h>

#include "formats/byte_order.h"
#include "formats/crc32c.h"
#include "formats/image.h"
#include "formats/image_structure.h"

namespace altocast {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Chunk {
  std::string type;
  Bytes data;
};

// Every chunk of a PNG; a wrong check or size fails the test.
std::vector<Chunk> chunks_of(const Bytes& file) {
  std::vector<Chunk> chunks;
  std::size_t at = 8;
  while (at + 12 <= file.size()) {
    const std::size_t size = load_big<std::uint32_t>(file.data() + at);
    if (size > file.size() - at - 12) break;
    const std::span<const std::uint8_t> body(file.data() + at + 4, size + 4);
    EXPECT_EQ(crc32_png(body), load_big<std::uint32_t>(file.data() + at + 8 + size));
    chunks.push_back({std::string(body.begin(), body.begin() + 4), Bytes(body.begin() + 4, body.end())});
    at += 12 + size;
  }
  EXPECT_EQ(at, file.size());
  return chunks;
}

const Bytes kPixels = {0, 1, 2, 2, 1, 0};  // 3 × 2
const Bytes kColours = {0, 0, 0, 40, 40, 40, 255, 255, 255};

TEST(IndexedPng, IsReadBackInItsColours) {
  const auto file = encode_png({3, 2, kPixels, kColours});
  ASSERT_TRUE(file.ok()) << file.message();
  const auto image = decode_image(*file);
  ASSERT_TRUE(image.ok()) << image.message();
  EXPECT_EQ(image->pixels, (std::vector<std::uint16_t>{0, 40, 255, 255, 40, 0}));
  EXPECT_TRUE(check_png_structure(*file).ok());
  EXPECT_EQ(chunks_of(*file).size(), 4u);
}

TEST(IndexedPng, RefusesAPixelWithoutColour) {
  EXPECT_FALSE(encode_png({3, 2, kPixels, std::span(kColours).first(6)}).ok());
  EXPECT_FALSE(encode_png({3, 2, kPixels, std::span(kColours).first(7)}).ok());
  EXPECT_FALSE(encode_png({3, 2, std::span(kPixels).first(5), kColours}).ok());
}

TEST(AnimatedPng, HasTheChunksOfTheSpecificationInOrderWithRunningNumbers) {
  AnimatedPng loop;
  ASSERT_TRUE(loop.add({3, 2, kPixels, std::span(kColours).first(9)}, 200).ok());
  Bytes more = kColours;
  more.insert(more.end(), {1, 2, 3});
  ASSERT_TRUE(loop.add({3, 2, kPixels, more}, 300).ok());
  ASSERT_TRUE(loop.add({3, 2, kPixels, more}, 1200).ok());
  const auto file = loop.finish();
  ASSERT_TRUE(file.ok()) << file.message();
  const std::vector<Chunk> chunks = chunks_of(*file);
  std::string order;
  for (const Chunk& chunk : chunks) order += chunk.type + " ";
  ASSERT_EQ(order, "IHDR acTL PLTE fcTL IDAT fcTL fdAT fcTL fdAT IEND ");
  EXPECT_EQ(load_big<std::uint32_t>(chunks[1].data.data()), 3u) << "pictures";
  EXPECT_EQ(load_big<std::uint32_t>(chunks[1].data.data() + 4), 0u) << "for ever";
  EXPECT_EQ(chunks[2].data, more);
  std::uint32_t number = 0;
  for (const std::size_t i : {3u, 5u, 6u, 7u, 8u}) {
    EXPECT_EQ(load_big<std::uint32_t>(chunks[i].data.data()), number++) << i;
  }
  EXPECT_EQ(chunks[3].data.size(), 26u);
  EXPECT_EQ(load_big<std::uint32_t>(chunks[3].data.data() + 4), 3u) << "width";
  EXPECT_EQ(load_big<std::uint32_t>(chunks[3].data.data() + 8), 2u) << "height";
  EXPECT_EQ(load_big<std::uint16_t>(chunks[7].data.data() + 20), 1200u) << "thousandths of a second";
  EXPECT_EQ(load_big<std::uint16_t>(chunks[7].data.data() + 22), 1000u);
  // The data of a later picture are those of the first, after their number.
  EXPECT_EQ(Bytes(chunks[6].data.begin() + 4, chunks[6].data.end()), chunks[4].data);
  const auto first = decode_image(*file);
  ASSERT_TRUE(first.ok()) << "what does not know APNG shows the first picture: " << first.message();
  EXPECT_EQ(first->pixels[1], 40);
}

TEST(AnimatedPng, RefusesPicturesThatDiffer) {
  AnimatedPng loop;
  EXPECT_FALSE(loop.finish().ok());
  ASSERT_TRUE(loop.add({3, 2, kPixels, kColours}, 200).ok());
  EXPECT_FALSE(loop.add({2, 3, kPixels, kColours}, 200).ok());
  Bytes other = kColours;
  other[3] = 41;
  EXPECT_FALSE(loop.add({3, 2, kPixels, other}, 200).ok());
  EXPECT_FALSE(loop.add({3, 2, kPixels, kColours}, 70000).ok());
}

}  // namespace
}  // namespace altocast
