#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
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

// A thread writes elements a grid apart. Bytes: the array once.
template <class Element>
__global__ void FillKernel(Element element, size_t count, Element* data) {
  for (size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += size_t{gridDim.x} * blockDim.x)
    data[i] = element;
}

template <class Element>
void FillElements(Cuda device, void* data, const void* element, size_t count) {
  constexpr size_t kThreads = 256, kMostBlocks = 2048;
  Element value;
  std::memcpy(&value, element, sizeof(value));
  const unsigned blocks = static_cast<unsigned>(std::min((count + kThreads - 1) / kThreads, kMostBlocks));
  FillKernel<<<blocks, kThreads, 0, device.stream>>>(value, count, static_cast<Element*>(data));
  CheckCuda("Fill", cudaGetLastError());
}

}  // namespace

void FillMemory(Cuda device, void* data, const void* element, size_t element_bytes, size_t count) {
  if (count == 0) return;
  switch (element_bytes) {
    case 1:
      return FillElements<uint8_t>(device, data, element, count);
    case 2:
      return FillElements<uint16_t>(device, data, element, count);
    case 4:
      return FillElements<uint32_t>(device, data, element, count);
    case 8:
      return FillElements<uint64_t>(device, data, element, count);
    default:
      throw std::runtime_error("Fill with elements of " + std::to_string(element_bytes) + " bytes");
  }
}

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
