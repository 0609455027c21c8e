// A log of records: what was appended is read back, and nothing of what is torn or damaged.
#include "formats/record_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Records = std::vector<std::pair<std::uint32_t, Bytes>>;

class RecordLogTest : public testing::Test {
 protected:
  Records read(RecordLog& log) {
    Records records;
    EXPECT_TRUE(log.read([&](std::uint32_t kind, std::span<const std::uint8_t> payload, std::uint64_t) {
                     records.emplace_back(kind, Bytes(payload.begin(), payload.end()));
                     return true;
                   })
                    .ok());
    return records;
  }
  void write(const Records& records) {
    RecordLog log = *RecordLog::open(path_);
    for (const auto& [kind, payload] : records) ASSERT_TRUE(log.append(kind, payload).ok());
    ASSERT_TRUE(log.sync().ok());
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_ / "log";
  const Records records_{{1, {1, 2, 3}}, {7, {}}, {1, Bytes(1000, 9)}};
};

TEST_F(RecordLogTest, ReadsBackWhatWasAppended) {
  write(records_);
  RecordLog log = *RecordLog::open(path_);
  EXPECT_EQ(read(log), records_);
  EXPECT_TRUE(log.remove().ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(RecordLogTest, CutAnywhereItHoldsTheWholeRecordsBefore) {
  write(records_);
  const std::uint64_t ends[] = {15, 27, 27 + 1012};
  for (std::uint64_t size = 27 + 1011; size > 0; size = size > 140 ? size - 97 : size - 1) {
    std::filesystem::resize_file(path_, size);
    RecordLog log = *RecordLog::open(path_);
    std::size_t whole = 0;
    while (ends[whole] <= size) ++whole;
    EXPECT_EQ(read(log), Records(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(whole))) << size;
  }
}

TEST_F(RecordLogTest, EndsBeforeARecordThatWasDamaged) {
  write(records_);
  for (const std::streamoff at : {0, 5, 9, 14}) {  // length, kind, payload, check of the first; then back
    for (int round = 0; round < 2; ++round) {
      std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(at);
      const int byte = file.get();
      file.seekp(at);
      file.put(static_cast<char>(byte ^ 0x40));
      file.close();
      RecordLog log = *RecordLog::open(path_);
      EXPECT_EQ(read(log).size(), round == 0 ? 0u : 3u) << at;
    }
  }
}

TEST_F(RecordLogTest, GoesOnFromWhereItIsCut) {
  write(records_);
  RecordLog log = *RecordLog::open(path_);
  ASSERT_TRUE(log.truncate(15).ok());
  ASSERT_TRUE(log.append(4, Bytes{8}).ok());
  EXPECT_EQ(read(log), (Records{{1, {1, 2, 3}}, {4, {8}}}));
}

TEST_F(RecordLogTest, HasOneWriter) {
  const RecordLog log = *RecordLog::open(path_);
  const Result<RecordLog> second = RecordLog::open(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.message().find("another process"), std::string::npos) << second.message();
}

}  // namespace
}  // namespace altocast
