#include "engine/io/appended_file.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"

namespace orbit::io {
namespace {

using testing::HasSubstr;

using AppendedFileTest = FileTest;

TEST_F(AppendedFileTest, PiecesComeBehindWhatIsThere) {
  WriteFile(Path("lines"), "one\n");
  AppendedFile file(Path("lines"));
  file.Append("two\n");
  EXPECT_EQ(ReadFile(Path("lines")), "one\ntwo\n");
  EXPECT_THAT(MessageOf([&] { AppendedFile(Path("absent/lines")); }),
              HasSubstr("cannot append to " + Path("absent/lines")));
}

TEST_F(AppendedFileTest, OnAFullDiskPiecesWait) {
  AppendedFile file(Path("lines"));
  file.Append("one\n");
  {
    const FullDisk full(6);
    EXPECT_THAT(MessageOf([&] { file.Append("two\n"); }),
                HasSubstr("cannot write to " + Path("lines") + ": File too large"));
    EXPECT_EQ(ReadFile(Path("lines")), "one\n") << "a part of a piece stays";
    EXPECT_NE(MessageOf([&] { file.Append("three\n"); }), "");
  }
  file.Append("four\n");
  EXPECT_EQ(ReadFile(Path("lines")), "one\ntwo\nthree\nfour\n");
}

}  // namespace
}  // namespace orbit::io
