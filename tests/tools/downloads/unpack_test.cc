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
using testing::HasSubstr;

class UnpackTest : public io::FileTest {};

TEST_F(UnpackTest, WritesWhatIsMissing) {
  for (const bool deflated : {false, true}) {
    WriteFile(Path("files.zip"), python::Zip({{"a", "one"}, {"b/", ""}, {"b/c", std::string(1000, 'x')}}, deflated));
    EXPECT_THAT(Unpack(Path("files.zip"), Path("to")), ElementsAre(Path("to/a"), Path("to/b/c")));
    EXPECT_EQ(ReadFile(Path("to/a")), "one");
    EXPECT_EQ(ReadFile(Path("to/b/c")), std::string(1000, 'x'));
    WriteFile(Path("to/a"), "mine");
    std::filesystem::remove(Path("to/b/c"));
    Unpack(Path("files.zip"), Path("to"));
    EXPECT_EQ(ReadFile(Path("to/a")), "mine");
    EXPECT_EQ(ReadFile(Path("to/b/c")), std::string(1000, 'x'));
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
  EXPECT_FALSE(std::filesystem::exists(Path("to")));
}

}  // namespace
}  // namespace orbit
