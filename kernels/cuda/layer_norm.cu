#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"
#include "kernels/layer_norm.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int64_t kMaxPartials = 512;  // blocks with partial gradients of the weights

template <class T>
struct Statistics {
  T mean, inverse_deviation;
};

// ---- Rows that fit in a warp's registers ----
//
// A warp per row; a lane owns every 32nd vector, elements (j 32 + lane) kWidth + e. Only the block's sums at the end of
// backward are shared. Bytes: forward x and y once; backward x, dy, start and dx once.

template <class T, int kWidth, int kVectors>
struct Row {
  Vector<T, kWidth> vectors[kVectors];

  static __device__ int Begin(int j) { return (j * 32 + static_cast<int>(threadIdx.x % 32)) * kWidth; }

  // From and to an array of T, or of bf16 where T is float.
  template <class U>
  __device__ void Load(const U* from, int width) {
#pragma unroll
    for (int j = 0; j < kVectors; ++j) {
      const int c = Begin(j);
      Vector<U, kWidth> loaded = {};
      if (c < width) loaded = *reinterpret_cast<const Vector<U, kWidth>*>(from + c);
#pragma unroll
      for (int e = 0; e < kWidth; ++e) vectors[j][e] = ToSumType(loaded[e]);
    }
  }

  // Adds elements of such an array.
  template <class U>
  __device__ void Add(const U* from, int width) {
#pragma unroll
    for (int j = 0; j < kVectors; ++j)
      if (const int c = Begin(j); c < width) vectors[j] += *reinterpret_cast<const Vector<U, kWidth>*>(from + c);
  }

  template <class U>
  __device__ void Store(U* to, int width) const {
#pragma unroll
    for (int j = 0; j < kVectors; ++j) {
      const int c = Begin(j);
      if (c < width) StoreRounded(vectors[j], *reinterpret_cast<Vector<U, kWidth>*>(to + c));
    }
  }

  // Calls f(j, e) for the lane's elements that lie within the row.
  template <class F>
  static __device__ void ForEach(int width, F&& f) {
#pragma unroll
    for (int j = 0; j < kVectors; ++j)
      if (Begin(j) < width) {
#pragma unroll
        for (int e = 0; e < kWidth; ++e) f(j, e);
      }
  }

  __device__ T& operator()(int j, int e) { return vectors[j].elements[e]; }
  __device__ T operator()(int j, int e) const { return vectors[j].elements[e]; }
};

template <class T, int kWidth, int kVectors>
__device__ Statistics<T> StatisticsOf(const Row<T, kWidth, kVectors>& x, int width, T eps) {
  T sum = 0;
  x.ForEach(width, [&](int j, int e) { sum += x(j, e); });
  const T mean = WarpSum(sum) / static_cast<T>(width);
  T squares = 0;
  x.ForEach(width, [&](int j, int e) { squares += (x(j, e) - mean) * (x(j, e) - mean); });
  return {mean, rsqrt(WarpSum(squares) / static_cast<T>(width) + eps)};
}

template <class T, int kWidth, int kVectors>
__global__ void __launch_bounds__(kThreads) WarpForward(int64_t rows, int width, SumType<T> eps, const T* x,
                                                        const SumType<T>* weight, const SumType<T>* bias, T* y) {
  const int64_t r = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (r >= rows) return;
  Row<SumType<T>, kWidth, kVectors> row, w, b;
  row.Load(x + r * width, width);
  w.Load(weight, width);
  b.Load(bias, width);
  const Statistics<SumType<T>> s = StatisticsOf(row, width, eps);
  row.ForEach(width, [&](int j, int e) { row(j, e) = (row(j, e) - s.mean) * s.inverse_deviation * w(j, e) + b(j, e); });
  row.Store(y + r * width, width);
}

// A block owns `rows_per_block` neighbouring rows, which its warps take in turn. A lane sums the weight gradients of
// its columns in registers; the warps' sums are added in shared memory, [2, width], and go to partial[block].
template <class T, int kWidth, int kVectors>
__global__ void __launch_bounds__(kThreads)
    WarpBackward(int64_t rows, int64_t rows_per_block, int width, SumType<T> eps, const T* x, const SumType<T>* weight,
                 const T* dy, const T* start, T* dx, SumType<T>* partial) {
  using S = SumType<T>;
  using R = Row<S, kWidth, kVectors>;
  const int warp = threadIdx.x / 32;
  const int64_t begin = blockIdx.x * rows_per_block, end = min(rows, begin + rows_per_block);
  R w, dweight = {}, dbias = {};
  w.Load(weight, width);
  for (int64_t r = begin + warp; r < end; r += kWarps) {
    R normalized, gradient;
    normalized.Load(x + r * width, width);
    gradient.Load(dy + r * width, width);
    const Statistics<S> s = StatisticsOf(normalized, width, eps);
    S sum = 0, product = 0;
    R::ForEach(width, [&](int j, int e) {
      S& n = normalized(j, e);
      S& g = gradient(j, e);
      n = (n - s.mean) * s.inverse_deviation;
      dweight(j, e) += g * n;
      dbias(j, e) += g;
      g *= w(j, e);
      sum += g;
      product += g * n;
    });
    const S mean = WarpSum(sum) / static_cast<S>(width), slope = WarpSum(product) / static_cast<S>(width);
    R::ForEach(width, [&](int j, int e) {
      gradient(j, e) = (gradient(j, e) - mean - normalized(j, e) * slope) * s.inverse_deviation;
    });
    if (start) gradient.Add(start + r * width, width);
    gradient.Store(dx + r * width, width);
  }

  S* sums = DynamicShared<S>();
  for (int turn = 0; turn < kWarps; ++turn) {
    if (warp == turn)
      R::ForEach(width, [&](int j, int e) {
        const int c = R::Begin(j) + e;
        sums[c] = (turn ? sums[c] : S(0)) + dweight(j, e);
        sums[width + c] = (turn ? sums[width + c] : S(0)) + dbias(j, e);
      });
    __syncthreads();
  }
  for (int c = threadIdx.x; c < 2 * width; c += kThreads) partial[int64_t{blockIdx.x} * 2 * width + c] = sums[c];
}

// ---- Longer rows ----
//
// A block processes a row at a time, a thread every 256th element. x is read three times, twice from cache. In backward
// the sums of a thread's columns are in shared memory, [2, width].

template <class T>
__device__ Statistics<SumType<T>> BlockStatistics(const T* x, int width, SumType<T> eps) {
  using S = SumType<T>;
  S sum = 0;
  for (int c = threadIdx.x; c < width; c += kThreads) sum += ToSumType(x[c]);
  const S mean = BlockSum<kThreads>(sum) / static_cast<S>(width);
  S squares = 0;
  for (int c = threadIdx.x; c < width; c += kThreads) squares += (ToSumType(x[c]) - mean) * (ToSumType(x[c]) - mean);
  return {mean, rsqrt(BlockSum<kThreads>(squares) / static_cast<S>(width) + eps)};
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    BlockForward(int width, SumType<T> eps, const T* x, const SumType<T>* weight, const SumType<T>* bias, T* y) {
  x += int64_t{blockIdx.x} * width;
  y += int64_t{blockIdx.x} * width;
  const Statistics<SumType<T>> s = BlockStatistics(x, width, eps);
  for (int c = threadIdx.x; c < width; c += kThreads)
    y[c] = FromSumType<T>((ToSumType(x[c]) - s.mean) * s.inverse_deviation * weight[c] + bias[c]);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    BlockBackward(int64_t rows, int64_t rows_per_block, int width, SumType<T> eps, const T* x, const SumType<T>* weight,
                  const T* dy, const T* start, T* dx, SumType<T>* partial) {
  using S = SumType<T>;
  const int64_t begin = blockIdx.x * rows_per_block, end = min(rows, begin + rows_per_block);
  S* sums = DynamicShared<S>();
  for (int c = threadIdx.x; c < width; c += kThreads) sums[c] = sums[width + c] = 0;
  for (int64_t r = begin; r < end; ++r) {
    const T *from = x + r * width, *gradient = dy + r * width;
    const Statistics<S> s = BlockStatistics(from, width, eps);
    S sum = 0, product = 0;
    for (int c = threadIdx.x; c < width; c += kThreads) {
      const S normalized = (ToSumType(from[c]) - s.mean) * s.inverse_deviation, g = ToSumType(gradient[c]);
      sums[c] += g * normalized;
      sums[width + c] += g;
      sum += g * weight[c];
      product += g * weight[c] * normalized;
    }
    const S mean = BlockSum<kThreads>(sum) / static_cast<S>(width);
    const S slope = BlockSum<kThreads>(product) / static_cast<S>(width);
    for (int c = threadIdx.x; c < width; c += kThreads)
      dx[r * width + c] = FromSumType<T>(
          (ToSumType(gradient[c]) * weight[c] - mean - (ToSumType(from[c]) - s.mean) * s.inverse_deviation * slope) *
              s.inverse_deviation +
          (start ? ToSumType(start[r * width + c]) : S(0)));
  }
  for (int c = threadIdx.x; c < width; c += kThreads) {
    partial[int64_t{blockIdx.x} * 2 * width + c] = sums[c];
    partial[int64_t{blockIdx.x} * 2 * width + width + c] = sums[width + c];
  }
}

// ---- The gradients of the weights ----
//
// A block adds partial [blocks, 2, width] in 32 columns: a warp every 8th of the blocks, then one the warps' sums.
template <class T>
__global__ void __launch_bounds__(kThreads) SumPartials(int blocks, int width, const T* partial, T* dweight, T* dbias) {
  ORBIT_SHARED(sums, T[kWarps][32]);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, c = static_cast<int>(blockIdx.x) * 32 + lane;
  T sum = 0;
  if (c < 2 * width) {
#pragma unroll 8
    for (int block = warp; block < blocks; block += kWarps) sum += partial[int64_t{block} * 2 * width + c];
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || c >= 2 * width) return;
#pragma unroll
  for (int other = 1; other < kWarps; ++other) sum += sums[other][lane];
  (c < width ? dweight[c] : dbias[c - width]) = sum;
}

// Whether rows can be read in vectors: of the weights, and of arrays of T.
template <class T, int kWidth, class... Arrays>
bool AreAligned(const SumType<T>* weight, const SumType<T>* bias, Arrays... arrays) {
  return IsAligned<SumType<T>, kWidth>(weight, bias) && IsAligned<T, kWidth>(arrays...);
}

// Calls f.template operator()<kWidth, kVectors>() for the vectors that a row of `width` divides into, <0, 0> where that
// does not fit in registers.
template <class T, class F>
void ForRow(int64_t width, bool aligned2, bool aligned4, F&& f) {
  const auto vectors = [&]<int kWidth>() {
    const int64_t count = DivideUp<int64_t>(width, 32 * kWidth);
    if (count <= 1) return f.template operator()<kWidth, 1>();
    if (count <= 2) return f.template operator()<kWidth, 2>();
    if (count <= 4) return f.template operator()<kWidth, 4>();
    if (count <= 6) return f.template operator()<kWidth, 6>();
    if (count <= 8) return f.template operator()<kWidth, 8>();
    f.template operator()<0, 0>();
  };
  if constexpr (sizeof(T) <= 4)
    if (width % 4 == 0 && width >= 128 && aligned4) return vectors.template operator()<4>();
  if (width % 2 == 0 && width >= 64 && aligned2) return vectors.template operator()<2>();
  vectors.template operator()<1>();
}

}  // namespace

template <class Device, class T>
void LayerNormForward(Device gpu, int64_t rows, int64_t width, SumType<T> eps, const T* x, const SumType<T>* weight,
                      const SumType<T>* bias, T* y) {
  if (rows == 0 || width == 0) return;
  ForRow<T>(width, AreAligned<T, 2>(weight, bias, x, y), AreAligned<T, 4>(weight, bias, x, y),
            [&]<int kWidth, int kVectors>() {
              if constexpr (kWidth > 0)
                Launch("LayerNormForward", gpu, dim3(DivideUp<int64_t>(rows, kWarps)), dim3(kThreads), 0,
                       WarpForward<T, kWidth, kVectors>, rows, width, eps, x, weight, bias, y);
              else
                Launch("LayerNormForward", gpu, dim3(rows), dim3(kThreads), 0, BlockForward<T>, width, eps, x, weight,
                       bias, y);
            });
}

template <class Device, class T>
void LayerNormBackward(Device gpu, int64_t rows, int64_t width, SumType<T> eps, const T* x, const SumType<T>* weight,
                       const T* dy, const T* start, T* dx, SumType<T>* dweight, SumType<T>* dbias) {
  if (width == 0) return;
  const int64_t rows_per_block = DivideUp<int64_t>(
      std::max<int64_t>(rows, 1), std::min(kMaxPartials, DivideUp<int64_t>(std::max<int64_t>(rows, 1), kWarps)));
  const int64_t blocks = DivideUp(std::max<int64_t>(rows, 1), rows_per_block);
  const Scratch<SumType<T>> partial(gpu, blocks * 2 * width);
  const size_t shared_bytes = 2 * width * sizeof(SumType<T>);
  ForRow<T>(width, AreAligned<T, 2>(weight, weight, x, dy, start, dx),
            AreAligned<T, 4>(weight, weight, x, dy, start, dx), [&]<int kWidth, int kVectors>() {
              if constexpr (kWidth > 0)
                Launch("LayerNormBackward", gpu, dim3(blocks), dim3(kThreads), shared_bytes,
                       WarpBackward<T, kWidth, kVectors>, rows, rows_per_block, width, eps, x, weight, dy, start, dx,
                       partial.data());
              else
                Launch("LayerNormBackward", gpu, dim3(blocks), dim3(kThreads), shared_bytes, BlockBackward<T>, rows,
                       rows_per_block, width, eps, x, weight, dy, start, dx, partial.data());
            });
  Launch("LayerNormBackward", gpu, dim3(DivideUp<int64_t>(2 * width, 32)), dim3(kThreads), 0, SumPartials<SumType<T>>,
         blocks, width, partial.data(), dweight, dbias);
}

#define ORBIT_INSTANTIATE(T)                                                                                          \
  template void LayerNormForward(Gpu, int64_t, int64_t, SumType<T>, const T*, const SumType<T>*, const SumType<T>*,   \
                                 T*);                                                                                 \
  template void LayerNormBackward(Gpu, int64_t, int64_t, SumType<T>, const T*, const SumType<T>*, const T*, const T*, \
                                  T*, SumType<T>*, SumType<T>*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
