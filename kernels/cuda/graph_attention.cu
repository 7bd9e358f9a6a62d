#include "kernels/cuda/edges.h"
#include "kernels/cuda/gpu.h"
#include "kernels/graph_attention.h"

namespace orbit::kernels {
namespace {

// A block owns `heads_per_block` heads of one feature map (a graph, a sample). A thread has a head of a node, whose
// channels it goes over kChunk at a time, in registers: neither sums over channels nor the softmax need other threads,
// and neighbouring threads, heads of one node, go over the same edges. The features that are gathered along the edges
// are in shared memory, [n, heads_per_block, channels], with the scores' two parts, [n, heads_per_block] each; what is
// written goes through shared memory too, so that warps read and write neighbours. Where that is too much (!keep) the
// features stay in the cache. Bytes: what the operation reads and writes, once; offsets and sources once a block.

constexpr int kThreads = 256, kChunk = 16;
constexpr int64_t kPreferredBytes = 112 << 10, kMaxBytes = 220 << 10;  // two blocks on a multiprocessor, one

struct Layout {
  GraphAttentionShape shape;
  int heads_per_block;
  bool keep;
};

// The part of a map that a block has.
template <class T>
struct Block {
  int n, heads, channels, first_head, own_heads, items;  // items: heads of nodes
  int64_t map, graph;
  bool keep;
  T slope;

  __device__ Block(const Layout& layout, T slope)
      : n(static_cast<int>(layout.shape.n)),
        heads(static_cast<int>(layout.shape.heads)),
        channels(static_cast<int>(layout.shape.channels)),
        first_head(blockIdx.y * layout.heads_per_block),
        own_heads(min(layout.heads_per_block, heads - first_head)),
        items(n * own_heads),
        map(blockIdx.x),
        graph(map / layout.shape.samples),
        keep(layout.keep),
        slope(slope) {}

  // Of a tensor [.., n, heads, width]: this block's part, whose rows are heads * width apart.
  template <class U>
  __device__ U* Part(U* tensor, int width) const {
    return tensor + (map * n * heads + first_head) * width;
  }

  // Between part and tile [n, own_heads * width]: a warp has a row at a time.
  __device__ void Load(const T* part, int width, T* tile) const {
    ForElements(width, [&](int64_t at, int in_tile) { tile[in_tile] = part[at]; });
  }
  __device__ void Store(const T* tile, int width, T* part) const {
    ForElements(width, [&](int64_t at, int in_tile) { part[at] = tile[in_tile]; });
  }

  // The score of an edge, and the leaky ReLU's derivative in it.
  __device__ T Score(T sum, T* derivative) const {
    *derivative = sum > T(0) ? T(1) : slope;
    return sum * *derivative;
  }

 private:
  template <class F>
  __device__ void ForElements(int width, const F& f) const {
    const int size = own_heads * width;
    for (int row = threadIdx.x / 32; row < n; row += kThreads / 32)
      for (int c = threadIdx.x % 32; c < size; c += 32) f(int64_t{row} * heads * width + c, row * size + c);
  }
};

// f(node) for `own` and then its neighbours in a list.
template <class F>
__device__ void ForNeighbours(int own, const int32_t* list, int begin, int end, F&& f) {
  f(own);
  for (int e = begin; e < end; ++e) f(list[e]);
}

template <class T>
__device__ T LargestScore(const Block<T>& block, int node, int head, const int32_t* sources, int begin, int end,
                          const T* from, T to) {
  T largest = -static_cast<T>(INFINITY), derivative;
  ForNeighbours(node, sources, begin, end, [&](int neighbour) {
    const T score = block.Score(from[neighbour * block.own_heads + head] + to, &derivative);
    largest = score > largest ? score : largest;
  });
  return largest;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    Forward(Layout layout, T slope, const int32_t* offsets, const int32_t* sources, const T* z, const T* from,
            const T* to, T* y) {
  const Block<T> block(layout, slope);
  const int own_heads = block.own_heads, channels = block.channels;
  const T* features = block.Part(z, channels);
  T* results = block.Part(y, channels);
  int row = block.heads * channels;  // of features and results
  T *own_from = DynamicShared<T>(), *own_to = own_from + block.items;
  block.Load(block.Part(from, 1), 1, own_from);
  block.Load(block.Part(to, 1), 1, own_to);
  if (block.keep) {
    row = own_heads * channels;
    T* tile = own_to + block.items;
    block.Load(features, channels, tile);
    features = tile;
    results = tile + block.n * row;
  }
  __syncthreads();

  offsets += block.graph * block.n;
  for (int item = threadIdx.x; item < block.items; item += kThreads) {
    const int node = item / own_heads, head = item - node * own_heads, begin = offsets[node], end = offsets[node + 1];
    const T largest = LargestScore(block, node, head, sources, begin, end, own_from, own_to[item]);
    for (int c0 = 0; c0 < channels; c0 += kChunk) {
      T sums[kChunk] = {}, total = 0, derivative;
      ForNeighbours(node, sources, begin, end, [&](int neighbour) {
        const T score = block.Score(own_from[neighbour * own_heads + head] + own_to[item], &derivative);
        const T weight = exp(score - largest);
        const T* of = features + int64_t{neighbour} * row + head * channels + c0;
        total += weight;
#pragma unroll
        for (int c = 0; c < kChunk; ++c)
          if (c0 + c < channels) sums[c] += weight * of[c];
      });
      T* result = results + int64_t{node} * row + head * channels + c0;
      const T inverse = T(1) / total;
#pragma unroll
      for (int c = 0; c < kChunk; ++c)
        if (c0 + c < channels) result[c] = sums[c] * inverse;
    }
  }
  if (!block.keep) return;
  __syncthreads();
  block.Store(results, channels, block.Part(y, channels));
}

// ---- Backward ----

// The same edges by their sources: targets[reverse_offsets[g n + i]], ... are where those out of node i of graph g go.
// A block has a graph, a warp a source at a time.
__global__ void __launch_bounds__(kThreads)
    Reverse(int64_t graphs, int n, const int32_t* offsets, const int32_t* sources, int32_t* reverse_offsets,
            int32_t* targets) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int64_t graph = blockIdx.x;
  int32_t* begins = DynamicShared<int32_t>();  // [n]: degrees, then where a source's edges begin
  offsets += graph * n;
  reverse_offsets += graph * n;
  for (int i = threadIdx.x; i < n; i += kThreads) begins[i] = 0;
  __syncthreads();
  for (int e = offsets[0] + threadIdx.x; e < offsets[n]; e += kThreads) atomicAdd(begins + sources[e], 1);
  __syncthreads();
  if (warp == 0) {
    int before = offsets[0];
    for (int first = 0; first < n; first += 32) {
      const int degree = first + lane < n ? begins[first + lane] : 0;
      int end = degree;
#pragma unroll
      for (int distance = 1; distance < 32; distance *= 2) {
        const int other = __shfl_up_sync(kAllLanes, end, distance);
        if (lane >= distance) end += other;
      }
      if (first + lane < n) begins[first + lane] = reverse_offsets[first + lane] = before + end - degree;
      before += __shfl_sync(kAllLanes, end, 31);
    }
    if (lane == 0 && graph + 1 == graphs) reverse_offsets[n] = before;
  }
  __syncthreads();
  for (int source = warp; source < n; source += kThreads / 32) {
    int at = begins[source];
    ForTargets(offsets, n, sources, source, [&](int target) {
      if (lane == 0) targets[at] = target;
      ++at;
    });
  }
}

// With w the weights into node i and g_e = dy_i z_e, dscore_e = w_e (g_e - m_i) derivative_e, where m_i is the mean of
// g under w. Nodes take turns as targets, for m and dto, and then as sources, which gather dz and dfrom along the
// reversed edges and compute weights and g again. A node's dz takes the place of its z in shared memory.
template <class T>
__global__ void __launch_bounds__(kThreads)
    Backward(Layout layout, T slope, const int32_t* offsets, const int32_t* sources, const int32_t* reverse_offsets,
             const int32_t* targets, const T* z, const T* from, const T* to, const T* dy, T* dz, T* dfrom, T* dto) {
  const Block<T> block(layout, slope);
  const int own_heads = block.own_heads, channels = block.channels;
  const T *features = block.Part(z, channels), *gradients = block.Part(dy, channels);
  T* results = block.Part(dz, channels);
  int row = block.heads * channels;  // of features, gradients and results
  T *own_from = DynamicShared<T>(), *own_to = own_from + block.items;
  T *largest = own_to + block.items, *inverse = largest + block.items, *mean = inverse + block.items;
  block.Load(block.Part(from, 1), 1, own_from);
  block.Load(block.Part(to, 1), 1, own_to);
  if (block.keep) {
    row = own_heads * channels;
    T *tile = mean + block.items, *gradient_tile = tile + block.n * row;
    block.Load(features, channels, tile);
    block.Load(gradients, channels, gradient_tile);
    features = results = tile;
    gradients = gradient_tile;
  }
  __syncthreads();

  offsets += block.graph * block.n;
  reverse_offsets += block.graph * block.n;
  for (int item = threadIdx.x; item < block.items; item += kThreads) {
    const int node = item / own_heads, head = item - node * own_heads, begin = offsets[node], end = offsets[node + 1];
    const T most = LargestScore(block, node, head, sources, begin, end, own_from, own_to[item]);
    T total = 0, derivatives = 0, products = 0, derivative_products = 0, derivative;  // sums under the weights
    for (int c0 = 0; c0 < channels; c0 += kChunk) {
      T own[kChunk];
#pragma unroll
      for (int c = 0; c < kChunk; ++c)
        own[c] = c0 + c < channels ? gradients[int64_t{node} * row + head * channels + c0 + c] : T(0);
      ForNeighbours(node, sources, begin, end, [&](int neighbour) {
        const T score = block.Score(own_from[neighbour * own_heads + head] + own_to[item], &derivative);
        const T weight = exp(score - most);
        const T* of = features + int64_t{neighbour} * row + head * channels + c0;
        T product = 0;
#pragma unroll
        for (int c = 0; c < kChunk; ++c)
          if (c0 + c < channels) product += own[c] * of[c];
        products += weight * product;
        derivative_products += weight * product * derivative;
        if (c0 > 0) return;
        total += weight;
        derivatives += weight * derivative;
      });
    }
    largest[item] = most;
    inverse[item] = T(1) / total;
    mean[item] = products / total;
    block.Part(dto, 1)[int64_t{node} * block.heads + head] =
        (derivative_products - products / total * derivatives) / total;
  }
  __syncthreads();

  for (int item = threadIdx.x; item < block.items; item += kThreads) {
    const int node = item / own_heads, head = item - node * own_heads;
    const int begin = reverse_offsets[node], end = reverse_offsets[node + 1];
    T sum = 0, derivative;  // of dscore
    for (int c0 = 0; c0 < channels; c0 += kChunk) {
      T own[kChunk], sums[kChunk] = {};
#pragma unroll
      for (int c = 0; c < kChunk; ++c)
        own[c] = c0 + c < channels ? features[int64_t{node} * row + head * channels + c0 + c] : T(0);
      ForNeighbours(node, targets, begin, end, [&](int target) {
        const int other = target * own_heads + head;
        const T score = block.Score(own_from[item] + own_to[other], &derivative);
        const T weight = exp(score - largest[other]) * inverse[other];
        const T* of = gradients + int64_t{target} * row + head * channels + c0;
        T product = c0 == 0 ? -mean[other] : T(0);
#pragma unroll
        for (int c = 0; c < kChunk; ++c)
          if (c0 + c < channels) {
            const T gradient = of[c];
            product += own[c] * gradient;
            sums[c] += weight * gradient;
          }
        sum += weight * product * derivative;
      });
      T* result = results + int64_t{node} * row + head * channels + c0;
#pragma unroll
      for (int c = 0; c < kChunk; ++c)
        if (c0 + c < channels) result[c] = sums[c];
    }
    block.Part(dfrom, 1)[int64_t{node} * block.heads + head] = sum;
  }
  if (!block.keep) return;
  __syncthreads();
  block.Store(results, channels, block.Part(dz, channels));
}

// Calls f(layout, blocks, bytes of shared memory) for blocks that keep `scores` elements a head of a node besides two
// of every channel.
template <class T, class F>
void ForLayout(const GraphAttentionShape& shape, int scores, F&& f) {
  const auto bytes = [&](int64_t heads, bool keep) {
    return shape.n * heads * (scores + (keep ? 2 * shape.channels : 0)) * static_cast<int64_t>(sizeof(T));
  };
  int64_t heads = shape.heads;
  while (heads > 1 && bytes(heads, true) > kPreferredBytes) heads = DivideUp<int64_t>(heads, 2);
  const bool keep = bytes(heads, true) <= kMaxBytes;
  f(Layout{shape, static_cast<int>(heads), keep}, dim3(shape.graphs * shape.samples, DivideUp(shape.heads, heads)),
    bytes(heads, keep));
}

}  // namespace

template <class Device, class T>
void GraphAttention(Device gpu, const GraphAttentionShape& shape, T slope, const int32_t* offsets,
                    const int32_t* sources, const T* z, const T* from, const T* to, T* y) {
  if (shape.nodes() * shape.heads * shape.channels == 0) return;
  ForLayout<T>(shape, 2, [&](const Layout& layout, dim3 blocks, size_t bytes) {
    Launch("GraphAttention", gpu, blocks, dim3(kThreads), bytes, Forward<T>, layout, slope, offsets, sources, z, from,
           to, y);
  });
}

template <class Device, class T>
void GraphAttentionBackward(Device gpu, const GraphAttentionShape& shape, T slope, const int32_t* offsets,
                            const int32_t* sources, const T* z, const T* from, const T* to, const T* dy, T* dz,
                            T* dfrom, T* dto) {
  if (shape.nodes() * shape.heads * shape.channels == 0) return;
  const Scratch<int32_t> reverse_offsets(gpu, shape.graphs * shape.n + 1), targets(gpu, shape.edges);
  Launch("GraphAttentionBackward", gpu, dim3(shape.graphs), dim3(kThreads), shape.n * sizeof(int32_t), Reverse,
         shape.graphs, shape.n, offsets, sources, reverse_offsets.data(), targets.data());
  ForLayout<T>(shape, 5, [&](const Layout& layout, dim3 blocks, size_t bytes) {
    Launch("GraphAttentionBackward", gpu, blocks, dim3(kThreads), bytes, Backward<T>, layout, slope, offsets, sources,
           reverse_offsets.data(), targets.data(), z, from, to, dy, dz, dfrom, dto);
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void GraphAttention(Gpu, const GraphAttentionShape&, T, const int32_t*, const int32_t*, const T*, const T*, \
                               const T*, T*);                                                                          \
  template void GraphAttentionBackward(Gpu, const GraphAttentionShape&, T, const int32_t*, const int32_t*, const T*,   \
                                       const T*, const T*, const T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
