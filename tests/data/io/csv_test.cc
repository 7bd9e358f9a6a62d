// Tables: every form that they come in, and what is refused, with its place.
#include "data/io/csv.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The records of a table, columns first, each as "LINE:FIELD/FIELD".
std::vector<std::string> Records(const std::string& text) {
  CsvReader table(std::as_bytes(std::span(text)), "t.csv");
  const auto join = [&](const auto& field) {
    std::string all = std::to_string(table.line()) + ":";
    for (size_t i = 0; i < table.columns().size(); ++i) all += (i ? "/" : "") + std::string(field(i));
    return all;
  };
  std::vector<std::string> records = {join([&](size_t i) { return table.columns()[i]; })};
  while (table.Next()) records.push_back(join([&](size_t i) { return table.Field(i); }));
  return records;
}

std::string Gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string RefusalOf(const std::string& text) {
  return io::MessageOf([&] { Records(text); });
}

TEST(CsvTest, TheHeaderTellsTheDelimiter) {
  EXPECT_THAT(Records("a,b\n1,2\n"), ElementsAre("1:a/b", "2:1/2"));
  EXPECT_THAT(Records("a;b\n1,5;2\n"), ElementsAre("1:a/b", "2:1,5/2"));
  EXPECT_THAT(Records("a b\tc\n1 2\t\n"), ElementsAre("1:a b/c", "2:1 2/"));
  EXPECT_THAT(Records("a|b\n1|2"), ElementsAre("1:a/b", "2:1/2"));
  EXPECT_THAT(Records("smiles y\nCC 2\n"), ElementsAre("1:smiles/y", "2:CC/2"));
  EXPECT_THAT(Records("\"a,a,a\";b;c\n1;2;3"), ElementsAre("1:a,a,a/b/c", "2:1/2/3"));
  for (const char* text : {"smiles\nCC\nCO\n", " smiles \nCC \n CO\n", "\"smiles\" \nCC\n\"CO\" "})
    EXPECT_THAT(Records(text), ElementsAre("1:smiles", "2:CC", "3:CO"));
}

TEST(CsvTest, LinesEndInAnyWayAndBlankOnesAreSkipped) {
  for (const char* text : {"a,b\n\n1,2\n3,4", "a,b\r\n \r\n1,2\r\n3,4\r\n", "a,b\r\r1,2\r3,4\r",
                           "\xef\xbb\xbf"
                           "a , b\n\n 1,2 \n3, 4\n\n"})
    EXPECT_THAT(Records(text), ElementsAre("1:a/b", "3:1/2", "4:3/4"));
  EXPECT_THAT(Records("\n\na,b\n"), ElementsAre("3:a/b"));
}

TEST(CsvTest, QuotedFieldsHoldAnything) {
  EXPECT_THAT(Records("a,b\n\"1,1\" , \"x \"\"y\"\"\"\n\"l\nm\r\nn\ro\",2\n3,\"\"\n"),
              ElementsAre("1:a/b", "2:1,1/x \"y\"", "3:l\nm\r\nn\ro/2", "7:3/"));
  EXPECT_THAT(Records("a,b\n5\" pipe,2\n"), ElementsAre("1:a/b", "2:5\" pipe/2"));
  EXPECT_EQ(RefusalOf("a,b\n1,2\n3,\"4\n5\n"), "t.csv:3: the quoted field number 2 of the record does not end");
  EXPECT_EQ(RefusalOf("a,b\n\"1\" x,2\n"), "t.csv:2: text after the quoted field number 1 of the record");
}

TEST(CsvTest, RecordsHaveAFieldForEachColumn) {
  EXPECT_EQ(RefusalOf("a,b\n1,2\n1\n"), "t.csv:3: 1 fields where there are 2 columns");
  EXPECT_EQ(RefusalOf("a,b\n1,2,3\n"), "t.csv:2: 3 fields where there are 2 columns");
}

TEST(CsvTest, ColumnsHaveNames) {
  const std::string text = "id,smiles,y,y\n1,CC,2,3\n";
  CsvReader table(std::as_bytes(std::span(text)), "t.csv");
  ASSERT_TRUE(table.Next());
  EXPECT_EQ(table.Field(table.Column("smiles")), "CC");
  EXPECT_EQ(table.Place(1), "t.csv:2: column 'smiles'");
  EXPECT_FALSE(table.HasColumn("SMILES"));
  EXPECT_EQ(io::MessageOf([&] { table.Column("SMILES"); }),
            "t.csv has no column 'SMILES'; its columns are 'id', 'smiles', 'y', 'y'");
  EXPECT_THAT(io::MessageOf([&] { table.Column("y"); }), HasSubstr("several columns 'y'"));
}

TEST(CsvTest, FieldsAreWrittenAsTheyAreRead) {
  EXPECT_EQ(ToCsvField("C(=O)O"), "C(=O)O");
  const std::vector<std::string> fields = {"a,b", "\"", " x", "1;2", "l\nm", "plain", ""};
  std::string text = "0,1,2,3,4,5,6\n";
  for (const std::string& field : fields) text += (text.back() == '\n' ? "" : ",") + ToCsvField(field);
  CsvReader table(std::as_bytes(std::span(text)), "t.csv");
  ASSERT_TRUE(table.Next());
  for (size_t i = 0; i < fields.size(); ++i) EXPECT_EQ(table.Field(i), fields[i]);
}

TEST(CsvTest, GzipIsUnpacked) {
  std::string text = "a,b\n";
  for (int i = 0; i < 50000; ++i) text += std::to_string(i) + ",\"" + std::to_string(i % 7) + "\n\"\n";
  const std::string packed = Gzip(text);
  EXPECT_EQ(Records(packed), Records(text));
  EXPECT_THAT(Records(Gzip("a,b\n1") + Gzip(",2\n")), ElementsAre("1:a/b", "2:1/2"));
  EXPECT_THAT(Records(Gzip("a,b\n1,2\n") + std::string(9, '\0')), ElementsAre("1:a/b", "2:1/2"));
  EXPECT_THAT(RefusalOf(Gzip("a,b\n1,2\n") + "x"), HasSubstr("is damaged: after its compressed data"));
  EXPECT_THAT(RefusalOf(packed.substr(0, packed.size() / 2)), HasSubstr("t.csv is truncated"));
  EXPECT_THAT(RefusalOf(packed.substr(0, packed.size() - 3)), HasSubstr("t.csv is truncated"));
  std::string damaged = packed;
  damaged[damaged.size() / 2] ^= 0x55;
  EXPECT_THAT(RefusalOf(damaged), testing::AnyOf(HasSubstr("t.csv is damaged"), HasSubstr("t.csv:")));
  EXPECT_THAT(RefusalOf(Gzip("a,b\n" + std::string(40 << 20, '0'))), HasSubstr("repeats itself"));
}

TEST(CsvTest, WhatIsNoTableIsNamed) {
  using namespace std::string_literals;
  EXPECT_EQ(RefusalOf(""), "t.csv is empty: it has no line with the names of columns");
  EXPECT_THAT(RefusalOf("\xef\xbb\xbf\r\n"), HasSubstr("is empty"));
  EXPECT_THAT(RefusalOf(Gzip("")), HasSubstr("is empty"));
  EXPECT_THAT(RefusalOf("\xff\xfe"s + "a\0"s), HasSubstr("UTF-16"));
  EXPECT_THAT(RefusalOf("PK\x03\x04 a spreadsheet"), HasSubstr("zip archive"));
  EXPECT_THAT(RefusalOf("<!DOCTYPE html>"), HasSubstr("web page"));
  EXPECT_THAT(RefusalOf(Gzip("version https://git-lfs")), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(RefusalOf("a,b\0"s), HasSubstr("zero bytes"));
  EXPECT_THAT(io::MessageOf([] { CsvReader("nowhere.csv"); }), HasSubstr("cannot open nowhere.csv"));
}

}  // namespace
}  // namespace orbit
