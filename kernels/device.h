// Device tags. Every kernel takes one as its first argument; the tag chooses the implementation:
//
//   template <class T> void Scale(Cpu, int64_t size, T factor, T* x);      // kernels/cpu/scale.cc
//
// A header in kernels/ declares each kernel once, as a template over the device and the element type; each device's
// folder defines it and instantiates the combinations it supports, so that a missing one is a link error.
#ifndef ORBIT_KERNELS_DEVICE_H_
#define ORBIT_KERNELS_DEVICE_H_

namespace orbit::kernels {

// The host processor. Kernels run on the calling thread and the threads of parallel.h, and have finished on return.
struct Cpu {};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_DEVICE_H_
