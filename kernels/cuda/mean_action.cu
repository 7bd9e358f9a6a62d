#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/mean_action.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
constexpr size_t kMaxSharedBytes = 96 << 10;  // allows two blocks per multiprocessor

// A thread per element of y adds the samples in order. Bytes: y once and x once; a line of x serves the d coordinates
// from cache.
template <class T>
__global__ void __launch_bounds__(kThreads)
    ForwardKernel(MeanActionShape shape, const int32_t* ranks, const T* m, const T* x, T* y) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= shape.batch * shape.row_size()) return;
  const int channels = static_cast<int>(shape.channels), d = static_cast<int>(shape.d);
  const int64_t point = i / (d * channels), b = point / shape.n, node = point % shape.n;
  const int coordinate = static_cast<int>(i / channels % d), c = static_cast<int>(i % channels);
  T sum = 0;
  for (int64_t row = b * shape.samples; row < (b + 1) * shape.samples; ++row) {
    const int64_t rank = ranks ? ranks[row * shape.n + node] : node;
    const T* from = x + (row * shape.n + rank) * d * channels + c;
    if (!m) {
      sum += from[coordinate * channels];
      continue;
    }
    const T* line = m + (row * d + coordinate) * d;
    for (int k = 0; k < d; ++k) sum += line[k] * from[k * channels];
  }
  y[i] = sum / static_cast<T>(shape.samples);
}

// A block per row (one sample). dz = m^T dy is in shared memory, [n, d channels], or in `spilled` if it is too large. A
// warp computes one entry of dm at a time, a thread elements of dx and dsoft. Bytes: x, dx and dsoft once. Flops: 2 n^2
// d channels per row for dsoft.
template <class T>
__global__ void __launch_bounds__(kThreads)
    BackwardKernel(MeanActionShape shape, const int32_t* index, const T* m, const T* x, const T* dy, T* spilled, T* dx,
                   T* dm, T* dsoft) {
  const int n = static_cast<int>(shape.n), d = static_cast<int>(shape.d), channels = static_cast<int>(shape.channels);
  const int width = d * channels, size = n * width, lane = threadIdx.x % 32;
  const int64_t row = blockIdx.x;
  const T factor = T(1) / static_cast<T>(shape.samples);
  T* dz = spilled ? spilled + row * size : DynamicShared<T>();
  dy += row / shape.samples * size;
  x += row * size;
  if (index) index += row * n;
  if (m) m += row * d * d;

  for (int i = threadIdx.x; i < size; i += kThreads) {
    T sum = 0;
    if (m) {
      const int k = i / channels % d;
      const T* from = dy + i - k * channels;
      for (int a = 0; a < d; ++a) sum += m[a * d + k] * from[a * channels];
    } else {
      sum = dy[i];
    }
    dz[i] = factor * sum;
  }
  __syncthreads();
  const auto node = [&](int rank) { return index ? index[rank] : rank; };
  if (dx)
    for (int i = threadIdx.x; i < size; i += kThreads) dx[row * size + i] = dz[node(i / width) * width + i % width];
  if (dsoft)
    for (int i = threadIdx.x; i < n * n; i += kThreads) {
      const T *gradient = dz + i / n * width, *from = x + i % n * width;
      T sum = 0;
      for (int c = 0; c < width; ++c) sum += gradient[c] * from[c];
      dsoft[row * n * n + i] = sum;
    }
  if (!dm) return;
  for (int entry = threadIdx.x / 32; entry < d * d; entry += kWarps) {
    const int a = entry / d, k = entry % d;
    T sum = 0;
    for (int i = lane; i < n * channels; i += 32) {
      const int rank = i / channels, c = i % channels;
      sum += dy[(node(rank) * d + a) * channels + c] * x[(rank * d + k) * channels + c];
    }
    sum = WarpSum(sum);
    if (lane == 0) dm[row * d * d + entry] = factor * sum;
  }
}

}  // namespace

template <class Device, class T>
void MeanAction(Device gpu, const MeanActionShape& shape, const int32_t* ranks, const T* m, const T* x, T* y) {
  const int64_t size = shape.batch * shape.row_size();
  if (size == 0) return;
  Launch("MeanAction", gpu, dim3(DivideUp<int64_t>(size, kThreads)), dim3(kThreads), 0, ForwardKernel<T>, shape, ranks,
         m, x, y);
}

template <class Device, class T>
void MeanActionBackward(Device gpu, const MeanActionShape& shape, const int32_t* index, const T* m, const T* x,
                        const T* dy, T* dx, T* dm, T* dsoft) {
  if (shape.rows() == 0) return;
  const size_t bytes = shape.row_size() * sizeof(T);
  const bool fits = bytes <= kMaxSharedBytes;
  const Scratch<T> spilled(gpu, fits ? 0 : shape.rows() * shape.row_size());
  Launch("MeanActionBackward", gpu, dim3(shape.rows()), dim3(kThreads), fits ? bytes : 0, BackwardKernel<T>, shape,
         index, m, x, dy, fits ? nullptr : spilled.data(), dx, dm, dsoft);
}

#define ORBIT_INSTANTIATE(T)                                                                                          \
  template void MeanAction(Gpu, const MeanActionShape&, const int32_t*, const T*, const T*, T*);                      \
  template void MeanActionBackward(Gpu, const MeanActionShape&, const int32_t*, const T*, const T*, const T*, T*, T*, \
                                   T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
