#include "tools/downloads/unpack.h"

#include <gmock/gmock.h>

#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using io::ReadFile;
using io::WriteFile;
using testing::ElementsAre;
using testing::FieldsAre;
using testing::HasSubstr;

class UnpackTest : public io::FileTest {};

TEST_F(UnpackTest, WritesWhatIsMissing) {
  for (const bool deflated : {false, true}) {
    WriteFile(Path("files.zip"), python::Zip({{"a", "one"}, {"b/", ""}, {"b/c", std::string(1000, 'x')}}, deflated));
    EXPECT_THAT(Unpack(Path("files.zip"), Path("to")),
                ElementsAre(FieldsAre(Path("to/a"), true), FieldsAre(Path("to/b/c"), true)));
    EXPECT_EQ(ReadFile(Path("to/a")), "one");
    EXPECT_EQ(ReadFile(Path("to/b/c")), std::string(1000, 'x'));
    std::filesystem::remove(Path("to/b/c"));
    EXPECT_THAT(Unpack(Path("files.zip"), Path("to")),
                ElementsAre(FieldsAre(Path("to/a"), false), FieldsAre(Path("to/b/c"), true)));
    EXPECT_EQ(ReadFile(Path("to/b/c")), std::string(1000, 'x'));
    for (const char* other : {"two", "mine", ""}) {
      WriteFile(Path("to/a"), other);
      EXPECT_THAT(MessageOf([&] { Unpack(Path("files.zip"), Path("to")); }),
                  HasSubstr("to/a is there already, and is another file"));
      EXPECT_EQ(ReadFile(Path("to/a")), other);
    }
    std::filesystem::remove_all(Path("to"));
  }
}

TEST_F(UnpackTest, RefusesDamageAndFilesElsewhere) {
  for (const char* name : {"../a", "b/../../a", "/tmp/a"}) {
    WriteFile(Path("files.zip"), python::Zip({{name, "one"}}));
    EXPECT_THAT(MessageOf([&] { Unpack(Path("files.zip"), Path("to")); }), HasSubstr("is outside of the folder"));
  }
  WriteFile(Path("files.zip"), python::Zip({{"a", "one"}}).substr(0, 40));
  EXPECT_THAT(MessageOf([&] { Unpack(Path("files.zip"), Path("to")); }), HasSubstr("files.zip: truncated"));
  for (const bool deflated : {false, true}) {
    std::string zip = python::Zip({{"a", "one"}, {"b", "a text"}}, deflated);
    WriteFile(Path("files.zip"), zip);
    EXPECT_NO_THROW(CheckArchive(Path("files.zip")));
    zip[zip.rfind("PK\x01\x02") + 16] ^= 1;  // the checksum of b
    WriteFile(Path("files.zip"), zip);
    EXPECT_THAT(MessageOf([&] { CheckArchive(Path("files.zip")); }), HasSubstr("b is damaged"));
    EXPECT_THAT(MessageOf([&] { Unpack(Path("files.zip"), Path("to")); }), HasSubstr("b is damaged"));
  }
  EXPECT_FALSE(std::filesystem::exists(Path("to")));
}

}  // namespace
}  // namespace orbit
