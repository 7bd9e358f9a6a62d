#include <algorithm>
#include <string>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/sinkhorn_line.h"
#include "kernels/error.h"
#include "kernels/soft_sort.h"

namespace orbit::kernels {
namespace {

// A block per graph and sample. All threads sort, and process the n x n matrix with a thread per column, so that a warp
// reads along rows; one warp iterates, in double, in shared memory. Bytes: the scores; forward soft once; backward
// dsoft once, and s of every half iteration written and read, 2 iterations n doubles, while the matrix takes 5 n^2
// operations.

constexpr int kMaxThreads = 256;

int ThreadsFor(int64_t n) {
  return static_cast<int>(std::clamp<int64_t>(DivideUp<int64_t>(n, 32) * 32, 32, kMaxThreads));
}

// Hands out shared memory from its beginning.
class Bump {
 public:
  __device__ explicit Bump(int n) : n_(n), next_(DynamicShared<double>()) {}
  // Takes `count` consecutive arrays of n elements each.
  template <class U>
  __device__ U* Take(int count = 1) {
    U* array = reinterpret_cast<U*>(next_);
    next_ += DivideUp<int64_t>(int64_t{count} * n_ * sizeof(U), sizeof(double));
    return array;
  }

 private:
  int n_;
  double* next_;
};

size_t SharedBytes(int64_t n, int doubles, int elements, size_t element_size) {
  return n * doubles * sizeof(double) + n * elements * element_size + (elements + 8) * sizeof(double);
}

__device__ inline int SizeOf(const SoftSortProblem& problem) {
  const int n = static_cast<int>(problem.n);
  return problem.num_nodes ? max(0, min(n, problem.num_nodes[blockIdx.x / problem.samples])) : n;
}

// Sorts by counting: a node's rank is the number of nodes that come before it.
template <class T>
__device__ void Sort(int n, int size, const T* scores, double* keys, int32_t* index) {
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    const double score = static_cast<double>(scores[i]);
    keys[i] = isnan(score) ? static_cast<double>(INFINITY) : score;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    int rank = i < size ? 0 : i;
    if (i < size) {
      const double key = keys[i];
      for (int k = 0; k < i; ++k) rank += keys[k] >= key;
      for (int k = i + 1; k < size; ++k) rank += keys[k] > key;
    }
    index[rank] = i;
  }
}

// The initial ratios, with all potentials 0, from the gaps between sorted scores. Ratios that could underflow later are
// set to 0: their contribution is far below rounding.
template <class T>
__device__ void StartRatios(int size, const T* scores, const int32_t* index, double tau, double* p, double* q) {
  for (int k = threadIdx.x; k < size; k += blockDim.x) {
    double ratio = 0;
    if (k > 0) {
      ratio = exp(-(static_cast<double>(scores[index[k - 1]]) - static_cast<double>(scores[index[k]])) / tau);
      if (ratio < 1e-290) ratio = 0;
    }
    p[k] = q[k] = ratio;
  }
}

// Leaves the ratios that the last half iteration received, and its s. Unless `saved`
// [half_iterations, 32 lanes side by side] is null, stores all s there. One warp calls it.
__device__ inline void Iterate(int size, int half_iterations, double* p, double* q, double* s, double* saved,
                               int64_t stride) {
  const Stretch own(size);
  for (int h = 0; h < half_iterations; ++h) {
    Sums(own, p, q, s);
    if (saved) Ascending(own, [&](int k) { saved[h * stride + (k - own.begin) * 32 + own.lane] = s[k]; });
    if (h + 1 < half_iterations) Advance(own, s, p, q);
  }
}

template <class T>
__global__ void __launch_bounds__(kMaxThreads)
    Forward(SoftSortProblem problem, const T* scores, int32_t* index, T* soft) {
  const int n = static_cast<int>(problem.n), size = SizeOf(problem);
  Bump shared(n);
  double *p = shared.Take<double>(), *q = shared.Take<double>(), *s = shared.Take<double>();
  T *upper = shared.Take<T>(), *lower = shared.Take<T>();
  int32_t* order = shared.Take<int32_t>();
  scores += int64_t{blockIdx.x} * n;
  index += int64_t{blockIdx.x} * n;

  Sort(n, size, scores, s, order);
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) index[i] = order[i];
  if (!soft) return;
  StartRatios(size, scores, order, problem.tau, p, q);
  __syncthreads();
  if (threadIdx.x < 32) Iterate(size, 2 * problem.iterations, p, q, s, nullptr, 0);
  __syncthreads();
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    upper[i] = static_cast<T>(p[i]);
    lower[i] = static_cast<T>(q[i]);
  }
  __syncthreads();

  soft += int64_t{blockIdx.x} * n * n;
  for (int j = threadIdx.x; j < n; j += blockDim.x) {
    const int first = j / 32 * 32;  // the warp's first column: its lanes go through the same rows
    const T diagonal = j < size ? static_cast<T>(1 / s[j]) : T(0);
    T run = diagonal;
    for (int i = min(size - 1, first + 31); i >= 0; --i) {
      if (i < j && j < size) run *= upper[i + 1];
      if (i <= j) soft[int64_t{order[i]} * n + j] = run;
    }
    run = diagonal;
    for (int i = first + 1; i < size; ++i) {
      if (i <= j) continue;
      run *= lower[i];
      soft[int64_t{order[i]} * n + j] = run;
    }
    for (int i = size; i < n; ++i) soft[int64_t{i} * n + j] = 0;
  }
}

// Sums of W = dsoft * P (elementwise) over the rows and columns of its strict triangles, and its diagonal, in sorted
// order.
template <class T>
struct TriangleSums {
  T *upper_rows, *lower_rows, *upper_columns, *lower_columns, *diagonal;
};

// Sums W over 32 rows, above or below the diagonal, and the warp's 32 columns. Each lane gets the sum of one row and
// adds its column j to `column`; `run` carries its entry of P from row to row.
template <bool kAbove, class T>
__device__ T TileSums(int n, int size, int tile, int j, const int32_t* order, const T* ratio, const T* dsoft, T& run,
                      T& column) {
  T w[32];
#pragma unroll
  for (int step = 0; step < 32; ++step) {
    const int r = kAbove ? 31 - step : step, i = tile * 32 + r;
    w[r] = 0;
    if (j < size && i < size && (kAbove ? i < j : i > j)) {
      run *= ratio[kAbove ? i + 1 : i];
      w[r] = dsoft[int64_t{order[i]} * n + j] * run;
      column += w[r];
    }
  }
  return WarpSums(w);
}

// A warp owns 32 columns and goes through tiles of 32 rows. One exchange gives a tile's row sums, which go to partial
// [warps, 2, n] and are then added in the order of the warps.
template <class T>
__device__ void SumTriangles(int n, int size, const int32_t* order, const T* upper, const T* lower, const double* s,
                             const T* dsoft, T* partial, const TriangleSums<T>& sums) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  for (int base = 0; base < size; base += blockDim.x) {
    const int j = base + threadIdx.x, own_tile = j / 32;
    const bool mine = j < size;
    const T diagonal = mine ? static_cast<T>(1 / s[j]) : T(0);
    T *above = partial + warp * 2 * n, *below = above + n;
    T run = diagonal, column = 0;
    for (int tile = (size - 1) / 32; tile >= 0; --tile) {
      const T sum = tile <= own_tile ? TileSums<true>(n, size, tile, j, order, upper, dsoft, run, column) : T(0);
      if (tile * 32 + lane < size) above[tile * 32 + lane] = sum;
    }
    if (mine) {
      sums.upper_columns[j] = column;
      sums.diagonal[j] = dsoft[int64_t{order[j]} * n + j] * diagonal;
    }
    run = diagonal;
    column = 0;
    for (int tile = 0; tile <= (size - 1) / 32; ++tile) {
      const T sum = tile >= own_tile ? TileSums<false>(n, size, tile, j, order, lower, dsoft, run, column) : T(0);
      if (tile * 32 + lane < size) below[tile * 32 + lane] = sum;
    }
    if (mine) sums.lower_columns[j] = column;
    __syncthreads();
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
      T up = base ? sums.upper_rows[i] : T(0), down = base ? sums.lower_rows[i] : T(0);
      for (int other = 0; other < warps; ++other) {
        up += partial[other * 2 * n + i];
        down += partial[other * 2 * n + n + i];
      }
      sums.upper_rows[i] = up;
      sums.lower_rows[i] = down;
    }
    __syncthreads();
  }
}

// The gradients of the last half iteration. dL / d log s is minus the column sums of W. The gradient of the log ratio
// at a gap is the sum of W over the pairs with one entry on either side of the gap; from one gap to the next it changes
// by one row and one column of the triangle. One warp calls it.
template <class T>
__device__ void StartAdjoint(const Stretch& own, const TriangleSums<T>& w, const Adjoint& adjoint) {
  const auto up = [&](int i) { return static_cast<double>(w.upper_rows[i]) - static_cast<double>(w.upper_columns[i]); };
  const auto down = [&](int i) {
    return static_cast<double>(w.lower_columns[i]) - static_cast<double>(w.lower_rows[i]);
  };
  double above = 0, below = 0;
  Ascending(own, [&](int i) {
    above += up(i);
    below += down(i);
  });
  above = ScanFromZero<true>(1, above);
  below = ScanFromZero<true>(1, below);
  Ascending(own, [&](int i) {
    adjoint.total[i] = above + below;
    adjoint.difference[i] = above - below;
    adjoint.sums[i] = -(static_cast<double>(w.upper_columns[i]) + static_cast<double>(w.lower_columns[i]) +
                        static_cast<double>(w.diagonal[i]));
    adjoint.weight[i] = 0;
    above += up(i);
    below += down(i);
  });
}

template <class T>
__global__ void __launch_bounds__(kMaxThreads) Backward(SoftSortProblem problem, const T* scores, const int32_t* index,
                                                        const T* dsoft, double* saved, int64_t stride, T* dscores) {
  const int n = static_cast<int>(problem.n), size = SizeOf(problem), half_iterations = 2 * problem.iterations;
  const double tau = problem.tau;
  Bump shared(n);
  double *p = shared.Take<double>(), *q = shared.Take<double>(), *s = shared.Take<double>(),
         *inverse = shared.Take<double>();
  Adjoint adjoint;
  for (double** array :
       {&adjoint.sums, &adjoint.total, &adjoint.difference, &adjoint.weight, &adjoint.above, &adjoint.below})
    *array = shared.Take<double>();
  T *upper = shared.Take<T>(), *lower = shared.Take<T>();
  TriangleSums<T> sums;
  for (T** array : {&sums.upper_rows, &sums.lower_rows, &sums.upper_columns, &sums.lower_columns, &sums.diagonal})
    *array = shared.Take<T>();
  int32_t* order = shared.Take<int32_t>();
  T* partial = shared.Take<T>(2 * blockDim.x / 32);

  scores += int64_t{blockIdx.x} * n;
  dscores += int64_t{blockIdx.x} * n;
  dsoft += int64_t{blockIdx.x} * n * n;
  saved += int64_t{blockIdx.x} * half_iterations * stride;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    order[i] = index[int64_t{blockIdx.x} * n + i];
    if (i >= size) dscores[i] = 0;
  }
  __syncthreads();
  StartRatios(size, scores, order, tau, p, q);
  __syncthreads();
  if (threadIdx.x < 32) Iterate(size, half_iterations, p, q, s, saved, stride);
  __syncthreads();
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    upper[i] = static_cast<T>(p[i]);
    lower[i] = static_cast<T>(q[i]);
    inverse[i] = 1 / s[i];
  }
  __syncthreads();
  SumTriangles(n, size, order, upper, lower, s, dsoft, partial, sums);

  if (threadIdx.x < 32) {
    const Stretch own(size);
    StartAdjoint(own, sums, adjoint);
    for (int h = half_iterations - 1; h >= 0; --h) {
      HalfIterationBackward(own, p, q, s, adjoint);
      if (h == 0) break;
      Ascending(own, [&](int k) { s[k] = saved[(h - 1) * stride + (k - own.begin) * 32 + own.lane]; });
      Advance(own, s, p, q);
    }
  }
  __syncthreads();

  // Pairs of equal scores have no gradient, but the sums over the gaps included them in sorted order: subtracts them.
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    const double* total = adjoint.total + i;  // -dL / d gap i
    double gradient = total[0] - (i + 1 < size ? total[1] : 0);
    const T own = scores[order[i]];
    const auto pair = [&](int a, int b) {  // a comes before b
      return static_cast<double>(dsoft[int64_t{order[a]} * n + b]) * inverse[b] +
             static_cast<double>(dsoft[int64_t{order[b]} * n + a]) * inverse[a] + adjoint.weight[a] + adjoint.weight[b];
    };
    for (int k = i + 1; k < size && scores[order[k]] == own; ++k) gradient += pair(i, k);
    for (int k = i - 1; k >= 0 && scores[order[k]] == own; --k) gradient -= pair(k, i);
    dscores[order[i]] = static_cast<T>(gradient / tau);
  }
}

size_t ForwardBytes(int64_t n, size_t element_size) { return SharedBytes(n, 4, 2, element_size); }
size_t BackwardBytes(int64_t n, size_t element_size) {
  return SharedBytes(n, 11, 7 + 2 * ThreadsFor(n) / 32, element_size);
}

void CheckProblem(Gpu gpu, const SoftSortProblem& problem, size_t shared_bytes) {
  Check(problem.tau > 0, "SoftSort: tau must be positive, got ", problem.tau);
  Check(problem.iterations >= 1, "SoftSort: at least one iteration is needed, got ", problem.iterations);
  Check(shared_bytes <= MostDynamicSharedBytes(gpu), "SoftSort on a GPU: a graph of ", problem.n, " nodes takes ",
        shared_bytes, " bytes of shared memory, and a block has ", MostDynamicSharedBytes(gpu));
}

}  // namespace

template <class Device, class T>
void SoftSort(Device gpu, const SoftSortProblem& problem, const T* scores, int32_t* index, T* soft) {
  const size_t shared_bytes = ForwardBytes(problem.n, sizeof(T));
  CheckProblem(gpu, problem, shared_bytes);
  const int64_t graphs = problem.batch * problem.samples;
  if (graphs * problem.n == 0) return;
  Launch("SoftSort", gpu, dim3(graphs), dim3(ThreadsFor(problem.n)), shared_bytes, Forward<T>, problem, scores, index,
         soft);
}

template <class Device, class T>
void SoftSortBackward(Device gpu, const SoftSortProblem& problem, const T* scores, const int32_t* index, const T* dsoft,
                      T* dscores) {
  const size_t shared_bytes = BackwardBytes(problem.n, sizeof(T));
  CheckProblem(gpu, problem, shared_bytes);
  const int64_t graphs = problem.batch * problem.samples, stride = 32 * (DivideUp<int64_t>(problem.n, 32) | 1);
  if (graphs * problem.n == 0) return;
  const Scratch<double> saved(gpu, graphs * 2 * problem.iterations * stride);
  Launch("SoftSortBackward", gpu, dim3(graphs), dim3(ThreadsFor(problem.n)), shared_bytes, Backward<T>, problem, scores,
         index, dsoft, saved.data(), stride, dscores);
}

#define ORBIT_INSTANTIATE(T)                                                   \
  template void SoftSort(Gpu, const SoftSortProblem&, const T*, int32_t*, T*); \
  template void SoftSortBackward(Gpu, const SoftSortProblem&, const T*, const int32_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
