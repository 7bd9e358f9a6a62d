// Pickles: the text of early protocols, self-references, and memory that is proportional to the file, whatever it
// repeats.
#include "data/io/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "data/io/pickle_file.h"
#include "data/io/pickle_text.h"
#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;
using Kind = PickleValue::Kind;

std::string PathOf(const std::string& name) { return "tests/data/io/testdata/" + name; }
std::span<const std::byte> AsBytes(const std::string& text) { return std::as_bytes(std::span(text)); }
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
  const Pickle pickle(AsBytes(contents), "values");
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
  const Pickle pickle(AsBytes(contents), "own");
  EXPECT_EQ(pickle.root().state, &pickle.root());
  EXPECT_EQ(pickle.root().Find("x"), nullptr);
}

// Each file has about 100 KB. If it were copied at each reference, it would take hundreds of megabytes.
class RepetitionTest : public testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(RepetitionTest, IsRefusedBeforeItTakesMemory) {
  const std::string& contents = GetParam().second;
  const size_t before = mallinfo2().arena + mallinfo2().hblkhd;
  EXPECT_THAT(MessageOf([&] { Pickle(AsBytes(contents), "file"); }), HasSubstr("repeats itself"));
  EXPECT_LT(mallinfo2().arena + mallinfo2().hblkhd, before + (size_t{128} << 20));
}

const std::string kLong(50000, 'a');

INSTANTIATE_TEST_SUITE_P(All, RepetitionTest,
                         testing::Values(std::pair("Names", Text(kLong) + "q\1" + Repeated("h\1h\1\x93", 10000) + "."),
                                         std::pair("Bytes", "c_codecs\nencode\nq\1" + Text(kLong) + Text("latin1") +
                                                                "\x86q\2" + Repeated("h\1h\2R", 10000) + "."),
                                         std::pair("Sets", "cbuiltins\nset\nq\1(" + std::string(20000, 'N') +
                                                               "l\x85q\2" + Repeated("h\1h\2R", 10000) + ".")),
                         [](const auto& info) { return info.param.first; });

// Objects that refer to the same arguments repeatedly share them.
TEST(PickleTest, ObjectsTakeNoCopies) {
  const std::string contents = "((" + std::string(20000, 'N') + "tq\1" + std::string("0c") + kLong + "\nC\nq\2" +
                               std::string("0") + Repeated("h\2h\1\x81h\2h\1R", 20000) + "l.";
  const size_t before = mallinfo2().arena + mallinfo2().hblkhd;
  const Pickle pickle(AsBytes(contents), "file");
  EXPECT_EQ(pickle.root().items.size(), 40000u);
  EXPECT_EQ(pickle.root().items.front()->arguments, pickle.root().items.back()->arguments);
  EXPECT_LT(mallinfo2().arena + mallinfo2().hblkhd, before + (size_t{64} << 20));
}

TEST(PickleTest, WhatPythonWouldConstructKeepsWhatItIsMadeOf) {
  using namespace python;
  const std::string contents = PickleOf(
      Dict({{"path", Call("pathlib.PosixPath", {Str("/"), Str("a")})},
            {"counter", Call("collections.Counter", {Dict({{"x", Int(2)}})})},
            {"attributes", DictOf("some.AttributeDict", {{"x", Int(3)}})},
            {"default", Call("collections.defaultdict", {Global("builtins.list")}) + Pairs({{"x", Int(4)}}) + "u"},
            {"namespace", Object("types.SimpleNamespace", Dict({{"x", Int(5)}}))},
            {"slots", Object("some.Slots", Tuple({kNone, Dict({{"x", Int(6)}})}))},
            {"list", Global("some.List") + ")\x81(" + Int(7) + "e"},
            {"reconstructed",
             Call("copyreg._reconstructor", {Global("some.Dict"), Global("builtins.dict"), Dict({{"x", Int(8)}})})},
            {"instance", "(" + Int(9) + "isome\nOld\n"},
            {"called", Call("some.factory", {}) + Tuple({Int(10)}) + "R"},
            {"extension", "\x82\x07)R"},
            {"reference", Str("weights") + "Q"},
            {"escaped", "S'a\\x00\\n\\''\n"}}));
  const Pickle pickle(AsBytes(contents), "file");
  const PickleValue& root = pickle.root();
  EXPECT_TRUE(root.Find("path")->Is("pathlib.PosixPath"));
  EXPECT_EQ(root.Find("path")->arguments->items.at(1)->bytes, "a");
  EXPECT_EQ(root.Find("counter")->arguments->items.at(0)->At("x", Kind::kInt).integer, 2);
  for (const auto& [name, x] : {std::pair("attributes", 3), std::pair("default", 4), std::pair("namespace", 5),
                                std::pair("slots", 6), std::pair("reconstructed", 8)})
    EXPECT_EQ(root.Find(name)->At("x", Kind::kInt).integer, x) << name;
  EXPECT_EQ(root.Find("list")->list->items.at(0)->integer, 7);
  EXPECT_TRUE(root.Find("instance")->Is("some.Old"));
  EXPECT_EQ(root.Find("instance")->arguments->items.at(0)->integer, 9);
  EXPECT_TRUE(root.Find("called")->Is("some.factory"));
  EXPECT_THAT(root.Find("extension")->type->bytes, HasSubstr("7"));
  EXPECT_EQ(root.Find("reference")->kind, Kind::kReference);
  EXPECT_EQ(root.Find("escaped")->bytes, "a\0\n'"s);
}

// The values of a pickle's only array or tensor.
std::vector<double> ValuesOf(const std::string& contents) {
  const PickleFile file(AsBytes(contents), "file");
  return file.ToTensor(file.root()).ToVector<double>();
}

TEST(PickleTensorTest, ArraysOfEveryOrderAndTypeAreRead) {
  using namespace python;
  const std::string bytes = RawList<float>({1, 2, 3, 4, 5, 6});
  EXPECT_THAT(ValuesOf(PickleOf(Array({2, 3}, Dtype("f4"), false, bytes))), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ValuesOf(PickleOf(Array({2, 3}, Dtype("f4"), true, bytes))), ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(ValuesOf(PickleOf(Array({2}, Dtype("i2", ">"), false, "\1\0\0\2"s))), ElementsAre(256, 2));
  EXPECT_THAT(ValuesOf(PickleOf(Array({2}, Dtype("f2"), false, "\0\x3c\0\xc0"s))), ElementsAre(1, -2));
  EXPECT_THAT(ValuesOf(PickleOf(
                  Call("numpy._core.numeric._frombuffer", {Bytes(bytes), Dtype("f4"), Tuple(Ints({2, 3})), Str("F")}))),
              ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(ValuesOf(PickleOf(Call("numpy.core.multiarray.scalar", {Dtype("i8"), Bytes(Raw(int64_t{7}))}))),
              ElementsAre(7));
  for (const char* type : {"O8", "U3", "c8", "V8", "M8"})
    EXPECT_THAT(MessageOf([&] { ValuesOf(PickleOf(Array({1}, Dtype(type), false, "12345678"))); }),
                HasSubstr("type '" + std::string(type)));
}

TEST(PickleTensorTest, ViewsAndBitsComeOutPlain) {
  using namespace python;
  const auto values_of = [](const Value& tensor, const std::string& bytes, const std::string& order = "little") {
    return ValuesOf(TorchFile(tensor, {{"0", bytes}}, order));
  };
  const std::string floats = RawList<float>({1, 2, 3, 4});
  EXPECT_THAT(values_of(TensorOf("Float", "0", 4, {2, 2}, {1, 2}), floats), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(values_of(TensorOf("Float", "0", 4, {3, 2}, {0, 1}), floats), ElementsAre(1, 2, 1, 2, 1, 2));
  EXPECT_THAT(values_of(TensorOf("Float", "0", 4, {2}, {1}, {Dict({{"neg", kTrue}})}), floats), ElementsAre(-1, -2));
  EXPECT_THAT(values_of(TensorOf("Float", "0", 4, {2}, {1}, {Dict({{"neg", kFalse}, {"conj", kFalse}})}), floats),
              ElementsAre(1, 2));
  EXPECT_THAT(values_of(Vector("Half", "0", 2), "\0\x3c\0\xc0"s), ElementsAre(1, -2));
  EXPECT_THAT(values_of(Vector("Short", "0", 2), RawList<int16_t>({5, -6})), ElementsAre(5, -6));
  EXPECT_THAT(values_of(Vector("Char", "0", 2), RawList<int8_t>({5, -6})), ElementsAre(5, -6));
  EXPECT_THAT(values_of(Vector("Float", "0", 2), "\x3f\x80\0\0\x40\0\0\0"s, "big"), ElementsAre(1, 2));
  EXPECT_THAT(values_of(Vector("Long", "0", 1), "\0\0\0\0\0\0\1\2"s, "big"), ElementsAre(258));
  EXPECT_THAT(
      values_of(Call("torch._utils._rebuild_parameter", {Vector("Float", "0", 4), kTrue, kOrderedDict}), floats),
      ElementsAre(1, 2, 3, 4));
  const Value array = Array({2}, Dtype("f4"), false, RawList<float>({1, 2}));
  for (const Value& tensor :
       {Call("torch._utils._rebuild_device_tensor_from_numpy", {array, Global("torch.float32"), Str("xla:0"), kTrue}),
        Call("torch._tensor._rebuild_from_type_v2", {Global("torch._utils._rebuild_parameter"), Global("some.Tensor"),
                                                     Tuple({Vector("Float", "0", 4), kTrue, kOrderedDict}), kNone})})
    EXPECT_THAT(values_of(tensor, floats).at(1), 2);
  EXPECT_THAT(ValuesOf(TorchFile(Vector("Float", "0", 4), {{"0", floats}}, "little", /*deflated=*/true)),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ValuesOf(LegacyTorchFile(Vector("Float", "k", 4), {{"k", floats}}, 4)), ElementsAre(1, 2, 3, 4));

  const auto refused = [&](const Value& tensor, const char* why) {
    EXPECT_THAT(MessageOf([&] { values_of(tensor, floats); }), HasSubstr(why));
  };
  refused(TensorOf("Float", "0", 4, {2}, {1}, {Dict({{"conj", kTrue}})}), "'conj'");
  refused(Vector("ComplexFloat", "0", 2), "torch.ComplexFloatStorage");
  refused(Vector("QInt8", "0", 16), "torch.QInt8Storage");
  refused(Vector("Float", "0", 5), "storage 0 has 16 bytes");
  refused(TensorOf("Float", "0", 4, {5}, {1}), "beyond the 4 elements");
  refused(TensorOf("Float", "0", 4, {1 << 20, 1 << 10}, {0, 1}), "repeats itself");
  refused(Call("torch._utils._rebuild_sparse_tensor", {kNone}), "_rebuild_sparse_tensor, which is not supported");
  EXPECT_THAT(MessageOf([&] {
                ValuesOf(LegacyTorchFile(Vector("Float", "k", 4), {{"k", floats}}, 4, false));
              }),
              HasSubstr("big-endian machine"));
  EXPECT_THAT(MessageOf([&] { values_of(Vector("Float", "0", 4), floats, "mixed"); }), HasSubstr("byte order 'mixed'"));
}

TEST(PickleTensorTest, ShapesHaveFewAxes) {
  using namespace python;
  EXPECT_THAT(MessageOf([&] {
                ValuesOf(PickleOf(Array(std::vector<int32_t>(100, 1), Dtype("f8"), false, std::string(8, '\0'))));
              }),
              HasSubstr("100 axes"));
}

TEST(PickleFileTest, WhatIsSomethingElseIsNamed) {
  const auto message = [](const std::string& contents) {
    return MessageOf([&] { PickleFile(AsBytes(contents), "my.pt"); });
  };
  EXPECT_THAT(message(""), HasSubstr("my.pt is empty"));
  EXPECT_THAT(message("version https://git-lfs.github.com/spec/v1\noid"), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(message("\n<!doctype html><html>"), HasSubstr("web page"));
  EXPECT_THAT(message("\x1f\x8b\x08\0"s), HasSubstr("gzip"));
  EXPECT_THAT(message("\x93NUMPY\1"), HasSubstr("NumPy"));
  EXPECT_THAT(message("~"), HasSubstr("is no pickle"));
  EXPECT_THAT(message(python::PickleOf("N") + python::PickleOf("N")), HasSubstr("bytes follow the pickle"));
  EXPECT_THAT(message(python::Zip({{"x/data.pkl", python::PickleOf("N")}, {"x/constants.pkl", ""}})),
              HasSubstr("TorchScript"));
  EXPECT_THAT(message(python::Zip({{"w.npy", ""}})), HasSubstr("w.npy"));
  std::string damaged = python::Zip({{"x/data.pkl", python::PickleOf(python::Str(kLong))}}, /*deflated=*/true);
  std::string other_checksum = damaged;
  damaged[50] ^= 1;
  EXPECT_THAT(message(damaged), HasSubstr("damaged"));
  other_checksum[other_checksum.find("PK\x01\x02") + 16] ^= 1;
  EXPECT_THAT(message(other_checksum), HasSubstr("another checksum"));
}

TEST(PickleFileTest, TransposedTensorsOfManyStoragesAreRead) {
  const PickleFile file(PathOf("transposed.ckpt"));
  const PickleValue* state = file.root().Find("state_dict");
  ASSERT_NE(state, nullptr);
  for (const auto& [name, rows] : {std::pair("a", 20), std::pair("b", 30), std::pair("c", 10)}) {
    const int64_t columns = 600 / rows;
    const Tensor tensor = file.ToTensor(*state->Find(name));
    EXPECT_EQ(tensor.shape(), (Shape{columns, rows}));
    const std::vector<float> values = tensor.ToVector<float>();
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = 0; j < rows; ++j) ASSERT_EQ(values[i * rows + j], j * columns + i) << name;
  }
}

}  // namespace
}  // namespace orbit
