// Registers the tests of the file ORBIT_TEST_SOURCE as the program ORBIT_TEST of an executable that holds many
// (bundled_test.bzl). In an executable of its own it has no effect.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tools/common/program.h"

namespace orbit {
namespace {

int Main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  std::string own;
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const testing::TestInfo& test = *suite.GetTestInfo(j);
      if (std::string(test.file()) == ORBIT_TEST_SOURCE) own += std::string(suite.name()) + "." + test.name() + ":";
    }
  }
  if (own.empty()) {
    std::fprintf(stderr, "%s has no tests\n", ORBIT_TEST_SOURCE);
    return 1;
  }
  if (GTEST_FLAG_GET(filter) == "*") GTEST_FLAG_SET(filter, own);
  return RUN_ALL_TESTS();
}

const Program program(ORBIT_TEST, Main);

}  // namespace
}  // namespace orbit
