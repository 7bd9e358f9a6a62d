// Where libraries are searched for at run time, and in what order.
#include "kernels/cuda/shared_library.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace orbit::kernels {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr char kLibrary[] = "libprobe.so";

class SharedLibraryTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    for (const char* variable : {"CUDA_HOME", "VIRTUAL_ENV", "CONDA_PREFIX"}) unsetenv(variable);
    setenv("HOME", folder_.c_str(), 1);
  }

  // Copies the library into a folder of this test.
  fs::path Put(const fs::path& relative) {
    const fs::path path = folder_ / relative / kLibrary;
    fs::create_directories(path.parent_path());
    fs::copy_file(fs::path("tests/kernels/cuda") / kLibrary, path);
    return path;
  }
  void Set(const char* variable, const fs::path& relative) { setenv(variable, (folder_ / relative).c_str(), 1); }

  // The file from which the library was loaded.
  static fs::path Found() {
    const SharedLibrary library(kLibrary);
    int (*const probe)() = library.Get<int (*)()>("Probe");
    EXPECT_EQ(probe(), 42);
    Dl_info info{};
    EXPECT_TRUE(dladdr(reinterpret_cast<void*>(probe), &info));
    return info.dli_fname;
  }

  fs::path folder_;
};

TEST_F(SharedLibraryTest, OfCudaHome) {
  Set("CUDA_HOME", "cuda");
  const fs::path lib = Put("cuda/lib");
  EXPECT_EQ(Found(), lib);
  const fs::path lib64 = Put("cuda/lib64");
  EXPECT_EQ(Found(), lib64);
}

TEST_F(SharedLibraryTest, OfNvidiasWheels) {
  const fs::path user = Put(".local/lib/python3.12/site-packages/nvidia/cublas/lib");
  EXPECT_EQ(Found(), user);
  Set("CONDA_PREFIX", "conda");
  const fs::path conda = Put("conda/lib/python3.11/site-packages/nvidia/cu13/lib");
  EXPECT_EQ(Found(), conda);
  Set("VIRTUAL_ENV", "venv");
  const fs::path venv = Put("venv/lib/python3.11/dist-packages/nvidia/cu13/lib");
  EXPECT_EQ(Found(), venv);
  Set("CUDA_HOME", "cuda");
  const fs::path home = Put("cuda/lib64");
  EXPECT_EQ(Found(), home);
}

TEST_F(SharedLibraryTest, OneThatCannotBeLoadedIsPassedOver) {
  Set("CUDA_HOME", "cuda");
  const fs::path broken = Put("cuda/lib64");
  fs::resize_file(broken, 100);
  const fs::path user = Put(".local/lib/python3.12/site-packages/nvidia/cublas/lib");
  EXPECT_EQ(Found(), user);
}

TEST_F(SharedLibraryTest, ItIsToldWhereItWasLookedFor) {
  Set("CUDA_HOME", "cuda");
  fs::create_directories(folder_ / ".local/lib/python3.12/site-packages/nvidia/cublas");
  EXPECT_THAT([] { SharedLibrary{kLibrary}; },
              ThrowsMessage<std::runtime_error>(
                  AllOf(HasSubstr("libprobe.so is needed and was not found. Set CUDA_HOME or LD_LIBRARY_PATH"),
                        HasSubstr("cuda/lib64/libprobe.so"), HasSubstr("the loader's paths (LD_LIBRARY_PATH)"),
                        HasSubstr(".local/lib/python3.12/site-packages/nvidia/cublas/lib/libprobe.so"))));
  Put("cuda/lib");
  EXPECT_THAT([] { SharedLibrary(kLibrary).Get<int (*)()>("Prob"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("libprobe.so has no Prob")));
}

}  // namespace
}  // namespace orbit::kernels
