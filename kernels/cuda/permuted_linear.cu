#include <algorithm>

#include "kernels/cuda/edges.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"
#include "kernels/matmul.h"
#include "kernels/permuted_linear.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

// ---- The input's sparse form ----

// The edges of a row are entries [begin, begin + count).
struct RowEdges {
  int64_t begin;
  int first, count;  // the first edge's number among the sources

  __device__ RowEdges(const PermutedGraphs& graphs, int64_t row) {
    const int64_t graph = row / graphs.samples;
    first = graphs.offsets[graph * graphs.n];
    count = graphs.offsets[(graph + 1) * graphs.n] - first;
    begin = graphs.samples * first + (row - graph * graphs.samples) * count;
  }
};

// A block processes `rows_per_block` rows. Writes to entries, row by row, the adjacency column of every edge, and to
// features, at row * row_stride + q * column_stride, element (row, q) of the permuted features. If not null, counts
// [blocks, n n] receive how often each column occurs in the block's rows, and zeros [num_zeros] are set to 0.
template <class T>
__global__ void __launch_bounds__(kThreads)
    Prepare(PermutedGraphs graphs, int rows_per_block, const T* x, int64_t row_stride, int64_t column_stride,
            int32_t* entries, T* features, int32_t* counts, int num_zeros, int32_t* zeros) {
  const int n = static_cast<int>(graphs.n), d = static_cast<int>(graphs.d);
  if (counts) {
    counts += int64_t{blockIdx.x} * n * n;
    for (int i = threadIdx.x; i < n * n; i += kThreads) counts[i] = 0;
    if (blockIdx.x == 0)
      for (int i = threadIdx.x; i < num_zeros; i += kThreads) zeros[i] = 0;
    __syncthreads();
  }
  const int64_t begin = int64_t{blockIdx.x} * rows_per_block, end = min(graphs.rows(), begin + rows_per_block);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t graph = row / graphs.samples;
    const int32_t *ranks = graphs.ranks + row * n, *offsets = graphs.offsets + graph * n;
    const RowEdges edges(graphs, row);
    for (int e = threadIdx.x; e < edges.count; e += kThreads) {
      const int source = graphs.sources[edges.first + e], target = TargetOf(offsets, n, edges.first + e);
      const int column = ranks[source] * n + ranks[target];
      entries[edges.begin + e] = column;
      if (counts) atomicAdd(counts + column, 1);
    }
    for (int i = threadIdx.x; i < n * d; i += kThreads)
      features[row * row_stride + (ranks[i / d] * d + i % d) * column_stride] = x[graph * n * d + i];
  }
}

// ---- PermutedLinear ----

constexpr int kForwardThreads = 512;

// A block owns kOut outputs of rows blockIdx.y, blockIdx.y + gridDim.y, ...; a warp processes a row at a time. The
// block's part of the weight, [columns, kOut], is read once, coalesced along the columns, into shared memory or, if too
// large, into spill [blocks, columns, kOut], which stays in cache. A lane sums a vector of kWidth outputs over every
// kSlots-th column of a row; the slots' sums are then added in a fixed order. Bytes: the weight and y once; entries and
// features once per block, from the L2 cache; rows (edges + n d) out elements from shared memory.
template <class T, int kOut, int kWidth>
__global__ void __launch_bounds__(kForwardThreads)
    Forward(PermutedGraphs graphs, int out, const int32_t* entries, const T* features, const T* weight, const T* bias,
            T* spill, T* y) {
  using V = Vector<T, kWidth>;
  constexpr int kParts = kOut / kWidth, kSlots = 32 / kParts;
  const int columns = static_cast<int>(graphs.columns()), num_features = static_cast<int>(graphs.n * graphs.d);
  const int first = blockIdx.x * kOut;
  V* tile = spill ? reinterpret_cast<V*>(spill) + int64_t{blockIdx.x} * columns * kParts : DynamicShared<V>();
  for (int c = threadIdx.x; c < columns; c += kForwardThreads) {
    V values[kParts];
#pragma unroll
    for (int o = 0; o < kOut; ++o)
      values[o / kWidth][o % kWidth] = first + o < out ? weight[int64_t{first + o} * columns + c] : T(0);
#pragma unroll
    for (int part = 0; part < kParts; ++part) tile[int64_t{c} * kParts + part] = values[part];
  }
  __syncthreads();

  const int lane = threadIdx.x % 32, slot = lane / kParts, part = lane % kParts;
  const V* adjacency = tile + int64_t{num_features} * kParts + part;
  constexpr int kRows = kForwardThreads / 32;  // rows processed at a time
  for (int64_t row = blockIdx.y * kRows + threadIdx.x / 32; row < graphs.rows(); row += gridDim.y * kRows) {
    const RowEdges edges(graphs, row);
    V sum = {};
#pragma unroll 4
    for (int e = slot; e < edges.count; e += kSlots) sum += adjacency[int64_t{entries[edges.begin + e]} * kParts];
#pragma unroll 4
    for (int q = slot; q < num_features; q += kSlots)
      sum += features[row * num_features + q] * tile[int64_t{q} * kParts + part];

    int size = kWidth, element = 0;  // the part of the vector that this lane still sums
#pragma unroll
    for (int distance = 16; distance >= kParts; distance /= 2) {
      if (size > 1) {
        size /= 2;
        const bool upper = lane & distance;
#pragma unroll
        for (int i = 0; i < size; ++i) {
          const T keep = upper ? sum[i + size] : sum[i], give = upper ? sum[i] : sum[i + size];
          sum[i] = keep + __shfl_xor_sync(kAllLanes, give, distance);
        }
        if (upper) element += size;
      } else {
        sum[0] += __shfl_xor_sync(kAllLanes, sum[0], distance);
      }
    }
    const int o = first + part * kWidth + element;
    if (lane % (32 / kWidth) < kParts && o < out) y[row * out + o] = sum[0] + bias[o];
  }
}

// ---- PermutedLinearBackward ----
//
// Builds for every column the list of rows that contain it, in order, by counting: per block of kRowsPerBlock rows, how
// often the column occurs (Prepare), where the block's part of the list begins (Allocate), and the rows themselves
// (Fill).

constexpr int kRowsPerBlock = 16;

// The lists, in `rows_of`. Where a list lies in memory depends on scheduling; its contents do not.
struct Lists {
  int32_t* counts;  // [blocks, n n]; Allocate replaces them by where the block's part of the list begins
  int64_t* begin;   // [n n]
  int32_t* size;    // [n n]
  int32_t* rows_of;
};

// A thread per column.
__global__ void __launch_bounds__(kThreads) Allocate(int columns, int blocks, Lists lists, unsigned long long* taken) {
  const int column = blockIdx.x * kThreads + threadIdx.x, lane = threadIdx.x % 32;
  int size = 0;
  if (column < columns) {
    constexpr int kLoads = 8;  // loads in flight
    for (int first = 0; first < blocks; first += kLoads) {
      int32_t* own = lists.counts + int64_t{first} * columns + column;
      int count[kLoads];
#pragma unroll
      for (int k = 0; k < kLoads; ++k) count[k] = first + k < blocks ? own[int64_t{k} * columns] : 0;
#pragma unroll
      for (int k = 0; k < kLoads; ++k) {
        if (first + k < blocks) own[int64_t{k} * columns] = size;
        size += count[k];
      }
    }
    lists.size[column] = size;
  }
  int64_t end = size;  // end of this column's list, counted from the warp's first column
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const int64_t before = __shfl_up_sync(kAllLanes, end, distance);
    if (lane >= distance) end += before;
  }
  unsigned long long begin = 0;
  if (lane == 31) begin = atomicAdd(taken, static_cast<unsigned long long>(end));
  begin = __shfl_sync(kAllLanes, begin, 31);
  if (column < columns) lists.begin[column] = static_cast<int64_t>(begin) + end - size;
}

// A block processes its kRowsPerBlock rows in order: only equal edges of one row race for a place, with equal values.
__global__ void __launch_bounds__(kThreads) Fill(PermutedGraphs graphs, const int32_t* entries, Lists lists) {
  const int64_t first = int64_t{blockIdx.x} * kRowsPerBlock, end = min(graphs.rows(), first + kRowsPerBlock);
  int32_t* next = lists.counts + blockIdx.x * graphs.n * graphs.n;
  for (int64_t row = first; row < end; ++row) {
    const RowEdges edges(graphs, row);
    for (int e = threadIdx.x; e < edges.count; e += kThreads) {
      const int column = entries[edges.begin + e];
      lists.rows_of[lists.begin[column] + atomicAdd(next + column, 1)] = static_cast<int32_t>(row);
    }
    __syncthreads();
  }
}

constexpr int kGradientThreads = 1024, kOutputs = 32, kLanes = 8, kWidth = kOutputs / kLanes;
constexpr int kColumns = kGradientThreads / kLanes;  // processed at a time
constexpr int kStride = kOutputs + 1;                // row length of `stage`

template <class T>
constexpr size_t kStageBytes = kColumns* kStride * sizeof(T);

// A block owns kOutputs outputs. It takes kColumns columns at a time from a common counter, first those of features,
// which every row contains; kLanes lanes share a column. dy is in shared memory, [rows, kOutputs], so that the gathers
// along the lists, which read whole rows of it, have no bank conflicts; if it is too large (!kShared), it is read
// through the cache. Sums are in registers and pass through shared memory, stage [kColumns, kStride], to coalesced rows
// of dweight. Bytes: dweight once; dy once per block; the lists once per slice of outputs, from the L2 cache; rows
// (edges + n d) out elements from shared memory.
template <class T, bool kShared>
__global__ void __launch_bounds__(kGradientThreads, 1)
    Gradient(PermutedGraphs graphs, int out, const T* features, Lists lists, const T* dy, int32_t* passes_taken,
             T* dweight) {
  using V = Vector<T, kWidth>;
  ORBIT_SHARED(shared_pass, int);
  const int rows = static_cast<int>(graphs.rows()), num_features = static_cast<int>(graphs.n * graphs.d);
  const int num_pairs = static_cast<int>(graphs.n * graphs.n), columns = num_features + num_pairs;
  const int first_out = blockIdx.x * kOutputs;
  T* stage = DynamicShared<T>();
  T* tile = stage + kColumns * kStride;
  if constexpr (kShared)
    for (int i = threadIdx.x; i < rows * kOutputs; i += kGradientThreads) {
      const int o = first_out + i % kOutputs;
      tile[i] = o < out ? dy[int64_t{i / kOutputs} * out + o] : T(0);
    }

  const int own = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  const auto gradient = [&](int row) {
    if constexpr (kShared) return reinterpret_cast<const V*>(tile)[row * kLanes + lane];
    V value = {};
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      const int o = first_out + lane * kWidth + e;
      if (o < out) value[e] = dy[int64_t{row} * out + o];
    }
    return value;
  };
  const int feature_passes = DivideUp(num_features, kColumns), passes = feature_passes + DivideUp(num_pairs, kColumns);
  while (true) {
    if (threadIdx.x == 0) shared_pass = atomicAdd(passes_taken + blockIdx.x, 1);
    __syncthreads();  // the tile is loaded; the previous pass and its stage have been read
    const int pass = shared_pass;
    if (pass >= passes) return;
    const bool of_features = pass < feature_passes;
    const int first = (of_features ? pass : pass - feature_passes) * kColumns, column = first + own;
    const int end = of_features ? num_features : num_pairs;

    const int size = column >= end ? 0 : of_features ? rows : lists.size[column];
    const int32_t* list = of_features || column >= end ? nullptr : lists.rows_of + lists.begin[column];
    int largest = max(size, __shfl_xor_sync(kAllLanes, size, 8));
    largest = max(largest, __shfl_xor_sync(kAllLanes, largest, 16));
    V sum = {};
    int row = -1, next_row = -1;  // each lane loads one of kLanes entries
    T value = 1, next_value = 1;
    const auto load = [&](int k) {
      next_row = -1;
      if (k + lane >= size) return;
      next_row = of_features ? k + lane : list[k + lane];
      if (of_features) next_value = features[int64_t{column} * rows + k + lane];
    };
    load(0);
    for (int k = 0; k < largest; k += kLanes) {
      row = next_row;
      value = next_value;
      load(k + kLanes);
#pragma unroll
      for (int entry = 0; entry < kLanes; ++entry) {
        const int from = __shfl_sync(kAllLanes, row, entry, kLanes);
        const T factor = of_features ? __shfl_sync(kAllLanes, value, entry, kLanes) : T(1);
        if (from >= 0) sum += factor * gradient(from);
      }
    }

#pragma unroll
    for (int e = 0; e < kWidth; ++e) stage[own * kStride + lane * kWidth + e] = sum[e];
    __syncthreads();
    for (int i = threadIdx.x; i < kOutputs * kColumns; i += kGradientThreads) {
      const int c = first + i % kColumns, o = i / kColumns;
      if (first_out + o < out && c < end)
        dweight[int64_t{first_out + o} * columns + (of_features ? 0 : num_features) + c] =
            stage[i % kColumns * kStride + o];
    }
  }
}

// ---- PermutedLinearStraightThrough ----
//
// A block computes a row's n x n gradient, a warp one node at a time, with sums over 32 kVectors ranks in registers.
// The edges into a node are listed; the edges out of it are searched for among all of the graph's. The gradient of the
// adjacency matrix is in shared memory, [n, n | 1], where neither columns nor rows have bank conflicts, or read through
// the cache if it is too large. Bytes: dinput and dsoft once.
template <class T, int kVectors>
__global__ void __launch_bounds__(kThreads)
    StraightThrough(PermutedGraphs graphs, bool keep, const T* x, const T* dinput, T* dsoft) {
  const int n = static_cast<int>(graphs.n), d = static_cast<int>(graphs.d), lane = threadIdx.x % 32;
  const int64_t row = blockIdx.x, graph = row / graphs.samples;
  const int32_t *offsets = graphs.offsets + graph * n, *ranks = graphs.ranks + row * n;
  const T* features = x + graph * n * d;
  const T* dfeatures = dinput + row * graphs.columns();
  const T* dadjacency = dfeatures + n * d;
  const int size = graphs.num_nodes ? graphs.num_nodes[graph] : n;
  int stride = n;
  if (keep) {
    T* kept = DynamicShared<T>();
    stride = n | 1;
    for (int i = threadIdx.x; i < n * n; i += kThreads) kept[i / n * stride + i % n] = dadjacency[i];
    __syncthreads();
    dadjacency = kept;
  }

  for (int node = threadIdx.x / 32; node < n; node += kWarps)
    for (int first = 0; first < n; first += 32 * kVectors) {
      T sums[kVectors] = {};
      // Calls f(v, rank) for all ranks of this lane.
      const auto for_ranks = [&](const auto& f) {
#pragma unroll
        for (int v = 0; v < kVectors; ++v)
          if (const int rank = first + v * 32 + lane; rank < n) f(sums[v], rank);
      };
      for (int c = 0; c < d; ++c) {
        const T feature = features[node * d + c];
        for_ranks([&](T& sum, int rank) { sum += feature * dfeatures[rank * d + c]; });
      }
      for (int e = offsets[node]; e < offsets[node + 1]; ++e) {
        const T* from = dadjacency + ranks[graphs.sources[e]] * stride;
        for_ranks([&](T& sum, int rank) { sum += from[rank]; });
      }
      ForTargets(offsets, n, graphs.sources, node, [&](int target) {
        const T* from = dadjacency + ranks[target];
        for_ranks([&](T& sum, int rank) { sum += from[rank * stride]; });
      });
      for_ranks(
          [&](T& sum, int rank) { dsoft[(row * n + node) * n + rank] = node < size && rank < size ? sum : T(0); });
    }
}

}  // namespace

template <class Device, class T>
void PermutedLinear(Device gpu, const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight, const T* bias,
                    T* y) {
  if (graphs.rows() == 0 || out == 0) return;
  const int64_t num_features = graphs.n * graphs.d;
  const Scratch<int32_t> entries(gpu, graphs.samples * graphs.edges);
  const Scratch<T> features(gpu, graphs.rows() * num_features);
  Launch("PermutedLinear", gpu, dim3(graphs.rows()), dim3(kThreads), 0, Prepare<T>, graphs, 1, x, num_features, 1,
         entries.data(), features.data(), nullptr, 0, nullptr);
  const auto launch = [&]<int kOut>(bool shared) {
    constexpr int kWidth = std::min<int>(kOut, 16 / sizeof(T));
    const int64_t slices = DivideUp<int64_t>(out, kOut), columns = graphs.columns();
    const int64_t splits =
        shared ? std::clamp<int64_t>(2 * Multiprocessors(gpu) / slices, 1, DivideUp<int64_t>(graphs.rows(), 64)) : 1;
    const Scratch<T> spill(gpu, shared ? 0 : slices * columns * kOut);
    Launch("PermutedLinear", gpu, dim3(slices, splits), dim3(kForwardThreads), shared ? columns * kOut * sizeof(T) : 0,
           Forward<T, kOut, kWidth>, graphs, out, entries.data(), features.data(), weight, bias,
           shared ? nullptr : spill.data(), y);
  };
  const size_t bytes = graphs.columns() * sizeof(T);  // weights per output
  constexpr int kOut = 32 / sizeof(T);                // whole sectors of y
  if (kOut * bytes <= MostDynamicSharedBytes(gpu)) return launch.template operator()<kOut>(true);
  if (kOut / 2 * bytes <= MostDynamicSharedBytes(gpu)) return launch.template operator()<kOut / 2>(true);
  if (kOut / 4 * bytes <= MostDynamicSharedBytes(gpu)) return launch.template operator()<kOut / 4>(true);
  if (bytes <= MostDynamicSharedBytes(gpu)) return launch.template operator()<1>(true);
  launch.template operator()<kOut>(false);
}

template <class Device, class T>
void PermutedLinearBackward(Device gpu, const PermutedGraphs& graphs, int64_t out, const T* x, const T* dy,
                            T* dweight) {
  if (out == 0 || graphs.columns() == 0) return;
  const int64_t rows = graphs.rows(), num_features = graphs.n * graphs.d, num_pairs = graphs.n * graphs.n;
  const int64_t blocks = std::max<int64_t>(1, DivideUp<int64_t>(rows, kRowsPerBlock));
  const int64_t slices = DivideUp<int64_t>(out, kOutputs);
  const Scratch<int32_t> entries(gpu, graphs.samples * graphs.edges), rows_of(gpu, graphs.samples * graphs.edges);
  const Scratch<T> features(gpu, rows * num_features);
  const Scratch<int32_t> counts(gpu, blocks * num_pairs), size(gpu, num_pairs);
  const Scratch<int64_t> begin(gpu, num_pairs);
  const Scratch<unsigned long long> zeros(gpu, 1 + DivideUp<int64_t>(slices, 2));
  const Lists lists = {counts.data(), begin.data(), size.data(), rows_of.data()};
  const char* name = "PermutedLinearBackward";
  Launch(name, gpu, dim3(blocks), dim3(kThreads), 0, Prepare<T>, graphs, kRowsPerBlock, x, 1, rows, entries.data(),
         features.data(), counts.data(), 2 + slices, reinterpret_cast<int32_t*>(zeros.data()));
  Launch(name, gpu, dim3(DivideUp<int64_t>(num_pairs, kThreads)), dim3(kThreads), 0, Allocate, num_pairs, blocks, lists,
         zeros.data());
  Launch(name, gpu, dim3(blocks), dim3(kThreads), 0, Fill, graphs, entries.data(), lists);

  const size_t tile_bytes = rows * kOutputs * sizeof(T);
  const bool shared = kStageBytes<T> + tile_bytes <= MostDynamicSharedBytes(gpu);
  const int64_t passes = DivideUp<int64_t>(num_features, kColumns) + DivideUp<int64_t>(num_pairs, kColumns);
  const int64_t splits = std::clamp<int64_t>(Multiprocessors(gpu) / slices, 1, passes);
  Launch(name, gpu, dim3(slices, splits), dim3(kGradientThreads), kStageBytes<T> + (shared ? tile_bytes : 0),
         shared ? Gradient<T, true> : Gradient<T, false>, graphs, out, features.data(), lists, dy,
         reinterpret_cast<int32_t*>(zeros.data() + 1), dweight);
}

template <class Device, class T>
void PermutedLinearStraightThrough(Device gpu, const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight,
                                   const T* dy, T* dsoft) {
  const int64_t n = graphs.n;
  if (graphs.rows() == 0 || n == 0) return;
  const Scratch<T> dinput(gpu, graphs.rows() * graphs.columns());
  MatMul(gpu, Transpose::kNo, Transpose::kNo, graphs.rows(), graphs.columns(), out, dy, weight, T(0), dinput.data());
  const size_t bytes = n * (n | 1) * sizeof(T);
  const bool keep = bytes <= MostDynamicSharedBytes(gpu);
  const auto kernel = n <= 32 ? StraightThrough<T, 1> : n <= 64 ? StraightThrough<T, 2> : StraightThrough<T, 4>;
  Launch("PermutedLinearStraightThrough", gpu, dim3(graphs.rows()), dim3(kThreads), keep ? bytes : 0, kernel, graphs,
         keep, x, dinput.data(), dsoft);
}

#define ORBIT_INSTANTIATE(T)                                                                           \
  template void PermutedLinear(Gpu, const PermutedGraphs&, int64_t, const T*, const T*, const T*, T*); \
  template void PermutedLinearBackward(Gpu, const PermutedGraphs&, int64_t, const T*, const T*, T*);   \
  template void PermutedLinearStraightThrough(Gpu, const PermutedGraphs&, int64_t, const T*, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
