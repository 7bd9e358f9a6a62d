#include "kernels/linear.h"

#include "kernels/cpu/floats.h"
#include "kernels/cpu/narrow_matmul.h"
#include "kernels/cpu/zero_skipping_matmul.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"

namespace orbit::kernels {

template <class Device, class T>
void LinearForward(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,
                   T* y) {
  if (IsNarrow<T>(Transpose::kNo, Transpose::kYes, rows, out, in))
    return NarrowMatMul(Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, bias, T(0), y);
  if (bias) {
    if (ZeroSkippingMatMul(Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, bias, y)) return;
    BroadcastRow(device, rows, out, bias, y);
  }
  MatMul(device, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, bias ? T(1) : T(0), y);
}

template <>
void LinearForward(Cpu cpu, int64_t rows, int64_t in, int64_t out, const BFloat16* x, const BFloat16* weight,
                   const BFloat16* bias, BFloat16* y) {
  const Floats wide_bias(bias ? out : 0, bias), result(rows * out);
  LinearForward<Cpu, float>(cpu, rows, in, out, Floats(rows * in, x).data(), Floats(out * in, weight).data(),
                            bias ? wide_bias.data() : nullptr, result.data());
  result.RoundTo(y);
}

template <class Device, class T>
void LinearPlus(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,
                const T* start, T* y) {
  const Broadcast shape = {.axes = 2, .size = {rows, out}, .a_stride = {out, 1}, .b_stride = {0, 1}};
  BinaryForward(device, Binary::kAdd, shape, start, bias, y);
  MatMul(device, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, T(1), y);
}

template <>
void LinearPlus(Cpu cpu, int64_t rows, int64_t in, int64_t out, const BFloat16* x, const BFloat16* weight,
                const BFloat16* bias, const BFloat16* start, BFloat16* y) {
  const Floats wide_bias(out, bias), result(rows * out, start);
  LinearPlus<Cpu, float>(cpu, rows, in, out, Floats(rows * in, x).data(), Floats(out * in, weight).data(),
                         wide_bias.data(), result.data(), result.data());
  result.RoundTo(y);
}

template <class Device, class T>
void LinearWeightGradient(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* dy,
                          SumType<T>* dweight, SumType<T>* dbias) {
  MatMul(device, Transpose::kYes, Transpose::kNo, out, in, rows, dy, x, SumType<T>(0), dweight);
  if (dbias) ColumnSums(device, rows, out, dy, dbias);
}

template <class Device, class T>
void LinearThenGelu(Device device, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,
                    T* z, T* y) {
  LinearForward(device, rows, in, out, x, weight, bias, z);
  UnaryForward(device, Unary::kGelu, rows * out, T(0), T(0), z, y);
}

template <class Device, class T>
void LinearOfGeluBackward(Device device, int64_t rows, int64_t in, int64_t out, const T* z, const T* weight,
                          const T* dy, T* dz, T* dbias) {
  MatMul(device, Transpose::kNo, Transpose::kNo, rows, in, out, dy, weight, T(0), dz);
  UnaryBackward(device, Unary::kGelu, rows * in, T(0), T(0), z, static_cast<const T*>(dz), dz, dz);
  ColumnSums(device, rows, in, dz, dbias);
}

template void LinearPlus(Cpu, int64_t, int64_t, int64_t, const float*, const float*, const float*, const float*,
                         float*);
template void LinearPlus(Cpu, int64_t, int64_t, int64_t, const double*, const double*, const double*, const double*,
                         double*);

#define ORBIT_INSTANTIATE(T)                                                                          \
  template void LinearThenGelu(Cpu, int64_t, int64_t, int64_t, const T*, const T*, const T*, T*, T*); \
  template void LinearOfGeluBackward(Cpu, int64_t, int64_t, int64_t, const T*, const T*, const T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE
#define ORBIT_INSTANTIATE(T)                                                                     \
  template void LinearForward(Cpu, int64_t, int64_t, int64_t, const T*, const T*, const T*, T*); \
  template void LinearWeightGradient(Cpu, int64_t, int64_t, int64_t, const T*, const T*, SumType<T>*, SumType<T>*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
