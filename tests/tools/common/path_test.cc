#include "tools/common/path.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace orbit {
namespace {

TEST(UserPathTest, IsRelativeToTheCallersDirectory) {
  setenv("BUILD_WORKING_DIRECTORY", "/home/user", 1);
  EXPECT_EQ(UserPath("runs/a"), "/home/user/runs/a");
  EXPECT_EQ(UserPath("/tmp/a"), "/tmp/a");
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(UserPath("runs/a"), std::filesystem::current_path() / "runs/a");
  EXPECT_EQ(UserPath("/tmp/a"), "/tmp/a");
}

}  // namespace
}  // namespace orbit
