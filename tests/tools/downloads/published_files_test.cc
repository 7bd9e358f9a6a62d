#include "tools/downloads/published_files.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "data/io/sha256.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(PublishedFilesTest, EveryOneCanBeFetchedAndChecked) {
  std::set<std::string> names;
  for (const PublishedFile& file : PublishedFiles()) {
    EXPECT_TRUE(names.insert(file.name).second) << file.name;
    EXPECT_TRUE(names.insert(file.file).second) << file.file;
    EXPECT_THAT(file.url, StartsWith("https://"));
    EXPECT_EQ(file.sha256.empty(), file.size == 0) << file.name;  // of a copy at hand, both are known
    EXPECT_TRUE(file.sha256.empty() || ParseSha256(file.sha256) == file.sha256) << file.name;
    EXPECT_EQ(file.unpack, file.file.ends_with(".zip")) << file.name;
    EXPECT_EQ(file.file.find('/'), std::string::npos);
    EXPECT_FALSE(file.what.empty());
  }
  for (const char* name :
       {"exp", "peptides_func", "peptides_struct", "peptides_splits", "pcqm_contact", "pattern", "vit_base"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(PublishedFilesTest, AreFoundByEitherName) {
  EXPECT_EQ(FindPublishedFile("exp").file, "GRAPHSAT.pkl");
  EXPECT_EQ(FindPublishedFile("GRAPHSAT.pkl").name, "exp");
  EXPECT_THAT(MessageOf([] { FindPublishedFile("peptides_fun"); }),
              HasSubstr("unknown file 'peptides_fun'; did you mean 'peptides_func'?"));
  EXPECT_THAT(MessageOf([] { FindPublishedFile("zzzzzzzz"); }), HasSubstr("; known: exp, "));
}

// With copies of the files in the folder named by ORBIT_SHARED.
TEST(PublishedFilesTest, ChecksumsAreThoseOfTheFiles) {
  const char* shared = std::getenv("ORBIT_SHARED");
  if (!shared) GTEST_SKIP() << "the published files are not here: ORBIT_SHARED is not set";
  int64_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(shared) + "/data"))
    for (const PublishedFile& file : PublishedFiles()) {
      if (entry.path().filename() != file.file) continue;
      EXPECT_EQ(static_cast<int64_t>(entry.file_size()), file.size) << file.name;
      EXPECT_EQ(Sha256OfFile(entry.path()), file.sha256) << file.name;
      ++found;
    }
  EXPECT_EQ(found, std::ranges::count_if(PublishedFiles(), [](const auto& file) { return !file.sha256.empty(); }));
}

}  // namespace
}  // namespace orbit
