// The nvcc version of gpu.h.
#ifndef ORBIT_KERNELS_CUDA_GPU_CUDA_H_
#define ORBIT_KERNELS_CUDA_GPU_CUDA_H_

#include <cuda_pipeline.h>
#include <cuda_runtime.h>

#include <type_traits>
#include <utility>

#include "kernels/cuda/runtime.h"
#include "kernels/device.h"

#define ORBIT_SHARED(name, ...) __shared__ std::type_identity_t<__VA_ARGS__> name

namespace orbit::kernels {

using Gpu = Cuda;

template <class T>
__device__ __forceinline__ T* DynamicShared() {
  extern __shared__ __align__(256) unsigned char orbit_dynamic_shared[];
  return reinterpret_cast<T*>(orbit_dynamic_shared);
}

template <class... Parameters>
int ResidentBlocks(Cuda device, void (*kernel)(Parameters...), int threads, size_t shared_bytes) {
  return CountResidentBlocks(device, reinterpret_cast<const void*>(kernel), threads, shared_bytes);
}

template <class... Parameters, class... Arguments>
void Launch(const char* operation, Cuda device, dim3 blocks, dim3 threads, size_t shared_bytes,
            void (*kernel)(Parameters...), const Arguments&... arguments) {
  if (shared_bytes > kUsualSharedBytes)
    PermitSharedMemory(operation, device, reinterpret_cast<const void*>(kernel), shared_bytes);
  kernel<<<blocks, threads, shared_bytes, device.stream>>>(static_cast<Parameters>(arguments)...);
  CheckCuda(operation, cudaGetLastError());
}

// Uninitialised temporary memory.
template <class T>
class Scratch {
 public:
  Scratch(Cuda device, size_t count)
      : device_(device), data_(static_cast<T*>(AllocateScratch(device, count * sizeof(T)))) {}
  ~Scratch() { FreeScratch(device_, data_); }
  Scratch(Scratch&& other) noexcept : device_(other.device_), data_(std::exchange(other.data_, nullptr)) {}
  Scratch& operator=(Scratch&&) = delete;
  T* data() const { return data_; }

 private:
  Cuda device_;
  T* data_;
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_GPU_CUDA_H_
