// Which sanitizer the kernels are compiled with: the build sets ORBIT_SIMT_SANITIZER. The emulator itself is compiled
// without instrumentation.
#ifndef ORBIT_KERNELS_SIMT_SANITIZER_H_
#define ORBIT_KERNELS_SIMT_SANITIZER_H_

#define ORBIT_SIMT_NONE 0
#define ORBIT_SIMT_ASAN 1
#define ORBIT_SIMT_TSAN 2

namespace orbit::kernels::simt {

inline constexpr bool kAddressSanitizer = ORBIT_SIMT_SANITIZER == ORBIT_SIMT_ASAN;
inline constexpr bool kThreadSanitizer = ORBIT_SIMT_SANITIZER == ORBIT_SIMT_TSAN;

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_SANITIZER_H_
