#include "engine/io/atomic_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/engine/io/testing.h"

namespace orbit::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using AtomicFileTest = FileTest;

TEST_F(AtomicFileTest, AppearsWithCommitOnly) {
  WriteFile(Path("file"), "old");
  {
    AtomicFile file(Path("file"));
    file.Write("new ");
    file.Write("contents");
    EXPECT_EQ(ReadFile(Path("file")), "old");
    file.Commit();
    EXPECT_EQ(ReadFile(Path("file")), "new contents");
  }
  EXPECT_EQ(ReadFile(Path("file")), "new contents");
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(AtomicFileTest, LeavesNothingWithoutCommit) {
  WriteFile(Path("file"), "old");
  AtomicFile(Path("file")).Write("new");
  EXPECT_EQ(ReadFile(Path("file")), "old");
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(AtomicFileTest, WritersOfOneFileDoNotMix) {
  AtomicFile first(Path("file")), second(Path("file"));
  first.Write("first");
  second.Write("second");
  first.Commit();
  EXPECT_EQ(ReadFile(Path("file")), "first");
  second.Commit();
  EXPECT_EQ(ReadFile(Path("file")), "second");
}

TEST_F(AtomicFileTest, HasTheUsualPermissions) {
  const mode_t mask = umask(022);
  WriteFileAtomically(Path("file"), "text");
  umask(mask);
  struct stat status;
  ASSERT_EQ(stat(Path("file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
}

TEST_F(AtomicFileTest, SaysWhyItCannotWrite) {
  EXPECT_THAT(MessageOf([&] { AtomicFile file(Path("absent/file")); }),
              AllOf(HasSubstr("cannot create"), HasSubstr("absent/file"), HasSubstr("No such file")));
  std::filesystem::create_directory(Path("directory"));
  EXPECT_THAT(MessageOf([&] { WriteFileAtomically(Path("directory"), "text"); }),
              AllOf(HasSubstr("cannot replace"), HasSubstr("directory")));
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(AtomicFileTest, AFullDiskKeepsTheOldFile) {
  WriteFile(Path("file"), "old");
  {
    const FullDisk full(1000);
    EXPECT_THAT(MessageOf([&] { WriteFileAtomically(Path("file"), std::string(5000, 'x')); }),
                AllOf(HasSubstr("cannot write"), HasSubstr("File too large"), HasSubstr("after 1000 bytes")));
  }
  EXPECT_EQ(ReadFile(Path("file")), "old");
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(AtomicFileTest, PartialFilesOfThisPathAreRemoved) {
  for (const char* name : {"file", "file.partial-12-0", "file.partial-13-0", "file.partial", "other.partial-12-0"})
    WriteFile(Path(name), "text");
  RemovePartialFiles(Path("file"));
  EXPECT_EQ(FilesInDirectory(), 3u);
  EXPECT_TRUE(std::filesystem::exists(Path("file")));
  EXPECT_TRUE(std::filesystem::exists(Path("other.partial-12-0")));
}

}  // namespace
}  // namespace orbit::io
