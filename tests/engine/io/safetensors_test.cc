#include "engine/io/safetensors.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <cstring>
#include <span>

#include "tests/engine/io/testing.h"

namespace orbit::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using SafetensorsTest = FileTest;

// A file with this header (with its true length unless another one is claimed) and this many bytes of data.
std::string FileOf(const std::string& header, size_t data_bytes, int64_t claimed_length = -1) {
  const uint64_t length = claimed_length < 0 ? header.size() : claimed_length;
  std::string file(sizeof(length), '\0');
  std::memcpy(file.data(), &length, sizeof(length));
  file += header;
  for (size_t i = 0; i < data_bytes; ++i) file.push_back(static_cast<char>(i));
  return file;
}

Safetensors Parse(const std::string& file) {
  return ParseSafetensors(std::as_bytes(std::span(file)), "some.safetensors");
}

std::string Refusal(const std::string& file) {
  return MessageOf([&] { Parse(file); });
}

TEST_F(SafetensorsTest, ReadsTheFormatOfOthers) {
  const Safetensors contents =
      Parse(FileOf(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"I32","shape":[],"data_offsets":[2,6]},)"
                   R"("a":{"dtype":"BOOL","shape":[2,1],"data_offsets":[0,2]},)"
                   R"("none":{"dtype":"F64","shape":[3,0],"data_offsets":[6,6]}}   )",
                   6));
  EXPECT_EQ(contents.metadata, (std::map<std::string, std::string>{{"format", "pt"}}));
  ASSERT_EQ(contents.tensors.size(), 3u);
  EXPECT_EQ(contents.tensors.at("a").Describe(), "u8 [2, 1] on cpu");
  EXPECT_EQ(contents.tensors.at("a").ToVector<int32_t>(), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(contents.tensors.at("b").Describe(), "i32 [] on cpu");
  EXPECT_EQ(contents.tensors.at("b").Item(), 0x05040302);
  EXPECT_EQ(contents.tensors.at("none").Describe(), "f64 [3, 0] on cpu");
}

TEST_F(SafetensorsTest, OtherTypesOfNumbersAreWidened) {
  const std::string file = FileOf(R"({"__metadata__":null,"half":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                                  R"("short":{"dtype":"I16","shape":[1],"data_offsets":[4,6]}})",
                                  0) +
                           std::string("\x00\x3c\x01\x80\xfe\xff", 6);
  const Safetensors contents = Parse(file);
  EXPECT_EQ(contents.tensors.at("half").Describe(), "f32 [2] on cpu");
  EXPECT_EQ(contents.tensors.at("half").ToVector<float>(), (std::vector<float>{1, -0x1p-24f}));
  EXPECT_EQ(contents.tensors.at("short").Describe(), "i32 [1] on cpu");
  EXPECT_EQ(contents.tensors.at("short").Item(), -2);
}

TEST_F(SafetensorsTest, WhatIsSomethingElseIsNamed) {
  EXPECT_THAT(Refusal("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(Refusal("<!DOCTYPE html>"), HasSubstr("web page"));
}

TEST_F(SafetensorsTest, WritesWhatItReads) {
  Safetensors contents;
  contents.metadata = {{"note", "line\nbreak, \"quotes\", \xC3\xA9"}, {"empty", ""}};
  const Tensor numbers = Tensor::From<double>({1.5, -2, 0, 3e30, 100, 1}, {2, 3});
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kBF16})
    contents.tensors[NameOf(dtype)] = numbers.To(dtype);
  contents.tensors["i64"] = Tensor::From<int64_t>({INT64_MIN, 7, INT64_MAX}, {3});
  contents.tensors["i32"] = Tensor::From<int32_t>({-1, 7}, {1, 2});
  contents.tensors["u8"] = Tensor::From<uint8_t>({255, 0, 1}, {3});
  contents.tensors["scalar"] = Tensor::Full({}, 4);
  contents.tensors["empty"] = Tensor::Zeros({0, 5});
  WriteSafetensors(Path("file"), contents);
  WriteSafetensors(Path("file"), contents);  // over an existing one
  EXPECT_EQ(FilesInDirectory(), 1u);

  const Safetensors read = ReadSafetensors(Path("file"));
  EXPECT_EQ(read.metadata, contents.metadata);
  ASSERT_EQ(read.tensors.size(), contents.tensors.size());
  for (const auto& [name, tensor] : contents.tensors) {
    const Tensor& copy = read.tensors.at(name);
    EXPECT_EQ(copy.Describe(), tensor.Describe()) << name;
    EXPECT_EQ(std::memcmp(copy.raw(), tensor.raw(), tensor.bytes()), 0) << name;
  }
}

TEST_F(SafetensorsTest, WritesAnEmptyFile) {
  WriteSafetensors(Path("file"), {});
  EXPECT_TRUE(ReadSafetensors(Path("file")).tensors.empty());
}

TEST_F(SafetensorsTest, AlignsElements) {
  WriteSafetensors(Path("file"), {{{"a", Tensor::Zeros({3}, DType::kU8)}, {"b", Tensor::Zeros({1}, DType::kF64)}}, {}});
  const std::string file = ReadFile(Path("file"));
  uint64_t length;
  std::memcpy(&length, file.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0u);
  EXPECT_THAT(file, HasSubstr(R"("b":{"data_offsets":[0,8],"dtype":"F64","shape":[1]})"));
}

TEST_F(SafetensorsTest, ATruncatedFileIsRefusedWhereverItEnds) {
  WriteSafetensors(Path("file"), {{{"a", Tensor::Zeros({2})}, {"b", Tensor::Zeros({3}, DType::kU8)}}, {{"k", "v"}}});
  const std::string file = ReadFile(Path("file"));
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_THAT(Refusal(file.substr(0, size)), HasSubstr("some.safetensors")) << size << " bytes";
  EXPECT_THAT(Refusal(file + "x"), HasSubstr("the last tensor ends at byte"));
  EXPECT_EQ(Refusal(file), "");
}

TEST_F(SafetensorsTest, ALyingLengthIsRefused) {
  EXPECT_THAT(Refusal(FileOf("{}", 0, 1'000'000)), HasSubstr("at byte 0, a header of 1000000 bytes in a file of 10"));
  EXPECT_THAT(Refusal(FileOf("{}", 0, INT64_MAX)), HasSubstr("at byte 0, a header of 9223372036854775807 bytes"));
  EXPECT_THAT(Refusal(FileOf("{}", 0, 1)), HasSubstr("near byte"));
  EXPECT_THAT(Refusal(FileOf("{}", 0, 0)), HasSubstr("near byte"));
}

TEST_F(SafetensorsTest, AHeaderOfAnotherKindIsRefused) {
  EXPECT_THAT(Refusal(FileOf("[1, 2]", 0)), HasSubstr("no object"));
  EXPECT_THAT(Refusal(FileOf("{\"a\": ", 0)), HasSubstr("near byte 14"));
  EXPECT_THAT(Refusal(FileOf("{} {}", 0)), HasSubstr("near byte"));
  EXPECT_THAT(Refusal(FileOf("{\"\xFF\": 1}", 0)), HasSubstr("near byte"));
  EXPECT_THAT(Refusal(FileOf("{\"a\": 1e999}", 0)), HasSubstr("header"));
  EXPECT_THAT(Refusal(FileOf(std::string(100'000, '['), 0)), HasSubstr("nested too deeply"));
  EXPECT_THAT(Refusal(FileOf("{\"a\":{\"b\":{\"c\":1}}}", 0)), HasSubstr("nested too deeply"));
  EXPECT_THAT(Refusal(FileOf("{\"a\": 1}", 0)), HasSubstr("'a' is not described by an object"));
  EXPECT_THAT(Refusal(FileOf("{\"__metadata__\": 1}", 0)), HasSubstr("__metadata__ is no object"));
  EXPECT_THAT(Refusal(FileOf("{\"__metadata__\": {\"a\": 1}}", 0)), HasSubstr("the value of 'a' is no string"));
}

TEST_F(SafetensorsTest, DuplicateNamesAreRefused) {
  const std::string entry = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_THAT(Refusal(FileOf("{\"a\":" + entry + ",\"a\":" + entry + "}", 1)), HasSubstr("names 'a' twice"));
  EXPECT_THAT(Refusal(FileOf(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1)),
              HasSubstr("names 'dtype' twice"));
  EXPECT_THAT(Refusal(FileOf(R"({"__metadata__":{"k":"1","k":"2"}})", 0)), HasSubstr("names 'k' twice"));
}

std::string RefusalOfEntry(const std::string& dtype, const std::string& shape, const std::string& offsets,
                           size_t data_bytes = 8) {
  return Refusal(FileOf(R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
                        data_bytes));
}

TEST_F(SafetensorsTest, DescriptionsThatLieAreRefused) {
  ASSERT_EQ(RefusalOfEntry("\"F32\"", "[2]", "[0,8]"), "");
  EXPECT_THAT(RefusalOfEntry("\"F8_E4M3\"", "[2]", "[0,8]"), HasSubstr("'a' has the unknown dtype 'F8_E4M3'"));
  EXPECT_THAT(RefusalOfEntry("7", "[2]", "[0,8]"), HasSubstr("unknown dtype"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "2", "[0,8]"), HasSubstr("no list 'shape'"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[-2]", "[0,8]"), HasSubstr("shape holds -2"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[2.0]", "[0,8]"), HasSubstr("shape holds 2.0"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[\"2\"]", "[0,8]"), HasSubstr("shape holds"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[99999999999999999999]", "[0,8]"), HasSubstr("shape holds"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[3]", "[0,8]"), HasSubstr("has 8 bytes from byte"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[4611686018427387904,4]", "[0,8]"), HasSubstr("has the shape"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[4611686018427387906]", "[0,8]"), HasSubstr("has the shape"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[2]", "[0]"), HasSubstr("data_offsets [0]"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[2]", "[8,0]"), HasSubstr("data_offsets [8, 0]"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[2]", "[0,8]", 7), HasSubstr("'a' ends at byte"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[1000000000000]", "[0,4000000000000]"), HasSubstr("'a' ends at byte"));
  EXPECT_THAT(RefusalOfEntry("\"F32\"", "[2]", "[1,9]", 9), HasSubstr("but the one before ends"));
}

TEST_F(SafetensorsTest, GapsAndOverlapsAreRefused) {
  const auto two = [](const std::string& first, const std::string& second, size_t data_bytes) {
    return Refusal(FileOf(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                              R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                          data_bytes));
  };
  EXPECT_EQ(two("[4,8]", "[0,4]", 8), "");
  EXPECT_THAT(two("[0,4]", "[3,7]", 8), AllOf(HasSubstr("'b' starts at byte"), HasSubstr("the one before ends")));
  EXPECT_THAT(two("[0,4]", "[0,4]", 4), HasSubstr("'b' starts at byte"));
  EXPECT_THAT(two("[0,4]", "[5,9]", 9), HasSubstr("'b' starts at byte"));
  EXPECT_THAT(two("[0,4]", "[4,8]", 9), HasSubstr("the last tensor ends at byte"));
}

TEST_F(SafetensorsTest, WhatIsNoFileIsRefused) {
  EXPECT_THAT(MessageOf([&] { ReadSafetensors(Path("absent")); }), AllOf(HasSubstr("absent"), HasSubstr("No such")));
  EXPECT_THAT(MessageOf([&] { ReadSafetensors(Path("")); }), HasSubstr("not a regular file"));
  EXPECT_THAT(MessageOf([&] { ReadSafetensors("/dev/zero"); }), HasSubstr("not a regular file"));
  WriteFile(Path("empty"), "");
  EXPECT_THAT(MessageOf([&] { ReadSafetensors(Path("empty")); }), AllOf(HasSubstr("empty"), HasSubstr("byte 0")));
}

TEST_F(SafetensorsTest, AFailedWriteKeepsTheOldFile) {
  WriteSafetensors(Path("file"), {{{"a", Tensor::Full({2}, 1)}}, {}});
  const std::string before = ReadFile(Path("file"));
  {
    const FullDisk full(4096);
    EXPECT_THAT(MessageOf([&] {
                  WriteSafetensors(Path("file"), {{{"a", Tensor::Zeros({5000})}}, {}});
                }),
                HasSubstr("File too large"));
  }
  EXPECT_THAT(MessageOf([&] {
                WriteSafetensors(Path("file"), {{{"\xFF", Tensor::Zeros({1})}}, {}});
              }),
              HasSubstr("not UTF-8"));
  EXPECT_THAT(MessageOf([&] { WriteSafetensors(Path("file"), {{{"a", Tensor()}}, {}}); }), HasSubstr("undefined"));
  EXPECT_THAT(MessageOf([&] {
                WriteSafetensors(Path("file"), {{{"__metadata__", Tensor::Zeros({1})}}, {}});
              }),
              HasSubstr("__metadata__"));
  EXPECT_EQ(ReadFile(Path("file")), before);
  EXPECT_EQ(FilesInDirectory(), 1u);
}

}  // namespace
}  // namespace orbit::io
