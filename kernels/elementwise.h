// Functions of single elements, and sums along axes. T is float, double or BFloat16, which is computed in float.
#ifndef ORBIT_KERNELS_ELEMENTWISE_H_
#define ORBIT_KERNELS_ELEMENTWISE_H_

#include <array>
#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// sum[i] += term[i].
template <class Device, class T>
void Accumulate(Device device, int64_t size, const T* term, T* sum);

// Functions of one element with up to two parameters a, b.
enum class Unary {
  kAffine,     // a x + b
  kRelu,       // max(x, 0)
  kLeakyRelu,  // x, or a x where x < 0
  kGelu,       // x Phi(x), with the error function
  kSilu,       // x sigmoid(x)
  kTanh,
  kSigmoid,
  kExp,
  kLog,
  kSqrt,
  kSquare,
  kAbs,
  kClamp,  // min(max(x, a), b); the gradient passes if a <= x <= b
};

template <class Device, class T>
void UnaryForward(Device device, Unary function, int64_t size, SumType<T> a, SumType<T> b, const T* x, T* y);

// dx[i] = dy[i] f'(x[i]), given y[i] = f(x[i]).
template <class Device, class T>
void UnaryBackward(Device device, Unary function, int64_t size, SumType<T> a, SumType<T> b, const T* x, const T* y,
                   const T* dy, T* dx);

// y[i] = x[i], To another of float, double and BFloat16, rounded to nearest, From one of these or uint8_t.
template <class Device, class From, class To>
void Convert(Device device, int64_t size, const From* x, To* y);

enum class Binary { kAdd, kSubtract, kMultiply, kDivide };

inline constexpr int kMaxAxes = 8;

// The axes of a result and the strides of both operands along them, in elements; the stride is 0 along a broadcast
// axis.
struct Broadcast {
  int axes = 0;
  std::array<int64_t, kMaxAxes> size{}, a_stride{}, b_stride{};
};

// y = f(a, b), row-major.
template <class Device, class T>
void BinaryForward(Device device, Binary function, const Broadcast& shape, const T* a, const T* b, T* y);

// y [outer, inner] = factor * sum of x [outer, middle, inner] over the middle axis, in a fixed order.
template <class Device, class T>
void SumAxis(Device device, int64_t outer, int64_t middle, int64_t inner, SumType<T> factor, const T* x, SumType<T>* y);

// y [outer, middle, inner] = factor x [outer, inner]: the backward of SumAxis.
template <class Device, class T>
void ExpandAxis(Device device, int64_t outer, int64_t middle, int64_t inner, SumType<T> factor, const T* x, T* y);

// y [outer, inner] = the largest of x [outer, middle, inner] along the middle axis, index the first place it is found;
// NaN counts as the largest. T is float or double, as in what follows.
template <class Device, class T>
void MaxAxis(Device device, int64_t outer, int64_t middle, int64_t inner, const T* x, T* y, int32_t* index);

// dx [outer, middle, inner] = dy at position `index`, 0 elsewhere.
template <class Device, class T>
void MaxAxisBackward(Device device, int64_t outer, int64_t middle, int64_t inner, const int32_t* index, const T* dy,
                     T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_ELEMENTWISE_H_
