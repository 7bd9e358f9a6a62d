#include <algorithm>

#include "kernels/copy.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"
#include "kernels/matmul.h"
#include "kernels/patch_tokens.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kParts = 2;  // vectors of outputs per lane

// The outputs that a warp computes at once.
template <int kWidth>
constexpr int kSpan = 32 * kWidth* kParts;

// Sums over a lane's outputs: vector p holds those from first + p * 32 kWidth.
template <class T, int kWidth>
struct Sums {
  using V = Vector<T, kWidth>;
  V parts[kParts] = {};

  // Adds factor * x [width].
  __device__ void Add(T factor, const T* x, int first, int width) {
#pragma unroll
    for (int p = 0; p < kParts; ++p) {
      const int o = first + p * 32 * kWidth;
      if (o < width) parts[p] += factor * *reinterpret_cast<const V*>(x + o);
    }
  }
};

// Calls f(a, b) with the values of every lane that has a hit, in the order of the lanes. All lanes of the warp call it.
template <class A, class B, class F>
__device__ __forceinline__ void ForHits(bool hit, A a, B b, F&& f) {
  for (unsigned left = __ballot_sync(kAllLanes, hit); left != 0; left &= left - 1) {
    const int lane = __ffs(static_cast<int>(left)) - 1;
    f(__shfl_sync(kAllLanes, a, lane), __shfl_sync(kAllLanes, b, lane));
  }
}

// The node at a position of a row's axis, its rank, and the edges into it.
struct Target {
  int rank = -1, node = 0, begin = 0, end = 0;

  __device__ Target(const PatchedGraphs& graphs, int64_t row, bool exists, int position) {
    if (exists) rank = graphs.axis.RankAt(position);
    if (rank < 0) return;
    node = graphs.index[row * graphs.axis.n + rank];
    const int32_t* offsets = graphs.offsets + row / graphs.samples * graphs.axis.n + node;
    begin = offsets[0];
    end = offsets[1];
  }
};

// ---- PatchTokens ----

// A warp computes kSpan outputs of one token. Its lanes take the columns of the patch, walk the edges into their nodes,
// and find those that come from the patch's rows; for each, all lanes add the weights of its pixel, which are coalesced
// in `weight`, transposed to [columns, width]. Bytes: y once; for each edge its list entries once per patch of a
// column, and width weights per channel, from the L2 cache.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads, 4) Forward(PatchedGraphs graphs, int width, const T* edge_features,
                                                       const T* node_features, const T* weight, const T* bias, T* y) {
  const PatchAxis axis = graphs.axis;
  const int lane = threadIdx.x % 32, first = blockIdx.y * kSpan<kWidth> + lane * kWidth;
  const int64_t token = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (token >= graphs.rows() * graphs.tokens()) return;
  const int64_t row = token / graphs.tokens(), graph = row / graphs.samples;
  const int cell = static_cast<int>(token % graphs.tokens()), cell_y = cell / axis.grid, cell_x = cell % axis.grid;
  const int edge_channels = static_cast<int>(graphs.edge_channels);
  const int node_channels = static_cast<int>(graphs.node_channels), pixels = static_cast<int>(graphs.pixels());
  const int32_t* ranks = graphs.ranks + row * axis.n;

  Sums<T, kWidth> sums;
  sums.Add(1, bias, first, width);
  const auto add = [&](const T* features, int channels, int first_column) {
    for (int c = 0; c < channels; ++c)
      if (const T feature = features ? features[c] : T(1); feature != T(0))
        sums.Add(feature, weight + (first_column + int64_t{c} * pixels) * width, first, width);
  };
  for (int first_x = 0; first_x < axis.patch; first_x += 32) {
    const int x = first_x + lane;
    const Target target(graphs, row, x < axis.patch, cell_x * axis.patch + x);
    // The pixel of a rank's position k in this patch, or -1.
    const auto pixel_of = [&](int rank, int k) {
      const int position = rank < 0 ? -1 : axis.Position(rank, k);
      return position >= 0 && position / axis.patch == cell_y ? position % axis.patch * axis.patch + x : -1;
    };
    for (int step = 0; __any_sync(kAllLanes, target.begin + step < target.end); ++step) {
      const int e = target.begin + step, source = e < target.end ? ranks[graphs.sources[e]] : -1;
      for (int k = 0; k < axis.most_positions(); ++k) {
        const int pixel = pixel_of(source, k);
        ForHits(pixel >= 0, pixel, e, [&](int at, int edge) {
          add(edge_features ? edge_features + int64_t{edge} * edge_channels : nullptr, edge_channels, at);
        });
      }
    }
    if (node_channels > 0)
      for (int k = 0; k < axis.most_positions(); ++k) {
        const int pixel = pixel_of(target.rank, k);
        ForHits(pixel >= 0, pixel, target.node, [&](int at, int node) {
          add(node_features + (graph * axis.n + node) * node_channels, node_channels, edge_channels * pixels + at);
        });
      }
  }
#pragma unroll
  for (int p = 0; p < kParts; ++p)
    if (const int o = first + p * 32 * kWidth; o < width)
      *reinterpret_cast<Vector<T, kWidth>*>(y + token * width + o) = sums.parts[p];
}

// ---- PatchTokensBackward ----

// A block computes kSpan outputs of one column of dweight, which it writes transposed, to [columns, width]: the sum of
// dy over the tokens whose patches have an edge at the column's pixel. A warp takes 32 columns of patches at a time, of
// any rows; a lane walks the edges into the node that is at the pixel there. The warps' sums meet in shared memory and
// are added in order. Bytes: width of dy for every edge and channel, from the L2 cache; the edges' lists once per
// pixel.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads, 4)
    Backward(PatchedGraphs graphs, int width, const T* edge_features, const T* node_features, const T* dy, T* dweight) {
  ORBIT_SHARED(shared, T[kWarps][kSpan<kWidth>]);
  const PatchAxis axis = graphs.axis;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = blockIdx.y * kSpan<kWidth> + lane * kWidth;
  const int pixels = static_cast<int>(graphs.pixels()), channel = blockIdx.x / pixels, pixel = blockIdx.x % pixels;
  const int edge_channels = static_cast<int>(graphs.edge_channels), tokens = static_cast<int>(graphs.tokens());
  const int node_channels = static_cast<int>(graphs.node_channels);

  Sums<T, kWidth> sums;
  const int64_t pairs = graphs.rows() * axis.grid;
  for (int64_t begin = warp * 32; begin < pairs; begin += kThreads) {
    const int64_t pair = begin + lane, row = pair < pairs ? pair / axis.grid : 0;
    const int cell_x = static_cast<int>(pair % axis.grid);
    const Target target(graphs, row, pair < pairs, cell_x * axis.patch + pixel % axis.patch);
    const auto add = [&](int rank, T feature) {
      for (int k = 0; k < axis.most_positions(); ++k) {
        const int position = rank < 0 || feature == T(0) ? -1 : axis.Position(rank, k);
        const bool hit = position >= 0 && position % axis.patch == pixel / axis.patch;
        const int64_t token = row * tokens + position / axis.patch * axis.grid + cell_x;
        ForHits(hit, token, feature,
                [&](int64_t from, T factor) { sums.Add(factor, dy + from * width, first, width); });
      }
    };
    if (channel >= edge_channels) {
      const int64_t node = row / graphs.samples * axis.n + target.node;
      add(target.rank, target.rank < 0 ? T(0) : node_features[node * node_channels + channel - edge_channels]);
      continue;
    }
    for (int step = 0; __any_sync(kAllLanes, target.begin + step < target.end); ++step) {
      const int e = target.begin + step;
      const bool exists = e < target.end;
      add(exists ? graphs.ranks[row * axis.n + graphs.sources[e]] : -1,
          exists && edge_features ? edge_features[int64_t{e} * edge_channels + channel] : T(1));
    }
  }

#pragma unroll
  for (int p = 0; p < kParts; ++p)
    *reinterpret_cast<Vector<T, kWidth>*>(&shared[warp][p * 32 * kWidth + lane * kWidth]) = sums.parts[p];
  __syncthreads();
  for (int i = threadIdx.x; i < kSpan<kWidth>; i += kThreads) {
    const int o = blockIdx.y * kSpan<kWidth> + i;
    if (o >= width) return;
    T sum = shared[0][i];
    for (int w = 1; w < kWarps; ++w) sum += shared[w][i];
    dweight[int64_t{blockIdx.x} * width + o] = sum;
  }
}

// ---- PatchTokensStraightThrough ----

// A block computes the n x n gradient of row first_row + blockIdx.x, a warp one node at a time, a lane one rank;
// channel by channel it adds to what it has written. dpatches [tokens, columns] has the gradients of the row's patches.
// The channel's image, the sum over the positions of every pair of ranks, is in shared memory, [n, n | 1], where
// neither columns nor rows have bank conflicts, or summed where it is read if it is too large. Bytes: dpatches once;
// dsoft once per channel, from the L2 cache.
template <class T>
__global__ void __launch_bounds__(kThreads, 4)
    StraightThrough(PatchedGraphs graphs, bool keep, int64_t first_row, const T* edge_features, const T* node_features,
                    const T* all_dpatches, T* dsoft) {
  const PatchAxis axis = graphs.axis;
  const int n = axis.n, lane = threadIdx.x % 32, stride = n | 1;
  const int64_t row = first_row + blockIdx.x, graph = row / graphs.samples;
  const int pixels = static_cast<int>(graphs.pixels()), edge_channels = static_cast<int>(graphs.edge_channels);
  const int node_channels = static_cast<int>(graphs.node_channels), channels = edge_channels + node_channels;
  const T* dpatches = all_dpatches + blockIdx.x * graphs.tokens() * graphs.columns();
  const int32_t *ranks = graphs.ranks + row * n, *offsets = graphs.offsets + graph * n;
  const int32_t* reverse_offsets = graphs.reverse_offsets + graph * n;
  const int size = graphs.num_nodes ? graphs.num_nodes[graph] : n;
  T* image = DynamicShared<T>();

  for (int channel = 0; channel < channels; ++channel) {
    const auto sum_at = [&](int r, int q) {
      T sum = 0;
      for (int k = 0; k < axis.most_positions(); ++k)
        if (const int u = axis.Position(r, k); u >= 0)
          for (int l = 0; l < axis.most_positions(); ++l)
            if (const int v = axis.Position(q, l); v >= 0) {
              const int64_t token = u / axis.patch * axis.grid + v / axis.patch;
              sum +=
                  dpatches[token * graphs.columns() + channel * pixels + u % axis.patch * axis.patch + v % axis.patch];
            }
      return sum;
    };
    if (keep) {
      __syncthreads();  // the previous channel's image has been read
      for (int i = threadIdx.x; i < size * size; i += kThreads)
        image[i / size * stride + i % size] = sum_at(i / size, i % size);
      __syncthreads();
    }
    const auto at = [&](int r, int q) { return keep ? image[r * stride + q] : sum_at(r, q); };

    for (int node = threadIdx.x / 32; node < n; node += kWarps)
      for (int rank = lane; rank < n; rank += 32) {
        T* result = dsoft + (row * n + node) * n + rank;
        T sum = channel == 0 ? T(0) : *result;
        if (node < size && rank < size) {
          if (channel >= edge_channels) {
            const T feature = node_features[(graph * n + node) * node_channels + channel - edge_channels];
            if (feature != T(0)) sum += feature * (at(rank, ranks[node]) + at(ranks[node], rank));
          } else {
            const auto feature_of = [&](int e) {
              return edge_features ? edge_features[int64_t{e} * edge_channels + channel] : T(1);
            };
            for (int e = offsets[node]; e < offsets[node + 1]; ++e)
              if (const T feature = feature_of(e); feature != T(0)) sum += feature * at(ranks[graphs.sources[e]], rank);
            for (int e = reverse_offsets[node]; e < reverse_offsets[node + 1]; ++e)
              if (const T feature = feature_of(graphs.reverse_edges[e]); feature != T(0))
                sum += feature * at(rank, ranks[graphs.reverse_sources[e]]);
          }
        }
        *result = sum;
      }
  }
}

// y [columns, rows] = the transpose of x [rows, columns].
template <class T>
void TransposeMatrix(Gpu gpu, int64_t rows, int64_t columns, const T* x, T* y) {
  CopyStrided(gpu, Strided{2, {columns, rows}, {1, columns}, {rows, 1}}, x, y);
}

constexpr int64_t kPatchBytes = int64_t{64} << 20;  // of the patches' gradients at a time

}  // namespace

template <class Device, class T>
void PatchTokens(Device gpu, const PatchedGraphs& graphs, int64_t width, const T* edge_features, const T* node_features,
                 const T* weight, const T* bias, T* y) {
  const int64_t tokens = graphs.rows() * graphs.tokens();
  if (tokens == 0 || width == 0) return;
  const Scratch<T> transposed(gpu, graphs.columns() * width);
  TransposeMatrix(gpu, width, graphs.columns(), weight, transposed.data());
  ForVectors<T>(
      width,
      [&]<int kWidth>() {
        Launch("PatchTokens", gpu, dim3(DivideUp<int64_t>(tokens, kWarps), DivideUp<int64_t>(width, kSpan<kWidth>)),
               dim3(kThreads), 0, Forward<T, kWidth>, graphs, width, edge_features, node_features, transposed.data(),
               bias, y);
      },
      transposed.data(), bias, y);
}

template <class Device, class T>
void PatchTokensBackward(Device gpu, const PatchedGraphs& graphs, int64_t width, const T* edge_features,
                         const T* node_features, const T* dy, T* dweight) {
  if (graphs.columns() == 0 || width == 0) return;
  const Scratch<T> transposed(gpu, graphs.columns() * width);
  ForVectors<T>(
      width,
      [&]<int kWidth>() {
        Launch("PatchTokensBackward", gpu, dim3(graphs.columns(), DivideUp<int64_t>(width, kSpan<kWidth>)),
               dim3(kThreads), 0, Backward<T, kWidth>, graphs, width, edge_features, node_features, dy,
               transposed.data());
      },
      transposed.data(), dy);
  TransposeMatrix(gpu, graphs.columns(), width, transposed.data(), dweight);
}

template <class Device, class T>
void PatchTokensStraightThrough(Device gpu, const PatchedGraphs& graphs, int64_t width, const T* edge_features,
                                const T* node_features, const T* weight, const T* dy, T* dsoft) {
  const int64_t n = graphs.axis.n, of_a_row = graphs.tokens() * graphs.columns();
  if (graphs.rows() == 0 || n == 0) return;
  const int64_t at_once =
      std::clamp<int64_t>(kPatchBytes / (of_a_row * static_cast<int64_t>(sizeof(T))), 1, graphs.rows());
  const Scratch<T> dpatches(gpu, at_once * of_a_row);
  const size_t bytes = n * (n | 1) * sizeof(T);
  const bool keep = bytes <= MostDynamicSharedBytes(gpu);
  for (int64_t first = 0; first < graphs.rows(); first += at_once) {
    const int64_t count = std::min(at_once, graphs.rows() - first);
    MatMul(gpu, Transpose::kNo, Transpose::kNo, count * graphs.tokens(), graphs.columns(), width,
           dy + first * graphs.tokens() * width, weight, T(0), dpatches.data());
    Launch("PatchTokensStraightThrough", gpu, dim3(count), dim3(kThreads), keep ? bytes : 0, StraightThrough<T>, graphs,
           keep, first, edge_features, node_features, dpatches.data(), dsoft);
  }
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void PatchTokens(Gpu, const PatchedGraphs&, int64_t, const T*, const T*, const T*, const T*, T*);           \
  template void PatchTokensBackward(Gpu, const PatchedGraphs&, int64_t, const T*, const T*, const T*, T*);             \
  template void PatchTokensStraightThrough(Gpu, const PatchedGraphs&, int64_t, const T*, const T*, const T*, const T*, \
                                           T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
