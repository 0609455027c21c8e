#include "runtime/time.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace altocast {
namespace {

TEST(Time, ReadsBothFormsWithAndWithoutSeconds) {
  for (const char* text : {"2018-06-06T12:00Z", "2018-06-06T12:00:00Z", "20180606T1200Z", "20180606T120000Z"}) {
    const Result<std::int64_t> time = parse_time(text);
    ASSERT_TRUE(time.ok()) << text << ": " << time.message();
    EXPECT_EQ(*time, 1528286400) << text;
  }
  EXPECT_EQ(*parse_time("20200830T035020Z"), 1598759420);
  EXPECT_EQ(*parse_time("1970-01-01T00:00Z"), 0);
  EXPECT_EQ(*parse_time("1969-12-31T23:59:59Z"), -1);
  EXPECT_EQ(*parse_time("2000-02-29T00:00Z"), 951782400);
  EXPECT_EQ(*parse_time("0001-01-01T00:00Z"), kEarliestTime);
  EXPECT_EQ(*parse_time("9999-12-31T23:59:59Z"), kLatestTime);
}

TEST(Time, RefusesWhatIsNoTimeAndSaysHowToWriteOne) {
  for (const char* text :
       {"", "Z", "2018-06-06", "2018-06-06T12:00", "2018-06-06 12:00Z", "2018-06-06T12:00+01:00", "2018-0606T1200Z",
        "2018-06-06T1200Z", "20180606T12:00Z", "20180606T1200Zx", " 20180606T1200Z", "20180606T120Z", "20180606T12000Z",
        "+0180606T1200Z", "2018-06-06T12:00:0Z", "２０180606T1200Z"}) {
    const Result<std::int64_t> time = parse_time(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_NE(time.message().find("2018-06-06T12:00Z"), std::string::npos) << time.message();
  }
}

TEST(Time, RefusesFieldsOutOfRangeAndNamesThem) {
  const struct {
    const char* text;
    const char* field;
  } cases[] = {{"00000101T0000Z", "year"},    {"20181306T1200Z", "month"}, {"20180006T1200Z", "month"},
               {"20180631T1200Z", "day"},     {"20180229T1200Z", "day"},   {"19000229T1200Z", "day"},
               {"20180600T1200Z", "day"},     {"20180606T2400Z", "hour"},  {"20180606T1260Z", "minute"},
               {"20161231T235960Z", "second"}};
  for (const auto& c : cases) {
    const Result<std::int64_t> time = parse_time(c.text);
    ASSERT_FALSE(time.ok()) << c.text;
    EXPECT_NE(time.message().find(c.field), std::string::npos) << time.message();
  }
}

TEST(Time, FormatsAndReadsBackEveryDayOfFourCenturies) {
  for (std::int64_t time = *parse_time("1699-12-31T00:00Z"); time < *parse_time("2101-01-02T00:00Z");
       time += 86400 - 7) {
    ASSERT_EQ(*parse_time(format_time(time)), time);
    ASSERT_EQ(*parse_time(format_compact_time(time)), time);
  }
  EXPECT_EQ(format_time(1528286400), "2018-06-06T12:00Z");
  EXPECT_EQ(format_time(1528286430), "2018-06-06T12:00:30Z");
  EXPECT_EQ(format_compact_time(1528286400), "20180606T1200Z");
  EXPECT_EQ(format_compact_time(1598759420), "20200830T035020Z");
  EXPECT_EQ(format_time(kEarliestTime - 5), "0001-01-01T00:00Z");
  EXPECT_EQ(format_time(kLatestTime + 5), "9999-12-31T23:59:59Z");
}

TEST(Time, IgnoresTheStationsTimeZone) {
  ::setenv("TZ", "America/New_York", 1);
  EXPECT_EQ(*parse_time("20180606T1200Z"), 1528286400);
  EXPECT_EQ(format_time(1528286400), "2018-06-06T12:00Z");
  ::unsetenv("TZ");
}

TEST(Time, WritesDurationsForPeople) {
  EXPECT_EQ(format_duration(1800), "30 min");
  EXPECT_EQ(format_duration(7200), "2 h");
  EXPECT_EQ(format_duration(4500), "1 h 15 min");
  EXPECT_EQ(format_duration(90), "90 s");
  EXPECT_EQ(format_duration(0), "0 s");
  EXPECT_EQ(format_duration(-1800), "-30 min");
}

}  // namespace
}  // namespace altocast
