#include "kernels/alternatives.h"
#include "kernels/cuda/gpu.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/matmul.h"

#ifdef __CUDACC__
#include "kernels/cuda/cublas.h"
#endif

// Separate kernels or, with Alternative::kCublasLtEpilogues, a single product, which saves reading what the previous
// kernel wrote. Bytes saved: bias gradient, dy once; GELU forward, z once, as the product writes both y and z; GELU
// backward, dz twice, and a third time with the bias gradient.
namespace orbit::kernels {
namespace {

#ifdef __CUDACC__

// Queues the product with its epilogue and returns true, or returns false if that is not possible. T is float.
template <class T>
bool WithEpilogue(Gpu gpu, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
                  const T* b, const CublasEpilogue& epilogue, SumType<T>* c) {
  if (!std::is_same_v<T, float> || !IsUsed(Alternative::kCublasLtEpilogues) || m * n * k == 0) return false;
  return CublasMatMul(gpu, transpose_a, transpose_b, m, n, k, a, b, epilogue, SumType<T>(0), c, 1, 0, 0, 0);
}

#else

struct CublasEpilogue {
  enum Kind { kBiasGradient, kBiasGelu, kGeluGradient } kind;
  const void *bias, *gelu_input;
};

template <class... Arguments>
bool WithEpilogue(const Arguments&...) {
  return false;  // the emulator computes products on the host
}

#endif

bool GeluMayBeApproximate(Gpu gpu) { return gpu.precision != Precision::kF32; }

}  // namespace

#ifdef __CUDACC__

namespace {

// The product with what it can: false where it has to be taken apart. cuBLASLt adds no bias in double.
template <class T>
bool WithBias(Gpu gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,
              const T* start, T* y) {
  if (!bias || std::is_same_v<T, double> || rows * in * out == 0) return false;
  return CublasMatMul(gpu, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, {CublasEpilogue::kBias, bias},
                      SumType<T>(start ? 1 : 0), y, 1, 0, 0, 0, start);
}

}  // namespace

#define ORBIT_SPECIALISE_LINEAR(T)                                                                                   \
  template <>                                                                                                        \
  void LinearForward(Gpu gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,     \
                     T* y) {                                                                                         \
    if (WithBias<T>(gpu, rows, in, out, x, weight, bias, nullptr, y)) return;                                        \
    if (bias) BroadcastRow(gpu, rows, out, bias, y);                                                                 \
    MatMul(gpu, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, SumType<T>(bias ? 1 : 0), y, int64_t{1},  \
           int64_t{0}, int64_t{0}, int64_t{0});                                                                      \
  }                                                                                                                  \
  template <>                                                                                                        \
  void LinearPlus(Gpu gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,        \
                  const T* start, T* y) {                                                                            \
    if (WithBias<T>(gpu, rows, in, out, x, weight, bias, start, y)) return;                                          \
    const Broadcast shape = {.axes = 2, .size = {rows, out}, .a_stride = {out, 1}, .b_stride = {0, 1}};              \
    BinaryForward(gpu, Binary::kAdd, shape, start, bias, y);                                                         \
    MatMul(gpu, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, SumType<T>(1), y, int64_t{1}, int64_t{0}, \
           int64_t{0}, int64_t{0});                                                                                  \
  }

#else

#define ORBIT_SPECIALISE_LINEAR(T)                                                                                   \
  template <>                                                                                                        \
  void LinearForward(Gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias, T* y) { \
    simt::Submit([=] { LinearForward(Cpu(), rows, in, out, x, weight, bias, y); });                                  \
  }                                                                                                                  \
  template <>                                                                                                        \
  void LinearPlus(Gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,            \
                  const T* start, T* y) {                                                                            \
    simt::Submit([=] { LinearPlus(Cpu(), rows, in, out, x, weight, bias, start, y); });                              \
  }

#endif

ORBIT_SPECIALISE_LINEAR(float)
ORBIT_SPECIALISE_LINEAR(double)
ORBIT_SPECIALISE_LINEAR(BFloat16)
#undef ORBIT_SPECIALISE_LINEAR

template <class Device, class T>
void LinearWeightGradient(Device gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* dy,
                          SumType<T>* dweight, SumType<T>* dbias) {
  if (dbias && WithEpilogue(gpu, Transpose::kYes, Transpose::kNo, out, in, rows, dy, x,
                            CublasEpilogue{CublasEpilogue::kBiasGradient, dbias, nullptr}, dweight))
    return;
  MatMul(gpu, Transpose::kYes, Transpose::kNo, out, in, rows, dy, x, SumType<T>(0), dweight);
  if (dbias) ColumnSums(gpu, rows, out, dy, dbias);
}

template <class Device, class T>
void LinearThenGelu(Device gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias, T* z,
                    T* y) {
  if (GeluMayBeApproximate(gpu) && WithEpilogue(gpu, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight,
                                                CublasEpilogue{CublasEpilogue::kBiasGelu, bias, z}, y))
    return;
  LinearForward(gpu, rows, in, out, x, weight, bias, z);
  UnaryForward(gpu, Unary::kGelu, rows * out, T(0), T(0), z, y);
}

template <class Device, class T>
void LinearOfGeluBackward(Device gpu, int64_t rows, int64_t in, int64_t out, const T* z, const T* weight, const T* dy,
                          T* dz, T* dbias) {
  if (GeluMayBeApproximate(gpu) && WithEpilogue(gpu, Transpose::kNo, Transpose::kNo, rows, in, out, dy, weight,
                                                CublasEpilogue{CublasEpilogue::kGeluGradient, dbias, z}, dz))
    return;
  MatMul(gpu, Transpose::kNo, Transpose::kNo, rows, in, out, dy, weight, T(0), dz);
  UnaryBackward(gpu, Unary::kGelu, rows * in, T(0), T(0), z, static_cast<const T*>(dz), dz, dz);
  ColumnSums(gpu, rows, in, dz, dbias);
}

#define ORBIT_INSTANTIATE(T)                                                                          \
  template void LinearThenGelu(Gpu, int64_t, int64_t, int64_t, const T*, const T*, const T*, T*, T*); \
  template void LinearOfGeluBackward(Gpu, int64_t, int64_t, int64_t, const T*, const T*, const T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE
#define ORBIT_INSTANTIATE(T) \
  template void LinearWeightGradient(Gpu, int64_t, int64_t, int64_t, const T*, const T*, SumType<T>*, SumType<T>*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
