// Pickles: text of the first protocols, what refers to itself, and memory in proportion to the file whatever it
// repeats.
#include "data/io/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "data/io/pickle_text.h"
#include "data/io/torch_file.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;
using Kind = PickleValue::Kind;

std::string PathOf(const std::string& name) { return "tests/data/io/testdata/" + name; }
std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string Repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}
// The opcode of a string of up to 2^32 bytes.
std::string Text(const std::string& text) {
  const auto size = static_cast<uint32_t>(text.size());
  return "X" + std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + text;
}

class ProtocolTest : public testing::TestWithParam<int> {};

TEST_P(ProtocolTest, TextAndLargeIntegersAreAsPythonHasThem) {
  const std::string contents = io::ReadFile(PathOf("values" + std::to_string(GetParam()) + ".pkl"));
  const Pickle pickle(Bytes(contents), "values");
  const PickleValue& root = pickle.root();
  EXPECT_EQ(root.At("text", Kind::kString).bytes, "h\xc3\xa9\\llo\n\xe4\xb8\xad\xf0\x9f\x98\x80");
  EXPECT_EQ(root.At("empty", Kind::kBytes).bytes, "");
  std::vector<int64_t> integers;
  for (const PickleValue* item : root.At("integers", Kind::kList).items) {
    EXPECT_EQ(item->kind, Kind::kInt);
    integers.push_back(item->integer);
  }
  EXPECT_THAT(integers, ElementsAre(0, -1, 127, -128, 255, -129, int64_t{1} << 31, INT64_MAX, INT64_MIN));
  std::vector<std::string> large;
  for (const PickleValue* item : root.At("large", Kind::kList).items) {
    EXPECT_EQ(item->kind, Kind::kBigInt);
    large.push_back(item->bytes);
  }
  EXPECT_THAT(large, ElementsAre("\0\0\0\0\0\0\0\x80\0"s, "\xff\xff\xff\xff\xff\xff\xff\x7f\xff"s,
                                 "\0\0\0\0\0\0\0\0\x40"s, "\0\0\0\0\0\0\0\0\xc0"s));
}

INSTANTIATE_TEST_SUITE_P(All, ProtocolTest, testing::Range(0, 6));

TEST(PickleTextTest, WhatIsNoNumberOrNoEscapeIsRefused) {
  for (const std::string text : {"", "-", "1x", "+1", " 1"})
    EXPECT_THAT(MessageOf([&] { ParseDecimal(text); }), HasSubstr("no number"));
  EXPECT_THAT(MessageOf([] { ParseDecimal(std::string(4301, '1')); }), HasSubstr("no number"));
  for (const std::string text : {"\\u123", "\\u12x4", "\\U00110000", "\\U0000"})
    EXPECT_THAT(MessageOf([&] { DecodeRawUnicodeEscape(text); }), HasSubstr("escape"));
  EXPECT_EQ(DecodeRawUnicodeEscape("\\\\u0041\\"), "\\\\u0041\\");
}

TEST(PickleTest, AnObjectThatIsItsOwnStateHasNoAttributes) {
  const std::string contents =
      "\x80\x02"
      "cm\nC\n)\x81q\x01h\x01"
      "b.";
  const Pickle pickle(Bytes(contents), "own");
  EXPECT_EQ(pickle.root().state, &pickle.root());
  EXPECT_EQ(pickle.root().Find("x"), nullptr);
}

// Each file is of about 100 KB and would, copied at each mention, take hundreds of megabytes.
class RepetitionTest : public testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(RepetitionTest, IsRefusedBeforeItTakesMemory) {
  const std::string& contents = GetParam().second;
  const size_t before = mallinfo2().arena + mallinfo2().hblkhd;
  EXPECT_THAT(MessageOf([&] { Pickle(Bytes(contents), "file"); }), HasSubstr("repeats itself"));
  EXPECT_LT(mallinfo2().arena + mallinfo2().hblkhd, before + (size_t{64} << 20));
}

const std::string kLong(50000, 'a');

INSTANTIATE_TEST_SUITE_P(All, RepetitionTest,
                         testing::Values(std::pair("ArgumentsOfObjects", "(" + std::string(20000, 'N') +
                                                                             "tq\1"
                                                                             "0cm\nC\nq\2"
                                                                             "0" +
                                                                             Repeated("h\2h\1\x81", 20000) + "."),
                                         std::pair("Classes", "c" + kLong +
                                                                  "\nC\nq\1)q\2"
                                                                  "0" +
                                                                  Repeated("h\1h\2\x81", 10000) + "."),
                                         std::pair("Names", Text(kLong) + "q\1" + Repeated("h\1h\1\x93", 10000) + "."),
                                         std::pair("Bytes", "c_codecs\nencode\nq\1" + Text(kLong) + Text("latin1") +
                                                                "\x86q\2" + Repeated("h\1h\2R", 10000) + "."),
                                         std::pair("Sets", "cbuiltins\nset\nq\1(" + std::string(20000, 'N') +
                                                               "l\x85q\2" + Repeated("h\1h\2R", 10000) + "."),
                                         std::pair("Reconstructed", "ccopyreg\n_reconstructor\nq\1c" + kLong +
                                                                        "\nC\n\x85q\2" + Repeated("h\1h\2R", 10000) +
                                                                        "."),
                                         std::pair("Dtypes", "cnumpy\ndtype\nq\1" + Text(kLong) + "\x85q\2" +
                                                                 Repeated("h\1h\2R", 10000) + ".")),
                         [](const auto& info) { return info.param.first; });

TEST(PickleTest, ShapesHaveFewAxes) {
  const std::string contents = "cnumpy._core.numeric\n_frombuffer\n(B" + "\0\0\0\0"s + "cnumpy\ndtype\n" + Text("f8") +
                               "\x85R(" + Repeated("K\1", 100) + "t" + Text("C") + "tR.";
  EXPECT_THAT(MessageOf([&] { Pickle(Bytes(contents), "file"); }), HasSubstr("100 axes"));
}

TEST(TorchFileTest, StoragesTakeNoMoreThanTheFileHas) {
  EXPECT_THAT(MessageOf([] { ReadStateDict(PathOf("two_types.pt")); }),
              HasSubstr("storage 0 is described in two ways"));
  EXPECT_THAT(MessageOf([] { ReadStateDict(PathOf("overlapping.pt")); }), HasSubstr("storages of more bytes"));
}

TEST(TorchFileTest, TransposedTensorsOfManyStoragesAreRead) {
  const TensorMap state = ReadStateDict(PathOf("transposed.ckpt"));
  ASSERT_EQ(state.size(), 3u);
  for (const auto& [name, rows] : {std::pair("a", 20), std::pair("b", 30), std::pair("c", 10)}) {
    const int64_t columns = 600 / rows;
    EXPECT_EQ(state.at(name).shape(), (Shape{columns, rows}));
    const std::vector<float> values = state.at(name).ToVector<float>();
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = 0; j < rows; ++j) ASSERT_EQ(values[i * rows + j], j * columns + i) << name;
  }
}

}  // namespace
}  // namespace orbit
