#include "formats/netcdf_reader.h"

#include <gtest/gtest.h>

#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

NetcdfSchema small_schema() {
  NetcdfSchema schema;
  schema.dimensions = {{"y", 2}, {"x", 3}};
  schema.attributes = {{"station", std::string("µ")}, {"numbers", std::vector<double>{1.5, -2.0}}};
  schema.variables = {{"x", NetcdfType::float64, {1}, {{"units", std::string("rad")}}},
                      {"crs", NetcdfType::int32, {}, {{"height", std::vector<double>{35786023.0}}}},
                      {"frame", NetcdfType::float32, {0, 1}, {{"counts", std::vector<std::int32_t>{7}}}}};
  return schema;
}

void write_small(const std::string& path) {
  auto writer = NetcdfWriter::create(path, small_schema());
  ASSERT_TRUE(writer.ok()) << writer.message();
  ASSERT_TRUE(writer->write(std::vector<double>{0.1, 0.2, 0.3}).ok());
  ASSERT_TRUE(writer->write(std::vector<std::int32_t>{-4}).ok());
  ASSERT_TRUE(writer->write(std::vector<float>{1, 2, 3, 4, 5, 6.5f}).ok());
  ASSERT_TRUE(writer->commit().ok());
}

TEST(NetcdfReader, ReadsBackWhatWasWritten) {
  TemporaryFolder folder;
  write_small(folder / "a.nc");
  const auto file = NetcdfReader::open(folder / "a.nc");
  ASSERT_TRUE(file.ok()) << file.message();
  EXPECT_EQ(file->text("", "station"), "µ");
  EXPECT_EQ(file->text("x", "units"), "rad");
  EXPECT_EQ(file->number("crs", "height"), 35786023.0);
  EXPECT_EQ(file->text("", "none"), std::nullopt);
  EXPECT_EQ(file->text("none", "station"), std::nullopt);
  EXPECT_EQ(file->number("", "numbers"), std::nullopt) << "two of them";
  EXPECT_EQ(file->shape("frame"), (std::vector<std::uint32_t>{2, 3}));
  EXPECT_TRUE(file->shape("x").empty()) << "no floats";
  EXPECT_EQ(*file->numbers("frame"), (std::vector<double>{1, 2, 3, 4, 5, 6.5}));
  EXPECT_EQ(*file->numbers("x"), (std::vector<double>{0.1, 0.2, 0.3}));
  EXPECT_EQ(*file->numbers("crs"), (std::vector<double>{-4}));
  EXPECT_FALSE(file->numbers("none").ok());
  float two[2];
  ASSERT_TRUE(file->read("frame", 4, two).ok());
  EXPECT_EQ(two[1], 6.5f);
  EXPECT_FALSE(file->read("frame", 5, two).ok());
  EXPECT_FALSE(file->read("frame", ~std::uint64_t{0}, two).ok());
  EXPECT_FALSE(file->read("x", 0, two).ok());
}

TEST(NetcdfReader, NamesWhatIsNoneAndWhatIsCutOff) {
  TemporaryFolder folder;
  EXPECT_NE(NetcdfReader::open(folder / "no.nc").message().find("no.nc"), std::string::npos);
  write_small(folder / "a.nc");
  std::filesystem::resize_file(folder / "a.nc", std::filesystem::file_size(folder / "a.nc") - 1);
  EXPECT_NE(NetcdfReader::open(folder / "a.nc").message().find("'frame' are not all there"), std::string::npos)
      << NetcdfReader::open(folder / "a.nc").message();
  std::filesystem::resize_file(folder / "a.nc", 3);
  EXPECT_NE(NetcdfReader::open(folder / "a.nc").message().find("not a classic NetCDF file"), std::string::npos);
}

TEST(NetcdfReader, ADamagedHeaderIsRefusedOrStaysWithinTheFile) {
  const auto header = netcdf_header(small_schema());
  ASSERT_TRUE(header.ok());
  const std::uint64_t file_bytes = header->size() + 52;
  ASSERT_TRUE(parse_netcdf_header(*header, file_bytes).ok());
  for (std::size_t cut = 0; cut < header->size(); ++cut) {
    EXPECT_FALSE(parse_netcdf_header(std::span(*header).first(cut), file_bytes).ok()) << cut;
  }
  int refused = 0;
  for (std::size_t i = 0; i < header->size(); ++i) {
    for (const unsigned mask : {0x01u, 0x10u, 0x80u, 0xffu}) {
      std::vector<std::uint8_t> damaged = *header;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ mask);
      const auto parsed = parse_netcdf_header(damaged, file_bytes);
      refused += !parsed.ok();
      if (!parsed.ok()) continue;
      for (const std::uint64_t begin : parsed->begins) EXPECT_LE(begin, file_bytes);
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace altocast
