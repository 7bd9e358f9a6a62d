// Products of a linear layer, y = x weight^T + bias, alone or fused with what precedes or follows them: x [rows, in],
// weight [out, in], bias [out], y [rows, out]. GELU is exact, x Phi(x) by erf, but where a GPU is asked for
// Alternative::kCublasLtEpilogues (alternatives.h).
#ifndef ORBIT_KERNELS_LINEAR_H_
#define ORBIT_KERNELS_LINEAR_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// y = x weight^T + bias; bias may be null. T is float, double or BFloat16 with sums in float.
template <class Device, class T>
void LinearForward(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,
                   T* y);

// y = start + x weight^T + bias, start [rows, out], which y may be: the end of a residual branch. T is float, double or
// BFloat16 with sums in float.
template <class Device, class T>
void LinearPlus(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,
                const T* start, T* y);

// dweight = dy^T x and, where it is not null, dbias = the sums over the columns of dy. T is float, double or BFloat16.
template <class Device, class T>
void LinearWeightGradient(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* dy,
                          SumType<T>* dweight, SumType<T>* dbias);

// y = GELU(z) with z = x weight^T + bias; z is kept for the gradient.
template <class Device, class T>
void LinearThenGelu(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,
                    T* z, T* y);

// The input gradient of a layer whose x is GELU(z): dz [rows, in] = (dy weight) GELU'(z). dbias [in] receives the
// column sums of dz, the gradient of the bias that was added in z.
template <class Device, class T>
void LinearOfGeluBackward(Device device, int64_t rows, int64_t in, int64_t out, const T* z, const T* weight,
                          const T* dy, T* dz, T* dbias);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_LINEAR_H_
