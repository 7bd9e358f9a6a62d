#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "kernels/cuda/divisor.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"
#include "kernels/elementwise.h"
#include "kernels/merge_axes.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;

// ---- Functions of one element ----

template <class T>
__device__ T SigmoidOf(T x) {
  return T(1) / (T(1) + exp(-x));
}

template <class T>
__device__ T NormalCdf(T x) {
  return T(0.5) * (T(1) + erf(x * T(0.7071067811865476)));
}

template <class T, Unary kFunction>
__device__ T Value(T x, T a, T b) {
  if constexpr (kFunction == Unary::kAffine) return a * x + b;
  if constexpr (kFunction == Unary::kRelu) return x < T(0) ? T(0) : x;  // keeps NaN
  if constexpr (kFunction == Unary::kLeakyRelu) return x < T(0) ? a * x : x;
  if constexpr (kFunction == Unary::kGelu) return x * NormalCdf(x);
  if constexpr (kFunction == Unary::kSilu) return x * SigmoidOf(x);
  if constexpr (kFunction == Unary::kTanh) return tanh(x);
  if constexpr (kFunction == Unary::kSigmoid) return SigmoidOf(x);
  if constexpr (kFunction == Unary::kExp) return exp(x);
  if constexpr (kFunction == Unary::kLog) return log(x);
  if constexpr (kFunction == Unary::kSqrt) return sqrt(x);
  if constexpr (kFunction == Unary::kSquare) return x * x;
  if constexpr (kFunction == Unary::kAbs) return x < T(0) ? -x : x;
  if constexpr (kFunction == Unary::kClamp) return x < a ? a : x > b ? b : x;
}

// f'(x), given y = f(x).
template <class T, Unary kFunction>
__device__ T Derivative(T x, T y, T a, T b) {
  if constexpr (kFunction == Unary::kAffine) return a;
  if constexpr (kFunction == Unary::kRelu) return x > T(0) ? T(1) : T(0);
  if constexpr (kFunction == Unary::kLeakyRelu) return x > T(0) ? T(1) : a;
  if constexpr (kFunction == Unary::kGelu) return NormalCdf(x) + x * exp(x * x * T(-0.5)) * T(0.3989422804014327);
  if constexpr (kFunction == Unary::kSilu) {
    const T s = SigmoidOf(x);
    return s + y * (T(1) - s);
  }
  if constexpr (kFunction == Unary::kTanh) return T(1) - y * y;
  if constexpr (kFunction == Unary::kSigmoid) return y * (T(1) - y);
  if constexpr (kFunction == Unary::kExp) return y;
  if constexpr (kFunction == Unary::kLog) return T(1) / x;
  if constexpr (kFunction == Unary::kSqrt) return T(0.5) / y;
  if constexpr (kFunction == Unary::kSquare) return T(2) * x;
  if constexpr (kFunction == Unary::kAbs) return x > T(0) ? T(1) : x < T(0) ? T(-1) : T(0);
  if constexpr (kFunction == Unary::kClamp) return x >= a && x <= b ? T(1) : T(0);
}

// Whether the derivative needs x, and whether it needs y.
__host__ __device__ constexpr bool TakesX(Unary f) {
  return f != Unary::kAffine && f != Unary::kTanh && f != Unary::kSigmoid && f != Unary::kExp && f != Unary::kSqrt;
}
__host__ __device__ constexpr bool TakesY(Unary f) {
  return f == Unary::kSilu || f == Unary::kTanh || f == Unary::kSigmoid || f == Unary::kExp || f == Unary::kSqrt;
}

// A thread processes kUnroll vectors, 256 vectors apart; all are loaded first, so that the loads overlap. Bytes: x and
// y once; backward dy and dx once, and x or y if the derivative needs it.
constexpr int kUnroll = 4;

template <class T, int kWidth, Unary kFunction>
__global__ void __launch_bounds__(kThreads) UnaryKernel(int64_t vectors, SumType<T> a, SumType<T> b, const T* x, T* y) {
  using V = Vector<T, kWidth>;
  const int64_t first = int64_t{blockIdx.x} * kThreads * kUnroll + threadIdx.x;
  V values[kUnroll];
#pragma unroll
  for (int u = 0; u < kUnroll; ++u)
    if (first + u * kThreads < vectors) values[u] = reinterpret_cast<const V*>(x)[first + u * kThreads];
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    if (first + u * kThreads >= vectors) break;
#pragma unroll
    for (int e = 0; e < kWidth; ++e)
      values[u][e] = FromSumType<T>(Value<SumType<T>, kFunction>(ToSumType(values[u][e]), a, b));
    reinterpret_cast<V*>(y)[first + u * kThreads] = values[u];
  }
}

template <class T, int kWidth, Unary kFunction>
__global__ void __launch_bounds__(kThreads)
    UnaryBackwardKernel(int64_t vectors, SumType<T> a, SumType<T> b, const T* x, const T* y, const T* dy, T* dx) {
  using V = Vector<T, kWidth>;
  const int64_t first = int64_t{blockIdx.x} * kThreads * kUnroll + threadIdx.x;
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    const int64_t i = first + u * kThreads;
    if (i >= vectors) break;
    V input = {}, result = {}, gradient = reinterpret_cast<const V*>(dy)[i];
    if (TakesX(kFunction)) input = reinterpret_cast<const V*>(x)[i];
    if (TakesY(kFunction)) result = reinterpret_cast<const V*>(y)[i];
#pragma unroll
    for (int e = 0; e < kWidth; ++e)
      gradient[e] = FromSumType<T>(ToSumType(gradient[e]) *
                                   Derivative<SumType<T>, kFunction>(ToSumType(input[e]), ToSumType(result[e]), a, b));
    reinterpret_cast<V*>(dx)[i] = gradient;
  }
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) AccumulateKernel(int64_t vectors, const T* term, T* sum) {
  using V = Vector<T, kWidth>;
  const int64_t first = int64_t{blockIdx.x} * kThreads * kUnroll + threadIdx.x;
  V sums[kUnroll], terms[kUnroll];  // all are loaded before the first is stored, so that the loads overlap
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    const int64_t i = first + u * kThreads;
    if (i >= vectors) continue;
    sums[u] = reinterpret_cast<const V*>(sum)[i];
    terms[u] = reinterpret_cast<const V*>(term)[i];
  }
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    const int64_t i = first + u * kThreads;
    if (i < vectors) reinterpret_cast<V*>(sum)[i] = sums[u] += terms[u];
  }
}

// A thread has kWidth elements. Bytes: x and y once.
template <class From, class To, int kWidth>
__global__ void __launch_bounds__(kThreads) ConvertKernel(int64_t vectors, const From* x, To* y) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= vectors) return;
  const Vector<From, kWidth> from = reinterpret_cast<const Vector<From, kWidth>*>(x)[i];
  Vector<To, kWidth> to;
#pragma unroll
  for (int e = 0; e < kWidth; ++e) to[e] = FromSumType<To>(static_cast<SumType<To>>(ToSumType(from[e])));
  reinterpret_cast<Vector<To, kWidth>*>(y)[i] = to;
}

// Calls f.template operator()<kFunction>() for `function`.
template <class F>
void ForFunction(Unary function, F&& f) {
  switch (function) {
#define ORBIT_CASE(NAME) \
  case Unary::NAME:      \
    return f.template operator()<Unary::NAME>();
    ORBIT_CASE(kAffine)
    ORBIT_CASE(kRelu)
    ORBIT_CASE(kLeakyRelu)
    ORBIT_CASE(kGelu)
    ORBIT_CASE(kSilu)
    ORBIT_CASE(kTanh)
    ORBIT_CASE(kSigmoid)
    ORBIT_CASE(kExp)
    ORBIT_CASE(kLog)
    ORBIT_CASE(kSqrt)
    ORBIT_CASE(kSquare)
    ORBIT_CASE(kAbs)
    ORBIT_CASE(kClamp)
#undef ORBIT_CASE
  }
}

// Calls f.template operator()<kWidth>(vectors, blocks) with the widest vectors that divide all arrays of `size`
// elements.
template <class T, class F, class... Pointers>
void ForElements(int64_t size, F&& f, Pointers... pointers) {
  if (size == 0) return;
  const auto call = [&]<int kWidth>() {
    f.template operator()<kWidth>(size / kWidth, dim3(DivideUp<int64_t>(size / kWidth, kThreads * kUnroll)));
  };
  ForVectors<T>(size, call, pointers...);
}

// ---- Functions of two elements ----

template <class T, Binary kFunction>
__device__ T Value(T a, T b) {
  if constexpr (kFunction == Binary::kAdd) return a + b;
  if constexpr (kFunction == Binary::kSubtract) return a - b;
  if constexpr (kFunction == Binary::kMultiply) return a * b;
  if constexpr (kFunction == Binary::kDivide) return a / b;
}

// A thread computes one vector of the result. Along the last axis an operand is contiguous or broadcast. kAxes is the
// number of axes if that is at most three, so that the loop over them is unrolled. Bytes: a and b, where not broadcast,
// and y once.
template <class T, int kWidth, int kAxes, Binary kFunction>
__global__ void __launch_bounds__(kThreads)
    BinaryKernel(int64_t vectors, const __grid_constant__ Broadcast shape,
                 const __grid_constant__ AxisDivisors<Broadcast> divisors, const T* a, const T* b, T* y) {
  using V = Vector<T, kWidth>;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= vectors) return;
  int64_t rest = i, a_offset = 0, b_offset = 0;
  const int axes = kAxes > 0 ? kAxes : shape.axes;
#pragma unroll
  for (int axis = axes - 1; axis > 0; --axis) {
    int64_t place = 0;
    rest = divisors.sizes[axis].Divide(rest, place);
    place *= axis == axes - 1 ? kWidth : 1;
    a_offset += place * shape.a_stride[axis];
    b_offset += place * shape.b_stride[axis];
  }
  rest *= axes == 1 ? kWidth : 1;
  a_offset += rest * shape.a_stride[0];
  b_offset += rest * shape.b_stride[0];
  const auto load = [&](const T* from, int64_t offset, int64_t stride) {
    if (kWidth > 1 && stride == 1) return *reinterpret_cast<const V*>(from + offset);
    V values;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) values[e] = from[offset + e * stride];
    return values;
  };
  V left = load(a, a_offset, shape.a_stride[axes - 1]);
  const V right = load(b, b_offset, shape.b_stride[axes - 1]);
#pragma unroll
  for (int e = 0; e < kWidth; ++e)
    left[e] = FromSumType<T>(Value<SumType<T>, kFunction>(ToSumType(left[e]), ToSumType(right[e])));
  reinterpret_cast<V*>(y)[i] = left;
}

// Whether both operands can be read in vectors along the last axis.
template <int kWidth>
bool FitsVectors(const Broadcast& shape) {
  const int last = shape.axes - 1;
  if (shape.size[last] % kWidth != 0) return false;
  for (const auto* strides : {&shape.a_stride, &shape.b_stride}) {
    if ((*strides)[last] == 0) continue;
    if ((*strides)[last] != 1) return false;
    for (int i = 0; i < last; ++i)
      if ((*strides)[i] % kWidth != 0) return false;
  }
  return true;
}

// ---- Sums and maxima along an axis ----

constexpr int64_t kLongRow = 16;  // contiguous terms from which a warp per sum pays off

// Many sums, or sums of few terms: a thread adds one vector of y in order. Bytes: x and y once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    SumColumnsKernel(int64_t vectors, int64_t middle, const __grid_constant__ Divisor inner, int64_t inner_size,
                     SumType<T> factor, const T* x, SumType<T>* y) {
  using V = Vector<T, kWidth>;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= vectors) return;
  int64_t column = 0;
  const int64_t first = inner.Divide(i, column) * middle * inner_size + column;
  const V* from = reinterpret_cast<const V*>(x) + first;
  Vector<SumType<T>, kWidth> sum = {};
#pragma unroll 4
  for (int64_t m = 0; m < middle; ++m, from += inner_size) sum += *from;
  StoreSums(factor * sum, y + i * kWidth);
}

// Few sums of many terms, in parts: a block adds `step` terms of up to 32 neighbouring vectors of y, with `across`
// threads side by side and the others on other terms; then it adds its threads' sums in a tree. Row blockIdx.y of
// blocks writes its own part of y. Bytes: x once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    SumPartsKernel(int tiles, int across, int64_t step, int64_t middle, int64_t inner, SumType<T> factor, const T* x,
                   SumType<T>* y) {
  using V = Vector<T, kWidth>;
  using Sums = Vector<SumType<T>, kWidth>;
  ORBIT_SHARED(shared, SumType<T>[kThreads][kWidth]);
  const int down = kThreads / across, row = static_cast<int>(threadIdx.x) / across;
  const int64_t outer = blockIdx.x / tiles, column = int64_t{blockIdx.x % tiles} * across + threadIdx.x % across;
  const int64_t first = blockIdx.y * step, last = min(middle, first + step);
  Sums sum = {};
  if (column < inner) {
    const V* from = reinterpret_cast<const V*>(x) + outer * middle * inner + column;
#pragma unroll 8
    for (int64_t m = first + row; m < last; m += down) sum += from[m * inner];
  }
  for (int half = down / 2; half > 0; half /= 2) {
    if (row >= half && row < 2 * half) {
#pragma unroll
      for (int e = 0; e < kWidth; ++e) shared[threadIdx.x][e] = sum[e];
    }
    __syncthreads();
    if (row < half) {
#pragma unroll
      for (int e = 0; e < kWidth; ++e) sum[e] += shared[threadIdx.x + half * across][e];
    }
  }
  if (row == 0 && column < inner)
    StoreSums(factor * sum, y + ((blockIdx.y * (gridDim.x / tiles) + outer) * inner + column) * kWidth);
}

int AcrossOf(int64_t vectors) {
  return static_cast<int>(std::bit_ceil(static_cast<uint64_t>(std::min<int64_t>(vectors, 32))));
}

// Many sums of contiguous terms (inner = 1): a warp per sum. Bytes: x and y once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    SumRowsKernel(int64_t outer, int64_t middle, SumType<T> factor, const T* x, SumType<T>* y) {
  const int64_t i = int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32;
  if (i >= outer) return;
  SumType<T> sum = 0;
#pragma unroll 4
  for (int64_t m = threadIdx.x % 32; m < middle; m += 32) sum += ToSumType(x[i * middle + m]);
  sum = WarpSum(sum);
  if (threadIdx.x % 32 == 0) y[i] = factor * sum;
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    ExpandKernel(int64_t vectors, const __grid_constant__ Divisor middle, const __grid_constant__ Divisor inner,
                 int64_t inner_size, SumType<T> factor, const T* x, T* y) {
  using V = Vector<T, kWidth>;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= vectors) return;
  int64_t column = 0;
  const int64_t outer = middle.Divide(inner.Divide(i, column));
  reinterpret_cast<V*>(y)[i] = factor * reinterpret_cast<const V*>(x)[outer * inner_size + column];
}

template <class T>
struct Largest {
  T value;
  int place;

  // Keeps the larger of two values. NaN is largest; of equal values the earlier wins.
  __device__ void Meet(const Largest& other) {
    const bool is_nan = value != value, other_is_nan = other.value != other.value;
    const bool equal = is_nan == other_is_nan && (is_nan || value == other.value);
    if (equal ? other.place < place : other_is_nan || (!is_nan && other.value > value)) *this = other;
  }
};

// A thread per maximum. Bytes: x, y and index once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    MaxColumnsKernel(int64_t size, int64_t middle, int64_t inner, const T* x, T* y, int32_t* index) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= size) return;
  const T* from = x + i / inner * middle * inner + i % inner;
  Largest<T> best = {*from, 0};
  for (int m = 1; m < middle; ++m) best.Meet({from[m * inner], m});
  y[i] = best.value;
  index[i] = best.place;
}

// Maxima of contiguous elements (inner = 1): a warp per maximum, a lane reads every 32nd element. Bytes: x, y and index
// once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    MaxRowsKernel(int64_t outer, int64_t middle, const T* x, T* y, int32_t* index) {
  const int64_t i = int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  if (i >= outer) return;
  const T* from = x + i * middle;
  const int first = min(lane, static_cast<int>(middle) - 1);  // a lane without elements compares one twice
  Largest<T> best = {from[first], first};
  for (int m = first + 32; m < middle; m += 32) best.Meet({from[m], m});
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    best.Meet({__shfl_xor_sync(kAllLanes, best.value, distance), __shfl_xor_sync(kAllLanes, best.place, distance)});
  if (lane > 0) return;
  y[i] = best.value;
  index[i] = best.place;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    MaxBackwardKernel(int64_t size, const __grid_constant__ Divisor middle, const __grid_constant__ Divisor inner,
                      int64_t inner_size, const int32_t* index, const T* dy, T* dx) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= size) return;
  int64_t column = 0, place = 0;
  const int64_t outer = middle.Divide(inner.Divide(i, column), place);
  const int64_t from = outer * inner_size + column;
  dx[i] = index[from] == place ? dy[from] : T(0);
}

}  // namespace

template <class Device, class T>
void Accumulate(Device gpu, int64_t size, const T* term, T* sum) {
  ForElements<T>(
      size,
      [&]<int kWidth>(int64_t vectors, dim3 blocks) {
        Launch("Accumulate", gpu, blocks, dim3(kThreads), 0, AccumulateKernel<T, kWidth>, vectors, term, sum);
      },
      term, sum);
}

template <class Device, class T>
void UnaryForward(Device gpu, Unary function, int64_t size, SumType<T> a, SumType<T> b, const T* x, T* y) {
  ForFunction(function, [&]<Unary kFunction>() {
    ForElements<T>(
        size,
        [&]<int kWidth>(int64_t vectors, dim3 blocks) {
          Launch("UnaryForward", gpu, blocks, dim3(kThreads), 0, UnaryKernel<T, kWidth, kFunction>, vectors, a, b, x,
                 y);
        },
        x, y);
  });
}

template <class Device, class T>
void UnaryBackward(Device gpu, Unary function, int64_t size, SumType<T> a, SumType<T> b, const T* x, const T* y,
                   const T* dy, T* dx) {
  ForFunction(function, [&]<Unary kFunction>() {
    ForElements<T>(
        size,
        [&]<int kWidth>(int64_t vectors, dim3 blocks) {
          Launch("UnaryBackward", gpu, blocks, dim3(kThreads), 0, UnaryBackwardKernel<T, kWidth, kFunction>, vectors, a,
                 b, x, y, dy, dx);
        },
        x, y, dy, dx);
  });
}

template <class Device, class From, class To>
void Convert(Device gpu, int64_t size, const From* x, To* y) {
  const auto launch = [&]<int kWidth>() {
    if (size == 0) return;
    Launch("Convert", gpu, dim3(DivideUp<int64_t>(size / kWidth, kThreads)), dim3(kThreads), 0,
           ConvertKernel<From, To, kWidth>, size / kWidth, x, y);
  };
  constexpr int kWidth = std::min(kFullWidth<From>, kFullWidth<To>);
  if (size % kWidth == 0 && IsAligned<From, kWidth>(x) && IsAligned<To, kWidth>(y))
    return launch.template operator()<kWidth>();
  launch.template operator()<1>();
}

template <class Device, class T>
void BinaryForward(Device gpu, Binary function, const Broadcast& broadcast, const T* a, const T* b, T* y) {
  const Broadcast shape = MergeAxes(broadcast, &Broadcast::a_stride, &Broadcast::b_stride);
  int64_t size = 1;
  for (int i = 0; i < shape.axes; ++i) size *= shape.size[i];
  if (size == 0) return;
  const auto launch = [&]<int kWidth, int kAxes, Binary kFunction>() {
    Launch("BinaryForward", gpu, dim3(DivideUp<int64_t>(size / kWidth, kThreads)), dim3(kThreads), 0,
           BinaryKernel<T, kWidth, kAxes, kFunction>, size / kWidth, shape, AxisDivisors<Broadcast>(shape, kWidth), a,
           b, y);
  };
  const auto with_axes = [&]<int kWidth, Binary kFunction>() {
    if (shape.axes == 1) return launch.template operator()<kWidth, 1, kFunction>();
    if (shape.axes == 2) return launch.template operator()<kWidth, 2, kFunction>();
    if (shape.axes == 3) return launch.template operator()<kWidth, 3, kFunction>();
    launch.template operator()<kWidth, 0, kFunction>();
  };
  const auto with_function = [&]<Binary kFunction>() {
    if (FitsVectors<kFullWidth<T>>(shape) && IsAligned<T, kFullWidth<T>>(a, b, y))
      return with_axes.template operator()<kFullWidth<T>, kFunction>();
    with_axes.template operator()<1, kFunction>();
  };
  switch (function) {
    case Binary::kAdd:
      return with_function.template operator()<Binary::kAdd>();
    case Binary::kSubtract:
      return with_function.template operator()<Binary::kSubtract>();
    case Binary::kMultiply:
      return with_function.template operator()<Binary::kMultiply>();
    case Binary::kDivide:
      return with_function.template operator()<Binary::kDivide>();
  }
}

template <class Device, class T>
void SumAxis(Device gpu, int64_t outer, int64_t middle, int64_t inner, SumType<T> factor, const T* x, SumType<T>* y) {
  using S = SumType<T>;
  if (outer * inner == 0) return;
  constexpr int64_t kFew = 1 << 15, kManyTerms = 64;  // threads, terms
  constexpr int kBlocksHeld = 8;                      // by a multiprocessor
  const int64_t sums = outer * inner;
  const bool rows = inner == 1 && middle >= kLongRow;
  if (middle < (rows ? 8 * kThreads : kManyTerms) || (rows ? 32 : 1) * sums >= kFew) {
    if (rows)
      return Launch("SumAxis", gpu, dim3(DivideUp<int64_t>(outer, kThreads / 32)), dim3(kThreads), 0, SumRowsKernel<T>,
                    outer, middle, factor, x, y);
    const auto columns = [&]<int kWidth>() {
      const int64_t vectors = sums / kWidth;
      Launch("SumAxis", gpu, dim3(DivideUp<int64_t>(vectors, kThreads)), dim3(kThreads), 0, SumColumnsKernel<T, kWidth>,
             vectors, middle, Divisor(inner / kWidth), inner / kWidth, factor, x, y);
    };
    return ForVectors<T>(inner, columns, x, y);
  }
  // Each thread is to have 8 terms or more; the parts' sums are as many again, and one block adds them.
  const auto in_parts = [&]<class U, int kWidth>(std::type_identity<U>, int64_t terms, int64_t parts, S times,
                                                 const U* from, S* to, int64_t groups, int64_t width) {
    const int across = AcrossOf(width / kWidth);
    const int64_t tiles = DivideUp<int64_t>(width / kWidth, across);
    Launch("SumAxis", gpu, dim3(groups * tiles, parts), dim3(kThreads), 0, SumPartsKernel<U, kWidth>,
           static_cast<int>(tiles), across, DivideUp(terms, parts), terms, width / kWidth, times, from, to);
  };
  const auto columns = [&]<int kWidth>() {
    const int across = AcrossOf(inner / kWidth);
    const int64_t tiles = outer * DivideUp<int64_t>(inner / kWidth, across);
    const int64_t most = int64_t{kBlocksHeld} * Multiprocessors(gpu);
    const int64_t parts = std::clamp<int64_t>(std::min(most / tiles, middle / (8 * kThreads / across)), 1, most);
    if (parts == 1) return in_parts.template operator()<T, kWidth>({}, middle, 1, factor, x, y, outer, inner);
    const Scratch<S> partial(gpu, parts * sums);  // [parts, outer, inner]
    in_parts.template operator()<T, kWidth>({}, middle, parts, S(1), x, partial.data(), outer, inner);
    in_parts.template operator()<S, 1>({}, parts, 1, factor, static_cast<const S*>(partial.data()), y, 1, sums);
  };
  ForVectors<T>(inner, columns, x, y);
}

template <class Device, class T>
void ExpandAxis(Device gpu, int64_t outer, int64_t middle, int64_t inner, SumType<T> factor, const T* x, T* y) {
  const auto launch = [&]<int kWidth>() {
    const int64_t vectors = outer * middle * inner / kWidth;
    if (vectors == 0) return;
    Launch("ExpandAxis", gpu, dim3(DivideUp<int64_t>(vectors, kThreads)), dim3(kThreads), 0, ExpandKernel<T, kWidth>,
           vectors, Divisor(middle), Divisor(inner / kWidth), inner / kWidth, factor, x, y);
  };
  ForVectors<T>(inner, launch, x, y);
}

template <class Device, class T>
void MaxAxis(Device gpu, int64_t outer, int64_t middle, int64_t inner, const T* x, T* y, int32_t* index) {
  if (outer * inner == 0) return;
  if (inner == 1 && middle >= kLongRow)
    Launch("MaxAxis", gpu, dim3(DivideUp<int64_t>(outer, kThreads / 32)), dim3(kThreads), 0, MaxRowsKernel<T>, outer,
           middle, x, y, index);
  else
    Launch("MaxAxis", gpu, dim3(DivideUp<int64_t>(outer * inner, kThreads)), dim3(kThreads), 0, MaxColumnsKernel<T>,
           outer * inner, middle, inner, x, y, index);
}

template <class Device, class T>
void MaxAxisBackward(Device gpu, int64_t outer, int64_t middle, int64_t inner, const int32_t* index, const T* dy,
                     T* dx) {
  const int64_t size = outer * middle * inner;
  if (size == 0) return;
  Launch("MaxAxisBackward", gpu, dim3(DivideUp<int64_t>(size, kThreads)), dim3(kThreads), 0, MaxBackwardKernel<T>, size,
         Divisor(middle), Divisor(inner), inner, index, dy, dx);
}

#define ORBIT_INSTANTIATE(T)                                                                                  \
  template void Accumulate(Gpu, int64_t, const T*, T*);                                                       \
  template void UnaryForward(Gpu, Unary, int64_t, SumType<T>, SumType<T>, const T*, T*);                      \
  template void UnaryBackward(Gpu, Unary, int64_t, SumType<T>, SumType<T>, const T*, const T*, const T*, T*); \
  template void BinaryForward(Gpu, Binary, const Broadcast&, const T*, const T*, T*);                         \
  template void SumAxis(Gpu, int64_t, int64_t, int64_t, SumType<T>, const T*, SumType<T>*);                   \
  template void ExpandAxis(Gpu, int64_t, int64_t, int64_t, SumType<T>, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE
#define ORBIT_INSTANTIATE(T)                                                     \
  template void MaxAxis(Gpu, int64_t, int64_t, int64_t, const T*, T*, int32_t*); \
  template void MaxAxisBackward(Gpu, int64_t, int64_t, int64_t, const int32_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE
#define ORBIT_INSTANTIATE(From, To) template void Convert(Gpu, int64_t, const From*, To*);
ORBIT_INSTANTIATE(float, double)
ORBIT_INSTANTIATE(float, BFloat16)
ORBIT_INSTANTIATE(double, float)
ORBIT_INSTANTIATE(double, BFloat16)
ORBIT_INSTANTIATE(BFloat16, float)
ORBIT_INSTANTIATE(BFloat16, double)
ORBIT_INSTANTIATE(uint8_t, float)
ORBIT_INSTANTIATE(uint8_t, double)
ORBIT_INSTANTIATE(uint8_t, BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
