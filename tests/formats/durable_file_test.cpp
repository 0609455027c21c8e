// Each system call of a durable write is made to fail in turn: the old file must stand whole and nothing be
// left over.
#include "formats/durable_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

std::vector<std::uint8_t> content(std::size_t size, std::uint8_t seed) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + seed);
  return bytes;
}

std::vector<std::uint8_t> must_read(const std::string& path) {
  auto bytes = read_file(path, 1 << 20);
  EXPECT_TRUE(bytes.ok()) << bytes.message();
  return bytes.ok() ? *bytes : std::vector<std::uint8_t>{};
}

// Fails the call with number `fail_at`; before that, interrupts every other write and writes in small pieces.
class FaultyCalls : public FileCalls {
 public:
  FaultyCalls(int fail_at, int error_number) : fail_at_(fail_at), error_(error_number) {}

  int open(const char* path, int flags, unsigned mode) override {
    return cut("open") ? -1 : FileCalls::open(path, flags, mode);
  }
  std::ptrdiff_t write(int file, const void* bytes, std::size_t count) override {
    if (cut("write")) return -1;
    if (interrupted_ = !interrupted_; interrupted_) {
      errno = EINTR;
      return -1;
    }
    return FileCalls::write(file, bytes, std::min<std::size_t>(count, 1000));
  }
  int lock(int file) override { return cut("lock") ? -1 : FileCalls::lock(file); }
  int truncate(int file) override { return cut("truncate") ? -1 : FileCalls::truncate(file); }
  int same_file(int file, const char* path) override {
    return cut("same_file") ? -1 : FileCalls::same_file(file, path);
  }
  int fdatasync(int file) override { return cut("fdatasync") ? -1 : FileCalls::fdatasync(file); }
  int fsync(int file) override { return cut("fsync") ? -1 : FileCalls::fsync(file); }
  int rename(const char* from, const char* to) override { return cut("rename") ? -1 : FileCalls::rename(from, to); }
  int close(int file) override {
    const bool fails = cut("close");
    FileCalls::close(file);
    errno = error_;
    return fails ? -1 : 0;
  }

  int calls() const { return calls_; }
  const std::string& failed() const { return failed_; }

 private:
  bool cut(const char* name) {
    if (calls_++ != fail_at_) return false;
    failed_ = name;
    errno = error_;
    return true;
  }
  int fail_at_, error_;
  int calls_ = 0;
  bool interrupted_ = false;
  std::string failed_;
};

TEST(DurableFile, Replaces_a_file_and_leaves_nothing_else) {
  TemporaryFolder folder;
  const std::string path = folder / "model.prior";
  ASSERT_TRUE(replace_file(path, content(10, 1)).ok());
  const Status status = replace_file(path, content(5000, 2));
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(must_read(path), content(5000, 2));
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(DurableFile, Whichever_call_fails_the_old_or_the_new_file_stands_whole) {
  const auto old_content = content(3000, 1), new_content = content(4500, 2);
  for (const int error_number : {ENOSPC, EIO}) {
    bool reached_the_end = false;
    int refused = 0;
    for (int fail_at = 0; !reached_the_end; ++fail_at) {
      ASSERT_LT(fail_at, 100);
      TemporaryFolder folder;
      const std::string path = folder / "state";
      ASSERT_TRUE(replace_file(path, old_content).ok());
      FaultyCalls calls(fail_at, error_number);
      const Status status = replace_file(path, new_content, calls);
      reached_the_end = calls.failed().empty();
      const auto found = must_read(path);
      SCOPED_TRACE("call " + std::to_string(fail_at) + " " + calls.failed() + ": " + status.message());
      EXPECT_EQ(status.ok(), found == new_content && (reached_the_end || calls.failed() == "close"));
      if (!status.ok()) {
        ++refused;
        EXPECT_NE(status.message().find(path), std::string::npos);
        const bool in_place = status.message().find("the new file is in place") != std::string::npos;
        EXPECT_EQ(found, in_place ? new_content : old_content);
        // A file whose lock failed may be another program's: it is left, and the next write takes it over.
        EXPECT_EQ(folder.entries(), calls.failed() == "lock" ? 2u : 1u);
      }
      EXPECT_TRUE(replace_file(path, new_content).ok());
      EXPECT_EQ(must_read(path), new_content);
      EXPECT_EQ(folder.entries(), 1u);
    }
    EXPECT_GE(refused, 10);
  }
}

TEST(DurableFile, Dropped_before_commit_it_leaves_nothing) {
  TemporaryFolder folder;
  {
    auto file = DurableFile::create(folder / "a");
    ASSERT_TRUE(file.ok()) << file.message();
    ASSERT_TRUE(file->write(content(10, 1)).ok());
    EXPECT_EQ(folder.entries(), 1u);
  }
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(DurableFile, A_second_writer_of_the_same_file_is_turned_away_and_the_first_finishes) {
  TemporaryFolder folder;
  auto first = DurableFile::create(folder / "a");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(first->write(content(10, 1)).ok());
  const Status second = replace_file(folder / "a", content(20, 2));
  EXPECT_NE(second.message().find("another program"), std::string::npos) << second.message();
  ASSERT_TRUE(first->commit().ok());
  EXPECT_EQ(must_read(folder / "a"), content(10, 1));
}

TEST(DurableFile, What_a_power_cut_left_is_taken_over) {
  TemporaryFolder folder;
  std::ofstream(folder / "a.partial") << std::string(9999, 'x');
  ASSERT_TRUE(replace_file(folder / "a", content(10, 1)).ok());
  EXPECT_EQ(must_read(folder / "a"), content(10, 1));
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(DurableFile, Messages_name_the_file_and_the_mend) {
  TemporaryFolder folder;
  const std::string path = folder / "missing/a";
  const Status status = replace_file(path, content(1, 1));
  EXPECT_NE(status.message().find(path + ": "), std::string::npos);
  EXPECT_NE(status.message().find("check the path"), std::string::npos);
  EXPECT_FALSE(replace_file("", {}).ok());
  EXPECT_FALSE(replace_file(folder / "", {}).ok());
}

TEST(ReadFile, Refuses_folders_missing_files_and_more_than_the_limit) {
  TemporaryFolder folder;
  ASSERT_TRUE(replace_file(folder / "a", content(100, 1)).ok());
  EXPECT_TRUE(read_file(folder / "a", 100).ok());
  EXPECT_NE(read_file(folder / "a", 99).message().find("limit of 99 bytes"), std::string::npos);
  EXPECT_NE(read_file(folder.path(), 99).message().find("is a folder"), std::string::npos);
  EXPECT_FALSE(read_file(folder / "b", 99).ok());
}

TEST(ReadFile, Reads_what_tells_no_size) {
  const auto bytes = read_file("/proc/self/cmdline", 1 << 16);
  ASSERT_TRUE(bytes.ok()) << bytes.message();
  EXPECT_FALSE(bytes->empty());
}

}  // namespace
}  // namespace altocast
