// A store of planes: what is appended is read back, from memory or a mapped file, and no file but a whole one of the
// right key is taken.
#include "trainer/frame_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/runtime/frame_files.h"

namespace altocast {
namespace {

constexpr std::size_t kPlane = 35;

class FrameStoreTest : public testing::Test {
 protected:
  std::string operator/(const std::string& name) const { return folder_ / name; }
  static std::vector<std::uint16_t> plane(int index) {
    std::vector<std::uint16_t> numbers(kPlane);
    for (std::size_t i = 0; i < kPlane; ++i)
      numbers[i] = static_cast<std::uint16_t>(1000 * index + static_cast<int>(i));
    return numbers;
  }
  static Sha256Digest key(std::uint8_t byte) { return sha256({&byte, 1}); }

  static Result<FrameStore> write(const std::string& path, int planes) {
    Result<FrameStoreWriter> writer = FrameStoreWriter::create(path, key(1), kPlane);
    if (!writer.ok()) return writer.status();
    for (int i = 0; i < planes; ++i) ALTOCAST_RETURN_IF_ERROR(writer->append(plane(i)));
    return writer->finish("a note");
  }
  static void expect_planes(const FrameStore& store, int planes) {
    ASSERT_EQ(store.count(), static_cast<std::size_t>(planes));
    EXPECT_EQ(store.note(), "a note");
    for (int i = 0; i < planes; ++i) {
      const std::uint16_t* read = store.plane(static_cast<std::size_t>(i));
      EXPECT_EQ(std::vector<std::uint16_t>(read, read + kPlane), plane(i));
    }
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(FrameStoreTest, ReadsBackWhatWasAppendedFromMemoryAndFromAFile) {
  const Result<FrameStore> memory = write("", 3);
  ASSERT_TRUE(memory.ok());
  expect_planes(*memory, 3);
  const Result<FrameStore> file = write(*this / "planes", 3);
  ASSERT_TRUE(file.ok()) << file.message();
  expect_planes(*file, 3);
  EXPECT_EQ(file->content_crc(), memory->content_crc());
  const std::optional<FrameStore> again = FrameStore::open(*this / "planes", key(1), kPlane);
  ASSERT_TRUE(again);
  expect_planes(*again, 3);
  EXPECT_EQ(again->content_crc(), memory->content_crc());
}

TEST_F(FrameStoreTest, ItsContentsCrcTellsContentsApart) {
  EXPECT_NE(write("", 3)->content_crc(), write("", 2)->content_crc());
}

TEST_F(FrameStoreTest, StaysMappedWhenItsFileIsReplacedOrRemoved) {
  const Result<FrameStore> store = write(*this / "planes", 3);
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(write(*this / "planes", 2).ok());
  expect_planes(*store, 3);
  std::filesystem::remove(*this / "planes");
  expect_planes(*store, 3);
}

TEST_F(FrameStoreTest, AFileOfAnotherKeyOrSizeOrNoneIsNotTaken) {
  ASSERT_TRUE(write(*this / "planes", 2).ok());
  EXPECT_FALSE(FrameStore::open(*this / "planes", key(2), kPlane));
  EXPECT_FALSE(FrameStore::open(*this / "planes", key(1), kPlane + 1));
  EXPECT_FALSE(FrameStore::open(*this / "nothing", key(1), kPlane));
}

TEST_F(FrameStoreTest, AFileThatIsCutOrChangedIsNotTaken) {
  ASSERT_TRUE(write(*this / "planes", 2).ok());
  const Bytes whole = read_bytes(*this / "planes");
  for (const std::size_t size : {std::size_t{0}, std::size_t{79}, whole.size() - 1, whole.size() + 1}) {
    Bytes cut = whole;
    cut.resize(size);
    write_bytes(*this / "planes", cut);
    EXPECT_FALSE(FrameStore::open(*this / "planes", key(1), kPlane)) << size;
  }
  for (std::size_t i = 2 * 2 * kPlane; i < whole.size(); ++i) {
    Bytes changed = whole;
    changed[i] ^= 1;
    write_bytes(*this / "planes", changed);
    EXPECT_FALSE(FrameStore::open(*this / "planes", key(1), kPlane)) << i;
  }
}

TEST_F(FrameStoreTest, AWriterThatIsDroppedLeavesNothing) {
  {
    Result<FrameStoreWriter> writer = FrameStoreWriter::create(*this / "planes", key(1), kPlane);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->append(plane(0)).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(*this / "planes"));
}

}  // namespace
}  // namespace altocast
