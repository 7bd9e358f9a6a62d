#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/rotate.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

struct Shape {
  int64_t rows, repeat;
  int points, d, channels;
  bool transpose;
};

// Offset of the first coordinate of vector `item` (a point and channel) of a row; its coordinates are `channels` apart.
__device__ int64_t Offset(const Shape& shape, int64_t row, int64_t item) {
  return (row * shape.points + item / shape.channels) * shape.d * shape.channels + item % shape.channels;
}

__device__ int Entry(const Shape& shape, bool transpose, int i, int j) {
  return transpose ? j * shape.d + i : i * shape.d + j;
}

// A thread per vector (row, point and channel). Bytes: y once; m and x once, as rows that share an x are neighbours.
template <class T>
__global__ void __launch_bounds__(kThreads) ForwardKernel(Shape shape, const T* m, const T* x, T* y) {
  const int64_t per_row = int64_t{shape.points} * shape.channels;
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x, row = at / per_row, item = at % per_row;
  if (row >= shape.rows) return;
  m += row * shape.d * shape.d;
  x += Offset(shape, row / shape.repeat, item);
  y += Offset(shape, row, item);
  for (int i = 0; i < shape.d; ++i) {
    T sum = 0;
    for (int j = 0; j < shape.d; ++j) sum += m[Entry(shape, shape.transpose, i, j)] * x[j * shape.channels];
    y[i * shape.channels] = sum;
  }
}

// dx: a thread per vector adds the rows that share an x, in order. Bytes: m and dy once, dx once.
template <class T>
__global__ void __launch_bounds__(kThreads) InputKernel(Shape shape, const T* m, const T* dy, T* dx) {
  const int64_t per_row = int64_t{shape.points} * shape.channels;
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x, group = at / per_row, item = at % per_row;
  if (group >= shape.rows / shape.repeat) return;
  dx += Offset(shape, group, item);
  for (int i = 0; i < shape.d; ++i) {
    T sum = 0;
    for (int64_t row = group * shape.repeat; row < (group + 1) * shape.repeat; ++row) {
      const T *matrix = m + row * shape.d * shape.d, *from = dy + Offset(shape, row, item);
      for (int j = 0; j < shape.d; ++j) sum += matrix[Entry(shape, !shape.transpose, i, j)] * from[j * shape.channels];
    }
    dx[i * shape.channels] = sum;
  }
}

// dm: a warp per row computes one entry at a time; its lanes share the points and channels. Bytes: x and dy once, as
// long as they stay in cache; dm once.
template <class T>
__global__ void __launch_bounds__(kThreads) MatrixKernel(Shape shape, const T* x, const T* dy, T* dm) {
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (row >= shape.rows) return;
  const int lane = threadIdx.x % 32, d = shape.d, items = shape.points * shape.channels;
  for (int i = 0; i < d; ++i)
    for (int j = 0; j < d; ++j) {
      T sum = 0;
      for (int item = lane; item < items; item += 32)
        sum += dy[Offset(shape, row, item) + i * shape.channels] *
               x[Offset(shape, row / shape.repeat, item) + j * shape.channels];
      sum = WarpSum(sum);
      if (lane == 0) dm[row * d * d + Entry(shape, shape.transpose, i, j)] = sum;
    }
}

Shape MakeShape(int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels, bool transpose) {
  return {rows, repeat, static_cast<int>(points), static_cast<int>(d), static_cast<int>(channels), transpose};
}

}  // namespace

template <class Device, class T>
void RotateForward(Device gpu, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels,
                   bool transpose, const T* m, const T* x, T* y) {
  const int64_t threads = rows * points * channels;
  if (threads == 0) return;
  Launch("RotateForward", gpu, dim3(DivideUp<int64_t>(threads, kThreads)), dim3(kThreads), 0, ForwardKernel<T>,
         MakeShape(rows, repeat, points, d, channels, transpose), m, x, y);
}

template <class Device, class T>
void RotateBackward(Device gpu, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels,
                    bool transpose, const T* m, const T* x, const T* dy, T* dm, T* dx) {
  if (rows == 0) return;
  const Shape shape = MakeShape(rows, repeat, points, d, channels, transpose);
  const int64_t threads = rows / repeat * points * channels;
  if (dm)
    Launch("RotateBackward", gpu, dim3(DivideUp<int64_t>(rows, kWarps)), dim3(kThreads), 0, MatrixKernel<T>, shape, x,
           dy, dm);
  if (dx && threads > 0)
    Launch("RotateBackward", gpu, dim3(DivideUp<int64_t>(threads, kThreads)), dim3(kThreads), 0, InputKernel<T>, shape,
           m, dy, dx);
}

#define ORBIT_INSTANTIATE(T)                                                                                         \
  template void RotateForward(Gpu, int64_t, int64_t, int64_t, int64_t, int64_t, bool, const T*, const T*, T*);       \
  template void RotateBackward(Gpu, int64_t, int64_t, int64_t, int64_t, int64_t, bool, const T*, const T*, const T*, \
                               T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
