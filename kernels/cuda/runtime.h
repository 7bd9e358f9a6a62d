// What launchers need of the CUDA runtime, without including CUDA's headers.
#ifndef ORBIT_KERNELS_CUDA_RUNTIME_H_
#define ORBIT_KERNELS_CUDA_RUNTIME_H_

#include <cstddef>
#include <string>

#include "kernels/device.h"

namespace orbit::kernels {

// Throws Error unless `error`, a cudaError_t, is cudaSuccess. The message has the operation, where in the program it
// ran, the device, CUDA's words and advice.
void CheckCuda(const char* operation, int error);
void SetWhereabouts(std::string (*whereabouts)());  // such as "step > forward"

// For example "cuda:0 (NVIDIA H200, compute capability 9.0, 139 GiB)". Cached, because CUDA cannot be asked after a
// fault.
std::string DescribeGpu(int index);

// The first number of the current device's compute capability, 9 of an H100's 9.0.
int MajorCapability(Cuda device);

// The current device's, 132 of an H100's.
int Multiprocessors(Cuda device);

// The most dynamic shared memory that a block of the current device can have, beside kReservedSharedBytes of gpu.h.
size_t MostDynamicSharedBytes(Cuda device);

// Lets a kernel be launched on the current device with as much dynamic shared memory as there is. Each kernel is asked
// for once per device: threads that raised and lowered the limit for their own launches would race. Throws Error for
// more than there is.
void PermitSharedMemory(const char* operation, Cuda device, const void* kernel, size_t shared_bytes);

// How many blocks with so many threads and so much dynamic shared memory a multiprocessor of the current device has
// room for at a time, by registers and shared memory.
int CountResidentBlocks(Cuda device, const void* kernel, int threads, size_t shared_bytes);

// Fills `data` with `count` copies of an element of 1, 2, 4 or 8 bytes, which `element` points to in host memory.
void FillMemory(Cuda device, void* data, const void* element, size_t element_bytes, size_t count);

// Where kernels get temporary memory: cudaMallocAsync, unless an allocator is set.
struct ScratchAllocator {
  void* (*allocate)(Cuda device, size_t bytes);
  void (*free)(Cuda device, void* memory);
};
void SetScratchAllocator(ScratchAllocator allocator);  // call before the first kernel
void* AllocateScratch(Cuda device, size_t bytes);
void FreeScratch(Cuda device, void* memory) noexcept;

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_RUNTIME_H_
