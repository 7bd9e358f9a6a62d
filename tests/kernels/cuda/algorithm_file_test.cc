// Choices that several processes keep in one file.
#include "kernels/cuda/algorithm_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <iostream>
#include <sstream>

namespace orbit::kernels {
namespace {

using testing::Optional;

std::string NewPath() {
  const std::string path = testing::TempDir() + "/algorithm_file_test/matmul_algorithms";
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
  return path;
}

TEST(AlgorithmFileTest, TheFirstChoiceIsThatOfAllProcesses) {
  const std::string path = NewPath();
  AlgorithmFile first(path), second(path);
  EXPECT_EQ(first.Add("a product", "3"), "3");
  EXPECT_EQ(second.Add("a product", "5"), "3");
  EXPECT_EQ(second.Add("another", "7"), "7");
  EXPECT_EQ(first.Add("another", "1"), "7");
  for (const AlgorithmFile& file : {first, second, AlgorithmFile(path)}) {
    EXPECT_THAT(file.Find("a product"), Optional(std::string("3")));
    EXPECT_THAT(file.Find("another"), Optional(std::string("7")));
  }
}

TEST(AlgorithmFileTest, SaysWhyALineIsCutOff) {
  const std::string path = NewPath();
  AlgorithmFile file(path);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {10, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::ostringstream said;  // stderr may be a file, which would be cut off as well
  std::streambuf* const cerr = std::cerr.rdbuf(said.rdbuf());
  const std::string value = file.Add("a product", "3");
  std::cerr.rdbuf(cerr);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(value, "3");
  EXPECT_EQ(std::filesystem::file_size(path), 10);
  EXPECT_THAT(said.str(), testing::HasSubstr("not kept: No space left on device"));
  EXPECT_EQ(AlgorithmFile(path).Find("a product"), std::nullopt);
}

}  // namespace
}  // namespace orbit::kernels
