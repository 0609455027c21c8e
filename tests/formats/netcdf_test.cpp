// What the writer makes is read back by the real NetCDF library where there is one; the header's bytes are
// checked everywhere.
#include "formats/netcdf.h"

#include <gtest/gtest.h>

#include <algorithm>

#ifdef ALTOCAST_HAVE_NETCDF
#  include <netcdf.h>
#endif

#include "formats/netcdf_reader.h"
#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

NetcdfSchema sample_schema() {
  NetcdfSchema schema;
  schema.dimensions = {{"lead", 2}, {"y", 3}, {"x", 5}};
  schema.attributes = {{"Conventions", std::string("CF-1.8")}, {"seed", std::vector<std::int32_t>{7, -8}}};
  schema.variables = {
      {"time", NetcdfType::float64, {0}, {{"units", std::string("seconds since 1970-01-01 00:00:00 UTC")}}},
      {"count", NetcdfType::int32, {}, {}},
      {"frame",
       NetcdfType::float32,
       {0, 1, 2},
       {{"_FillValue", std::vector<float>{-1.0f}}, {"range", std::vector<double>{0.0, 255.0}}}}};
  return schema;
}

const std::vector<double> kTimes = {1528286400.0, 1528287300.5};
const std::vector<std::int32_t> kCount = {-123456};

std::vector<float> frame() {
  std::vector<float> values(30);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.25f * static_cast<float>(i) - 3.0f;
  return values;
}

Status write_sample(const std::string& path) {
  auto writer = NetcdfWriter::create(path, sample_schema());
  if (!writer.ok()) return writer.status();
  ALTOCAST_RETURN_IF_ERROR(writer->write(kTimes));
  ALTOCAST_RETURN_IF_ERROR(writer->write(kCount));
  const std::vector<float> values = frame();
  ALTOCAST_RETURN_IF_ERROR(writer->write(std::span<const float>(values).first(11)));
  ALTOCAST_RETURN_IF_ERROR(writer->write(std::span<const float>(values).subspan(11)));
  return writer->commit();
}

TEST(Netcdf, A_header_has_the_bytes_of_the_format_specification) {
  NetcdfSchema schema;
  schema.dimensions = {{"dim", 5}};
  schema.variables = {{"vx", NetcdfType::int32, {0}, {}}};
  const auto header = netcdf_header(schema);
  ASSERT_TRUE(header.ok()) << header.message();
  const std::vector<std::uint8_t> expected = {'C', 'D', 'F', 2,  0, 0, 0, 0,  // magic, no records
                                              0,   0,   0,   10, 0, 0, 0, 1, 0, 0, 0, 3, 'd',
                                              'i', 'm', 0,   0,  0, 0, 5,     // one dimension
                                              0,   0,   0,   0,  0, 0, 0, 0,  // no global attributes
                                              0,   0,   0,   11, 0, 0, 0, 1, 0, 0, 0, 2, 'v',
                                              'x', 0,   0,   0,  0, 0, 1, 0, 0, 0, 0,  // one variable of one dimension
                                              0,   0,   0,   0,  0, 0, 0, 0, 0, 0, 0, 4, 0,
                                              0,   0,   20,  0,  0, 0, 0, 0, 0, 0, 84};  // int, 20 bytes, where
  EXPECT_EQ(*header, expected);
}

TEST(Netcdf, The_file_is_header_and_values_and_nothing_else) {
  TemporaryFolder folder;
  const Status status = write_sample(folder / "f.nc");
  ASSERT_TRUE(status.ok()) << status.message();
  const auto bytes = read_file(folder / "f.nc", 1 << 20);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->size(), netcdf_header(sample_schema())->size() + 2 * 8 + 4 + 30 * 4);
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(NetcdfReader, Reads_floats_back_a_piece_at_a_time) {
  TemporaryFolder folder;
  ASSERT_TRUE(write_sample(folder / "f.nc").ok());
  const auto reader = NetcdfReader::open(folder / "f.nc");
  ASSERT_TRUE(reader.ok()) << reader.message();
  EXPECT_EQ(reader->shape("frame"), (std::vector<std::uint32_t>{2, 3, 5}));
  EXPECT_TRUE(reader->shape("time").empty()) << "doubles are not read";
  std::vector<float> part(15);
  ASSERT_TRUE(reader->read("frame", 15, part).ok());
  const std::vector<float> all = frame();
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 15));
  EXPECT_FALSE(reader->read("time", 0, part).ok());
}

TEST(NetcdfReader, Refuses_files_that_are_cut_or_damaged) {
  TemporaryFolder folder;
  ASSERT_TRUE(write_sample(folder / "f.nc").ok());
  const std::vector<std::uint8_t> whole = *read_file(folder / "f.nc", 1 << 20);
  const std::size_t header = netcdf_header(sample_schema())->size();
  for (std::size_t length = 0; length < whole.size(); length += length < header ? 1 : 40) {
    ASSERT_TRUE(replace_file(folder / "cut.nc", std::span(whole).first(length)).ok());
    EXPECT_FALSE(NetcdfReader::open(folder / "cut.nc").ok()) << length;
  }
  // Any byte of the header wrong: refused, or something is read; never beyond the file.
  for (std::size_t at = 0; at < header; ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::vector<std::uint8_t> damaged = whole;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ flip);
      ASSERT_TRUE(replace_file(folder / "damaged.nc", damaged).ok());
      const auto reader = NetcdfReader::open(folder / "damaged.nc");
      std::vector<float> one(1);
      if (reader.ok() && !reader->shape("frame").empty()) {
        EXPECT_TRUE(reader->read("frame", 0, one).ok());
      }
    }
  }
}

TEST(Netcdf, Values_missing_too_many_or_of_another_type_leave_no_file) {
  TemporaryFolder folder;
  const std::vector<float> many(31);
  {
    auto writer = NetcdfWriter::create(folder / "f.nc", sample_schema());
    ASSERT_TRUE(writer.ok());
    EXPECT_NE(writer->write(many).message().find("'time' has another type"), std::string::npos);
    ASSERT_TRUE(writer->write(kTimes).ok());
    ASSERT_TRUE(writer->write(kCount).ok());
    EXPECT_NE(writer->write(many).message().find("room for 30"), std::string::npos);
    EXPECT_NE(writer->commit().message().find("'frame' lacks 30"), std::string::npos);
  }
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Netcdf, Bad_schemas_are_refused) {
  const auto expect_refused = [](const NetcdfSchema& schema, const char* expected) {
    const auto header = netcdf_header(schema);
    ASSERT_FALSE(header.ok()) << expected;
    EXPECT_NE(header.message().find(expected), std::string::npos) << header.message();
  };
  NetcdfSchema schema = sample_schema();
  schema.dimensions[0].length = 0;
  expect_refused(schema, "'lead' must have a length");
  schema = sample_schema();
  schema.variables[1].name = "time";
  expect_refused(schema, "'time' is defined twice");
  schema = sample_schema();
  schema.variables[1].name = "a b";
  expect_refused(schema, "can't be a name");
  schema = sample_schema();
  schema.variables[0].dimensions = {3};
  expect_refused(schema, "not defined");
  schema = sample_schema();
  schema.dimensions[1].length = schema.dimensions[2].length = 1u << 30;
  expect_refused(schema, "4 GiB");
  schema = sample_schema();
  schema.attributes[0].value = std::string("\xff");
  expect_refused(schema, "not UTF-8");
}

#ifdef ALTOCAST_HAVE_NETCDF
TEST(Netcdf, The_real_library_reads_back_what_was_written) {
  TemporaryFolder folder;
  const std::string path = folder / "f.nc";
  ASSERT_TRUE(write_sample(path).ok());
  int file = 0;
  ASSERT_EQ(nc_open(path.c_str(), NC_NOWRITE, &file), NC_NOERR);
  int format = 0, dimensions = 0, variables = 0, attributes = 0, unlimited = 0;
  ASSERT_EQ(nc_inq_format(file, &format), NC_NOERR);
  EXPECT_EQ(format, NC_FORMAT_64BIT_OFFSET);
  ASSERT_EQ(nc_inq(file, &dimensions, &variables, &attributes, &unlimited), NC_NOERR);
  EXPECT_EQ(dimensions, 3);
  EXPECT_EQ(variables, 3);
  EXPECT_EQ(attributes, 2);
  EXPECT_EQ(unlimited, -1);
  std::size_t length = 0;
  ASSERT_EQ(nc_inq_dimlen(file, 2, &length), NC_NOERR);
  EXPECT_EQ(length, 5u);

  char text[64] = {};
  ASSERT_EQ(nc_get_att_text(file, NC_GLOBAL, "Conventions", text), NC_NOERR);
  EXPECT_STREQ(text, "CF-1.8");
  int integers[2] = {};
  ASSERT_EQ(nc_get_att_int(file, NC_GLOBAL, "seed", integers), NC_NOERR);
  EXPECT_EQ(integers[1], -8);

  int id = 0;
  ASSERT_EQ(nc_inq_varid(file, "time", &id), NC_NOERR);
  double times[2] = {};
  ASSERT_EQ(nc_get_var_double(file, id, times), NC_NOERR);
  EXPECT_EQ(times[0], kTimes[0]);
  EXPECT_EQ(times[1], kTimes[1]);
  ASSERT_EQ(nc_inq_attlen(file, id, "units", &length), NC_NOERR);
  EXPECT_EQ(length, 37u);
  ASSERT_EQ(nc_inq_varid(file, "count", &id), NC_NOERR);
  int count = 0;
  ASSERT_EQ(nc_get_var_int(file, id, &count), NC_NOERR);
  EXPECT_EQ(count, kCount[0]);
  ASSERT_EQ(nc_inq_varid(file, "frame", &id), NC_NOERR);
  std::vector<float> values(30);
  ASSERT_EQ(nc_get_var_float(file, id, values.data()), NC_NOERR);
  EXPECT_EQ(values, frame());
  double range[2] = {};
  ASSERT_EQ(nc_get_att_double(file, id, "range", range), NC_NOERR);
  EXPECT_EQ(range[1], 255.0);
  float fill = 0.0f;
  ASSERT_EQ(nc_get_att_float(file, id, "_FillValue", &fill), NC_NOERR);
  EXPECT_EQ(fill, -1.0f);
  EXPECT_EQ(nc_close(file), NC_NOERR);
}
#endif

}  // namespace
}  // namespace altocast
