#include "formats/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "formats/byte_order.h"
#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A file as NumPy writes it, with the header given in full.
Bytes npy(const std::string& header, const Bytes& data, std::uint8_t major = 1) {
  Bytes file = {0x93,
                'N',
                'U',
                'M',
                'P',
                'Y',
                major,
                0,
                static_cast<std::uint8_t>(header.size()),
                static_cast<std::uint8_t>(header.size() >> 8)};
  if (major > 1) file.insert(file.end(), 2, 0);
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

template <class T>
Bytes little(std::initializer_list<T> values) {
  Bytes bytes(values.size() * sizeof(T));
  std::size_t i = 0;
  for (const T value : values) store_little(bytes.data() + sizeof(T) * i++, value);
  return bytes;
}

TEST(Npy, Every_supported_type_is_read) {
  struct Case {
    const char* type;
    Bytes data;
    std::vector<double> expected;
  };
  const Case cases[] = {{"<f4", little<float>({1.5f, -2.0f}), {1.5, -2.0}},
                        {"<f8", little<double>({0.1, 1e300}), {0.1, 1e300}},
                        {"<i4", little<std::int32_t>({-7, 2147483647}), {-7, 2147483647}},
                        {"<i8", little<std::int64_t>({-7, std::int64_t{1} << 53}), {-7, 9007199254740992.0}},
                        {"|u1", Bytes{0, 255}, {0, 255}}};
  for (const Case& c : cases) {
    const auto array = parse_npy(
        npy(std::string("{'descr': '") + c.type + "', 'fortran_order': False, 'shape': (2,), }     \n", c.data));
    ASSERT_TRUE(array.ok()) << c.type << array.message();
    EXPECT_EQ(array->shape, (std::vector<std::size_t>{2}));
    EXPECT_EQ(array->values, c.expected);
  }
}

TEST(Npy, Ranks_versions_and_order_of_keys_as_numpy_may_write_them) {
  const Bytes one = little<double>({3.0});
  const auto scalar = parse_npy(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", one));
  ASSERT_TRUE(scalar.ok()) << scalar.message();
  EXPECT_TRUE(scalar->shape.empty());
  const auto rank4 = parse_npy(npy("{\"shape\": (1, 1,1,1), 'fortran_order': False, 'descr': '<f8'}", one, 2));
  ASSERT_TRUE(rank4.ok()) << rank4.message();
  EXPECT_EQ(rank4->shape.size(), 4u);
  const auto empty = parse_npy(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }\n", {}));
  ASSERT_TRUE(empty.ok()) << empty.message();
  EXPECT_TRUE(empty->values.empty());
}

TEST(Npy, Written_arrays_are_read_back) {
  TemporaryFolder folder;
  const std::vector<double> values = {0.1, -2.0, HUGE_VAL, 1e-310, 5.0, 6.0};
  const std::vector<std::size_t> shapes[] = {{6}, {2, 3}, {1, 2, 3}, {1, 2, 3, 1}};
  for (const auto& shape : shapes) {
    ASSERT_TRUE(save_npy(folder / "a.npy", shape, values).ok());
    const auto array = load_npy(folder / "a.npy");
    ASSERT_TRUE(array.ok()) << array.message();
    EXPECT_EQ(array->shape, shape);
    EXPECT_EQ(array->values, values);
  }
  const std::vector<float> floats = {0.1f};
  const Bytes file = serialize_npy({}, floats);
  EXPECT_EQ((file.size() - sizeof(float)) % 64, 0u);
  const auto array = parse_npy(file);
  ASSERT_TRUE(array.ok()) << array.message();
  EXPECT_EQ(array->values[0], static_cast<double>(0.1f));
}

TEST(BadNpy, Truncated_anywhere_or_prolonged) {
  const Bytes file = serialize_npy(std::vector<std::size_t>{2, 2}, std::vector<double>(4, 1.0));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(parse_npy(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))).ok()) << size;
  }
  Bytes longer = file;
  longer.push_back(0);
  EXPECT_FALSE(parse_npy(longer).ok());
}

TEST(BadNpy, Flipped_bytes_never_crash_and_never_change_the_number_of_values) {
  const Bytes file = serialize_npy(std::vector<std::size_t>{2, 2}, std::vector<double>(4, 1.0));
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (unsigned mask = 1; mask < 256; mask *= 2) {
      Bytes damaged = file;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ mask);
      const auto array = parse_npy(damaged);
      if (array.ok()) {
        EXPECT_EQ(array->values.size(), array->shape.size() == 2 ? array->shape[0] * array->shape[1] : 0u);
      }
    }
  }
}

TEST(BadNpy, Hostile_headers_have_a_message) {
  const Bytes data(8);
  const auto expect_refused = [&](const std::string& header, const char* expected) {
    const auto array = parse_npy(npy(header, data));
    ASSERT_FALSE(array.ok()) << header;
    EXPECT_NE(array.message().find(expected), std::string::npos) << header << ": " << array.message();
  };
  expect_refused("", "'{' expected");
  expect_refused("{'descr': '<f8', 'fortran_order': False}", "is missing");
  expect_refused("{'descr': '<f8', 'descr': '<f8'}", "repeated key");
  expect_refused("{'descr': '<f8'; }", "',' or '}' expected");
  expect_refused("{'descr': '<f8", "can't be read");
  expect_refused("{'descr': [('a', '<f8')]}", "can't be read");
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x", "more after");
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "can't be read");
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,)}", "can't be read");
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1)}", "can't be read");
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (999999999,999999999,999999999,999999999)}",
                 "not what its shape says");
  // 2^16 four times over is 2^64: nothing, if the product wrapped.
  expect_refused("{'descr': '|u1', 'fortran_order': False, 'shape': (65536,65536,65536,65536)}",
                 "not what its shape says");
  expect_refused("{'descr': '<f8', 'fortran_order': True, 'shape': (1,1)}", "ascontiguousarray");
  expect_refused("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "element type");
  expect_refused("{'descr': '>f8', 'fortran_order': False, 'shape': (1,)}", "element type");
  EXPECT_NE(parse_npy(npy("{}", data, 4)).message().find("version 4"), std::string::npos);
  const auto large = parse_npy(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}",
                                   little<std::int64_t>({(std::int64_t{1} << 53) + 1})));
  EXPECT_NE(large.message().find("beyond 2^53"), std::string::npos);
}

}  // namespace
}  // namespace altocast
