// Without a GPU, or without cuDNN, attention by cuDNN says what is missing.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "kernels/cuda/cudnn_attention.h"

#ifdef ORBIT_CUDA
#include <cuda_runtime_api.h>
#endif

namespace orbit::kernels {
namespace {

bool ThereIsAGpu() {
#ifdef ORBIT_CUDA
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
#else
  return false;
#endif
}

TEST(CudnnAttention, SaysWhatIsMissing) {
  if (ThereIsAGpu()) GTEST_SKIP() << "nothing is missing here";
  const auto message = [](auto&& call) {
    try {
      call();
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const AttentionShape shape = {1, 17, 1, 16};
  for (const std::string& said :
       {message([&] { CudnnAttentionForward(Cuda(), shape, nullptr, nullptr, nullptr); }),
        message([&] { CudnnAttentionBackward(Cuda(), shape, nullptr, nullptr, nullptr, nullptr, nullptr); })})
    EXPECT_TRUE(said.find("cuDNN") != std::string::npos || said.find("libcudnn") != std::string::npos) << said;
}

}  // namespace
}  // namespace orbit::kernels
