// Device tags. Every kernel takes one as its first argument; the tag chooses the implementation:
//
//   template <class T> void Scale(Cpu, int64_t size, T factor, T* x);      // kernels/cpu/scale.cc
//
// A header in kernels/ declares each kernel once, as a template over the device and the element type; each device's
// folder defines it and instantiates the combinations it supports, so that a missing one is a link error.
#ifndef ORBIT_KERNELS_DEVICE_H_
#define ORBIT_KERNELS_DEVICE_H_

#include <cstdint>

struct CUstream_st;  // CUDA's own name; cudaStream_t points to one

namespace orbit {

// How products of matrices of floats are computed on GPUs: in single precision, or on tensor cores with operands
// rounded to TF32 (10 bits) or bf16 (7 bits) on the way in. Sums and results are f32 in all. Products of doubles and of
// bf16 are not touched.
enum class Precision : uint8_t { kF32, kTf32, kBf16 };

namespace kernels {

// The host processor. Kernels run on the calling thread and the threads of parallel.h, and have finished on return.
struct Cpu {};

// A CUDA GPU, the calling thread's current device. Pointers are to its memory. A kernel is queued on the stream and may
// not have finished on return. Throws Error, naming the operation and the device, if it cannot be queued.
struct Cuda {
  CUstream_st* stream = nullptr;  // null: CUDA's default stream
  Precision precision = Precision::kF32;
};

// Runs the CUDA kernels on the host, in an emulator for tests (kernels/simt). Pointers are to host memory; kernels have
// finished on return.
struct Simt {
  Precision precision = Precision::kF32;
};

}  // namespace kernels
}  // namespace orbit

#endif  // ORBIT_KERNELS_DEVICE_H_
