// Instruction sets that the vectorised kernels are compiled for, chosen at run time by Highway: AVX2, AVX-512, and
// plain C++ for whatever else. Include this before Highway's headers.
#ifndef ORBIT_KERNELS_CPU_TARGETS_H_
#define ORBIT_KERNELS_CPU_TARGETS_H_

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

#endif  // ORBIT_KERNELS_CPU_TARGETS_H_
