// What receivers call their files, and what that says.
#include "runtime/frames/frame_name.h"

#include <gtest/gtest.h>

#include "runtime/time.h"

namespace altocast {
namespace {

using Kind = FrameName::Kind;

TEST(FrameName, ReadsTimeSatelliteRegionAndChannelOfEveryReceiver) {
  const struct {
    const char* path;
    const char* time;
    FrameFeed feed;
  } cases[] = {
      {"goes16/fd/ch13/2020-08-30/GOES16_FD_CH13_20200830T035020Z.jpg",
       "2020-08-30T03:50:20Z",
       {"goestools", "GOES16", "FD", "CH13"}},
      {"fd/ch13/2020-08-30/GOES16_FD_CH13_20200830T035020Z.png",
       "2020-08-30T03:50:20Z",
       {"goestools", "GOES16", "FD", "CH13"}},
      {"GOES17_M1_CH02_20200830T035020Z.jpg", "2020-08-30T03:50:20Z", {"goestools", "GOES17", "M1", "CH02"}},
      {"goes16/m2/ch07/2020-08-30/GOES16_M2_CH07_20200830T035021Z.JPG",
       "2020-08-30T03:50:21Z",
       {"goestools", "GOES16", "M2", "CH07"}},
      {"himawari8/fd/2020-08-30/Himawari8_FD_IR_20200830T035100Z.jpg",
       "2020-08-30T03:51Z",
       {"goestools", "Himawari8", "FD", "IR"}},
      {"himawari8/fd/2020-08-30/Himawari8_FD_VS_20200830T035100Z.jpg",
       "2020-08-30T03:51Z",
       {"goestools", "Himawari8", "FD", "VS"}},
      {"himawari8/fd/2020-08-30/Himawari8_FD_WV_20200830T035100Z.jpg",
       "2020-08-30T03:51Z",
       {"goestools", "Himawari8", "FD", "WV"}},
      {"IMAGES/GK-2A/2025-08-10_07-50-06/GK2A_IR105_20250810T075006Z.png",
       "2025-08-10T07:50:06Z",
       {"satdump", "GK-2A", "", "IR105"}},
      {"IMAGES/GOES-18/Full Disk/2025-08-10_07-50-06/G18_13_20250810T075006Z.png",
       "2025-08-10T07:50:06Z",
       {"satdump", "GOES-18", "Full Disk", "13"}},
      {"GOES-18/Mesoscale 1/2025-08-10_07-50-06/G18_13_20250810T075006Z_1.png",
       "2025-08-10T07:50:06Z",
       {"satdump", "GOES-18", "Mesoscale 1", "13"}},
      {"Full Disk/2025-08-10_07-50-06/G18_13_20250810T075006Z.png",
       "2025-08-10T07:50:06Z",
       {"satdump", "G18", "Full Disk", "13"}},
      {"2025-08-10_07-50-06/GK2A_IR105_20250810T075006Z_12.png",
       "2025-08-10T07:50:06Z",
       {"satdump", "GK2A", "", "IR105"}},
      {"received/LRIT/20190722/FD/IMG_FD_047_IR105_20190722_075006.jpg",
       "2019-07-22T07:50:06Z",
       {"xrit-rx", "GK-2A", "FD", "IR105"}},
      {"20190722/FD/IMG_FD_047_VI006_20190722_075006.jpg", "2019-07-22T07:50:06Z", {"xrit-rx", "GK-2A", "FD", "VI006"}},
      {"20180606T1200Z.png", "2018-06-06T12:00Z", {"plain", "", "", ""}},
      {"20180606T120030Z.jpeg", "2018-06-06T12:00:30Z", {"plain", "", "", ""}},
  };
  for (const auto& c : cases) {
    const FrameName name = parse_frame_name(c.path);
    EXPECT_EQ(name.kind, Kind::frame) << c.path;
    EXPECT_EQ(format_time(name.time), c.time) << c.path;
    EXPECT_EQ(name.feed, c.feed) << c.path << " is taken as " << feed_text(name.feed);
    EXPECT_EQ(parse_frame_name(c.path, c.feed.layout).feed, c.feed) << "with its layout named";
  }
}

TEST(FrameName, PicturesForPeopleAreNoData) {
  for (const char* path : {"goes16/fd/ch13_enhanced/2020-08-30/GOES16_FD_CH13_enhanced_20200830T035020Z.jpg",
                           "goes16/fd/fc/2020-08-30/GOES16_FD_FC_20200830T035020Z.jpg",
                           "20190722/FD/IMG_FD_047_IR105_20190722_075006_ENH.jpg"}) {
    const FrameName name = parse_frame_name(path);
    EXPECT_EQ(name.kind, Kind::picture) << path;
    EXPECT_NE(name.reason.find("not data"), std::string::npos) << path;
  }
}

TEST(FrameName, ATimeThatCannotBeIsNamed) {
  for (const char* path : {"GOES16_FD_CH13_20200230T035020Z.jpg", "2025-08-10_07-50-06/GK2A_IR105_20250810T245006Z.png",
                           "IMG_FD_047_IR105_20191322_075006.jpg", "20180606T1260Z.png"}) {
    const FrameName name = parse_frame_name(path);
    EXPECT_EQ(name.kind, Kind::malformed) << path;
    EXPECT_FALSE(name.reason.empty()) << path;
  }
}

TEST(FrameName, OtherFilesAreNoFrames) {
  for (const char* path : {"",
                           "/",
                           "cache.toml",
                           ".png",
                           "preview.png",
                           "forecast/mean_01_20180606T1200Z.png",
                           "mean_01_20180606T120030Z.png",
                           "member01_02_20180606T120030Z.png",
                           "2018/20180606T1200Z.png",
                           "20180606T1200.png",
                           "20180606T1200Z.png.partial",
                           "20180606T1200Z.gif",
                           "GOES16_FD_CH13_20200830T035020.jpg",
                           "GOES16_FD__20200830T035020Z.jpg",
                           "GOES_FD_CH13_20200830T0350Z.jpg",
                           "GOES16_FD_CH13_bright_20200830T035020Z.jpg",
                           "IMG_FD_47_IR105_20190722_075006.jpg",
                           "IMG_FD_047_IR105_20190722_0750.jpg",
                           "_13_20250810T075006Z.png",
                           "G18__20250810T075006Z.png",
                           "20200830T035020Z_text.png",
                           "____.png",
                           "IMG_FD_047_IR105_20190722_075006_OLD.jpg"}) {
    EXPECT_EQ(parse_frame_name(path).kind, Kind::unrelated) << path;
  }
  EXPECT_EQ(parse_frame_name("20180606T1200Z.png", "satdump").kind, Kind::unrelated) << "another layout is named";
}

TEST(FrameName, AFeedIsFoundByHoweverItIsSpelt) {
  const FrameFeed goestools{"goestools", "GOES16", "FD", "CH02"}, satdump{"satdump", "GOES-18", "Mesoscale 1", "2"};
  EXPECT_TRUE(same_feed({}, goestools));
  EXPECT_TRUE(same_feed({"", "goes-16", "full disk", "2"}, goestools));
  EXPECT_TRUE(same_feed({"satdump", "GOES18", "M1", "ch02"}, satdump));
  EXPECT_FALSE(same_feed({"goestools", "", "", ""}, satdump));
  EXPECT_FALSE(same_feed({"", "GOES17", "", ""}, goestools));
  EXPECT_FALSE(same_feed({"", "", "M2", ""}, satdump));
  EXPECT_FALSE(same_feed({"", "", "", "CH13"}, goestools));
}

}  // namespace
}  // namespace altocast
