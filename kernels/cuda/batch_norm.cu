#include <algorithm>

#include "kernels/batch_norm.h"
#include "kernels/batch_statistics.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int64_t kMaxPartials = 512;  // blocks with partial sums of columns

// How blocks cover a matrix [rows, columns], whose columns are vectors: a block owns `lanes` neighbouring columns and
// `rows_per_block` rows, a thread every (256 / lanes)-th row of one column.
struct Tiles {
  int64_t rows, rows_per_block;
  int columns, lanes;

  __device__ int Column() const { return static_cast<int>(blockIdx.y) * lanes + static_cast<int>(threadIdx.x) % lanes; }
  __device__ int64_t Begin() const { return blockIdx.x * rows_per_block + threadIdx.x / lanes; }
  __device__ int64_t End() const { return min(rows, (blockIdx.x + 1) * rows_per_block); }
  __device__ int Stride() const { return kThreads / lanes; }
};

struct Plan {
  Tiles tiles;
  dim3 blocks;
};

Plan PlanFor(int64_t rows, int64_t columns, int64_t most_blocks) {
  int lanes = 32;
  while (lanes > 1 && lanes / 2 >= columns) lanes /= 2;
  const int64_t at_once = kThreads / lanes;
  const int64_t blocks = std::clamp<int64_t>(DivideUp(rows, 4 * at_once), 1, most_blocks);
  const int64_t rows_per_block = DivideUp(DivideUp(rows, blocks), at_once) * at_once;
  return {{rows, rows_per_block, static_cast<int>(columns), lanes},
          dim3(DivideUp(rows, rows_per_block), DivideUp<int64_t>(columns, lanes))};
}

// The sum over the threads of a column; the first of them gets it. All threads call it, any number of times. `shared`:
// [256] V.
template <class V>
__device__ V ColumnSum(const Tiles& tiles, V value, V* shared) {
  shared[threadIdx.x] = value;
  __syncthreads();
  for (int distance = tiles.Stride() / 2; distance > 0; distance /= 2) {
    if (static_cast<int>(threadIdx.x) < distance * tiles.lanes)
      shared[threadIdx.x] += shared[threadIdx.x + distance * tiles.lanes];
    __syncthreads();
  }
  return shared[threadIdx.x];
}

// ---- Statistics ----
//
// Each block computes mean and sum of squared deviations for its rows of every column. A thread sums distances from its
// first value, so that nothing cancels. Partial results are merged in double as by Chan, Golub and LeVeque (1983). Then
// a warp per channel merges the blocks' results. Bytes: x once.
template <class T>
__global__ void __launch_bounds__(kThreads) MomentsKernel(Tiles tiles, const T* x, Moments* partial) {
  ORBIT_SHARED(shared, Moments[kThreads]);
  const int column = tiles.Column();
  const bool mine = column < tiles.columns;
  T sum = 0, squares = 0;
  const int64_t begin = tiles.Begin(), end = tiles.End();
  const T first = mine && begin < end ? x[begin * tiles.columns + column] : T(0);
  int count = 0;
  if (mine)
    for (int64_t r = begin; r < end; r += tiles.Stride(), ++count) {
      const T distance = x[r * tiles.columns + column] - first;
      sum += distance;
      squares += distance * distance;
    }
  Moments& moments = shared[threadIdx.x];
  const double shift = count > 0 ? static_cast<double>(sum) / count : 0;
  moments = {static_cast<double>(count), static_cast<double>(first) + shift,
             max(0.0, static_cast<double>(squares) - shift * static_cast<double>(sum))};
  __syncthreads();
  for (int distance = tiles.Stride() / 2; distance > 0; distance /= 2) {
    if (static_cast<int>(threadIdx.x) < distance * tiles.lanes)
      moments.Merge(shared[threadIdx.x + distance * tiles.lanes]);
    __syncthreads();
  }
  if (mine && static_cast<int>(threadIdx.x) < tiles.lanes)
    partial[int64_t{blockIdx.x} * tiles.columns + column] = moments;
}

__global__ void __launch_bounds__(kThreads)
    MergeBlocksKernel(int blocks, int channels, const Moments* partial, double* moments) {
  const int c = blockIdx.x * kWarps + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (c >= channels) return;
  Moments merged;
  for (int block = lane; block < blocks; block += 32) merged.Merge(partial[int64_t{block} * channels + c]);
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    Moments other;
    other.count = __shfl_down_sync(kAllLanes, merged.count, distance);
    other.mean = __shfl_down_sync(kAllLanes, merged.mean, distance);
    other.squares = __shfl_down_sync(kAllLanes, merged.squares, distance);
    if (lane < distance) merged.Merge(other);
  }
  if (lane > 0) return;
  moments[c] = merged.count;
  moments[channels + c] = merged.mean;
  moments[2 * channels + c] = merged.squares;
}

// A thread per channel.
template <class T>
__global__ void __launch_bounds__(kThreads)
    MergeKernel(int64_t parts, int64_t channels, const double* moments, T* mean, T* variance, double* count) {
  const int64_t c = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (c >= channels) return;
  const Moments merged = MergedMoments(parts, channels, moments, c);
  mean[c] = static_cast<T>(merged.mean);
  variance[c] = static_cast<T>(merged.squares / merged.count);
  if (c == 0) *count = merged.count;
}

template <class T>
__global__ void __launch_bounds__(kThreads) MoveKernel(int64_t parts, int64_t channels, const double* moments,
                                                       T momentum, T* running_mean, T* running_variance) {
  const int64_t c = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (c >= channels) return;
  const Moments now = MergedMoments(parts, channels, moments, c);
  if (!isfinite(now.mean) || !isfinite(now.squares)) return;
  running_mean[c] = (1 - momentum) * running_mean[c] + momentum * static_cast<T>(now.mean);
  running_variance[c] = (1 - momentum) * running_variance[c] + momentum * static_cast<T>(now.squares / (now.count - 1));
}

// ---- Forward ----
//
// A thread keeps the parameters of its channels in registers. Bytes: x and y once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    ForwardKernel(Tiles tiles, bool relu, const T* x, BatchStatistics<T> statistics, const T* weight, const T* bias,
                  T* y) {
  using V = Vector<T, kWidth>;
  const int column = tiles.Column();
  if (column >= tiles.columns) return;
  const V center = reinterpret_cast<const V*>(statistics.mean)[column],
          squares = reinterpret_cast<const V*>(statistics.variance)[column],
          shift = reinterpret_cast<const V*>(bias)[column];
  V factor = reinterpret_cast<const V*>(weight)[column];
#pragma unroll
  for (int e = 0; e < kWidth; ++e) factor[e] *= T(1) / sqrt(squares[e] + statistics.eps);
  for (int64_t r = tiles.Begin(); r < tiles.End(); r += tiles.Stride()) {
    V value = reinterpret_cast<const V*>(x)[r * tiles.columns + column];
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      value[e] = (value[e] - center[e]) * factor[e] + shift[e];
      if (relu && value[e] < 0) value[e] = 0;  // keeps NaN
    }
    reinterpret_cast<V*>(y)[r * tiles.columns + column] = value;
  }
}

// ---- Backward ----
//
// Blocks sum the gradients of weight and bias over their rows, [blocks, 2, channels]; these are added in order of the
// blocks, in double; then dx is computed. Bytes: x, dy and, with ReLU, y twice; dx once.

template <class T>
__device__ T Passed(bool relu, const T* y, int64_t i, T gradient) {
  return relu && !(y[i] > 0) ? T(0) : gradient;
}

template <class T>
__global__ void __launch_bounds__(kThreads) GradientSumsKernel(Tiles tiles, bool relu, const T* x, const T* y,
                                                               BatchStatistics<T> statistics, const T* dy, T* partial) {
  ORBIT_SHARED(shared, T[kThreads]);
  const int column = tiles.Column();
  const bool mine = column < tiles.columns;
  T dbias = 0, dweight = 0;
  if (mine) {
    const T center = statistics.mean[column], scale = T(1) / sqrt(statistics.variance[column] + statistics.eps);
    for (int64_t r = tiles.Begin(); r < tiles.End(); r += tiles.Stride()) {
      const int64_t i = r * tiles.columns + column;
      const T gradient = Passed(relu, y, i, dy[i]);
      dbias += gradient;
      dweight += gradient * ((x[i] - center) * scale);
    }
  }
  dbias = ColumnSum(tiles, dbias, shared);
  dweight = ColumnSum(tiles, dweight, shared);
  if (!mine || static_cast<int>(threadIdx.x) >= tiles.lanes) return;
  partial[int64_t{blockIdx.x} * 2 * tiles.columns + column] = dbias;
  partial[(int64_t{blockIdx.x} * 2 + 1) * tiles.columns + column] = dweight;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    AddPartialsKernel(int blocks, int channels, const T* partial, double* sums, T* dweight, T* dbias) {
  const int c = blockIdx.x * kWarps + threadIdx.x / 32;
  if (c >= 2 * channels) return;
  double sum = 0;
  for (int block = threadIdx.x % 32; block < blocks; block += 32)
    sum += static_cast<double>(partial[int64_t{block} * 2 * channels + c]);
  sum = WarpSum(sum);
  if (threadIdx.x % 32 > 0) return;
  sums[c] = sum;
  (c < channels ? dbias[c] : dweight[c - channels]) = static_cast<T>(sum);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    SpreadKernel(Tiles tiles, bool relu, const T* x, const T* y, BatchStatistics<T> statistics, const T* weight,
                 const T* dy, const double* sums, T* dx) {
  using V = Vector<T, kWidth>;
  const int column = tiles.Column();
  if (column >= tiles.columns) return;
  const V center = reinterpret_cast<const V*>(statistics.mean)[column],
          squares = reinterpret_cast<const V*>(statistics.variance)[column];
  V factor = reinterpret_cast<const V*>(weight)[column], shift = {}, slope = {};
#pragma unroll
  for (int e = 0; e < kWidth; ++e) {
    const T scale = T(1) / sqrt(squares[e] + statistics.eps);
    factor[e] *= scale;
    if (!statistics.count) continue;
    const T count = static_cast<T>(*statistics.count);
    shift[e] = static_cast<T>(sums[column * kWidth + e]) / count;
    slope[e] = static_cast<T>(sums[(tiles.columns + column) * kWidth + e]) / count * scale;
  }
  for (int64_t r = tiles.Begin(); r < tiles.End(); r += tiles.Stride()) {
    const int64_t i = r * tiles.columns + column;
    const V value = reinterpret_cast<const V*>(x)[i];
    V gradient = reinterpret_cast<const V*>(dy)[i];
    V result = {};
    if (relu) result = reinterpret_cast<const V*>(y)[i];
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      if (relu && !(result[e] > 0)) gradient[e] = 0;
      gradient[e] = factor[e] * (gradient[e] - shift[e] - (value[e] - center[e]) * slope[e]);
    }
    reinterpret_cast<V*>(dx)[i] = gradient;
  }
}

}  // namespace

template <class Device, class T>
void BatchNormMoments(Device gpu, int64_t rows, int64_t channels, const T* x, double* moments) {
  if (channels == 0) return;
  const auto [tiles, blocks] = PlanFor(rows, channels, kMaxPartials);
  const Scratch<Moments> partial(gpu, int64_t{blocks.x} * channels);
  Launch("BatchNormMoments", gpu, blocks, dim3(kThreads), 0, MomentsKernel<T>, tiles, x, partial.data());
  Launch("BatchNormMoments", gpu, dim3(DivideUp<int64_t>(channels, kWarps)), dim3(kThreads), 0, MergeBlocksKernel,
         blocks.x, channels, partial.data(), moments);
}

template <class Device, class T>
void MergeMoments(Device gpu, int64_t parts, int64_t channels, const double* moments, T* mean, T* variance,
                  double* count) {
  if (channels == 0) return;
  Launch("MergeMoments", gpu, dim3(DivideUp<int64_t>(channels, kThreads)), dim3(kThreads), 0, MergeKernel<T>, parts,
         channels, moments, mean, variance, count);
}

template <class Device, class T>
void MoveStatistics(Device gpu, int64_t parts, int64_t channels, const double* moments, T momentum, T* running_mean,
                    T* running_variance) {
  if (channels == 0) return;
  Launch("MoveStatistics", gpu, dim3(DivideUp<int64_t>(channels, kThreads)), dim3(kThreads), 0, MoveKernel<T>, parts,
         channels, moments, momentum, running_mean, running_variance);
}

template <class Device, class T>
void BatchNormForward(Device gpu, int64_t rows, int64_t channels, bool relu, const T* x,
                      const BatchStatistics<T>& statistics, const T* weight, const T* bias, T* y) {
  if (rows * channels == 0) return;
  ForVectors<T>(
      channels,
      [&]<int kWidth>() {
        const auto [tiles, blocks] = PlanFor(rows, channels / kWidth, int64_t{1} << 30);
        Launch("BatchNormForward", gpu, blocks, dim3(kThreads), 0, ForwardKernel<T, kWidth>, tiles, relu, x, statistics,
               weight, bias, y);
      },
      x, statistics.mean, statistics.variance, weight, bias, y);
}

template <class Device, class T>
void BatchNormGradientSums(Device gpu, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                           const BatchStatistics<T>& statistics, const T* dy, double* sums, T* dweight, T* dbias) {
  if (channels == 0) return;
  const auto [tiles, blocks] = PlanFor(rows, channels, kMaxPartials);
  const Scratch<T> partial(gpu, int64_t{blocks.x} * 2 * channels);
  Launch("BatchNormGradientSums", gpu, blocks, dim3(kThreads), 0, GradientSumsKernel<T>, tiles, relu, x, y, statistics,
         dy, partial.data());
  Launch("BatchNormGradientSums", gpu, dim3(DivideUp<int64_t>(2 * channels, kWarps)), dim3(kThreads), 0,
         AddPartialsKernel<T>, blocks.x, channels, partial.data(), sums, dweight, dbias);
}

template <class Device, class T>
void BatchNormBackward(Device gpu, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                       const BatchStatistics<T>& statistics, const T* weight, const T* dy, const double* sums, T* dx) {
  if (rows * channels == 0) return;
  ForVectors<T>(
      channels,
      [&]<int kWidth>() {
        const auto [tiles, blocks] = PlanFor(rows, channels / kWidth, int64_t{1} << 30);
        Launch("BatchNormBackward", gpu, blocks, dim3(kThreads), 0, SpreadKernel<T, kWidth>, tiles, relu, x, y,
               statistics, weight, dy, sums, dx);
      },
      x, y, statistics.mean, statistics.variance, weight, dy, dx);
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void BatchNormMoments(Gpu, int64_t, int64_t, const T*, double*);                                            \
  template void MergeMoments(Gpu, int64_t, int64_t, const double*, T*, T*, double*);                                   \
  template void MoveStatistics(Gpu, int64_t, int64_t, const double*, T, T*, T*);                                       \
  template void BatchNormForward(Gpu, int64_t, int64_t, bool, const T*, const BatchStatistics<T>&, const T*, const T*, \
                                 T*);                                                                                  \
  template void BatchNormGradientSums(Gpu, int64_t, int64_t, bool, const T*, const T*, const BatchStatistics<T>&,      \
                                      const T*, double*, T*, T*);                                                      \
  template void BatchNormBackward(Gpu, int64_t, int64_t, bool, const T*, const T*, const BatchStatistics<T>&,          \
                                  const T*, const T*, const double*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
