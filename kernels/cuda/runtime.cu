#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "kernels/cuda/runtime.h"

namespace orbit::kernels {
namespace {

void* Allocate(Cuda device, size_t bytes) {
  void* memory = nullptr;
  CheckCuda("scratch memory", cudaMallocAsync(&memory, bytes, device.stream));
  return memory;
}

void Free(Cuda device, void* memory) { cudaFreeAsync(memory, device.stream); }

ScratchAllocator& Allocator() {
  static ScratchAllocator allocator = {Allocate, Free};
  return allocator;
}

}  // namespace

void CheckCuda(const char* operation, int error) {
  if (error == cudaSuccess) return;
  int device = 0;
  cudaDeviceProp properties;
  std::string name = "CUDA";
  if (cudaGetDevice(&device) == cudaSuccess) {
    name += " device " + std::to_string(device);
    if (cudaGetDeviceProperties(&properties, device) == cudaSuccess) name += std::string(" (") + properties.name + ")";
  }
  const cudaError_t code = static_cast<cudaError_t>(error);
  throw std::runtime_error(std::string(operation) + " on " + name + ": " + cudaGetErrorString(code) + " (" +
                           cudaGetErrorName(code) + ")");
}

void SetScratchAllocator(ScratchAllocator allocator) { Allocator() = allocator; }

void* AllocateScratch(Cuda device, size_t bytes) { return bytes ? Allocator().allocate(device, bytes) : nullptr; }

void FreeScratch(Cuda device, void* memory) noexcept {
  if (memory) Allocator().free(device, memory);
}

}  // namespace orbit::kernels
