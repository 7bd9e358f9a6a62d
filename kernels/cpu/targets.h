// Instruction sets that the vectorised kernels are compiled for, chosen at run time by Highway: AVX2, AVX-512, and
// plain C++ for whatever else. Include this before Highway's headers.
#ifndef ORBIT_KERNELS_CPU_TARGETS_H_
#define ORBIT_KERNELS_CPU_TARGETS_H_

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

// Defines FUNCTION<T>(arguments ...): of the processor's instruction set, what FUNCTIONFloat or FUNCTIONDouble does.
#define ORBIT_EXPORT(FUNCTION)                                     \
  HWY_EXPORT(FUNCTION##Float);                                     \
  HWY_EXPORT(FUNCTION##Double);                                    \
  template <class T, class... Arguments>                           \
  auto FUNCTION(const Arguments&... arguments) {                   \
    if constexpr (sizeof(T) == sizeof(float))                      \
      return HWY_DYNAMIC_DISPATCH(FUNCTION##Float)(arguments...);  \
    else                                                           \
      return HWY_DYNAMIC_DISPATCH(FUNCTION##Double)(arguments...); \
  }

#endif  // ORBIT_KERNELS_CPU_TARGETS_H_
