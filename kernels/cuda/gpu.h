// Included by every kernel in this folder: CUDA C++, and how to launch a kernel.
//
// The .cu files are compiled twice: by nvcc, where Gpu is the device tag Cuda, and by the host compiler against an
// emulator (kernels/simt), where Gpu is Simt. README.md has the rules for code that both accept.
//
//   Gpu                                    the device tag to instantiate for
//   Launch("Name", gpu, blocks, threads, shared_bytes, Kernel<T>, arguments...)
//                                          queues a kernel; throws Error if it is refused
//   ORBIT_SHARED(name, type)               a static shared variable, such as ORBIT_SHARED(tile, float[32][33])
//   DynamicShared<T>()                     the launch's dynamic shared memory, aligned to 256 bytes
//   MajorCapability(gpu)                   9 where the compute capability is 9.0; the emulator is such a GPU
//   Multiprocessors(gpu)                   how many there are. Where a sum's parts depend on it, as those of gradients
//                                          do, another kind of GPU gives other roundings
//   ResidentBlocks(gpu, Kernel<T>, threads, shared_bytes)
//                                          blocks of a launch that a multiprocessor has room for at a time
//   MostDynamicSharedBytes(gpu)            how much of it a block of this device can have; Launch throws Error beyond
//   Scratch<T>(gpu, count)                 memory for as long as it is in scope, in the order of the stream
#ifndef ORBIT_KERNELS_CUDA_GPU_H_
#define ORBIT_KERNELS_CUDA_GPU_H_

#include <cstddef>
#include <cstdint>

#include "kernels/device.h"
#include "kernels/error.h"

namespace orbit::kernels {

// A kernel that takes dynamic shared memory has at most so much besides, for static variables and for the alignment;
// one without static variables may take it all.
inline constexpr size_t kReservedSharedBytes = 1 << 10;
// The dynamic shared memory of a launch that needs no permission: static and dynamic together may be 48 KB.
inline constexpr size_t kUsualSharedBytes = (48 << 10) - kReservedSharedBytes;

}  // namespace orbit::kernels

#ifdef __CUDACC__
#include "kernels/cuda/gpu_cuda.h"
#else
#include "kernels/cuda/gpu_simt.h"
#endif

namespace orbit::kernels {
namespace {

inline constexpr unsigned kAllLanes = 0xffffffffu;

template <class Integer>
__host__ __device__ constexpr Integer DivideUp(Integer a, std::type_identity_t<Integer> b) {
  return (a + b - 1) / b;
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_GPU_H_
