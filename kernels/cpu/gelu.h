// GELU on arrays, vectorised: kernels/elementwise.h has it among its functions.
#ifndef ORBIT_KERNELS_CPU_GELU_H_
#define ORBIT_KERNELS_CPU_GELU_H_

#include <cstdint>

namespace orbit::kernels {

// For T = float, double and BFloat16, which is computed in float.
template <class T>
void GeluOf(int64_t size, const T* x, T* y);
// dx = dy gelu'(x). dx may be dy.
template <class T>
void GeluGradient(int64_t size, const T* x, const T* dy, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_GELU_H_
