// .npy files: written files are read back, and NumPy's files are read. For damaged files see readers_test.cc.
#include "data/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string MessageOf(const std::string& contents) {
  try {
    ParseNpy(std::as_bytes(std::span(contents)), "my.npy");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string WithHeader(std::string header, const std::string& data, char version = 1) {
  std::string contents = "\x93NUMPY";
  contents += version;
  contents += '\0';
  contents += static_cast<char>(header.size() & 255);
  contents += static_cast<char>(header.size() >> 8);
  if (version > 1) contents += std::string(2, '\0');
  return contents + header + data;
}

TEST(NpyTest, EveryTypeAndShapeIsReadBack) {
  const std::string path = testing::TempDir() + "round_trip.npy";
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kI32, DType::kI64, DType::kU8})
    for (const Shape& shape : {Shape{}, Shape{6}, Shape{2, 3}, Shape{1, 2, 3, 1}, Shape{0, 3}}) {
      std::vector<double> values(NumElements(shape));
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
      const Tensor tensor = Tensor::From(values, shape).To(dtype);
      WriteNpy(path, tensor);
      EXPECT_EQ((std::filesystem::file_size(path) - static_cast<uint64_t>(tensor.bytes())) % 64, 0u);
      const Tensor read = ReadNpy(path);
      EXPECT_EQ(read.dtype(), dtype);
      EXPECT_EQ(read.shape(), shape);
      EXPECT_EQ(read.ToVector<double>(), values);
    }
  EXPECT_THROW(WriteNpy("/dev/null/x.npy", Tensor::Zeros({1})), Error);
}

TEST(NpyTest, WhatNumPyWritesIsUnderstood) {
  EXPECT_EQ(ReadNpy("tests/data/io/testdata/a.npy").shape(), (Shape{3, 4}));
  const Tensor fortran = ReadNpy("tests/data/io/testdata/fortran.npy");
  EXPECT_EQ(fortran.shape(), (Shape{2, 3}));
  EXPECT_THAT(fortran.ToVector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  for (const char version : {1, 2, 3}) {
    const std::string contents =
        WithHeader("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }\n", std::string("\1\0", 2), version);
    EXPECT_THAT(ParseNpy(std::as_bytes(std::span(contents)), "x").ToVector<uint8_t>(), ElementsAre(1, 0));
  }
}

TEST(NpyTest, EveryTypeOfNumbersInEitherByteOrderIsRead) {
  // Each type with the bytes of 1 and of 2, in big-endian order.
  const std::pair<const char*, std::vector<std::string>> types[] = {
      {"f2", {{0x3c, 0}, {0x40, 0}}},
      {"f4", {{0x3f, '\x80', 0, 0}, {0x40, 0, 0, 0}}},
      {"f8", {{0x3f, '\xf0', 0, 0, 0, 0, 0, 0}, {0x40, 0, 0, 0, 0, 0, 0, 0}}},
      {"i1", {{1}, {2}}},
      {"u1", {{1}, {2}}},
      {"i2", {{0, 1}, {0, 2}}},
      {"u2", {{0, 1}, {0, 2}}},
      {"i4", {{0, 0, 0, 1}, {0, 0, 0, 2}}},
      {"u4", {{0, 0, 0, 1}, {0, 0, 0, 2}}},
      {"i8", {{0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 2}}},
      {"u8", {{0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 2}}},
  };
  for (const auto& [type, numbers] : types)
    for (const bool big_endian : {false, true}) {
      std::string data;
      for (const std::string& number : numbers)
        data += big_endian ? number : std::string(number.rbegin(), number.rend());
      const std::string descr = (big_endian ? ">" : "<") + std::string(type);
      const std::string contents =
          WithHeader("{'descr': '" + descr + "', 'fortran_order': True, 'shape': (1L, 2L)}", data);
      const Tensor tensor = ParseNpy(std::as_bytes(std::span(contents)), descr);
      EXPECT_EQ(tensor.shape(), (Shape{1, 2})) << descr;
      EXPECT_THAT(tensor.ToVector<double>(), ElementsAre(1, 2)) << descr;
    }
}

TEST(NpyTest, LiesAreRefusedWithTheFilesName) {
  const auto header = [](const std::string& type, const std::string& shape) {
    return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  };
  EXPECT_THAT(MessageOf("PK"), HasSubstr("my.npy is no .npy file"));
  EXPECT_THAT(MessageOf(WithHeader(header("<f4", "(2,)"), "1234", 9)), HasSubstr("version 9"));
  EXPECT_THAT(MessageOf(WithHeader(header("<f4", "(2,)"), "1234")), HasSubstr("4 bytes of elements"));
  EXPECT_THAT(MessageOf(WithHeader(header("|O", "(1,)"), "12345678")), HasSubstr("type '|O'"));
  for (const char* type : {"<c8", "<U3", "<M8[s]", "|V8", "<f16"})
    EXPECT_THAT(MessageOf(WithHeader(header(type, "(1,)"), "12345678")), HasSubstr("type '" + std::string(type) + "'"));
  EXPECT_THAT(MessageOf(WithHeader("{'descr': [('x', '<f4'), ('y', '<f4')], 'shape': (1,), }", "12345678")),
              testing::AllOf(HasSubstr("structured"), HasSubstr("'x'")));
  EXPECT_THAT(MessageOf(WithHeader(header("<u8", "(1,)"), std::string(8, '\xff'))), HasSubstr("18446744073709551615"));
  EXPECT_THAT(MessageOf(WithHeader(header("<f8", "(4611686018427387904, 4)"), "")), HasSubstr("absurd"));
  EXPECT_THAT(MessageOf(WithHeader(header("<f8", "(99999999999999999999999999,)"), "")), HasSubstr("absurd"));
  EXPECT_THAT(MessageOf(WithHeader(header("<f8", "(-1,)"), "")), HasSubstr("shape"));
  EXPECT_THAT(MessageOf(WithHeader("{'descr': __import__('os')}", "")), HasSubstr("header"));
}

}  // namespace
}  // namespace orbit
