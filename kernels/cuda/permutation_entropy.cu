#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/permutation_entropy.h"

namespace orbit::kernels {
namespace {

// A block per matrix, of which both rows and columns are summed, in tiles of 32 x 32. The block's warps form a grid of
// side x side; a warp processes the tiles whose tile_row % side and tile_column % side are its own. A lane owns a
// column of the tile and loads its 32 elements at once. Sums over a column stay in the lane; sums over the 32 rows take
// one exchange between lanes. The partial sums of the `side` warps in a row or column of the grid go through shared
// memory. With S the sum and A = sum p log p of a row or column, and q = p / S,
//
//   H = log S - A / S,   dH / dp = (A / S - log p) / S,
//
// so one logarithm per entry serves both its row and its column. Bytes: soft once; backward dsoft once, and soft again,
// from shared memory if the matrix fits, else from cache.

template <class T>
// a double takes two registers, so half as many threads get twice as many
constexpr int kMaxSide = sizeof(T) == 4 ? 4 : 2;
template <class T>
constexpr int kMaxThreads = 32 * kMaxSide<T>* kMaxSide<T>;
constexpr int kThreads = 256;

// Sums over rows and columns: of p and of p log p, [n] each.
template <class T>
struct Sums {
  T *rows, *row_moments, *columns, *column_moments;
};

template <class T>
__device__ T Clamp(T p) {
  const T least = static_cast<T>(1e-12);
  return p < least ? least : p;  // unlike max, keeps NaN
}

// Sums the first `size` rows and columns of the block's matrix, soft [n, n]; also copies them to kept [n, n] unless
// that is null. shared: [4, n] for the sums, then [4, side, n] for partial sums. All threads of the block get the sums.
template <class T>
__device__ Sums<T> SumMatrix(int side, int n, int size, const T* soft, T* kept, T* shared) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warp_row = warp / side, warp_column = warp % side;
  T *parts = shared + 4 * n, *row_part = parts + 2 * warp_column * n, *column_part = parts + 2 * (side + warp_row) * n;
  for (int i0 = warp_row * 32; i0 < size; i0 += side * 32) {
    T sums[32] = {}, moments[32] = {};
    for (int j = warp_column * 32 + lane; j - lane < size; j += side * 32) {
      const bool add = i0 > warp_row * 32;  // to the sums over earlier tiles
      T column = add && j < size ? column_part[j] : T(0), column_moment = add && j < size ? column_part[n + j] : T(0);
      T values[32];
#pragma unroll
      for (int r = 0; r < 32; ++r) values[r] = i0 + r < size && j < size ? soft[(i0 + r) * n + j] : T(0);
#pragma unroll
      for (int r = 0; r < 32; ++r) {
        if (i0 + r >= size || j >= size) continue;
        if (kept) kept[(i0 + r) * n + j] = values[r];
        const T p = Clamp(values[r]), p_log_p = p * log(p);
        sums[r] += p;
        moments[r] += p_log_p;
        column += p;
        column_moment += p_log_p;
      }
      if (j >= size) continue;
      column_part[j] = column;
      column_part[n + j] = column_moment;
    }
    const T sum = WarpSums(sums), moment = WarpSums(moments);
    if (i0 + lane >= size) continue;
    row_part[i0 + lane] = sum;
    row_part[n + i0 + lane] = moment;
  }
  __syncthreads();
  // Partial sums are [rows or columns, side, sum or moment, n].
  const int sides = min(side, DivideUp(size, 32));
  for (int i = threadIdx.x; i < 4 * size; i += blockDim.x) {
    const int which = i / size, at = i - which * size;
    const T* part = parts + ((which / 2 * side) * 2 + which % 2) * n + at;
    T sum = part[0];
    for (int k = 1; k < sides; ++k) sum += part[k * 2 * n];
    shared[which * n + at] = sum;
  }
  __syncthreads();
  return {shared, shared + n, shared + 2 * n, shared + 3 * n};
}

__device__ inline int SizeOf(int64_t samples, int n, const int32_t* num_nodes) {
  return num_nodes ? max(0, min(n, num_nodes[blockIdx.x / samples])) : n;
}

// entropies[matrix] = the sum of the entropies of its rows and columns, in double, divided by its number of nodes.
template <class T>
__global__ void __launch_bounds__(kMaxThreads<T>)
    Forward(int side, int64_t samples, int n, const T* soft, const int32_t* num_nodes, double* entropies) {
  const int size = SizeOf(samples, n, num_nodes), warp = threadIdx.x / 32;
  soft += int64_t{blockIdx.x} * n * n;
  const Sums<T> sums = SumMatrix<T>(side, n, size, soft, nullptr, DynamicShared<T>());
  if (warp > 0) return;
  double entropy = 0;
  for (int i = threadIdx.x; i < size; i += 32) {
    const double row = sums.rows[i], column = sums.columns[i];
    entropy += log(row * column) - (sums.row_moments[i] / row + sums.column_moments[i] / column);
  }
  entropy = WarpSum(entropy);
  if (threadIdx.x == 0) entropies[blockIdx.x] = entropy / max(size, 1);
}

template <class T>
__global__ void __launch_bounds__(kThreads) Sum(int64_t count, int64_t samples, const double* entropies, T* total) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) sum += entropies[i];
  sum = BlockSum<kThreads>(sum);
  if (threadIdx.x == 0) *total = static_cast<T>(sum / max(samples, int64_t{1}));
}

// If `keep`, shared memory begins with a copy of the matrix.
template <class T>
__global__ void __launch_bounds__(kMaxThreads<T>)
    Backward(int side, bool keep, int64_t samples, int n, const T* soft, const int32_t* num_nodes, const T* dentropy,
             T beta, T* dsoft) {
  const int size = SizeOf(samples, n, num_nodes);
  soft += int64_t{blockIdx.x} * n * n;
  dsoft += int64_t{blockIdx.x} * n * n;
  T* shared = DynamicShared<T>();
  T* kept = keep ? shared : nullptr;
  const Sums<T> sums = SumMatrix(side, n, size, soft, kept, keep ? shared + n * n : shared);
  const T scale = static_cast<T>(static_cast<double>(*dentropy) / (static_cast<double>(samples) * max(size, 1)));
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    const T row = scale / sums.rows[i], column = scale / sums.columns[i];
    sums.row_moments[i] /= sums.rows[i];
    sums.column_moments[i] /= sums.columns[i];
    sums.rows[i] = row;
    sums.columns[i] = column;
  }
  __syncthreads();

  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warp_row = warp / side, warp_column = warp % side;
  const int end = beta == T(0) ? n : size;  // nothing to add beyond `size`
  for (int j = warp_column * 32 + lane; j < end; j += side * 32) {
    const T column = j < size ? sums.columns[j] : T(0), column_moment = j < size ? sums.column_moments[j] : T(0);
    for (int i0 = warp_row * 32; i0 < end; i0 += side * 32) {
#pragma unroll 8
      for (int i = i0; i < min(i0 + 32, end); ++i) {
        T gradient = 0;
        if (i < size && j < size) {
          const T p = keep ? kept[i * n + j] : soft[i * n + j];
          const T log_p = log(Clamp(p));
          if (!(p < static_cast<T>(1e-12)))
            gradient = sums.rows[i] * (sums.row_moments[i] - log_p) + column * (column_moment - log_p);
        }
        T* out = dsoft + i * n + j;
        *out = beta == T(0) ? gradient : gradient + beta * *out;
      }
    }
  }
}

template <class T>
int SideFor(int64_t n) {
  return static_cast<int>(std::clamp<int64_t>(DivideUp<int64_t>(n, 32), 1, kMaxSide<T>));
}

}  // namespace

template <class Device, class T>
void PermutationEntropy(Device gpu, int64_t batch, int64_t samples, int64_t n, const T* soft, const int32_t* num_nodes,
                        T* entropy) {
  const int64_t matrices = n > 0 ? batch * samples : 0;
  const int side = SideFor<T>(n);
  const Scratch<double> entropies(gpu, matrices);
  if (matrices > 0)
    Launch("PermutationEntropy", gpu, dim3(matrices), dim3(32 * side * side), (4 + 4 * side) * n * sizeof(T),
           Forward<T>, side, samples, n, soft, num_nodes, entropies.data());
  Launch("PermutationEntropy", gpu, dim3(1), dim3(kThreads), 0, Sum<T>, matrices, samples, entropies.data(), entropy);
}

template <class Device, class T>
void PermutationEntropyBackward(Device gpu, int64_t batch, int64_t samples, int64_t n, const T* soft,
                                const int32_t* num_nodes, const T* dentropy, T beta, T* dsoft) {
  if (batch == 0 || samples == 0 || n == 0) return;
  const int side = SideFor<T>(n);
  const size_t sums_bytes = (4 + 4 * side) * n * sizeof(T), matrix_bytes = n * n * sizeof(T);
  const bool keep = sums_bytes + matrix_bytes <= MostDynamicSharedBytes(gpu);
  Launch("PermutationEntropyBackward", gpu, dim3(batch * samples), dim3(32 * side * side),
         sums_bytes + (keep ? matrix_bytes : 0), Backward<T>, side, keep, samples, n, soft, num_nodes, dentropy, beta,
         dsoft);
}

#define ORBIT_INSTANTIATE(T)                                                                      \
  template void PermutationEntropy(Gpu, int64_t, int64_t, int64_t, const T*, const int32_t*, T*); \
  template void PermutationEntropyBackward(Gpu, int64_t, int64_t, int64_t, const T*, const int32_t*, const T*, T, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
