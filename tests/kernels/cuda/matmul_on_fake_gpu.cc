// matmul_on_fake_gpu [M,N,K | M,N,K+ | capture]...: products of floats on a fake GPU, with a + added to what there is;
// those after `capture` are captured.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "kernels/cuda/cublas.h"

int main(int count, char** arguments) {
  using namespace orbit::kernels;
  static std::vector<float> memory(1 << 16);
  for (int i = 1; i < count; ++i) {
    long m = 0, n = 0, k = 0;
    if (std::strcmp(arguments[i], "capture") == 0) {
      cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeThreadLocal);
    } else if (std::sscanf(arguments[i], "%ld,%ld,%ld", &m, &n, &k) == 3) {
      const float beta = arguments[i][std::strlen(arguments[i]) - 1] == '+' ? 1 : 0;
      if (!CublasMatMul<float, float>(Cuda(), Transpose::kNo, Transpose::kNo, m, n, k, memory.data(), memory.data(), {},
                                      beta, memory.data(), 1, 0, 0, 0))
        return 1;
    } else {
      return 2;
    }
  }
}
